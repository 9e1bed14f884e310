#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoint.h"

namespace postern {

struct HttpHeader {
  std::string name;
  std::string value;

  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

/// A request as a client sent it.
struct HttpRequest {
  /// Names the request to whoever sends the reply.
  std::uint64_t token = 0;
  /// Case matters: "GET".
  std::string method;
  /// As sent: "/a?b" or "http://192.168.1.1:5351/a".
  std::string target;
  bool is_http_1_0 = false;
  /// In the client's order, without the white space around values.
  std::vector<HttpHeader> headers;
  /// Without chunks.
  std::string body;
  /// Of the interface that it came in on; 0 where the server does not care.
  std::uint32_t interface_index = 0;
  Endpoint client;
  /// The local address that was connected to.
  Endpoint server;
  /// The user that the client ran as when it connected, where the kernel tells: over a Unix socket,
  /// which has no addresses.
  std::optional<std::uint32_t> user = {};

  /// The first header of this name, whatever the case of its letters.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

struct HttpReply {
  /// Of the request that it answers.
  std::uint64_t token = 0;
  int status = 200;
  /// Without Connection, Content-Length, Date and Server, which the server adds.
  std::vector<HttpHeader> headers;
  /// The server leaves it out for HEAD.
  std::string body;
};

/// A request of our own to a host of the LAN.
struct HttpCallout {
  /// Chosen by who asks for it, to tell outcomes apart.
  std::uint64_t id = 0;
  /// The LAN interface that it must leave through: addresses of the link are on each of them.
  std::uint32_t interface_index = 0;
  /// The local address to connect from; port 0 for any.
  Endpoint from;
  Endpoint to;
  std::string request_octets;
};

/// The path for comparisons: in lower case, without scheme and host, query and fragment, and with
/// one slash where several follow each other.
[[nodiscard]] std::string path_of(const HttpRequest& request);

/// Whether the request names the address that it was sent to, or none: a web page that makes a
/// browser resolve its own name to our address (DNS rebinding) names something else. Accepted are
/// "ip", "ip:port", "[v6]", "[v6]:port", with or without a zone ("[fe80::1%eth0]"), in Host and in
/// a target of the form "http://host/path".
[[nodiscard]] bool is_host_ours(const HttpRequest& request);

/// Whether a web page in a browser may have made it: it has a header that browsers add to requests
/// across origins, or a body such as forms send without asking. (Sec-Fetch-Mode alone comes from
/// programs on Node.js.)
[[nodiscard]] bool is_from_browser(const HttpRequest& request);

}  // namespace postern
