#include "protocols/upnp/event_delivery.h"

#include <array>
#include <cassert>
#include <utility>

namespace postern::upnp {
namespace {

/// Before a message is tried again.
constexpr std::array<Milliseconds, 2> kRetryPauses{Milliseconds(1000), Milliseconds(5000)};

}  // namespace

void Delivery::note_changed(const Variables& variables) {
  if (!is_stopped_) owed_ |= variables;
}

void Delivery::stop() {
  is_stopped_ = true;
  const bool is_first_unsent = next_seq_ == 0;
  if (!is_first_unsent) owed_.reset();
  // One that waits to be tried again has been tried.
  const bool is_between_urls = message_ && message_->seq == 0 && failed_urls_ > 0;
  if (!is_under_way_ && !is_between_urls) message_.reset();
}

std::optional<Moment> Delivery::next_attempt() const {
  if (is_under_way_ || !has_work()) return std::nullopt;
  return not_before_;
}

Delivery::Attempt Delivery::begin(Moment now) {
  assert(!is_under_way_ && has_work());
  if (failed_urls_ == 0) renew_message();
  is_under_way_ = true;
  not_before_ = now + kShortestPause;
  return {message_->seq, message_->variables, url_};
}

void Delivery::renew_message() {
  if (message_ && owed_.none()) return;
  if (message_ && message_->seq == 0) {
    owed_.reset();
    return;
  }
  auto variables = std::exchange(owed_, {}) | std::exchange(lost_, {});
  if (message_) variables |= message_->variables;
  message_ = Message{next_seq_, variables, 0};
  // The first message is number 0, so the number after it is never that again.
  next_seq_ = next_seq(next_seq_);
}

void Delivery::on_done(CalloutOutcome outcome, Moment now) {
  assert(is_under_way_ && message_);
  is_under_way_ = false;
  if (outcome == CalloutOutcome::answered) {
    message_.reset();
    failed_urls_ = 0;
    was_reached_ = false;
    unreachable_rounds_ = 0;
    return;
  }
  was_reached_ = was_reached_ || outcome == CalloutOutcome::unanswered;
  url_ = (url_ + 1) % url_count_;
  const bool may_go_on = !is_stopped_ || message_->seq == 0;
  if (may_go_on && ++failed_urls_ < url_count_) {
    not_before_ = now;
  } else {
    on_round_failed(now);
  }
}

void Delivery::on_round_failed(Moment now) {
  unreachable_rounds_ = was_reached_ ? 0 : unreachable_rounds_ + 1;
  failed_urls_ = 0;
  was_reached_ = false;
  const bool is_last = is_stopped_ || message_->failed_rounds == kRetryPauses.size();
  not_before_ = now + kRetryPauses[is_last ? kRetryPauses.size() - 1 : message_->failed_rounds];
  if (is_last) {
    lost_ |= message_->variables;
    message_.reset();
  } else {
    ++message_->failed_rounds;
  }
}

}  // namespace postern::upnp
