#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "core/address.h"
#include "core/time.h"

namespace postern {

/// How many requests one client may make: a token bucket for each address, which holds the requests
/// of two seconds.
///
/// Bounded in memory: kMostClients buckets. A bucket is forgotten only once it is full again, which
/// is after two seconds at most: then it is as one that never was, so nobody gets a fresh one by
/// using many addresses. Those who come while all buckets are in use share one more, with the same
/// rate. (One host cannot bring that about where the firewall counts by hardware address, too.)
/// A call is O(log n); forgetting is O(n), at most once in kSweepPause.
class RequestLimiter {
 public:
  static constexpr std::size_t kMostClients = 4096;
  static constexpr Milliseconds kSweepPause{100};

  /// 0: no limit.
  explicit RequestLimiter(std::uint32_t requests_per_second);

  /// From now on. What a client has used of its burst stays used.
  void set_rate(std::uint32_t requests_per_second);

  /// Whether this client may have another request now; if so it is counted.
  [[nodiscard]] bool admit(std::uint32_t interface_index, const Address& client, Moment now);

 private:
  /// Addresses of the link are on each interface.
  using Client = std::pair<std::uint32_t, Address>;
  struct Bucket {
    /// In thousandths of a request, so that a millisecond brings `rate_` of them.
    std::int64_t credit = 0;
    Moment counted{};
  };

  [[nodiscard]] Bucket& bucket_of(const Client& client, Moment now);
  [[nodiscard]] std::int64_t credit_of(const Bucket& bucket, Moment now) const;
  void forget_full_ones(Moment now);

  std::int64_t rate_;
  std::map<Client, Bucket> buckets_;
  /// Of those who found no place.
  Bucket crowd_;
  Moment next_sweep_{};
};

}  // namespace postern
