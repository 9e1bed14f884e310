#include "daemon/udp_port.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/packet_info.h"

namespace postern {
namespace {

/// UDA 2.0 §1.2.2 and its annex A.
constexpr int kHops4 = 2;
constexpr int kHops6 = 10;
/// Octets, of which the kernel counts some 800 for a request and takes twice as many: 1,300 of
/// them, where its default is 280, which a flood fills while another process has the processor.
constexpr int kReceiveBuffer = 512 * 1024;

[[nodiscard]] bool set_option(int socket, int level, int name, const void* value, socklen_t size) {
  return setsockopt(socket, level, name, value, size) == 0;
}

/// Everything that must be set before the socket is bound.
[[nodiscard]] bool prepare(int socket, const UdpListenAt& at) {
  const int on = 1;
  const int off = 0;
  // Our own copies need not come back to us.
  const bool is_bound = set_option(socket, SOL_SOCKET, SO_BINDTODEVICE, at.interface.c_str(),
                                   static_cast<socklen_t>(at.interface.size()));
  const bool is_shared =
      at.groups.empty() || set_option(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!is_bound || !is_shared) return false;
  // Beyond the system's limit only with CAP_NET_ADMIN; what can be had will do.
  if (!set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer)) {
    (void)set_option(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
  if (at.family == Family::v4) {
    return set_option(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) &&
           set_option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off);
  }
  return set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) &&
         set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) &&
         set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof off);
}

[[nodiscard]] bool join(int socket, const Address& group, std::uint32_t interface_index) {
  if (group.is_v4()) {
    ip_mreqn membership{};
    membership.imr_ifindex = static_cast<int>(interface_index);
    std::memcpy(&membership.imr_multiaddr, group.v4_octets().data(), group.v4_octets().size());
    return set_option(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership);
  }
  ipv6_mreq membership{};
  membership.ipv6mr_interface = interface_index;
  std::memcpy(&membership.ipv6mr_multiaddr, group.octets().data(), group.octets().size());
  return set_option(socket, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof membership);
}

/// Joins the groups, and lets what is sent to them go as far as UPnP says. One hop is the default.
[[nodiscard]] bool join_all(int socket, const UdpListenAt& at) {
  if (at.groups.empty()) return true;
  const bool is_set =
      at.family == Family::v4
          ? set_option(socket, IPPROTO_IP, IP_MULTICAST_TTL, &kHops4, sizeof kHops4)
          : set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &kHops6, sizeof kHops6);
  return is_set && std::all_of(at.groups.begin(), at.groups.end(), [&](const Address& group) {
           return join(socket, group, at.interface_index);
         });
}

}  // namespace

std::string to_string(const UdpListenAt& at) {
  return "UDP port " + std::to_string(at.port) + " on " + at.interface;
}

Result<std::shared_ptr<UdpPort>, std::string> UdpPort::open(asio::io_context& io,
                                                            const UdpListenAt& at) {
  const auto failed = [&](const std::string& reason) {
    return fail(to_string(at) + ": " + reason);
  };
  const auto protocol = at.family == Family::v4 ? asio::ip::udp::v4() : asio::ip::udp::v6();
  boost::system::error_code error;
  asio::ip::udp::socket socket(io);
  socket.open(protocol, error);
  if (error) return failed(error.message());
  keep_from_children(socket.native_handle());
  if (!prepare(socket.native_handle(), at)) {
    return failed(std::strerror(errno));
  }
  socket.bind({protocol, at.port}, error);
  if (error) return failed(error.message());
  if (!join_all(socket.native_handle(), at)) return failed(std::strerror(errno));
  socket.non_blocking(true, error);
  if (error) return failed(error.message());
  return std::shared_ptr<UdpPort>(new UdpPort(std::move(socket), at));
}

void UdpPort::watch(std::function<void()> on_readable) {
  auto then = [weak = weak_from_this(),
               on_readable = std::move(on_readable)](const auto& error) mutable {
    // The port may have been closed after this was called for.
    const auto self = weak.lock();
    if (error || !self) return;
    on_readable();
    self->watch(std::move(on_readable));
  };
  if (queue_.empty()) {
    socket_.async_wait(asio::ip::udp::socket::wait_read, std::move(then));
  } else {
    asio::post(socket_.get_executor(),
               [then = std::move(then)]() mutable { then(boost::system::error_code()); });
  }
}

