#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "core/gateway.h"
#include "core/store.h"

namespace postern {

/// Gives what turns changed to the store before what they send leaves. Where nothing may be lost,
/// it holds them back until the store has them on the disk; they leave in their order.
class TurnKeeper {
 public:
  using Send = std::function<void(const Turn&)>;

  /// Whether `send` waits for the disk.
  enum class Patience : std::uint8_t { none, until_written };

  explicit TurnKeeper(Send send) : send_(std::move(send)) {}

  /// From now on; without a store nothing is kept.
  void use(std::unique_ptr<Store> store, Patience patience);
  /// See Store::load(). After an error nothing is kept.
  [[nodiscard]] Result<StoredState, std::string> load(Moment now);

  void finish(Turn turn, const EpochStarts& epochs, Moment now);
  /// The store has everything up to this number.
  void on_written(std::uint64_t number);

 private:
  /// A disk that is so far behind will not hold up the clients for longer.
  static constexpr std::size_t kMostHeld = 4096;
  struct Held {
    std::uint64_t number = 0;
    Turn turn;
  };

  void append(const Turn& turn, const EpochStarts& epochs, Moment now);
  void send_first();

  Send send_;
  /// May be null.
  std::unique_ptr<Store> store_;
  Patience patience_ = Patience::none;
  std::optional<EpochStarts> epochs_;
  std::uint64_t appended_ = 0;
  std::uint64_t written_ = 0;
  std::deque<Held> held_;
};

}  // namespace postern
