#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "netlink/writer.h"

struct mnl_socket;

namespace postern {

namespace netlink {
class Socket;
}

/// What was done to the kernel's rules, by anybody but us.
struct Seen {
  /// The table `inet postern` is not as we left it.
  bool ours = false;
  /// Something else was changed: the host's own filter and translations are to be read again.
  bool others = false;
  /// The kernel had more to say than the socket holds. Anything may have happened, so `ours` and
  /// `others` are set too; our table may well be as it was.
  bool overrun = false;
  /// Why `ours` is set: "changed unheard", "overrun", "table deleted", "rules changed" or "elements
  /// changed", the gravest of them. A constant; empty when `ours` is not set.
  std::string_view reason;
  /// The name of the program that touched our table last ("nft"), as the kernel knows it. Empty
  /// when that is not known.
  std::string by;
};

/// Knows of every change to the packet filter's rules in the calling thread's network namespace,
/// but for our own. Elements that end by their timeout are no change.
///
/// It listens (NFNLGRP_NFTABLES); the kernel drops for this socket what we did ourselves. But it
/// makes those messages first, one for each element, at 2 µs a request. So while our own changes
/// come fast it does not listen, but looks every 25 ms whether the kernel counts more transactions
/// than we made. When it does, `ours` and `others` are set: anything may have been changed.
class RulesetWatch {
 public:
  /// `own` are the sockets that write our changes. They must stay open as long as this watch: a
  /// port that is closed may become somebody else's.
  [[nodiscard]] static Result<std::unique_ptr<RulesetWatch>, std::string> open(
      std::vector<netlink::Writer> own);
  RulesetWatch(const RulesetWatch&) = delete;
  RulesetWatch& operator=(const RulesetWatch&) = delete;
  ~RulesetWatch();

  /// Readable as long as drain() has something to tell. Non-blocking, and owned by this object:
  /// whoever wants to own one as well takes a duplicate.
  [[nodiscard]] int descriptor() const;

  /// Reads what is waiting, at most 64 datagrams of the kernel; what is left keeps the descriptor
  /// readable.
  [[nodiscard]] Seen drain();

  /// Listens or not, as our own changes come, and while it does not, looks. To be called before
  /// changes are made, and at next_look().
  [[nodiscard]] Seen keep_pace(Moment now);
  /// When keep_pace() is to be called at the latest; nothing while the watch listens.
  [[nodiscard]] std::optional<Moment> next_look() const;

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  using Listener = std::unique_ptr<mnl_socket, Close>;

  RulesetWatch(Listener listener, netlink::Socket asker, std::vector<netlink::Writer> own);

  [[nodiscard]] std::uint32_t own_commits() const;
  void stop_listening(Moment now);
  [[nodiscard]] bool start_listening();
  /// Whether others made a transaction since the last look, or since we stopped to listen.
  [[nodiscard]] bool is_changed_unheard();

  Listener listener_;
  std::unique_ptr<netlink::Socket> asker_;
  std::vector<netlink::Writer> own_;
  std::vector<std::uint8_t> buffer_;
  /// Since an overrun the queue was not seen empty.
  bool is_behind_ = false;

  bool is_listening_ = true;
  /// Our pace is judged anew at this moment, by what was committed since the last time.
  Moment step_ends_{};
  std::uint32_t commits_before_step_ = 0;
  /// Not before this does it stop to listen.
  Moment listens_until_{};
  /// While it does not listen: the kernel's count of transactions at the last look, and ours.
  std::uint32_t known_generation_ = 0;
  std::uint32_t known_commits_ = 0;
};

}  // namespace postern
