#include "daemon/netlink_monitor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>

namespace postern {
namespace {

constexpr unsigned kGroups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE;
/// A dump that the kernel says was disturbed (NLM_F_DUMP_INTR) is read again, this many times.
constexpr int kDumpTries = 5;

[[nodiscard]] std::string because(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

/// The most messages that one wake-up takes; others wait for the next.
constexpr int kEventBatch = 256;

/// What was read so far. Of several default routes the one with the lowest metric is kept.
struct Reading {
  NetworkFacts facts;
  /// The addresses of each interface by its index, as the kernel lists them.
  std::map<std::uint32_t, std::vector<FoundAddress>> addresses;
  std::uint32_t best_metric = std::numeric_limits<std::uint32_t>::max();
  /// The source address that the default route names (RTA_PREFSRC).
  std::optional<Address> preferred_source;
};

/// Puts each address where it belongs, now that the default route is known.
[[nodiscard]] NetworkFacts facts_of(Reading reading) {
  for (auto& link : reading.facts.links) {
    const auto index = link.interface.index;
    const bool is_way_out = index == reading.facts.default_route_index;
    link.interface.addresses = in_order_of_use(
        std::move(reading.addresses[index]), is_way_out ? reading.preferred_source : std::nullopt);
  }
  return std::move(reading.facts);
}

/// The attributes of one message by type; those beyond `size` are newer than this code.
template <std::size_t size>
[[nodiscard]] std::array<const nlattr*, size> attributes(const nlmsghdr* message,
                                                         std::size_t header_size) {
  std::array<const nlattr*, size> found{};
  const auto keep = [](const nlattr* attribute, void* data) {
    auto& into = *static_cast<std::array<const nlattr*, size>*>(data);
    const auto type = mnl_attr_get_type(attribute);
    if (type < size) into[type] = attribute;
    return MNL_CB_OK;
  };
  mnl_attr_parse(message, static_cast<unsigned>(header_size), keep, &found);
  return found;
}

int read_link(const nlmsghdr* message, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  const auto& header = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  const auto found = attributes<IFLA_MAX + 1>(message, sizeof header);
  if (found[IFLA_IFNAME] == nullptr) return MNL_CB_OK;
  Link link;
  link.interface.name = mnl_attr_get_str(found[IFLA_IFNAME]);
  link.interface.index = static_cast<std::uint32_t>(header.ifi_index);
  link.interface.is_running = (header.ifi_flags & IFF_RUNNING) != 0;
  link.is_up = (header.ifi_flags & IFF_UP) != 0;
  link.is_loopback = (header.ifi_flags & IFF_LOOPBACK) != 0;
  reading.facts.links.push_back(std::move(link));
  return MNL_CB_OK;
}

[[nodiscard]] std::optional<Address> address_in(const nlattr* attribute) {
  const auto* octets = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
  std::array<std::uint8_t, 4> four{};
  std::array<std::uint8_t, 16> sixteen{};
  switch (mnl_attr_get_payload_len(attribute)) {
    case four.size():
      std::copy_n(octets, four.size(), four.begin());
      return Address::v4(four);
    case sixteen.size():
      std::copy_n(octets, sixteen.size(), sixteen.begin());
      return Address::v6(sixteen);
    default:
      return std::nullopt;
  }
}

int read_address(const nlmsghdr* message, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  const auto& header = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  const auto found = attributes<IFA_MAX + 1>(message, sizeof header);
  // On a point-to-point link IFA_ADDRESS is the other end.
  const auto* own = found[IFA_LOCAL] != nullptr ? found[IFA_LOCAL] : found[IFA_ADDRESS];
  const auto address = own != nullptr ? address_in(own) : std::nullopt;
  if (!address) return MNL_CB_OK;
  const std::uint32_t flags =
      found[IFA_FLAGS] != nullptr ? mnl_attr_get_u32(found[IFA_FLAGS]) : header.ifa_flags;
  constexpr std::uint32_t kNotPreferred = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED;
  const bool is_tentative = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0;
  reading.addresses[header.ifa_index].push_back({{*address, header.ifa_prefixlen, is_tentative},
                                                 header.ifa_scope < RT_SCOPE_LINK,
                                                 (flags & kNotPreferred) == 0});
  return MNL_CB_OK;
}

/// The interface of a route, that of the first next hop where there are several.
[[nodiscard]] std::optional<std::uint32_t> route_interface(
    std::span<const nlattr* const, RTA_MAX + 1> found) {
  if (found[RTA_OIF] != nullptr) return mnl_attr_get_u32(found[RTA_OIF]);
  if (found[RTA_MULTIPATH] == nullptr ||
      mnl_attr_get_payload_len(found[RTA_MULTIPATH]) < sizeof(rtnexthop)) {
    return std::nullopt;
  }
  rtnexthop first{};
  std::memcpy(&first, mnl_attr_get_payload(found[RTA_MULTIPATH]), sizeof first);
  return static_cast<std::uint32_t>(first.rtnh_ifindex);
}

int read_route(const nlmsghdr* message, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  const auto& header = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  if (header.rtm_dst_len != 0 || header.rtm_table != RT_TABLE_MAIN ||
      header.rtm_type != RTN_UNICAST) {
    return MNL_CB_OK;
  }
  const auto found = attributes<RTA_MAX + 1>(message, sizeof header);
  const auto index = route_interface(found);
  const std::uint32_t metric =
      found[RTA_PRIORITY] != nullptr ? mnl_attr_get_u32(found[RTA_PRIORITY]) : 0;
  if (index && metric < reading.best_metric) {
    reading.best_metric = metric;
    reading.facts.default_route_index = index;
    const auto* source = found[RTA_PREFSRC];
    reading.preferred_source = source != nullptr ? address_in(source) : std::nullopt;
  }
  return MNL_CB_OK;
}

/// One dump request and all of its answer. False with errno when it failed.
[[nodiscard]] bool dump(mnl_socket* socket, std::uint16_t type, std::uint8_t family,
                        mnl_cb_t callback, Reading& reading) {
  alignas(nlmsghdr) std::array<char, 16384> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = type;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = type;
  // All three families of dump requests begin with their address family and take zeros after it.
  auto* header = static_cast<rtgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  header->rtgen_family = family;
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return false;

  const unsigned port = mnl_socket_get_portid(socket);
  while (true) {
    const auto size = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    if (size < 0) return false;
    const int state =
        mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), type, port, callback, &reading);
    if (state < 0) return false;
    if (state == MNL_CB_STOP) return true;
  }
}

[[nodiscard]] bool dump_all(mnl_socket* socket, Reading& reading) {
  return dump(socket, RTM_GETLINK, AF_UNSPEC, read_link, reading) &&
         dump(socket, RTM_GETADDR, AF_UNSPEC, read_address, reading) &&
         dump(socket, RTM_GETROUTE, AF_INET, read_route, reading);
}

/// Throws away what is left of a dump that was given up; until then the kernel begins no other.
void discard_waiting(int socket) {
  std::array<char, 16384> ignored{};
  while (::recv(socket, ignored.data(), ignored.size(), MSG_DONTWAIT) >= 0 || errno == ENOBUFS ||
         errno == EINTR) {
  }
}

/// Whether read() may show what this message tells. Of routes it shows only default routes, and a
/// routing daemon changes others all the time.
[[nodiscard]] bool is_relevant(const nlmsghdr* message) {
  if (message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE) return true;
  if (mnl_nlmsg_get_payload_len(message) < sizeof(rtmsg)) return true;
  return static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message))->rtm_dst_len == 0;
}

