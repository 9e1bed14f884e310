#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/result.h"
#include "netlink/batch.h"
#include "netlink/headers.h"

namespace postern::netlink {

/// What went wrong, in the kernel's terms.
struct Error {
  /// An errno value.
  int code = 0;
  /// The message that the kernel refused; absent when the answer names none.
  std::optional<std::uint32_t> sequence;
};

/// A netlink socket to the kernel's packet filter. The kernel works within the call that sends, so
/// every answer is waiting when send returns: nothing here blocks.
class Socket {
 public:
  [[nodiscard]] static Result<Socket, Error> open();

  /// The socket's address: whoever watches the rules hears this number with each change that was
  /// made through it.
  [[nodiscard]] std::uint32_t port_id() const { return mnl_socket_get_portid(socket_.get()); }

  /// Sends a closed batch, which is not empty, as one transaction. Only the kernel's own yes counts
  /// as success. Of several refused messages the first is named: the later ones may only be its
  /// consequence.
  [[nodiscard]] Result<void, Error> transact(const Batch& batch);

  /// How many transactions went well through this socket: so often did it raise the generation,
  /// if each changed something. (Adding what is there changes nothing.)
  [[nodiscard]] std::uint32_t commits() const { return commits_; }

  /// The number of the last transaction that anybody in the network namespace made (iptables-nft
  /// too); never 0. It is raised early: the kernel may not have told yet what was changed.
  [[nodiscard]] Result<std::uint32_t, Error> generation();

  /// Returns when nobody is in the midst of a transaction that began earlier: all that was changed
  /// by then has been told to those who listen.
  [[nodiscard]] Result<void, Error> wait_for_running_transaction();

  /// Sends one dump request and hands over each message of the answer. EINTR means that the rules
  /// changed meanwhile, so that the answer may have holes: ask again, on a new socket.
  [[nodiscard]] Result<void, Error> dump(std::span<const std::uint8_t> request,
                                         const std::function<void(const nlmsghdr*)>& take);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };

  explicit Socket(mnl_socket* socket);
  [[nodiscard]] Result<void, Error> send(std::span<const std::uint8_t> bytes);
  bool set_option(int option, int value);
  /// One datagram from the kernel, in buffer_.
  [[nodiscard]] Result<std::span<const std::uint8_t>, Error> receive();

  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<std::uint8_t> buffer_;
  std::uint32_t commits_ = 0;
};

}  // namespace postern::netlink
