#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/frontend.h"
#include "core/time.h"

namespace postern::upnp {

/// A set of evented variables, by the number of their VariableId.
using Variables = std::bitset<64>;

/// SEQ of the message after the one with this (GENA-09): 0 stands for the first one alone.
[[nodiscard]] constexpr std::uint32_t next_seq(std::uint32_t seq) {
  return seq == 0xffffffff ? 1 : seq + 1;
}

/// Which events one subscriber still has to get, and when. At most one message is under way.
///
/// A message that cannot be delivered at any of the subscriber's URLs is tried again after a
/// second, then after five, and given up (GENA-11). What it told is not forgotten: the next message
/// tells it, too. When something else changed before a message is tried again, a new message takes
/// its place, except for the first one, which tells everything anyway.
class Delivery {
 public:
  /// At most 5 messages a second begin (GENA-18).
  static constexpr Milliseconds kShortestPause{200};
  /// So many times in a row nobody was there: the subscriber has gone.
  static constexpr int kMostUnreachable = 5;

  /// The first message has SEQ 0 and tells of `all`. `url_count` is at least 1.
  Delivery(Variables all, std::size_t url_count, Moment not_before = {})
      : owed_(all), url_count_(url_count), not_before_(not_before) {}

  /// These have other values now.
  void note_changed(const Variables& variables);
  /// No more messages but the first one, which goes out even so (GENA-07).
  void stop();

  /// One message to one URL.
  struct Attempt {
    std::uint32_t seq = 0;
    /// To be told with the values that they have now.
    Variables variables;
    /// Which of the subscriber's URLs to use.
    std::size_t url = 0;
  };
  /// When to call begin(). Nothing: while there is nothing to tell, or a message is under way.
  [[nodiscard]] std::optional<Moment> next_attempt() const;
  /// Only when next_attempt() has come. on_done() follows.
  [[nodiscard]] Attempt begin(Moment now);
  void on_done(CalloutOutcome outcome, Moment now);

  [[nodiscard]] bool is_under_way() const { return is_under_way_; }
  /// Stopped, and nothing left to do.
  [[nodiscard]] bool is_finished() const { return is_stopped_ && !is_under_way_ && !has_work(); }
  [[nodiscard]] bool is_unreachable() const { return unreachable_rounds_ >= kMostUnreachable; }

 private:
  struct Message {
    std::uint32_t seq = 0;
    Variables variables;
    /// How often all URLs failed.
    std::size_t failed_rounds = 0;
  };

  [[nodiscard]] bool has_work() const { return message_ || owed_.any(); }
  /// Makes the message to send out of what is owed, where that is due.
  void renew_message();
  void on_round_failed(Moment now);

  /// Changed since the message was made.
  Variables owed_;
  /// Told by messages that were given up.
  Variables lost_;
  /// Not delivered yet.
  std::optional<Message> message_;
  std::uint32_t next_seq_ = 0;
  std::size_t url_count_;
  /// The one that worked last comes first.
  std::size_t url_ = 0;
  /// How many URLs failed in this round.
  std::size_t failed_urls_ = 0;
  /// Whether any of them took the connection.
  bool was_reached_ = false;
  int unreachable_rounds_ = 0;
  Moment not_before_{};
  bool is_under_way_ = false;
  bool is_stopped_ = false;
};

}  // namespace postern::upnp
