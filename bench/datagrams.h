#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/bytes.h"

namespace postern::bench {

/// Datagrams that one system call receives or sends, so that moving them costs the measuring side
/// as little as possible.
class DatagramBatch {
 public:
  /// At most `capacity` datagrams a call.
  explicit DatagramBatch(std::size_t capacity);

  /// Replaces the contents with what is waiting. `flags` are those of recvmmsg(2): MSG_DONTWAIT not
  /// to wait, MSG_WAITFORONE to wait for the first. Leaves the batch empty when there is nothing.
  void receive(int socket, int flags);

  /// Adds a datagram to send, to `peer` or, without one, to where the socket is connected. Only
  /// while size() is below the capacity.
  void push(Bytes datagram, const sockaddr_in* peer = nullptr);
  /// Sends all and empties the batch. A datagram the system refuses counts as lost on the way.
  void send(int socket);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool full() const { return size_ == entries_.size(); }
  [[nodiscard]] Bytes datagram(std::size_t index) const;
  /// Who sent it.
  [[nodiscard]] const sockaddr_in& peer(std::size_t index) const { return entries_[index].peer; }

 private:
  /// More than the longest NAT-PMP message of interest; what is longer is cut and so refused.
  static constexpr std::size_t kLongest = 64;
  struct Entry {
    std::array<std::uint8_t, kLongest> octets{};
    sockaddr_in peer{};
    iovec part{};
  };

  std::vector<Entry> entries_;
  /// headers_[i] points into entries_[i].
  std::vector<mmsghdr> headers_;
  std::size_t size_ = 0;
};

}  // namespace postern::bench
