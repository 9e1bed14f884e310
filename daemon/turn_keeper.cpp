#include "daemon/turn_keeper.h"

#include <algorithm>

namespace postern {

void TurnKeeper::use(std::unique_ptr<Store> store, Patience patience) {
  store_ = std::move(store);
  patience_ = patience;
}

Result<StoredState, std::string> TurnKeeper::load(Moment now) {
  if (!store_) return StoredState();
  auto stored = store_->load(now);
  if (!stored) store_.reset();
  return stored;
}

void TurnKeeper::append(const Turn& turn, const EpochStarts& epochs, Moment now) {
  const bool is_epoch_new = epochs_ != epochs;
  const bool has_news = !turn.events.empty() || !turn.refusals.empty() || is_epoch_new;
  if (!store_ || !has_news) return;
  StoreChanges changes;
  changes.now = now;
  changes.events = turn.events;
  changes.refusals = turn.refusals;
  if (is_epoch_new) changes.epochs = epochs_ = epochs;
  appended_ = store_->append(std::move(changes));
}

void TurnKeeper::finish(Turn turn, const EpochStarts& epochs, Moment now) {
  append(turn, epochs, now);
  const bool waits = patience_ == Patience::until_written && store_ && appended_ > written_;
  if (!waits) {
    send_(turn);
    return;
  }
  held_.push_back({appended_, std::move(turn)});
  if (held_.size() > kMostHeld) send_first();
}

void TurnKeeper::on_written(std::uint64_t number) {
  written_ = std::max(written_, number);
  while (!held_.empty() && held_.front().number <= written_) send_first();
}

void TurnKeeper::send_first() {
  const Turn turn = std::move(held_.front().turn);
  held_.pop_front();
  send_(turn);
}

}  // namespace postern
