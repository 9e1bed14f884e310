#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/refusal.h"
#include "core/table_event.h"
#include "core/time.h"

namespace postern {

/// One row of the history: when, what, why, who, and by which rule. UTF-8.
struct HistoryEntry {
  /// Grows from row to row; 0 until it is written.
  std::int64_t id = 0;
  /// Unix time in milliseconds, as the wall clock said then.
  std::int64_t wall_ms = 0;
  /// "opened", "renewed", "moved", "closed" or "refused".
  std::string event;
  /// The name of a TableEvent::Cause or a MapError.
  std::string why;
  std::string frontend;
  std::string client;
  std::string protocol;
  std::string internal;
  /// Of a refusal the port that was suggested; empty: none was.
  std::string external;
  /// Empty when none decided.
  std::string rule;

  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

/// Which rows are asked for: the youngest ones, before an id, that fit.
struct HistoryQuery {
  static constexpr std::uint32_t kMost = 1000;
  /// Of an event, see HistoryEntry.
  static constexpr std::array<std::string_view, 5> kEvents{"opened", "renewed", "moved", "closed",
                                                           "refused"};

  std::uint32_t limit = 100;
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  /// An address as HistoryEntry has it; empty: whoever it was.
  std::string client = {};
  /// Empty: whatever happened.
  std::string event = {};
};

/// What of all that happens becomes history, and waits to be written. So that neither a busy LAN
/// nor one that means harm wears out a flash, there is no row
/// - for what is there again after a start as it was before,
/// - for a refusal that was noted within the hour,
/// - for what is more than 4 rows a second after a burst of 2,000, which is counted,
/// - for renewals beyond 1 a minute after a burst of 200, which are counted, too, and
/// - for refusals beyond 2 a minute after a burst of 500, of one client beyond 12 an hour after 50,
///   which are counted, too. Neither takes anything from the other rows, and no client can fill the
///   history with them, nor keep those of others out.
class StoreHistory {
 public:
  explicit StoreHistory(bool is_kept) : is_kept_(is_kept) {}

  /// A row for each client of the mapping, as its newest claim has it, the newest of all last; and
  /// before them one that says "closed" for each claim that fell while others keep the mapping
  /// open, unless its client gave it back or its lease ended.
  ///
  /// `rule`: the name of the one that allows the newest claim; empty: none. The rows of the others
  /// name none.
  void note(const TableEvent& event, std::string_view rule, Moment now, std::int64_t wall_ms);
  void note(const Refusal& refusal, Moment now, std::int64_t wall_ms);

  /// At most 2,000, and 500 refusals.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  /// What is to be written, the oldest first.
  [[nodiscard]] std::vector<HistoryEntry> take();
  /// It could not be written; it waits before what came since.
  void give_back(std::vector<HistoryEntry> entries);

  /// How many rows there would be that are not.
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  /// How many rows of a kind there may be at once, and then how often.
  struct Rate {
    int burst = 0;
    Milliseconds pause{0};
  };
  /// When each burst will have been paid for.
  struct Bucket {
    Moment paid{};

    [[nodiscard]] bool has_room(const Rate& rate, Moment now) const;
    void take(const Rate& rate, Moment now);
  };
  static constexpr Rate kEvents{2000, Milliseconds{250}};
  static constexpr Rate kRenewals{200, Seconds{60}};
  static constexpr Rate kRefusals{500, Seconds{30}};
  static constexpr Rate kRefusalsOfOne{50, Seconds{300}};

  [[nodiscard]] bool was_noted(const std::string& refusal, Moment now);
  /// Whether another refusal of this client may be noted; then it counts.
  [[nodiscard]] bool admit_refusal(const std::string& client, Moment now);
  /// Leaves it out when too many of its kind wait.
  void add(HistoryEntry entry);

  bool is_kept_;
  std::vector<HistoryEntry> waiting_;
  /// When each refusal that may come again was noted.
  std::unordered_map<std::string, Moment> refusals_;
  std::size_t waiting_refusals_ = 0;
  Bucket events_;
  Bucket renewals_;
  Bucket all_refusals_;
  /// By client, until they are empty; of those for whom there is no place, under no name.
  std::unordered_map<std::string, Bucket> refusals_of_;
  std::uint64_t left_out_ = 0;
};

}  // namespace postern