/// Takes what the kernel has told; whether any of it, or what was lost (ENOBUFS), is relevant.
[[nodiscard]] bool take_events(int socket) {
  bool is_changed = false;
  for (int taken = 0; taken < kEventBatch; ++taken) {
    alignas(nlmsghdr) std::array<char, 16384> buffer;
    const auto size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno != ENOBUFS && errno != EINTR) break;
    is_changed = is_changed || (size < 0 && errno == ENOBUFS);
    int left = static_cast<int>(size);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      is_changed = is_changed || is_relevant(message);
    }
    is_changed = is_changed || left > 0;  // A message longer than the buffer.
  }
  return is_changed;
}

}  // namespace

void NetlinkMonitor::CloseSocket::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<std::unique_ptr<NetlinkMonitor>, std::string> NetlinkMonitor::open(asio::io_context& io) {
  Socket events(mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!events || mnl_socket_bind(events.get(), kGroups, MNL_SOCKET_AUTOPID) < 0) {
    return fail(because("watching the network interfaces"));
  }
  Socket dumps(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!dumps || mnl_socket_bind(dumps.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return fail(because("reading the network interfaces"));
  }
  const int readable = ::fcntl(mnl_socket_get_fd(events.get()), F_DUPFD_CLOEXEC, 0);
  if (readable < 0) return fail(because("watching the network interfaces"));
  return std::unique_ptr<NetlinkMonitor>(
      new NetlinkMonitor(io, std::move(events), std::move(dumps), readable));
}

NetlinkMonitor::NetlinkMonitor(asio::io_context& io, Socket events, Socket dumps, int readable)
    : events_(std::move(events)), dumps_(std::move(dumps)), readable_(io, readable) {}

Result<NetworkFacts, std::string> NetlinkMonitor::read() {
  for (int tries = 0; tries < kDumpTries; ++tries) {
    discard_waiting(mnl_socket_get_fd(dumps_.get()));
    Reading reading;
    if (dump_all(dumps_.get(), reading)) return facts_of(std::move(reading));
    if (errno != EINTR) break;
  }
  return fail(because("reading the network interfaces"));
}

void NetlinkMonitor::watch(std::function<void()> on_change) {
  readable_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this, on_change = std::move(on_change)](const auto& error) mutable {
                         if (error) return;  // Closed; this object may be gone.
                         if (take_events(readable_.native_handle())) on_change();
                         watch(std::move(on_change));
                       });
}

}  // namespace postern
