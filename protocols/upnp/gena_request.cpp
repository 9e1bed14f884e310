#include "protocols/upnp/gena_request.h"

#include <algorithm>
#include <charconv>

#include "core/authority.h"
#include "core/text.h"
#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using std::string_view;

constexpr string_view kScheme = "http://";
constexpr std::uint16_t kHttpPort = 80;

[[nodiscard]] bool has_event_type(const HttpRequest& request) {
  const auto type = request.find("NT");
  return type && equals_ignoring_case(trimmed(*type), "upnp:event");
}

/// Nothing else can end a line of our request, or a word of it.
[[nodiscard]] bool is_path_letter(char letter) {
  return letter > ' ' && letter <= '~';
}

[[nodiscard]] std::optional<CallbackUrl> parse_url(string_view url, const Address& subscriber) {
  if (!equals_ignoring_case(url.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const auto authority = url.substr(0, url.find_first_of("/?#"));
  url.remove_prefix(authority.size());
  url = url.substr(0, url.find('#'));
  const auto to = parse_authority(authority);
  if (!to || to->address != subscriber) return std::nullopt;
  if (url.size() > kLongestCallbackPath || !std::ranges::all_of(url, is_path_letter)) {
    return std::nullopt;
  }
  std::string path(url);
  if (!path.starts_with('/')) path.insert(path.begin(), '/');
  return CallbackUrl{{to->address, to->port.value_or(kHttpPort)}, std::move(path)};
}

}  // namespace

std::optional<std::vector<CallbackUrl>> parse_callbacks(string_view value,
                                                        const Address& subscriber) {
  std::vector<CallbackUrl> urls;
  for (value = trimmed(value); !value.empty(); value = trimmed(value)) {
    const auto end = value.find('>');
    if (value.front() != '<' || end == string_view::npos || urls.size() == kMostCallbacks) {
      return std::nullopt;
    }
    auto url = parse_url(trimmed(value.substr(1, end - 1)), subscriber);
    if (!url) return std::nullopt;
    urls.push_back(std::move(*url));
    value.remove_prefix(end + 1);
  }
  if (urls.empty()) return std::nullopt;
  return urls;
}

Seconds granted_timeout(std::optional<string_view> value) {
  constexpr string_view kUnit = "second-";
  const auto text = trimmed(value.value_or(""));
  if (!equals_ignoring_case(text.substr(0, kUnit.size()), kUnit)) return kShortestSubscription;
  const auto digits = text.substr(kUnit.size());
  if (digits.empty() || digits.find_first_not_of("0123456789") != string_view::npos) {
    return kShortestSubscription;
  }
  std::uint32_t seconds = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  // All digits, so the only error is that there are too many.
  if (parsed.ec != std::errc()) return kLongestSubscription;
  return std::clamp(Seconds(seconds), kShortestSubscription, kLongestSubscription);
}

Result<Subscribe, GenaError> parse_subscribe(const HttpRequest& request) {
  const auto callback = request.find("CALLBACK");
  const auto granted = granted_timeout(request.find("TIMEOUT"));
  if (const auto sid = request.find("SID")) {
    if (callback || request.find("NT")) return fail(GenaError{400});
    return Renewal{std::string(trimmed(*sid)), granted};
  }
  if (!callback || !has_event_type(request)) return fail(GenaError{412});
  auto callbacks = parse_callbacks(*callback, request.client.address);
  if (!callbacks) return fail(GenaError{412});
  return NewSubscription{std::move(*callbacks), granted};
}

Result<std::string, GenaError> parse_unsubscribe(const HttpRequest& request) {
  if (request.find("CALLBACK") || request.find("NT")) return fail(GenaError{400});
  const auto sid = request.find("SID");
  if (!sid) return fail(GenaError{412});
  return std::string(trimmed(*sid));
}

}  // namespace postern::upnp
