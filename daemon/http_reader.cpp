#include "daemon/http_reader.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "core/text.h"
#include "daemon/asio.h"
// After Asio's switches.
#include <boost/beast/http.hpp>

namespace postern {

namespace http = boost::beast::http;

struct HttpReader::Parser {
  http::request_parser<http::string_body> of;
};

namespace {

constexpr int kBadRequest = 400;
constexpr int kLengthRequired = 411;
constexpr int kContentTooLarge = 413;
constexpr int kUriTooLong = 414;
constexpr int kHeadersTooLarge = 431;
constexpr int kNotImplemented = 501;

/// No rest of a chunked body is shorter than its end "0\r\n\r\n"; Beast 1.74 asserts that it is not
/// asked to read less of it.
constexpr std::size_t kShortestChunkedRest = 5;
/// The longest line of a chunk's size and extensions, and the longest trailer.
constexpr std::size_t kLongestChunkLine = 4096;

[[nodiscard]] std::size_t count_of(const HttpRequest& request, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count_if(request.headers, [&](const auto& header) {
    return equals_ignoring_case(header.name, name);
  }));
}

/// "M-POST" is the POST of the HTTP extension framework (UPnP Device Architecture 1.0, 3.2.2).
[[nodiscard]] bool is_post(const HttpRequest& request) {
  return request.method == "POST" || request.method == "M-POST";
}

[[nodiscard]] HttpRequest request_of(const http::request_header<>& header) {
  HttpRequest request;
  request.method = std::string(header.method_string());
  request.target = std::string(header.target());
  request.is_http_1_0 = header.version() == 10;
  for (const auto& field : header) {
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  return request;
}

}  // namespace

HttpReader::HttpReader(const HttpSizes& sizes) : sizes_(sizes) {}

HttpReader::~HttpReader() = default;

HttpReader::Progress HttpReader::read() {
  switch (stage_) {
    case Stage::header:
      return read_header();
    case Stage::checks:
      return check_framing();
    case Stage::body:
      return read_body();
    case Stage::complete:
      return Progress::is_complete;
    case Stage::refused:
      return Progress::is_refused;
  }
  return Progress::is_refused;
}

void HttpReader::next() {
  stage_ = Stage::header;
  header_.clear();
  request_line_size_ = 0;
  parser_.reset();
  request_ = {};
}

bool HttpReader::keeps_alive() const {
  return parser_ != nullptr && stage_ != Stage::refused && parser_->of.keep_alive();
}

bool HttpReader::awaits_continue() const {
  const auto expect = request_.find("Expect");
  return expect && equals_ignoring_case(*expect, "100-continue") && !request_.is_http_1_0 &&
         stage_ == Stage::body && is_drained();
}

HttpReader::Progress HttpReader::refuse(int status) {
  stage_ = Stage::refused;
  refusal_ = status;
  return Progress::is_refused;
}

HttpReader::Progress HttpReader::read_header() {
  if (take_lines()) return parse_header();
  return stage_ == Stage::refused ? Progress::is_refused : Progress::needs_more;
}

bool HttpReader::take_lines() {
  std::size_t begin = 0;
  bool is_last = false;
  while (!is_last && stage_ != Stage::refused) {
    const auto end = pending_.find('\n', begin);
    if (end == std::string::npos) break;
    is_last = take_line(std::string_view(pending_).substr(begin, end - begin));
    begin = end + 1;
  }
  pending_.erase(0, begin);
  if (stage_ == Stage::refused) return false;
  if (is_last) return true;
  // What has no end yet counts, too, or it could grow without one. Its last octet may be a CR.
  if (request_line_size_ == 0) {
    if (pending_.size() > sizes_.request_line + 1) (void)refuse(kUriTooLong);
  } else if (header_.size() - request_line_size_ + pending_.size() > sizes_.headers) {
    (void)refuse(kHeadersTooLarge);
  }
  return false;
}

/// Takes a line, which may have ended with LF alone (RFC 9112 2.2); whether it was the last one.
bool HttpReader::take_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  // Empty lines before a request come from clients that end a body with one.
  if (header_.empty() && line.empty()) return false;
  header_.append(line).append("\r\n");
  if (request_line_size_ == 0) {
    request_line_size_ = header_.size();
    if (line.size() > sizes_.request_line) (void)refuse(kUriTooLong);
  } else if (header_.size() - request_line_size_ > sizes_.headers) {
    (void)refuse(kHeadersTooLarge);
  }
  return line.empty();
}

HttpReader::Progress HttpReader::parse_header() {
  parser_ = std::make_unique<Parser>();
  auto& parser = parser_->of;
  // The lengths are checked here already. (1.74 takes "none" for a limit of 0.)
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  boost::system::error_code error;
  parser.put(asio::buffer(header_), error);
  if (error || !parser.is_header_done()) return refuse(kBadRequest);
  request_ = request_of(parser.get());

  // RFC 9112 3.2
  const auto hosts = count_of(request_, "Host");
  if (hosts > 1 || (hosts == 0 && !request_.is_http_1_0)) return refuse(kBadRequest);
  // Beast takes "gzip, chunked" for chunked and "gzip" for no body at all; it has refused a length
  // beside chunks, and lengths that differ or are no numbers.
  if (const auto encoding = request_.find("Transfer-Encoding")) {
    if (request_.is_http_1_0 || !equals_ignoring_case(*encoding, "chunked") ||
        request_.find("Content-Length") || count_of(request_, "Transfer-Encoding") > 1) {
      return refuse(kBadRequest);
    }
  }
  if (parser.get().method() == http::verb::unknown && !is_post(request_)) {
    return refuse(kNotImplemented);
  }
  stage_ = Stage::checks;
  return Progress::has_header;
}

HttpReader::Progress HttpReader::check_framing() {
  const auto& parser = parser_->of;
  if (parser.content_length().value_or(0) > sizes_.body) return refuse(kContentTooLarge);
  if (is_post(request_) && !parser.chunked() && !parser.content_length()) {
    return refuse(kLengthRequired);
  }
  stage_ = Stage::body;
  return read_body();
}

HttpReader::Progress HttpReader::read_body() {
  auto& parser = parser_->of;
  // Beast takes a step at a time (it is not "eager"), so that it never sees too little of a chunk.
  const std::size_t least = parser.chunked() ? kShortestChunkedRest : 1;
  std::string_view rest = pending_;
  boost::system::error_code error;
  while (!error && !parser.is_done() && rest.size() >= least &&
         parser.get().body().size() <= sizes_.body) {
    rest.remove_prefix(parser.put(asio::buffer(rest), error));
  }
  pending_.erase(0, pending_.size() - rest.size());
  if (parser.get().body().size() > sizes_.body) return refuse(kContentTooLarge);
  if (error && error != http::error::need_more) return refuse(kBadRequest);
  if (!parser.is_done()) {
    return pending_.size() > kLongestChunkLine ? refuse(kBadRequest) : Progress::needs_more;
  }
  request_.body = std::move(parser.get().body());
  stage_ = Stage::complete;
  return Progress::is_complete;
}

}  // namespace postern
