#include "daemon/udp_port.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/packet_info.h"

namespace postern {
namespace {

[[nodiscard]] bool set_option(int socket, int level, int name, const void* value, socklen_t size) {
  return setsockopt(socket, level, name, value, size) == 0;
}

/// Everything that must be set before the socket is bound.
[[nodiscard]] bool prepare(int socket, const std::string& interface, Family family) {
  const int on = 1;
  const int off = 0;
  // One hop is the default of multicast; our own copies need not come back to us.
  const bool is_bound = set_option(socket, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                                   static_cast<socklen_t>(interface.size()));
  if (family == Family::v4) {
    return is_bound && set_option(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) &&
           set_option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off);
  }
  return is_bound && set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) &&
         set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) &&
         set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof off);
}

}  // namespace

Result<std::shared_ptr<UdpPort>, std::string> UdpPort::open(asio::io_context& io,
                                                            const Interface& interface,
                                                            Family family, std::uint16_t port) {
  const auto failed = [&](const std::string& reason) {
    return fail("UDP port " + std::to_string(port) + " on " + interface.name + ": " + reason);
  };
  const auto protocol = family == Family::v4 ? asio::ip::udp::v4() : asio::ip::udp::v6();
  boost::system::error_code error;
  asio::ip::udp::socket socket(io);
  socket.open(protocol, error);
  if (error) return failed(error.message());
  keep_from_children(socket.native_handle());
  if (!prepare(socket.native_handle(), interface.name, family)) {
    return failed(std::strerror(errno));
  }
  socket.bind({protocol, port}, error);
  if (error) return failed(error.message());
  socket.non_blocking(true, error);
  if (error) return failed(error.message());
  return std::shared_ptr<UdpPort>(new UdpPort(std::move(socket), interface, family, port));
}

void UdpPort::watch(std::function<void()> on_readable) {
  socket_.async_wait(
      asio::ip::udp::socket::wait_read,
      [weak = weak_from_this(), on_readable = std::move(on_readable)](const auto& error) mutable {
        // The port may have been closed after this was called for.
        const auto self = weak.lock();
        if (error || !self) return;
        on_readable();
        self->watch(std::move(on_readable));
      });
}

std::span<const IncomingDatagram> UdpPort::receive() {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  std::array<sockaddr_storage, kBatch> sources{};
  std::array<PacketControl, kBatch> controls{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts[i] = {buffers_[i].data(), buffers_[i].size()};
    auto& header = messages[i].msg_hdr;
    header.msg_name = &sources[i];
    header.msg_namelen = sizeof sources[i];
    header.msg_iov = &parts[i];
    header.msg_iovlen = 1;
    header.msg_control = controls[i].octets.data();
    header.msg_controllen = controls[i].octets.size();
  }
  received_.clear();
  const int count =
      recvmmsg(socket_.native_handle(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
    const auto arrival = arrival_of(messages[i].msg_hdr);
    if (!arrival) continue;
    received_.push_back({arrival->interface_index,
                         endpoint_of(sources[i]),
                         {arrival->destination, port_},
                         Bytes(buffers_[i]).first(messages[i].msg_len)});
  }
  return received_;
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
    const bool is_v4 = datagram.source.address.is_v4();
    if (datagram.interface_index != interface_index_ || is_v4 != (family_ == Family::v4)) continue;
    // The kernel only reads the payload; iovec serves both directions and so is not const.
    parts[count] = {const_cast<std::uint8_t*>(datagram.payload.data()), datagram.payload.size()};
    auto& header = messages[count].msg_hdr;
    header = {};
    header.msg_name = &destinations[count];
    header.msg_namelen = put_address(datagram.destination, interface_index_, destinations[count]);
    header.msg_iov = &parts[count];
    header.msg_iovlen = 1;
    put_departure(datagram, header, controls[count]);
    if (++count == kBatch) flush();
  }
  flush();
  return unsent;
}

}  // namespace postern
