#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/firewall_backend.h"

namespace postern {

/// A firewall that only remembers. Serves tests, and the daemon where there is no firewall to
/// program; it opens nothing.
class MemoryBackend final : public FirewallBackend {
 public:
  [[nodiscard]] std::string_view name() const override { return "memory"; }
  /// What is over is no longer held.
  [[nodiscard]] Capabilities capabilities() const override {
    return {.ends_leases = true, .pinholes = true};
  }
  [[nodiscard]] Result<bool, BackendError> is_set_up() override { return is_set_up_; }
  [[nodiscard]] Result<std::vector<TimedDoor>, BackendError> open_doors(Moment now) override;
  [[nodiscard]] Result<void, BackendError> reset(const Network& network,
                                                 std::span<const TimedDoor> doors,
                                                 Moment now) override;
  [[nodiscard]] Result<void, BackendError> commit(std::span<const DoorChange> changes,
                                                  Moment now) override;
  void set_requests_per_second(std::uint32_t requests) override { wanted_pace_ = requests; }
  /// What count() said, and nothing otherwise.
  [[nodiscard]] Result<std::optional<std::uint64_t>, BackendError> packets_through(
      const Door& door) override;

  /// The changes of the last commit() that was taken.
  [[nodiscard]] const std::vector<DoorChange>& last_commit() const { return last_commit_; }

  /// What a firewall would hold hosts to, since the last reset().
  [[nodiscard]] std::uint32_t pace() const { return pace_; }

  /// From now on every change of this key is refused, and named as the one that was.
  void refuse(const DoorKey& key) { refused_keys_.insert(key); }
  /// The next `count` calls of commit() and reset() fail as a whole.
  void fail_next(int count) { failing_calls_ = count; }
  /// From now on so many packets have come through that door whenever it is open.
  void count(const DoorKey& key, std::uint64_t packets) { packets_[key] = packets; }
  /// Ends all refusals and failures.
  void heal();
  /// Everything of ours is gone, as after a reboot.
  void take_away();

 private:
  [[nodiscard]] std::optional<BackendError> injected_failure();

  std::unordered_map<DoorKey, TimedDoor> doors_;
  std::vector<DoorChange> last_commit_;
  std::unordered_set<DoorKey> refused_keys_;
  std::unordered_map<DoorKey, std::uint64_t> packets_;
  std::uint32_t wanted_pace_ = 0;
  std::uint32_t pace_ = 0;
  int failing_calls_ = 0;
  bool is_set_up_ = false;
};

}  // namespace postern
