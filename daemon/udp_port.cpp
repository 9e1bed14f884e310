#include "daemon/udp_port.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace postern {
namespace {

constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(in_pktinfo));

/// Room for one control message, aligned as the kernel wants it.
struct alignas(cmsghdr) Control {
  std::array<char, kControlSize> octets;
};

[[nodiscard]] Endpoint endpoint_of(const sockaddr_in& address) {
  return {Address::v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)};
}

[[nodiscard]] sockaddr_in sockaddr_of(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(endpoint.address.v4_value());
  address.sin_port = htons(endpoint.port);
  return address;
}

/// The address and interface that a received datagram was sent to.
[[nodiscard]] std::optional<in_pktinfo> packet_info(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO) continue;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(c), sizeof info);
    return info;
  }
  return std::nullopt;
}

/// Makes the datagram leave from its source address, through its interface.
void put_packet_info(const OutgoingDatagram& datagram, msghdr& message, Control& control) {
  in_pktinfo info{};
  info.ipi_ifindex = static_cast<int>(datagram.interface_index);
  info.ipi_spec_dst.s_addr = htonl(datagram.source.address.v4_value());
  message.msg_control = control.octets.data();
  message.msg_controllen = control.octets.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

[[nodiscard]] bool set_option(int socket, int level, int name, const void* value, socklen_t size) {
  return setsockopt(socket, level, name, value, size) == 0;
}

/// Everything that must be set before the socket is bound.
[[nodiscard]] bool prepare(int socket, const std::string& interface) {
  const int on = 1;
  const int off = 0;
  // TTL 1 is the default of multicast; our own copies need not come back to us.
  return set_option(socket, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                    static_cast<socklen_t>(interface.size())) &&
         set_option(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) &&
         set_option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off);
}

}  // namespace

Result<std::shared_ptr<UdpPort>, std::string> UdpPort::open(asio::io_context& io,
                                                            const Interface& interface,
                                                            std::uint16_t port) {
  const auto failed = [&](const std::string& reason) {
    return fail("UDP port " + std::to_string(port) + " on " + interface.name + ": " + reason);
  };
  boost::system::error_code error;
  asio::ip::udp::socket socket(io);
  socket.open(asio::ip::udp::v4(), error);
  if (error) return failed(error.message());
  keep_from_children(socket.native_handle());
  if (!prepare(socket.native_handle(), interface.name)) return failed(std::strerror(errno));
  socket.bind({asio::ip::address_v4::any(), port}, error);
  if (error) return failed(error.message());
  socket.non_blocking(true, error);
  if (error) return failed(error.message());
  return std::shared_ptr<UdpPort>(new UdpPort(std::move(socket), interface, port));
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
  std::array<sockaddr_in, kBatch> sources{};
  std::array<Control, kBatch> controls{};
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
    const auto info = packet_info(messages[i].msg_hdr);
    if (!info) continue;
    received_.push_back({static_cast<std::uint32_t>(info->ipi_ifindex),
                         endpoint_of(sources[i]),
                         {Address::v4(ntohl(info->ipi_addr.s_addr)), port_},
                         Bytes(buffers_[i]).first(messages[i].msg_len)});
  }
  return received_;
}

std::size_t UdpPort::send(std::span<const OutgoingDatagram> datagrams) {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  std::array<sockaddr_in, kBatch> destinations{};
  std::array<Control, kBatch> controls{};
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
    if (datagram.interface_index != interface_index_) continue;
    // The kernel only reads the payload; iovec serves both directions and so is not const.
    parts[count] = {const_cast<std::uint8_t*>(datagram.payload.data()), datagram.payload.size()};
    destinations[count] = sockaddr_of(datagram.destination);
    auto& header = messages[count].msg_hdr;
    header = {};
    header.msg_name = &destinations[count];
    header.msg_namelen = sizeof destinations[count];
    header.msg_iov = &parts[count];
    header.msg_iovlen = 1;
    put_packet_info(datagram, header, controls[count]);
    if (++count == kBatch) flush();
  }
  flush();
  return unsent;
}

}  // namespace postern
