#include "daemon/fair_queue.h"

#include <algorithm>

namespace postern {

std::optional<FairQueue::Slot> FairQueue::push(const Address& source, Slot slot) {
  waiting_[source].push_back(slot);
  if (++size_ <= most_) return std::nullopt;
  return throw_away();
}

std::vector<FairQueue::Slot> FairQueue::take(std::size_t count) {
  std::vector<Slot> taken;
  while (taken.size() < count && size_ > 0) {
    auto next = waiting_.upper_bound(last_);
    if (next == waiting_.end()) next = waiting_.begin();
    last_ = next->first;
    taken.push_back(next->second.front());
    next->second.pop_front();
    if (next->second.empty()) waiting_.erase(next);
    --size_;
  }
  return taken;
}

FairQueue::Slot FairQueue::throw_away() {
  const auto longest = std::max_element(
      waiting_.begin(), waiting_.end(),
      [](const auto& left, const auto& right) { return left.second.size() < right.second.size(); });
  const Slot newest = longest->second.back();
  longest->second.pop_back();
  if (longest->second.empty()) waiting_.erase(longest);
  --size_;
  return newest;
}

}  // namespace postern
