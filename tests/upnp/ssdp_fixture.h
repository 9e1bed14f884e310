#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "backends/memory/memory_backend.h"
#include "core/gateway.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/port_demux.h"
#include "protocols/upnp/ssdp_frontend.h"
#include "protocols/upnp/ssdp_presence.h"
#include "protocols/version_demux.h"
#include "tests/support/home.h"
#include "tests/support/octets.h"
#include "tests/support/recording_flow_table.h"

namespace postern::upnp::test {

using namespace postern::test;

inline const std::string kServer = "Linux/6.1 UPnP/1.1 Postern/1.0.0";
inline constexpr std::uint16_t kHttpPort = 5351;
inline const std::string kIgd = "urn:schemas-upnp-org:device:InternetGatewayDevice:";
inline const std::string kWanIp = "urn:schemas-upnp-org:service:WANIPConnection:";

[[nodiscard]] inline Identity test_identity(bool offers_ppp_alias = false) {
  Identity identity;
  for (std::size_t i = 0; i < identity.udns.size(); ++i) {
    identity.udns[i] = "uuid:3d1f1f6a-0000-4000-8000-00000000000" + std::string(1, "abcdef"[i]);
  }
  identity.token = "0123456789abcdef";
  identity.boot_id = 1700000000;
  identity.offers_ppp_alias = offers_ppp_alias;
  return identity;
}

[[nodiscard]] inline Address address(std::string_view text) {
  return Address::parse(text).value();
}

[[nodiscard]] inline Octets octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

[[nodiscard]] inline Octets search_for(std::string_view target, std::string_view mx = "2") {
  std::string text = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n";
  text += "MAN: \"ssdp:discover\"\r\n";
  if (!mx.empty()) text += "MX: " + std::string(mx) + "\r\n";
  return octets_of(text + "ST: " + std::string(target) + "\r\n\r\n");
}

/// A message as a strict reader sees it: CRLF after each line, an empty line at the end, no header
/// twice, no body. Anything else throws.
struct Message {
  std::string start_line;
  std::map<std::string, std::string> headers;

  explicit Message(const Octets& octets) {
    std::string rest(octets.begin(), octets.end());
    start_line = take_line(rest);
    for (auto line = take_line(rest); !line.empty(); line = take_line(rest)) {
      const auto colon = line.find(':');
      if (colon == std::string::npos) throw std::invalid_argument("no header: " + line);
      const auto begin = line.find_first_not_of(' ', colon + 1);
      const auto value = begin == std::string::npos ? std::string() : line.substr(begin);
      if (!headers.emplace(line.substr(0, colon), value).second) {
        throw std::invalid_argument("twice: " + line);
      }
    }
    if (!rest.empty()) throw std::invalid_argument("a body: " + rest);
  }
  [[nodiscard]] const std::string& at(const std::string& name) const { return headers.at(name); }
  [[nodiscard]] bool has(const std::string& name) const { return headers.count(name) != 0; }

 private:
  static std::string take_line(std::string& rest) {
    const auto end = rest.find("\r\n");
    if (end == std::string::npos) throw std::invalid_argument("a line does not end: " + rest);
    auto line = rest.substr(0, end);
    if (line.find_first_of("\r\n") != std::string::npos) throw std::invalid_argument(line);
    rest.erase(0, end + 2);
    return line;
  }
};

[[nodiscard]] inline std::vector<Message> messages(const std::vector<OutgoingDatagram>& sent) {
  std::vector<Message> all;
  for (const auto& datagram : sent) all.emplace_back(datagram.payload);
  return all;
}

inline const Address kLinkLocal = address("fe80::1");
inline const Address kGlobal = address("2001:db8:1::1");
inline const Address kUniqueLocal = address("fd00::1");

/// The home network with IPv6 on the LAN.
[[nodiscard]] inline Network dual_stack_network() {
  auto network = home_network();
  for (const auto& own : {kLinkLocal, kUniqueLocal, kGlobal}) {
    network.lan[0].addresses.push_back({own, 64});
  }
  return network;
}

/// A datagram with the moment it left.
struct Sent {
  Moment when;
  OutgoingDatagram datagram;
};

/// A gateway that is found by SSDP and serves NAT-PMP, and the clock that drives it.
class SsdpHouse {
 public:
  explicit SsdpHouse(Leniency leniency = Leniency::strict, std::uint64_t seed = 1)
      : ssdp(identity, {kHttpPort, kServer, seed, leniency}),
        gateway(options(), backend, flows, ports_, now) {}

  /// Starts, and lets the first announcements pass.
  void start(const Network& network = home_network()) {
    begin(network);
    (void)pass(Seconds(10));
  }
  void begin(const Network& network) {
    const auto turn = gateway.start(network, now);
    if (!turn) throw std::runtime_error("start: " + turn.error().reason);
    note(*turn);
  }
  void change_network(const Network& network) { note(gateway.on_network(network, now)); }

  /// Lets time pass, runs every deadline at its moment, and returns what left until then.
  std::vector<Sent> pass(Milliseconds time) {
    const Moment end = now + time;
    while (const auto next = gateway.next_timeout()) {
      if (*next > end) break;
      now = std::max(now, *next);
      note(gateway.on_timeout(now));
    }
    now = end;
    return std::exchange(sent_, {});
  }

  /// A search by `source` to `destination`. Its answers leave later.
  Turn search(const Octets& payload, const Endpoint& destination = ssdp_groups()[0],
              const Endpoint& source = {kHostA, 40000}, std::uint32_t interface_index = kLanIndex) {
    return gateway.on_datagrams({{{interface_index, source, destination, payload}}}, now);
  }
  /// All answers that a search gets within a second.
  std::vector<OutgoingDatagram> ask(const Octets& payload,
                                    const Endpoint& destination = ssdp_groups()[0],
                                    const Endpoint& source = {kHostA, 40000}) {
    (void)search(payload, destination, source);
    std::vector<OutgoingDatagram> answers;
    for (auto& sent : pass(Seconds(1))) answers.push_back(std::move(sent.datagram));
    return answers;
  }
  [[nodiscard]] std::uint64_t count(std::string_view outcome) const {
    const auto& requests = gateway.counters().requests;
    const auto found = requests.find({kSsdpName, "search", outcome});
    return found == requests.end() ? 0 : found->second;
  }

  Identity identity = test_identity();
  Moment now = kStart;
  MemoryBackend backend;
  RecordingFlowTable flows;
  SsdpFrontend ssdp;

 private:
  static GatewayOptions options() {
    GatewayOptions options;
    options.multicast_groups.assign(ssdp_groups().begin(), ssdp_groups().end());
    return options;
  }
  void note(Turn turn) {
    for (auto& datagram : turn.send) {
      if (datagram.source.port == kSsdpPort) sent_.push_back({now, std::move(datagram)});
    }
  }

  natpmp::Frontend natpmp_;
  VersionDemux versions_{&natpmp_, nullptr};
  PortDemux ports_{{{natpmp::kServerPort, &versions_}, {kSsdpPort, &ssdp}}};
  std::vector<Sent> sent_;

 public:
  Gateway gateway;
};

}  // namespace postern::upnp::test