std::span<const IncomingDatagram> UdpPort::receive() {
  free_.insert(free_.end(), taken_.rbegin(), taken_.rend());
  // A whole queue of the kernel, for in it one who sends much stands before all others.
  for (std::size_t read = 0; read < kMostRead; read += kBatch) {
    if (!read_batch()) break;
  }
  taken_ = queue_.take(kBatch);
  std::sort(taken_.begin(), taken_.end(), [&](FairQueue::Slot left, FairQueue::Slot right) {
    return held_[left].number < held_[right].number;
  });
  received_.clear();
  for (const auto slot : taken_) received_.push_back(held_[slot].datagram);
  return received_;
}

bool UdpPort::read_batch() {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  std::array<sockaddr_storage, kBatch> sources{};
  std::array<PacketControl, kBatch> controls{};
  // There are always so many: no turn runs while this reads.
  const std::span slots(free_.end() - kBatch, free_.end());
  for (std::size_t i = 0; i < kBatch; ++i) {
    auto& buffer = buffers_[slots[kBatch - 1 - i]];
    parts[i] = {buffer.data(), buffer.size()};
    auto& header = messages[i].msg_hdr;
    header.msg_name = &sources[i];
    header.msg_namelen = sizeof sources[i];
    header.msg_iov = &parts[i];
    header.msg_iovlen = 1;
    header.msg_control = controls[i].octets.data();
    header.msg_controllen = controls[i].octets.size();
  }
  const int count =
      recvmmsg(socket_.native_handle(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  std::vector<FairQueue::Slot> unused;
  for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
    const auto slot = free_.back();
    free_.pop_back();
    if (const auto left = keep(slot, messages[i])) unused.push_back(*left);
  }
  free_.insert(free_.end(), unused.begin(), unused.end());
  return count == static_cast<int>(kBatch);
}

std::optional<FairQueue::Slot> UdpPort::keep(FairQueue::Slot slot, mmsghdr& message) {
  const auto arrival = arrival_of(message.msg_hdr);
  if (!arrival) return slot;
  const auto source = endpoint_of(*static_cast<sockaddr_storage*>(message.msg_hdr.msg_name));
  held_[slot] = {{arrival->interface_index,
                  source,
                  {arrival->destination, at_.port},
                  Bytes(buffers_[slot]).first(message.msg_len)},
                 ++last_number_};
  const auto thrown_away = queue_.push(source.address, slot);
  overflow_ += thrown_away ? 1 : 0;
  return thrown_away;
}

std::size_t UdpPort::send(std::span<const OutgoingDatagram> datagrams) {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  std::array<sockaddr_storage, kBatch> destinations{};
  std::array<PacketControl, kBatch> controls{};
  unsigned count = 0;
  std::size_t unsent = 0;
  const auto flush = [&] {
    unsigned sent = 0;
    while (sent < count) {
      const int taken =
          sendmmsg(socket_.native_handle(), messages.data() + sent, count - sent, MSG_DONTWAIT);
      if (taken > 0) {
        sent += static_cast<unsigned>(taken);
      } else if (errno != EINTR) {
        ++sent;  // Skip the one that was refused.
        ++unsent;
      }
    }
    count = 0;
  };
  for (const auto& datagram : datagrams) {
    if (!is_to_be_sent_here(datagram)) continue;
    // The kernel only reads the payload; iovec serves both directions and so is not const.
    parts[count] = {const_cast<std::uint8_t*>(datagram.payload.data()), datagram.payload.size()};
    auto& header = messages[count].msg_hdr;
    header = {};
    header.msg_name = &destinations[count];
    header.msg_namelen =
        put_address(datagram.destination, at_.interface_index, destinations[count]);
    header.msg_iov = &parts[count];
    header.msg_iovlen = 1;
    put_departure(datagram, header, controls[count]);
    if (++count == kBatch) flush();
  }
  flush();
  return unsent;
}

bool UdpPort::is_to_be_sent_here(const OutgoingDatagram& datagram) const {
  return datagram.interface_index == at_.interface_index && datagram.source.port == at_.port &&
         datagram.source.address.is_v4() == (at_.family == Family::v4);
}

}  // namespace postern
