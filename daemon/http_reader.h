#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/http.h"

namespace postern {

/// The most octets of each part of a request.
struct HttpSizes {
  std::size_t request_line = 2048;
  std::size_t headers = 8192;
  std::size_t body = 16384;
};

/// Makes requests of what a connection sent; it has no socket and knows no time. Beast parses; what
/// Beast is too strict (line ends) or too lenient for (framing, lengths) is decided here.
class HttpReader {
 public:
  enum class Progress : std::uint8_t {
    needs_more,
    /// Once for each request, before its body: request() is complete but for the body.
    has_header,
    /// request() is complete. What follows waits for next().
    is_complete,
    /// The request cannot be read and nothing after it: refusal() says why.
    is_refused,
  };

  explicit HttpReader(const HttpSizes& sizes);
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;
  ~HttpReader();

  /// Takes what came. Call read() until it needs more before the next, so that what waits here
  /// stays about as small as what comes at once.
  void add(std::string_view octets) { pending_ += octets; }
  [[nodiscard]] Progress read();
  /// Goes on to the next request; only after a complete one.
  void next();

  /// Token, interface and endpoints are left to the caller.
  [[nodiscard]] HttpRequest& request() { return request_; }
  /// The status code to answer with.
  [[nodiscard]] int refusal() const { return refusal_; }
  /// Whether the client wants the connection to go on after this request.
  [[nodiscard]] bool keeps_alive() const;
  /// Whether the client waits for "100 Continue" before it sends the body, as far as can be known.
  [[nodiscard]] bool awaits_continue() const;
  /// Whether the request came without octets that still wait here.
  [[nodiscard]] bool is_drained() const { return pending_.empty(); }

 private:
  struct Parser;
  enum class Stage : std::uint8_t { header, checks, body, complete, refused };

  [[nodiscard]] Progress refuse(int status);
  [[nodiscard]] Progress read_header();
  /// Moves lines from pending_ to header_ until the empty one: whether it came.
  [[nodiscard]] bool take_lines();
  [[nodiscard]] bool take_line(std::string_view line);
  [[nodiscard]] Progress parse_header();
  [[nodiscard]] Progress check_framing();
  [[nodiscard]] Progress read_body();

  HttpSizes sizes_;
  Stage stage_ = Stage::header;
  int refusal_ = 0;
  /// What came and is not used yet.
  std::string pending_;
  /// The lines so far, each with CR LF.
  std::string header_;
  std::size_t request_line_size_ = 0;
  std::unique_ptr<Parser> parser_;
  HttpRequest request_;
};

}  // namespace postern
