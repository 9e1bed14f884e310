#pragma once

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>

#include "core/http.h"
#include "protocols/upnp/paths.h"
#include "protocols/upnp/soap.h"
#include "protocols/upnp/text.h"

/// A gateway and requests to it.
namespace postern::upnp::test {

[[nodiscard]] inline Identity sample_identity() {
  Identity identity;
  identity.udns = derive_udns({0x6b, 0x1f, 0x0c, 0x52, 0x9d, 0x3e, 0x47, 0xa8, 0xb1, 0x20, 0x4e,
                               0x7f, 0x5a, 0x90, 0xc3, 0x08});
  identity.token = "0123456789abcdef";
  identity.friendly_name = "Postern on gateway";
  identity.presentation_url = "http://192.168.77.1:5352/";
  identity.model_number = "1.0";
  identity.boot_id = 7;
  return identity;
}

[[nodiscard]] inline std::string control_url(View view, ServiceId service) {
  return path_of(sample_identity(), {ResourceKind::control, view, service});
}

inline constexpr std::string_view kIp1 = "urn:schemas-upnp-org:service:WANIPConnection:1";
inline constexpr std::string_view kIp2 = "urn:schemas-upnp-org:service:WANIPConnection:2";
inline constexpr std::string_view kFirewall =
    "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1";

/// An envelope as most clients write it.
[[nodiscard]] inline std::string envelope(std::string_view type, std::string_view action,
                                          std::string_view arguments) {
  std::string xml =
      "<?xml version=\"1.0\"?>\r\n<s:Envelope "
      "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
      "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:";
  xml.append(action).append(" xmlns:u=\"").append(type).append("\">").append(arguments);
  return xml.append("</u:").append(action).append("></s:Body></s:Envelope>\r\n");
}

/// A call as most clients make it.
struct Call {
  View view = View::igd2;
  ServiceId service = ServiceId::wan_ip_connection;
  std::string_view type = kIp2;
};
[[nodiscard]] inline Control parse(const Call& call, std::string_view action,
                                   std::string_view arguments) {
  const auto url = control_url(call.view, call.service);
  const auto header = '"' + std::string(call.type) + '#' + std::string(action) + '"';
  const auto body = envelope(call.type, action, arguments);
  return parse_control(sample_identity(), {url, header, body});
}

/// All of AddPortMapping.
inline constexpr std::string_view kAddArguments =
    "<NewRemoteHost></NewRemoteHost><NewExternalPort>7000</NewExternalPort>"
    "<NewProtocol>TCP</NewProtocol><NewInternalPort>6000</NewInternalPort>"
    "<NewInternalClient>192.168.77.2</NewInternalClient><NewEnabled>1</NewEnabled>"
    "<NewPortMappingDescription>a game</NewPortMappingDescription>"
    "<NewLeaseDuration>600</NewLeaseDuration>";

/// `text` with the one occurrence of `from` replaced.
[[nodiscard]] inline std::string with(std::string_view text, std::string_view from,
                                      std::string_view to) {
  std::string changed(text);
  const auto at = changed.find(from);
  if (at == std::string::npos || changed.find(from, at + 1) != std::string::npos) return "<wrong/>";
  return changed.replace(at, from.size(), to);
}

/// One HTTP request as it was on the wire.
struct WireRequest {
  std::string target;
  std::optional<std::string> soap_action;
  std::string body;
};

/// Splits what is surely one; header names in any case.
[[nodiscard]] inline WireRequest split_request(std::string_view octets) {
  WireRequest request;
  const auto end = std::min(octets.find("\r\n\r\n"), octets.size());
  auto head = octets.substr(0, end);
  if (end < octets.size()) request.body = octets.substr(end + 4);
  bool is_first = true;
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    if (is_first) {
      const auto from = std::min(line.find(' '), line.size() - 1) + 1;
      request.target = line.substr(from, line.find(' ', from) - from);
      is_first = false;
      continue;
    }
    std::string name(line.substr(0, line.find(':')));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name == "soapaction")
      request.soap_action = line.substr(std::min(name.size() + 1, line.size()));
  }
  return request;
}

/// The same with all headers; who asks whom is not in it.
[[nodiscard]] inline HttpRequest http_request(std::string_view octets) {
  HttpRequest request;
  const auto end = std::min(octets.find("\r\n\r\n"), octets.size());
  auto head = octets.substr(0, end);
  if (end < octets.size()) request.body = octets.substr(end + 4);
  const auto take_line = [&] {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    return line;
  };
  const auto first = take_line();
  const auto blank = std::min(first.find(' '), first.size());
  request.method = first.substr(0, blank);
  const auto rest = first.substr(std::min(blank + 1, first.size()));
  request.target = rest.substr(0, rest.find(' '));
  request.is_http_1_0 = first.ends_with("HTTP/1.0");
  while (!head.empty()) {
    const auto line = take_line();
    const auto colon = std::min(line.find(':'), line.size());
    const auto value = trimmed(line.substr(std::min(colon + 1, line.size())));
    request.headers.push_back({std::string(line.substr(0, colon)), std::string(value)});
  }
  return request;
}

/// Where a capture of another gateway's client leads here.
[[nodiscard]] inline std::string target_here(std::string_view captured) {
  if (captured == "/ctl/IPConn") return control_url(View::igd2, ServiceId::wan_ip_connection);
  if (captured == "/ctl/CmnIfCfg") {
    return control_url(View::igd2, ServiceId::wan_common_interface_config);
  }
  if (captured == "/ctl/IP6FCtl") {
    return control_url(View::igd2, ServiceId::wan_ipv6_firewall_control);
  }
  return std::string(captured);
}

}  // namespace postern::upnp::test
