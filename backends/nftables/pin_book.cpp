#include "backends/nftables/pin_book.h"

#include <algorithm>
#include <utility>

namespace postern::nftables {
namespace {

[[nodiscard]] std::optional<Moment> latest(const std::vector<Moment>& ends) {
  const auto found = std::max_element(ends.begin(), ends.end());
  return found == ends.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

void PinBook::add(const Pin& pin, Moment ends, std::size_t cause) {
  stage(pin, cause).push_back(ends);
}

void PinBook::remove(const Pin& pin, Moment ends, std::size_t cause) {
  auto& staged = stage(pin, cause);
  const auto found = std::find(staged.begin(), staged.end(), ends);
  if (found != staged.end()) staged.erase(found);
}

std::vector<PinBook::Change> PinBook::changes() const {
  std::vector<Change> changes;
  changes.reserve(staged_.size());
  for (const auto& [pin, staged] : staged_) {
    const auto held = ends_.find(pin);
    const auto before = held == ends_.end() ? std::nullopt : latest(held->second);
    const auto after = latest(staged.ends);
    if (before != after) changes.push_back({pin, before, after, staged.cause});
  }
  return changes;
}

void PinBook::keep() {
  for (auto& [pin, staged] : staged_) {
    if (staged.ends.empty()) {
      ends_.erase(pin);
    } else {
      ends_[pin] = std::move(staged.ends);
    }
  }
  undo();
}

void PinBook::undo() {
  // A new map and not clear(), which takes time for every bucket that the largest turn ever needed.
  std::unordered_map<Pin, Staged>().swap(staged_);
}

PinBook::Ends& PinBook::stage(const Pin& pin, std::size_t cause) {
  const auto [entry, is_new] = staged_.try_emplace(pin);
  if (is_new) {
    const auto held = ends_.find(pin);
    if (held != ends_.end()) entry->second.ends = held->second;
  }
  entry->second.cause = cause;
  return entry->second.ends;
}

}  // namespace postern::nftables
