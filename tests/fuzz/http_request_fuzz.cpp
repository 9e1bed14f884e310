#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/http.h"
#include "daemon/http_reader.h"
#include "tests/fuzz/check.h"

// Any octets on a connection: however they are cut, the same requests come of them, and no part of
// a request is longer than it may be.

using namespace postern;

namespace {

/// As long as no line of a chunk can be too long, which depends on how it was cut.
constexpr std::size_t kLongest = 4096;

struct Outcome {
  std::vector<HttpRequest> requests;
  int refusal = 0;
};

void check(const HttpRequest& request) {
  const HttpSizes sizes;
  std::size_t headers = 0;
  for (const auto& header : request.headers) headers += header.name.size() + header.value.size();
  POSTERN_CHECK(headers <= sizes.headers);
  POSTERN_CHECK(request.method.size() + request.target.size() <= sizes.request_line);
  POSTERN_CHECK(request.body.size() <= sizes.body);
  POSTERN_CHECK(!request.method.empty() && !request.target.empty());
  POSTERN_CHECK(!request.find("Content-Length") || !request.find("Transfer-Encoding"));
  POSTERN_CHECK(request.find("Host") || request.is_http_1_0);
  const auto path = path_of(request);
  POSTERN_CHECK(!path.empty() && path.find("//") == std::string::npos);
  (void)is_host_ours(request);
  (void)is_from_browser(request);
}

/// Reads what is there; whether more may come.
bool read(HttpReader& reader, Outcome& outcome) {
  while (true) {
    switch (reader.read()) {
      case HttpReader::Progress::needs_more:
        return true;
      case HttpReader::Progress::has_header:
        POSTERN_CHECK(reader.request().body.empty());
        break;
      case HttpReader::Progress::is_complete:
        check(reader.request());
        (void)reader.keeps_alive();
        outcome.requests.push_back(reader.request());
        reader.next();
        break;
      case HttpReader::Progress::is_refused:
        outcome.refusal = reader.refusal();
        POSTERN_CHECK(outcome.refusal >= 400 && outcome.refusal < 600);
        return false;
    }
  }
}

Outcome read(std::string_view octets, std::size_t piece) {
  HttpReader reader{HttpSizes{}};
  Outcome outcome;
  while (!octets.empty()) {
    const auto size = std::min(piece, octets.size());
    reader.add(octets.substr(0, size));
    octets.remove_prefix(size);
    if (!read(reader, outcome)) break;
    (void)reader.awaits_continue();
  }
  return outcome;
}

bool are_same(const HttpRequest& a, const HttpRequest& b) {
  return a.method == b.method && a.target == b.target && a.is_http_1_0 == b.is_http_1_0 &&
         a.headers == b.headers && a.body == b.body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string octets(data, data + size);
  const auto whole = read(octets, kLongest);
  if (size > kLongest) return 0;
  for (const std::size_t piece : {1U, 7U}) {
    const auto cut = read(octets, piece);
    POSTERN_CHECK(cut.refusal == whole.refusal);
    POSTERN_CHECK(std::ranges::equal(cut.requests, whole.requests, are_same));
  }
  return 0;
}
