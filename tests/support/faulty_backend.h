#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "backends/memory/memory_backend.h"

namespace postern::test {

/// Which calls of a backend fail, and how.
struct BackendFaults {
  enum class Kind : std::uint8_t {
    /// The firewall names no change.
    whole,
    /// It names the first or the last one; what is no commit fails as a whole.
    first_change,
    last_change,
  };

  /// The first that fails, counted from 1.
  int first = 1;
  /// So many one after the other.
  int count = 1;
  Kind kind = Kind::whole;
};

/// A firewall that only remembers, and of which a test lets any call fail: commit(), reset(),
/// is_set_up() and open_doors().
class FaultyBackend final : public FirewallBackend {
 public:
  [[nodiscard]] std::string_view name() const override { return memory_.name(); }
  [[nodiscard]] Capabilities capabilities() const override { return memory_.capabilities(); }
  [[nodiscard]] Result<bool, BackendError> is_set_up() override {
    if (is_due()) return fail(refusal());
    return memory_.is_set_up();
  }
  [[nodiscard]] Result<std::vector<TimedDoor>, BackendError> open_doors(Moment now) override {
    if (is_due()) return fail(refusal());
    return memory_.open_doors(now);
  }
  [[nodiscard]] Result<void, BackendError> reset(const Network& network,
                                                 std::span<const TimedDoor> doors,
                                                 Moment now) override {
    if (is_due()) return fail(refusal());
    return memory_.reset(network, doors, now);
  }
  [[nodiscard]] Result<void, BackendError> commit(std::span<const DoorChange> changes,
                                                  Moment now) override {
    if (is_due()) return fail(refusal(changes.size()));
    return memory_.commit(changes, now);
  }

  /// Counts from now.
  void fail_at(const BackendFaults& faults) {
    faults_ = faults;
    calls_ = 0;
    has_failed_ = false;
  }
  void heal() { faults_.reset(); }
  /// Whether any call did since fail_at().
  [[nodiscard]] bool has_failed() const { return has_failed_; }

  /// What `look` finds, whatever is to fail; its calls are not counted.
  template <class Look>
  [[nodiscard]] auto undisturbed(Look look) {
    const auto faults = std::exchange(faults_, std::nullopt);
    auto found = look();
    faults_ = faults;
    return found;
  }

 private:
  [[nodiscard]] bool is_due() {
    if (!faults_) return false;
    ++calls_;
    const bool is_due = calls_ >= faults_->first && calls_ < faults_->first + faults_->count;
    has_failed_ = has_failed_ || is_due;
    return is_due;
  }
  [[nodiscard]] BackendError refusal(std::size_t changes = 0) const {
    BackendError error{"this call was told to fail", std::nullopt, false};
    if (changes == 0 || faults_->kind == BackendFaults::Kind::whole) return error;
    error.refused_change = faults_->kind == BackendFaults::Kind::first_change ? 0 : changes - 1;
    return error;
  }

  MemoryBackend memory_;
  std::optional<BackendFaults> faults_;
  int calls_ = 0;
  bool has_failed_ = false;
};

}  // namespace postern::test
