#include "protocols/upnp/http_gate.h"

#include <algorithm>
#include <array>
#include <string>

#include "protocols/upnp/paths.h"

namespace postern::upnp {
namespace {

using std::string_view;
/// Of a resource: one that everybody knows, and one for few.
using Methods = std::array<string_view, 2>;

constexpr Methods kDocumentMethods{"GET", "HEAD"};
constexpr Methods kControlMethods{"POST", "M-POST"};
constexpr Methods kEventMethods{"SUBSCRIBE", "UNSUBSCRIBE"};

[[nodiscard]] const Methods& methods_of(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::description:
    case ResourceKind::scpd:
      return kDocumentMethods;
    case ResourceKind::control:
      return kControlMethods;
    case ResourceKind::event:
      return kEventMethods;
  }
  return kDocumentMethods;
}

[[nodiscard]] bool has(const Methods& methods, string_view method) {
  return std::ranges::find(methods, method) != methods.end();
}

[[nodiscard]] HttpReply refuse(int status) {
  HttpReply reply;
  reply.status = status;
  return reply;
}

}  // namespace

std::optional<HttpReply> refusal_of(const HttpRequest& request, const Identity& identity) {
  if (!request.is_http_1_0 && !request.find("Host")) return refuse(400);
  if (!is_host_ours(request) || is_from_browser(request)) return refuse(403);
  const auto is_method_of = [&](const Methods& methods) { return has(methods, request.method); };
  if (!is_method_of(kDocumentMethods) && !is_method_of(kControlMethods) &&
      !is_method_of(kEventMethods)) {
    return refuse(501);
  }
  const auto resource = find_resource(identity, request.target);
  if (!resource) return refuse(404);
  const auto& methods = methods_of(resource->kind);
  if (is_method_of(methods)) return std::nullopt;
  auto reply = refuse(405);
  reply.headers = {{"Allow", std::string(methods[0]) + ", " + std::string(methods[1])}};
  return reply;
}

}  // namespace postern::upnp
