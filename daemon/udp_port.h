#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "core/datagram.h"
#include "core/network.h"
#include "core/result.h"
#include "daemon/asio.h"
#include "daemon/fair_queue.h"

namespace postern {

/// Which IP a socket speaks. An IPv6 one never speaks IPv4 (IPV6_V6ONLY).
enum class Family : std::uint8_t { v4, v6 };

/// Where a UdpPort listens.
struct UdpListenAt {
  /// SO_BINDTODEVICE.
  std::string interface;
  std::uint32_t interface_index = 0;
  Family family = Family::v4;
  std::uint16_t port = 0;
  /// Multicast addresses of the family that are heard, too. With any, other processes may have the
  /// same port (SO_REUSEADDR), as they must where everybody listens to one group.
  std::vector<Address> groups = {};

  friend bool operator==(const UdpListenAt&, const UdpListenAt&) = default;
};
/// "UDP port 5351 on br-lan".
[[nodiscard]] std::string to_string(const UdpListenAt& at);

/// One UDP port on one interface, on all its addresses of one family. Every datagram comes with the
/// address and interface it was sent to, and leaves from the address and interface it names
/// (IP_PKTINFO, IPV6_PKTINFO).
class UdpPort : public std::enable_shared_from_this<UdpPort> {
 public:
  /// The most datagrams that one receive() returns; the bound of a turn's work for this interface.
  static constexpr std::size_t kBatch = 64;
  /// The most that one receive() reads.
  static constexpr std::size_t kMostRead = 8 * kBatch;
  /// The most that wait after it, in 2 kB each.
  static constexpr std::size_t kMostWaiting = 256;

  /// The error says what failed and why.
  [[nodiscard]] static Result<std::shared_ptr<UdpPort>, std::string> open(asio::io_context& io,
                                                                          const UdpListenAt& at);

  /// Calls `on_readable` whenever datagrams wait here or in the kernel, until this object is gone;
  /// others of the same io_context have their turn in between.
  void watch(std::function<void()> on_readable);

  /// Of what waits now, at most kBatch: each source has the same share, so that nobody who sends
  /// much keeps others waiting. In the order of arrival. The payloads are valid until the next
  /// call.
  [[nodiscard]] std::span<const IncomingDatagram> receive();
  /// How many have been thrown away since the last call because too many of their source waited.
  [[nodiscard]] std::size_t take_overflow() { return std::exchange(overflow_, 0); }
  /// Sends those of this family that leave through this interface from this port. A datagram that
  /// the kernel does not take is lost, as any datagram may be; clients ask again. Returns how many
  /// those were.
  [[nodiscard]] std::size_t send(std::span<const OutgoingDatagram> datagrams);

  [[nodiscard]] const UdpListenAt& at() const { return at_; }

 private:
  /// Longer than any request we answer in full; what is cut off is ignored anyway.
  static constexpr std::size_t kBufferSize = 2048;

  UdpPort(asio::ip::udp::socket socket, UdpListenAt at)
      : socket_(std::move(socket)), at_(std::move(at)) {
    for (std::size_t slot = kSlots; slot > 0; --slot) {
      free_.push_back(static_cast<FairQueue::Slot>(slot - 1));
    }
  }

  /// Where a datagram is kept.
  struct Held {
    IncomingDatagram datagram;
    /// Tells which came first.
    std::uint64_t number = 0;
  };
  /// Those of a turn, or of a batch that is read, beside those that wait.
  static constexpr std::size_t kSlots = kMostWaiting + kBatch;

  /// Reads what waits in the kernel; whether there may be more.
  [[nodiscard]] bool read_batch();
  /// Puts what was read into the queue; the slot that is free now, if any is.
  [[nodiscard]] std::optional<FairQueue::Slot> keep(FairQueue::Slot slot, mmsghdr& message);

  [[nodiscard]] bool is_to_be_sent_here(const OutgoingDatagram& datagram) const;

  asio::ip::udp::socket socket_;
  UdpListenAt at_;
  std::array<std::array<std::uint8_t, kBufferSize>, kSlots> buffers_;
  std::array<Held, kSlots> held_;
  /// Of the slots, those in which nothing is; the last one is used first, so that few are touched.
  std::vector<FairQueue::Slot> free_;
  FairQueue queue_{kMostWaiting};
  /// Of the turn that runs.
  std::vector<FairQueue::Slot> taken_;
  std::vector<IncomingDatagram> received_;
  std::uint64_t last_number_ = 0;
  std::size_t overflow_ = 0;
};

}  // namespace postern
