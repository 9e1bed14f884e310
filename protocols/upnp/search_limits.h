#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/endpoint.h"
#include "core/time.h"

namespace postern::upnp {

/// Why a search is not answered, or that it is.
enum class Admission : std::uint8_t {
  admitted,
  /// More than ten a second from this address, or twenty at once.
  too_many_searches,
  /// Three within a second for the same target from the same endpoint were.
  too_many_copies,
  /// This address got everything within the last second.
  second_full_set,
  /// Too many addresses ask at once to keep a book of them all.
  too_many_sources,
};

[[nodiscard]] std::string_view to_string(Admission admission);

/// How often one source is answered (SSDP-42, SEC-03), so that nobody can make us flood the host
/// whose address he forges. Bounded in memory: 1,024 sources, each with the searches of the last
/// second; more than a host can forge in it at the default limit of requests. A call is O(log n) in
/// the sources and O(m) in one's last searches, m at most 30; while the book is full it is O(n).
class SearchLimits {
 public:
  static constexpr std::size_t kMostSources = 1024;

  /// Decides about a search that we could answer, and counts it when it is admitted.
  [[nodiscard]] Admission admit(std::uint32_t interface_index, const Endpoint& source,
                                std::string_view target, Moment now);

 private:
  using Source = std::pair<std::uint32_t, Address>;
  struct Answered {
    Moment when;
    std::uint16_t port = 0;
    std::string target;
  };
  struct Book {
    /// The token bucket, in time: a search costs a tenth of a second, and time brings it back.
    Milliseconds credit;
    Moment credited;
    /// Of the last second.
    std::vector<Answered> answered;
  };

  [[nodiscard]] bool has_room(Moment now);

  std::map<Source, Book> books_;
};

}  // namespace postern::upnp
