#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "core/http.h"

namespace postern {

// Content types.
inline constexpr std::string_view kJsonType = "application/json";
/// Prometheus' text format.
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// What a response says beside the reply itself.
struct HttpResponseContext {
  /// The Server header; "" for none.
  std::string_view server = "";
  std::time_t date = 0;
  bool is_head = false;
  /// The connection ends after this response.
  bool closes = false;
  /// The client speaks HTTP/1.0 and must be told that the connection stays (RFC 9112 9.3).
  bool is_http_1_0 = false;
};

/// "412 Precondition Failed"
[[nodiscard]] std::string status_text(int status);

/// The whole response, so that it can leave in one write: some clients read only once.
[[nodiscard]] std::string octets_of(const HttpReply& reply, const HttpResponseContext& context);

}  // namespace postern
