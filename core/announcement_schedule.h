#pragma once

#include <algorithm>
#include <optional>

#include "core/time.h"

namespace postern {

/// When to send the copies of an announcement: ten, with gaps that double from 250 ms
/// (RFC 6886 §3.2.1), so the last goes out 127.75 s after the first.
class AnnouncementSchedule {
 public:
  /// Begins a new series and abandons a running one. The first copy is due at once, but not sooner
  /// than 250 ms after the first copy of an earlier series, so that a flapping WAN does not flood
  /// the LAN.
  void start(Moment now) {
    next_ = first_copy_sent_ ? std::max(now, *first_copy_sent_ + kFirstGap) : now;
    sent_ = 0;
  }

  void stop() { next_.reset(); }

  /// When the next copy is due; nothing when no series is running.
  [[nodiscard]] std::optional<Moment> next() const { return next_; }

  /// Whether a copy is to be sent now; the answer yes counts it as sent. After a long sleep one
  /// copy is sent, not all that were missed.
  [[nodiscard]] bool take_due(Moment now) {
    if (!next_ || now < *next_) return false;
    if (sent_ == 0) first_copy_sent_ = now;
    const auto gap = kFirstGap * (1 << sent_);
    ++sent_;
    if (sent_ == kCopies) {
      next_.reset();
    } else {
      next_ = std::max(*next_ + gap, now + gap / 2);
    }
    return true;
  }

 private:
  static constexpr int kCopies = 10;
  static constexpr Milliseconds kFirstGap{250};

  std::optional<Moment> next_;
  std::optional<Moment> first_copy_sent_;
  int sent_ = 0;
};

}  // namespace postern
