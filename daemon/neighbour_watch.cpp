#include "daemon/neighbour_watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "daemon/netlink_attributes.h"

namespace postern {
namespace {

/// The most messages that one wake-up takes; others wait for the next.
constexpr int kEventBatch = 64;

[[nodiscard]] std::string because(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

/// Nothing for states that say nothing about a host, such as one that was just asked.
[[nodiscard]] std::optional<Neighbour::State> state_of(unsigned kernel_state) {
  if ((kernel_state & (NUD_REACHABLE | NUD_PERMANENT)) != 0) return Neighbour::State::reachable;
  if ((kernel_state & (NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0) return Neighbour::State::heard;
  if ((kernel_state & NUD_FAILED) != 0) return Neighbour::State::silent;
  return std::nullopt;
}

[[nodiscard]] std::string_view octets_of(const nlattr* attribute) {
  return {static_cast<const char*>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

[[nodiscard]] std::optional<Address> address_of(std::string_view octets) {
  std::array<std::uint8_t, 4> four{};
  std::array<std::uint8_t, 16> sixteen{};
  if (octets.size() == four.size()) {
    std::copy(octets.begin(), octets.end(), four.begin());
    return Address::v4(four);
  }
  if (octets.size() != sixteen.size()) return std::nullopt;
  std::copy(octets.begin(), octets.end(), sixteen.begin());
  return Address::v6(sixteen);
}

/// Nothing for messages that tell nothing of a neighbour.
[[nodiscard]] std::optional<Neighbour> neighbour_in(const nlmsghdr* message) {
  if (message->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(message) < sizeof(ndmsg)) {
    return std::nullopt;
  }
  const auto& header = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
  const auto state = state_of(header.ndm_state);
  const bool is_host = header.ndm_family == AF_INET || header.ndm_family == AF_INET6;
  if (!state || !is_host || header.ndm_type != RTN_UNICAST) return std::nullopt;
  Neighbour neighbour{static_cast<std::uint32_t>(header.ndm_ifindex), {}, *state, {}};
  std::optional<Address> address;
  for_each_attribute<ndmsg>(message, [&](const nlattr* attribute) {
    const auto type = mnl_attr_get_type(attribute);
    if (type == NDA_DST) address = address_of(octets_of(attribute));
    if (type == NDA_LLADDR) neighbour.link_address = octets_of(attribute);
  });
  if (!address) return std::nullopt;
  neighbour.address = *address;
  return neighbour;
}

/// A request about neighbours.
class Request {
 public:
  Request(std::uint16_t type, unsigned flags)
      : message_(mnl_nlmsg_put_header(octets_.data())),
        header_(*static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message_, sizeof(ndmsg)))) {
    message_->nlmsg_type = type;
    message_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  [[nodiscard]] ndmsg& header() { return header_; }
  void put_address(const Address& address) {
    const auto put = [this](std::uint8_t family, const auto& octets) {
      header_.ndm_family = family;
      mnl_attr_put(message_, NDA_DST, octets.size(), octets.data());
    };
    if (address.is_v4()) {
      put(AF_INET, address.v4_octets());
    } else {
      put(AF_INET6, address.octets());
    }
  }
  void send(const mnl_socket* socket) const {
    (void)mnl_socket_sendto(socket, message_, message_->nlmsg_len);
  }

 private:
  alignas(nlmsghdr) std::array<char, 128> octets_{};
  nlmsghdr* message_;
  ndmsg& header_;
};

/// ip neigh show
void ask_for_all(const mnl_socket* socket) {
  Request(RTM_GETNEIGH, NLM_F_DUMP).send(socket);
}

}  // namespace

void NeighbourWatch::CloseSocket::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<std::unique_ptr<NeighbourWatch>, std::string> NeighbourWatch::open(asio::io_context& io) {
  Socket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), RTMGRP_NEIGH, MNL_SOCKET_AUTOPID) < 0) {
    return fail(because("watching the neighbours"));
  }
  const int readable = ::fcntl(mnl_socket_get_fd(socket.get()), F_DUPFD_CLOEXEC, 0);
  if (readable < 0) return fail(because("watching the neighbours"));
  return std::unique_ptr<NeighbourWatch>(new NeighbourWatch(io, std::move(socket), readable));
}

NeighbourWatch::NeighbourWatch(asio::io_context& io, Socket socket, int readable)
    : socket_(std::move(socket)), readable_(io, readable) {}

void NeighbourWatch::watch(Heard heard) {
  readable_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this, heard = std::move(heard)](const auto& error) mutable {
                         if (error) return;  // Closed; this object may be gone.
                         take_waiting(heard);
                         watch(std::move(heard));
                       });
}

void NeighbourWatch::take_waiting(const Heard& heard) {
  std::vector<Neighbour> neighbours;
  bool are_some_lost = false;
  for (int taken = 0; taken < kEventBatch; ++taken) {
    alignas(nlmsghdr) std::array<char, 16384> buffer;
    const auto size = ::recv(readable_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno != ENOBUFS && errno != EINTR) break;
    are_some_lost = are_some_lost || (size < 0 && errno == ENOBUFS);
    int left = static_cast<int>(size);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (auto neighbour = neighbour_in(message)) neighbours.push_back(std::move(*neighbour));
    }
  }
  if (!neighbours.empty()) heard(neighbours);
  if (are_some_lost) ask_for_all(socket_.get());
}

void NeighbourWatch::ask(const NeighbourQuestion& question) {
  using enum NeighbourQuestion::Whom;
  const auto send = [&](std::uint16_t type, unsigned flags, std::uint8_t neighbour_flags) {
    Request request(type, flags);
    request.header().ndm_ifindex = static_cast<int>(question.interface_index);
    request.header().ndm_flags = neighbour_flags;
    request.put_address(question.address);
    request.send(socket_.get());
  };
  if (question.whom == kernel) {
    // ip neigh get ADDRESS dev INTERFACE
    send(RTM_GETNEIGH, 0, 0);
    return;
  }
  // ip neigh delete ADDRESS dev INTERFACE: what is not known is asked of everybody.
  if (question.whom == link) send(RTM_DELNEIGH, 0, 0);
  // ip neigh replace ADDRESS dev INTERFACE use
  send(RTM_NEWNEIGH, NLM_F_CREATE, NTF_USE);
}

}  // namespace postern
