#include "daemon/turn_keeper.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace postern {
namespace {

[[nodiscard]] std::size_t octets_of(const Turn& turn) {
  std::size_t octets = 0;
  for (const auto& datagram : turn.send) octets += sizeof(datagram) + datagram.payload.size();
  for (const auto& reply : turn.replies) {
    octets += sizeof(reply) + reply.body.size();
    for (const auto& header : reply.headers) {
      octets += sizeof(header) + header.name.size() + header.value.size();
    }
  }
  return octets;
}

}  // namespace

void TurnKeeper::use(std::unique_ptr<Store> store, Patience patience, RuleName rule_name) {
  store_ = std::move(store);
  patience_ = patience;
  rule_name_ = std::move(rule_name);
}

Result<StoredState, std::string> TurnKeeper::load(Moment now) {
  if (!store_) return StoredState();
  auto stored = store_->load(now);
  if (!stored) store_.reset();
  return stored;
}

void TurnKeeper::append(Turn& turn, const EpochStarts& epochs, Moment now) {
  const bool is_epoch_new = epochs_ != epochs;
  if (!store_ || (turn.events.empty() && turn.refusals.empty() && !is_epoch_new)) return;
  StoreChanges changes;
  changes.now = now;
  changes.events = std::exchange(turn.events, {});
  changes.rules.reserve(changes.events.size());
  for (const auto& event : changes.events) {
    // The newest claim is the last one.
    const auto& claims = event.mapping.claims;
    changes.rules.emplace_back(claims.empty() ? "" : rule_name_(claims.back().rule));
  }
  changes.refusals = std::exchange(turn.refusals, {});
  if (is_epoch_new) changes.epochs = epochs_ = epochs;
  appended_ = store_->append(std::move(changes));
}

bool TurnKeeper::waits() const {
  return patience_ == Patience::until_written && store_ && appended_ > written_;
}

void TurnKeeper::when_kept(Tell tell) {
  if (!waits()) {
    tell(true);
    return;
  }
  waiting_.push_back({appended_, std::move(tell)});
  if (waiting_.size() <= kMostWaiting) return;
  const auto first = std::move(waiting_.front());
  waiting_.pop_front();
  first.tell(false);
}

void TurnKeeper::finish(Turn turn, const EpochStarts& epochs, Moment now) {
  if (patience_ == Patience::none || !store_) {
    send_(turn);
    append(turn, epochs, now);
    return;
  }
  append(turn, epochs, now);
  if (waits()) {
    hold(std::move(turn));
  } else {
    send_(turn);
  }
}

void TurnKeeper::hold(Turn turn) {
  // Questions tell nobody what was decided.
  Turn at_once;
  at_once.questions = std::exchange(turn.questions, {});
  if (!at_once.questions.empty()) send_(at_once);
  Held held{appended_, {}, sizeof(Held) + octets_of(turn)};
  // Nothing else of it is needed any more.
  held.turn.send = std::move(turn.send);
  held.turn.replies = std::move(turn.replies);
  held.turn.callouts = std::move(turn.callouts);
  octets_ += held.octets;
  held_.push_back(std::move(held));
  while (octets_ > kMostHeld && held_.size() > 1) drop_first();
}

void TurnKeeper::on_written(std::uint64_t number, bool is_on_disk) {
  written_ = std::max(written_, number);
  while (!held_.empty() && held_.front().number <= written_) send_(take_first().turn);
  while (!waiting_.empty() && waiting_.front().number <= written_) {
    const auto first = std::move(waiting_.front());
    waiting_.pop_front();
    first.tell(is_on_disk);
  }
}

TurnKeeper::Held TurnKeeper::take_first() {
  Held first = std::move(held_.front());
  held_.pop_front();
  octets_ -= first.octets;
  return first;
}

void TurnKeeper::drop_first() {
  auto dropped = take_first().turn;
  // Who asks over TCP waits for the end of his connection. This tells him nothing but that.
  Turn at_once;
  for (const auto& reply : dropped.replies) {
    at_once.replies.push_back({reply.token, 503, {{"Retry-After", "1"}}, {}});
  }
  if (!at_once.replies.empty()) send_(at_once);
  // Who asked for callouts waits for how they end, and has but few at a time.
  auto& callouts = held_.front().turn.callouts;
  callouts.insert(callouts.begin(), std::make_move_iterator(dropped.callouts.begin()),
                  std::make_move_iterator(dropped.callouts.end()));
}

}  // namespace postern
