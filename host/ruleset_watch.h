#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

struct mnl_socket;
struct nlmsghdr;

namespace postern {

/// What was done to the kernel's rules, by anybody but us.
struct Seen {
  /// The table `inet postern` is not as we left it.
  bool ours = false;
  /// Something else was changed: the host's own filter and translations are to be read again.
  bool others = false;
  /// The kernel had more to say than the socket holds. Anything may have happened, so `ours` and
  /// `others` are set too; our table may well be as it was.
  bool overrun = false;
  /// Why `ours` is set: "overrun", "table deleted", "rules changed" or "elements changed", the
  /// gravest of them. A constant; empty when `ours` is not set.
  std::string_view reason;
  /// The name of the program that touched our table last ("nft"), as the kernel knows it. Empty
  /// when that is not known.
  std::string by;
};

/// Hears of every change to the packet filter's rules in the calling thread's network namespace
/// (NFNLGRP_NFTABLES), but not of our own: the kernel drops those for this socket, whatever their
/// number. Elements that end by their timeout are no change.
class RulesetWatch {
 public:
  /// `own_port_ids` are those of the sockets that write our changes (netlink::Socket::port_id()),
  /// which must stay open as long as this watch: a port that is closed may become somebody else's.
  [[nodiscard]] static Result<std::unique_ptr<RulesetWatch>, std::string> open(
      std::span<const std::uint32_t> own_port_ids);

  /// Readable as long as drain() has something to tell. Non-blocking, and owned by this object:
  /// whoever wants to own one as well takes a duplicate.
  [[nodiscard]] int descriptor() const;

  /// Reads what is waiting, at most 64 datagrams of the kernel; what is left keeps the descriptor
  /// readable.
  [[nodiscard]] Seen drain();

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, Close>;

  explicit RulesetWatch(Socket socket);

  Socket socket_;
  std::vector<std::uint8_t> buffer_;
  /// Since an overrun the queue was not seen empty.
  bool is_behind_ = false;
};

}  // namespace postern
