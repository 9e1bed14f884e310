#include "core/http.h"

#include <algorithm>
#include <array>

#include "core/authority.h"
#include "core/text.h"

namespace postern {
namespace {

constexpr std::string_view kScheme = "http://";

[[nodiscard]] bool is_absolute(std::string_view target) {
  return equals_ignoring_case(target.substr(0, kScheme.size()), kScheme);
}

/// "host:port" of "http://host:port/path".
[[nodiscard]] std::string_view authority_of(std::string_view target) {
  target.remove_prefix(kScheme.size());
  return target.substr(0, target.find_first_of("/?#"));
}

[[nodiscard]] bool names(std::string_view host, const Endpoint& server) {
  const auto named = parse_authority(host);
  return named && named->address == server.address &&
         named->port.value_or(server.port) == server.port;
}

/// What a form of a web page can have as body without asking us first.
[[nodiscard]] bool is_form_type(std::string_view content_type) {
  constexpr std::array<std::string_view, 3> kTypes = {"application/x-www-form-urlencoded",
                                                      "multipart/form-data", "text/plain"};
  const auto type = content_type.substr(0, content_type.find_first_of("; \t"));
  return std::ranges::any_of(kTypes, [&](auto form) { return equals_ignoring_case(type, form); });
}

}  // namespace

std::optional<std::string_view> HttpRequest::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      headers, [&](const auto& header) { return equals_ignoring_case(header.name, name); });
  if (found == headers.end()) return std::nullopt;
  return found->value;
}

std::string path_of(const HttpRequest& request) {
  std::string_view target = request.target;
  if (is_absolute(target)) target.remove_prefix(kScheme.size() + authority_of(target).size());
  target = target.substr(0, target.find_first_of("?#"));
  if (target.empty()) return "/";
  std::string path;
  for (const char letter : target) {
    if (letter != '/' || !path.ends_with('/')) path += to_lower(letter);
  }
  return path;
}

bool is_host_ours(const HttpRequest& request) {
  if (is_absolute(request.target) && !names(authority_of(request.target), request.server)) {
    return false;
  }
  const auto host = request.find("Host");
  return !host || names(*host, request.server);
}

bool is_from_browser(const HttpRequest& request) {
  if (request.find("Origin") || request.find("Sec-Fetch-Site")) return true;
  const auto type = request.find("Content-Type");
  return type && !request.body.empty() && is_form_type(*type);
}

}  // namespace postern
