#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace postern {

/// How long many things took, by classes of duration. Never a list of them: its size is fixed.
class Latency {
 public:
  using Duration = std::chrono::microseconds;
  /// The longest duration of each class but the last, which has no bound.
  static constexpr std::array kBounds{Duration(50),      Duration(100),      Duration(250),
                                      Duration(500),     Duration(1'000),    Duration(2'500),
                                      Duration(5'000),   Duration(10'000),   Duration(50'000),
                                      Duration(100'000), Duration(1'000'000)};

  void note(Duration took) {
    std::size_t bin = 0;
    while (bin < kBounds.size() && took > kBounds[bin]) ++bin;
    ++counts_[bin];
    sum_ += took;
  }

  /// How many took so long, class by class; the last is of those that took longer than all bounds.
  [[nodiscard]] const std::array<std::uint64_t, kBounds.size() + 1>& counts() const {
    return counts_;
  }
  /// Of all durations.
  [[nodiscard]] Duration sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  Duration sum_{};
};

/// Notes how long its block took, in which something was answered.
class AnswerTimer {
 public:
  explicit AnswerTimer(Latency& latency) : latency_(latency) {}
  AnswerTimer(const AnswerTimer&) = delete;
  AnswerTimer& operator=(const AnswerTimer&) = delete;
  /// There was no answer.
  void dismiss() { is_dismissed_ = true; }
  ~AnswerTimer() {
    if (is_dismissed_) return;
    latency_.note(std::chrono::duration_cast<Latency::Duration>(Clock::now() - began_));
  }

 private:
  using Clock = std::chrono::steady_clock;

  Latency& latency_;
  const Clock::time_point began_ = Clock::now();
  bool is_dismissed_ = false;
};

}  // namespace postern
