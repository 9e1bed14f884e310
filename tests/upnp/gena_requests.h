#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/http.h"
#include "protocols/upnp/paths.h"
#include "tests/support/home.h"
#include "tests/upnp/requests.h"

/// Requests to event URLs.
namespace postern::upnp::test {

using Headers = std::vector<HttpHeader>;

[[nodiscard]] inline Resource events_of(ServiceId service = ServiceId::wan_ip_connection,
                                        View view = View::igd2) {
  return {ResourceKind::event, view, service};
}

/// A request of a host of the home network to the gateway's address of its family.
[[nodiscard]] inline HttpRequest request_of(const Address& client, std::string_view method,
                                            std::string target, Headers headers) {
  HttpRequest request;
  request.token = 7;
  request.method = method;
  request.target = std::move(target);
  request.interface_index = postern::test::kLanIndex;
  request.client = {client, 50000};
  request.server = {postern::test::gateway_of(client), 5351};
  request.headers = std::move(headers);
  request.headers.push_back({"Host", to_string(request.server)});
  return request;
}

[[nodiscard]] inline HttpRequest gena_request(const Address& client, std::string_view method,
                                              Headers headers,
                                              const Resource& resource = events_of()) {
  return request_of(client, method, path_of(sample_identity(), resource), std::move(headers));
}

/// "<http://192.168.1.10:8000/path>" at the client's own address.
[[nodiscard]] inline std::string callback_at(const Address& client, std::uint16_t port = 8000,
                                             std::string_view path = "/events") {
  return "<http://" + to_string(Endpoint{client, port}) + std::string(path) + ">";
}

/// The value of the header, or of the line of a message; "" when there is none.
[[nodiscard]] inline std::string header_of(const HttpReply& reply, std::string_view name) {
  const auto found = std::ranges::find(reply.headers, name, &HttpHeader::name);
  return found == reply.headers.end() ? "" : found->value;
}

}  // namespace postern::upnp::test
