#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/endpoint.h"
#include "core/http.h"
#include "core/result.h"
#include "core/time.h"

/// What subscribers ask for (UPnP Device Architecture, eventing), read from headers.
namespace postern::upnp {

/// Of a subscription (GENA-04). Nothing, or for ever, is asked for: the shortest.
inline constexpr Seconds kShortestSubscription{1800};
inline constexpr Seconds kLongestSubscription{86400};
/// More URLs in one CALLBACK, or a longer path: 412.
inline constexpr std::size_t kMostCallbacks = 3;
inline constexpr std::size_t kLongestCallbackPath = 1024;

/// Where a subscriber wants to be told.
struct CallbackUrl {
  Endpoint to;
  /// With the query; printable ASCII without blanks, begins with "/".
  std::string path;

  friend bool operator==(const CallbackUrl&, const CallbackUrl&) = default;
};

struct NewSubscription {
  /// In the order of the subscriber's preference; at least one.
  std::vector<CallbackUrl> callbacks;
  Seconds granted{};
};

struct Renewal {
  std::string sid;
  Seconds granted{};
};

/// Why a request is refused: the HTTP status.
struct GenaError {
  int status = 412;

  friend bool operator==(const GenaError&, const GenaError&) = default;
};

using Subscribe = std::variant<NewSubscription, Renewal>;

/// Reads a SUBSCRIBE. The first of these that fits is the result:
///   1. 400: SID beside NT or CALLBACK;
///   2. a renewal: SID;
///   3. 412: NT is missing or not "upnp:event";
///   4. 412: CALLBACK is missing, or parse_callbacks() refuses it;
///   5. a new subscription.
[[nodiscard]] Result<Subscribe, GenaError> parse_subscribe(const HttpRequest& request);

/// Reads an UNSUBSCRIBE: the SID. 400: NT or CALLBACK beside it; 412: no SID.
[[nodiscard]] Result<std::string, GenaError> parse_unsubscribe(const HttpRequest& request);

/// Reads "<http://192.0.2.1:80/a><http://192.0.2.1/b>". Each must lead to the subscriber's own
/// address, written as such (GENA-13: whoever could name another host could make us attack it,
/// CVE-2020-12695). A zone ("[fe80::1%eth0]") is the subscriber's own business. Nothing when any of
/// them is refused, and when there are too many or none.
[[nodiscard]] std::optional<std::vector<CallbackUrl>> parse_callbacks(std::string_view value,
                                                                      const Address& subscriber);

/// What is granted for a TIMEOUT header: "Second-300", "Second-infinite", anything or nothing.
[[nodiscard]] Seconds granted_timeout(std::optional<std::string_view> value);

}  // namespace postern::upnp
