#include "protocols/upnp/ssdp_answers.h"

#include <algorithm>
#include <utility>

namespace postern::upnp {
namespace {

constexpr Seconds kPatience{1};
constexpr std::int64_t kBurst = 20000;
/// Octets a millisecond. With the burst this makes at most 100,000 in any second.
constexpr std::int64_t kRate = 80;
/// Ethernet, IPv6 and UDP.
constexpr std::int64_t kHeaders = 62;

[[nodiscard]] std::int64_t size_on_wire(const OutgoingDatagram& answer) {
  return static_cast<std::int64_t>(answer.payload.size()) + kHeaders;
}

}  // namespace

SsdpAnswers::SsdpAnswers(Random& random) : random_(random), allowance_(kBurst) {}

bool SsdpAnswers::add(std::vector<OutgoingDatagram> answers, Milliseconds spread, Moment now) {
  const auto places = answers.size() > kSmallSet ? kMostWaiting / 2 : kMostWaiting;
  if (waiting_.size() + answers.size() > places) return false;
  const auto count = static_cast<Milliseconds::rep>(answers.size());
  Milliseconds::rep i = 0;
  for (auto& answer : answers) {
    // Each has a share of the time, and a random moment in it.
    const auto begin = spread * i / count;
    const auto share = spread * (i + 1) / count - begin;
    const auto wait = random_.below(static_cast<std::uint32_t>(share.count()) + 1);
    waiting_.emplace(now + begin + Milliseconds(wait), std::move(answer));
    ++i;
  }
  return true;
}

std::vector<OutgoingDatagram> SsdpAnswers::take_due(Moment now) {
  std::vector<OutgoingDatagram> due;
  allowance_ = std::min(kBurst, allowance_ + (now - counted_).count() * kRate);
  counted_ = now;
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    auto& [moment, answer] = *waiting_.begin();
    if (moment + kPatience > now) {
      if (size_on_wire(answer) > allowance_) break;
      allowance_ -= size_on_wire(answer);
      due.push_back(std::move(answer));
    }
    waiting_.erase(waiting_.begin());
  }
  return due;
}

std::optional<Moment> SsdpAnswers::next() const {
  if (waiting_.empty()) return std::nullopt;
  const auto& [moment, answer] = *waiting_.begin();
  const auto missing = size_on_wire(answer) - allowance_;
  if (missing <= 0) return moment;
  return std::max(moment, counted_ + Milliseconds((missing + kRate - 1) / kRate));
}

}  // namespace postern::upnp
