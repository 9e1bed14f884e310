#include "core/request_limiter.h"

#include <algorithm>

namespace postern {
namespace {

constexpr std::int64_t kRequest = 1000;
constexpr std::int64_t kSecondsOfBurst = 2;

}  // namespace

RequestLimiter::RequestLimiter(std::uint32_t requests_per_second)
    : rate_(requests_per_second), crowd_{rate_ * kRequest * kSecondsOfBurst, {}} {}

void RequestLimiter::set_rate(std::uint32_t requests_per_second) {
  const bool had_none = rate_ == 0;
  rate_ = requests_per_second;
  // Nobody was counted until now.
  if (had_none) *this = RequestLimiter(requests_per_second);
}

bool RequestLimiter::admit(std::uint32_t interface_index, const Address& client, Moment now) {
  if (rate_ == 0) return true;
  auto& bucket = bucket_of({interface_index, client}, now);
  bucket.credit = credit_of(bucket, now);
  bucket.counted = now;
  if (bucket.credit < kRequest) return false;
  bucket.credit -= kRequest;
  return true;
}

RequestLimiter::Bucket& RequestLimiter::bucket_of(const Client& client, Moment now) {
  const auto found = buckets_.find(client);
  if (found != buckets_.end()) return found->second;
  if (buckets_.size() >= kMostClients) forget_full_ones(now);
  if (buckets_.size() >= kMostClients) return crowd_;
  const Bucket full{rate_ * kRequest * kSecondsOfBurst, now};
  return buckets_.emplace(client, full).first->second;
}

std::int64_t RequestLimiter::credit_of(const Bucket& bucket, Moment now) const {
  const std::int64_t most = rate_ * kRequest * kSecondsOfBurst;
  // Time is cut off first, for a long one times a high rate would be too large a number.
  const auto passed = std::min<Milliseconds>(now - bucket.counted, Seconds(kSecondsOfBurst));
  return std::min(most, bucket.credit + passed.count() * rate_);
}

void RequestLimiter::forget_full_ones(Moment now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + kSweepPause;
  const std::int64_t most = rate_ * kRequest * kSecondsOfBurst;
  std::erase_if(buckets_, [&](const auto& entry) { return credit_of(entry.second, now) >= most; });
}

}  // namespace postern
