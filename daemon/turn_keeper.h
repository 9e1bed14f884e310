#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/gateway.h"
#include "core/store.h"

namespace postern {

/// Gives what turns changed to the store. Where nothing may be lost, it holds back what clients are
/// told until the store has it on the disk; it leaves in its order. Else nobody waits for the
/// store, and answers leave first.
///
/// What is held is bounded. A disk too far behind costs clients their oldest answers, for which
/// they ask again: they are never told what is not on the disk.
class TurnKeeper {
 public:
  /// Must not finish another turn.
  using Send = std::function<void(const Turn&)>;

  /// The name of a rule of the policy in force; empty for none.
  using RuleName = std::function<std::string_view(RuleIndex)>;

  /// Whether `send` waits for the disk.
  enum class Patience : std::uint8_t { none, until_written };

  explicit TurnKeeper(Send send) : send_(std::move(send)) {}

  /// From now on; without a store nothing is kept.
  void use(std::unique_ptr<Store> store, Patience patience, RuleName rule_name);
  /// See Store::load(). After an error nothing is kept.
  [[nodiscard]] Result<StoredState, std::string> load(Moment now);

  /// The turn that is sent may lack what was for the log and the store.
  void finish(Turn turn, const EpochStarts& epochs, Moment now);
  /// Tells the administrator: calls this once everything finished so far may be told, at once or
  /// later; false when it is not on the disk yet all the same.
  using Tell = std::function<void(bool is_kept)>;
  void when_kept(Tell tell);
  /// The store has everything up to this number, or, when it is not on the disk, cannot write it
  /// at the moment.
  void on_written(std::uint64_t number, bool is_on_disk = true);

 private:
  /// In octets, of the answers and what keeps them.
  static constexpr std::size_t kMostHeld = std::size_t{4} << 20;
  struct Held {
    std::uint64_t number = 0;
    Turn turn;
    std::size_t octets = 0;
  };

  /// More than there are connections to the administrator.
  static constexpr std::size_t kMostWaiting = 64;
  struct Waiting {
    std::uint64_t number = 0;
    Tell tell;
  };

  [[nodiscard]] bool waits() const;
  /// Takes out of the turn what is for the store.
  void append(Turn& turn, const EpochStarts& epochs, Moment now);
  void hold(Turn turn);
  [[nodiscard]] Held take_first();
  void drop_first();

  Send send_;
  /// May be null.
  std::unique_ptr<Store> store_;
  RuleName rule_name_;
  Patience patience_ = Patience::none;
  std::optional<EpochStarts> epochs_;
  std::uint64_t appended_ = 0;
  std::uint64_t written_ = 0;
  std::deque<Held> held_;
  /// Of all that is held.
  std::size_t octets_ = 0;
  std::deque<Waiting> waiting_;
};

}  // namespace postern
