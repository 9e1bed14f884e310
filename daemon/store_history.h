#pragma once

#include <cstdint>
#include <string>
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
  /// "opened", "moved", "closed" or "refused".
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

/// What of all that happens becomes history, and waits to be written. So that neither a busy LAN
/// nor one that means harm wears out a flash, there is no row
/// - for a renewal, which each mapping has every half hour (until when it lives stands elsewhere),
/// - for what is there again after a start as it was before,
/// - for a refusal that was noted within the hour, and
/// - for what is more than 4 rows a second after a burst of 2,000, which is counted.
class StoreHistory {
 public:
  explicit StoreHistory(bool is_kept) : is_kept_(is_kept) {}

  void note(const TableEvent& event, Moment now, std::int64_t wall_ms);
  void note(const Refusal& refusal, Moment now, std::int64_t wall_ms);

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  /// What is to be written, the oldest first.
  [[nodiscard]] std::vector<HistoryEntry> take();
  /// It could not be written; it waits before what came since.
  void give_back(std::vector<HistoryEntry> entries);

  /// How many rows there would be that are not.
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  void add(HistoryEntry entry, Moment now);
  [[nodiscard]] bool was_noted(const std::string& refusal, Moment now);

  bool is_kept_;
  std::vector<HistoryEntry> waiting_;
  /// When each refusal that may come again was noted.
  std::unordered_map<std::string, Moment> refusals_;
  /// When the burst will have been paid for.
  Moment paid_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace postern
