#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/capabilities.h"
#include "core/door.h"
#include "core/network.h"
#include "core/result.h"
#include "core/time.h"

namespace postern {

struct BackendError {
  /// For the log: what was tried and what the firewall answered.
  std::string reason;
  /// Which of the changes handed to commit() was refused; absent when the error is about the whole
  /// transaction (no memory, no permission, the table is gone).
  std::optional<std::size_t> refused_change;
  /// This process lacks the right to change the firewall.
  bool permission_denied = false;
};

/// Where doors are opened. Calls come from one thread. After an error the firewall holds exactly
/// what it held before the call.
class FirewallBackend {
 public:
  virtual ~FirewallBackend() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;

  /// Whether anything of ours is in the firewall, with doors or without: nobody took it out, and
  /// the machine was not started since. For start only.
  [[nodiscard]] virtual Result<bool, BackendError> is_set_up() = 0;

  /// The doors that the firewall holds, in no order, without those whose time is up at `now`; where
  /// it ends no leases itself, those of an earlier run are told with them, for they are still open.
  /// Dumps everything: for start and for checks, never for a request.
  [[nodiscard]] virtual Result<std::vector<TimedDoor>, BackendError> open_doors(Moment now) = 0;

  /// Makes everything of ours in the firewall anew, in one transaction: the static rules for these
  /// interfaces and exactly these doors. Established traffic goes on.
  [[nodiscard]] virtual Result<void, BackendError> reset(const Network& network,
                                                         std::span<const TimedDoor> doors,
                                                         Moment now) = 0;

  /// Applies the changes of one turn in one transaction: all of them, or none. Each key occurs at
  /// most once, and its `before` is what an earlier call left there. Closing a door that the
  /// firewall has already ended by itself is not an error.
  [[nodiscard]] virtual Result<void, BackendError> commit(std::span<const DoorChange> changes,
                                                          Moment now) = 0;

  /// How many packets this pinhole has let in, through all its filters; answers to connections that
  /// the host began from its port are among them. Nothing when the firewall does not count or does
  /// not hold the door as given, and for every other door: a forward is asked for the first packet
  /// of a connection only.
  ///
  /// The count begins when the door is opened. It begins anew when its filters change, at a
  /// reset(), and at a renewal where the firewall cannot renew in place
  /// (Capabilities::renews_in_place). Takes as long as a commit, however many doors there are.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>, BackendError> packets_through(
      const Door&) {
    return std::optional<std::uint64_t>();
  }

  /// See BackendOptions::requests_per_second. Holds from the next reset() on.
  virtual void set_requests_per_second(std::uint32_t) {}

  /// Whether the firewall keeps LAN hosts from sending more than that.
  struct Pacing {
    bool is_on = false;
    /// Why it does not, or not all of them, in words for the operator; empty: it is as he wants it.
    std::string trouble = {};
  };
  /// Since the last reset().
  [[nodiscard]] virtual Pacing pacing() const { return {}; }

  /// Whether the firewall still holds what the last call left there. Asked when somebody changed
  /// rules that may be ours; where every such change is heard of by itself there is nothing to find
  /// out. What cannot be read counts as intact. May take as long as a commit.
  [[nodiscard]] virtual bool is_intact() { return true; }
};

}  // namespace postern
