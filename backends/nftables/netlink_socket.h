#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backends/nftables/batch.h"
#include "backends/nftables/netlink_headers.h"
#include "core/result.h"

namespace postern::nftables {

/// What went wrong, in the kernel's terms.
struct NetlinkError {
  /// An errno value.
  int code = 0;
  /// The message that the kernel refused; absent when the answer names none.
  std::optional<std::uint32_t> sequence;
};

/// A netlink socket to the kernel's packet filter. The kernel works within the call that sends, so
/// every answer is waiting when send returns: nothing here blocks.
class NetlinkSocket {
 public:
  [[nodiscard]] static Result<NetlinkSocket, NetlinkError> open();

  /// Sends a closed batch as one transaction. Only the kernel's own yes counts as success. Of
  /// several refused messages the first is named: the later ones may only be its consequence.
  [[nodiscard]] Result<void, NetlinkError> transact(const Batch& batch);

  /// Sends one dump request and hands over each message of the answer. EINTR means that the rules
  /// changed meanwhile, so that the answer may have holes: ask again, on a new socket.
  [[nodiscard]] Result<void, NetlinkError> dump(std::span<const std::uint8_t> request,
                                                const std::function<void(const nlmsghdr*)>& take);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };

  explicit NetlinkSocket(mnl_socket* socket);
  [[nodiscard]] Result<void, NetlinkError> send(std::span<const std::uint8_t> bytes);
  bool set_option(int option, int value);
  /// One datagram from the kernel, in buffer_.
  [[nodiscard]] Result<std::span<const std::uint8_t>, NetlinkError> receive();

  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace postern::nftables
