#include "daemon/store_history.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/endpoint.h"

namespace postern {
namespace {

constexpr std::size_t kMostWaiting = 2000;
constexpr Milliseconds kTimeOfARow{250};
constexpr Milliseconds kTimeOfABurst = kTimeOfARow * 2000;
constexpr Seconds kPauseOfARefusal{3600};
constexpr std::size_t kMostRefusals = 1024;

}  // namespace

void StoreHistory::note(const TableEvent& event, Moment now, std::int64_t wall_ms) {
  using Kind = TableEvent::Kind;
  const bool is_again_there =
      event.kind == Kind::opened && event.cause == TableEvent::Cause::restored;
  if (!is_kept_ || event.kind == Kind::renewed || is_again_there) return;
  const auto& mapping = event.mapping;
  HistoryEntry entry;
  entry.wall_ms = wall_ms;
  entry.event = to_string(event.kind);
  entry.why = to_string(event.cause);
  if (!mapping.claims.empty()) {
    // The newest claim is the last one.
    const auto& claimant = mapping.claims.back().claimant;
    entry.frontend = claimant.frontend;
    entry.client = claimant.client.to_string();
  }
  entry.protocol = to_string(mapping.protocol);
  entry.internal = to_string(mapping.internal);
  entry.external = to_string(mapping.external);
  add(std::move(entry), now);
}

void StoreHistory::note(const Refusal& refusal, Moment now, std::int64_t wall_ms) {
  if (!is_kept_) return;
  HistoryEntry entry;
  entry.wall_ms = wall_ms;
  entry.event = "refused";
  entry.why = to_string(refusal.error);
  entry.frontend = refusal.claimant.frontend;
  entry.client = refusal.claimant.client.to_string();
  entry.protocol = to_string(refusal.protocol);
  entry.internal = to_string(refusal.internal);
  if (refusal.suggested_external_port != 0) {
    entry.external = std::to_string(refusal.suggested_external_port);
  }
  entry.rule = refusal.rule;
  const std::string same = entry.why + ' ' + entry.frontend + ' ' + entry.client + ' ' +
                           entry.protocol + ' ' + entry.internal + ' ' + entry.rule;
  if (!was_noted(same, now)) add(std::move(entry), now);
}

bool StoreHistory::was_noted(const std::string& refusal, Moment now) {
  const auto noted = refusals_.find(refusal);
  if (noted != refusals_.end()) {
    if (now - noted->second < kPauseOfARefusal) return true;
    noted->second = now;
    return false;
  }
  // Whoever is refused a thousand different things gets more rows; the burst bounds them, too.
  if (refusals_.size() >= kMostRefusals) refusals_.clear();
  refusals_.emplace(refusal, now);
  return false;
}

void StoreHistory::add(HistoryEntry entry, Moment now) {
  paid_ = std::max(paid_, now);
  if (waiting_.size() >= kMostWaiting || paid_ - now + kTimeOfARow > kTimeOfABurst) {
    ++left_out_;
    return;
  }
  paid_ += kTimeOfARow;
  waiting_.push_back(std::move(entry));
}

std::vector<HistoryEntry> StoreHistory::take() {
  return std::exchange(waiting_, {});
}

void StoreHistory::give_back(std::vector<HistoryEntry> entries) {
  entries.insert(entries.end(), std::make_move_iterator(waiting_.begin()),
                 std::make_move_iterator(waiting_.end()));
  if (entries.size() > kMostWaiting) {
    left_out_ += entries.size() - kMostWaiting;
    entries.resize(kMostWaiting);
  }
  waiting_ = std::move(entries);
}

}  // namespace postern
