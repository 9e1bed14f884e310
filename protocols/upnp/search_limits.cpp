#include "protocols/upnp/search_limits.h"

#include <algorithm>

#include "protocols/upnp/ssdp_targets.h"

namespace postern::upnp {
namespace {

constexpr Milliseconds kSearchCost{100};
constexpr Milliseconds kMostCredit = 20 * kSearchCost;
/// What was answered longer ago than this no longer counts.
constexpr Seconds kMemory{1};
constexpr std::ptrdiff_t kMostCopies = 3;

}  // namespace

std::string_view to_string(Admission admission) {
  switch (admission) {
    case Admission::admitted:
      return "answered";
    case Admission::too_many_searches:
      return "too_many_searches";
    case Admission::too_many_copies:
      return "too_many_copies";
    case Admission::second_full_set:
      return "second_full_set";
    case Admission::too_many_sources:
      return "too_many_sources";
  }
  return "?";
}

Admission SearchLimits::admit(std::uint32_t interface_index, const Endpoint& source,
                              std::string_view target, Moment now) {
  const Source key{interface_index, source.address};
  auto found = books_.find(key);
  if (found == books_.end()) {
    if (!has_room(now)) return Admission::too_many_sources;
    found = books_.emplace(key, Book{kMostCredit, now, {}}).first;
  }
  Book& book = found->second;
  std::erase_if(book.answered, [&](const Answered& one) { return one.when + kMemory <= now; });
  book.credit = std::min(kMostCredit, book.credit + (now - book.credited));
  book.credited = now;

  if (target == kEverything) {
    const bool had_all = std::any_of(book.answered.begin(), book.answered.end(),
                                     [&](const Answered& one) { return one.target == target; });
    if (had_all) return Admission::second_full_set;
  }
  const auto copies = std::count_if(
      book.answered.begin(), book.answered.end(),
      [&](const Answered& one) { return one.port == source.port && one.target == target; });
  if (copies >= kMostCopies) return Admission::too_many_copies;
  if (book.credit < kSearchCost) return Admission::too_many_searches;
  book.credit -= kSearchCost;
  book.answered.push_back({now, source.port, std::string(target)});
  return Admission::admitted;
}

bool SearchLimits::has_room(Moment now) {
  if (books_.size() < kMostSources) return true;
  // Whoever has all his credit back, and no answer lately, is as one who never asked.
  std::erase_if(books_, [&](const auto& entry) {
    const Book& book = entry.second;
    const bool is_quiet = book.answered.empty() || book.answered.back().when + kMemory <= now;
    return is_quiet && book.credit + (now - book.credited) >= kMostCredit;
  });
  return books_.size() < kMostSources;
}

}  // namespace postern::upnp
