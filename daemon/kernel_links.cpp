#include "daemon/kernel_links.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/netlink_attributes.h"

namespace postern {
namespace {

/// States in which the kernel would send to that MAC address.
constexpr unsigned kKnown = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

/// Those of them in which the host has answered from there.
constexpr unsigned kAnswered = NUD_REACHABLE | NUD_PERMANENT;

/// A request about one object, at most as long as its answer.
class Question {
 public:
  Question(std::uint16_t type, std::uint32_t sequence)
      : message_(mnl_nlmsg_put_header(octets_.data())) {
    message_->nlmsg_type = type;
    message_->nlmsg_flags = NLM_F_REQUEST;
    message_->nlmsg_seq = sequence;
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  template <class Header>
  [[nodiscard]] Header& put_header() {
    return *static_cast<Header*>(mnl_nlmsg_put_extra_header(message_, sizeof(Header)));
  }
  [[nodiscard]] nlmsghdr* message() { return message_; }

 private:
  alignas(nlmsghdr) std::array<char, 256> octets_{};
  nlmsghdr* message_;
};

/// Sends the question and hands the one message of the answer to `take`. An error of the kernel's
/// ("no such neighbour") leaves it uncalled.
void ask(mnl_socket* socket, Question& question, mnl_cb_t take, void* data) {
  const nlmsghdr* request = question.message();
  if (socket == nullptr) return;
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return;
  alignas(nlmsghdr) std::array<char, 16384> answer;
  while (true) {
    const auto size = mnl_socket_recvfrom(socket, answer.data(), answer.size());
    if (size < 0) return;
    const int taken = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), request->nlmsg_seq,
                                 mnl_socket_get_portid(socket), take, data);
    // Otherwise it answers an earlier question, which was given up.
    if (taken >= 0 || errno != EPROTO) return;
  }
}

int take_link_address(const nlmsghdr* message, void* data) {
  const auto& header = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
  if ((header.ndm_state & kKnown) == 0) return MNL_CB_STOP;
  auto& told = *static_cast<LinkAddress*>(data);
  told.has_answered = (header.ndm_state & kAnswered) != 0;
  for_each_attribute<ndmsg>(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NDA_LLADDR) return;
    told.octets.assign(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                       mnl_attr_get_payload_len(attribute));
  });
  return MNL_CB_STOP;
}

int take_type(const nlmsghdr* message, void* data) {
  const auto& header = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  *static_cast<bool*>(data) = header.ifi_type == ARPHRD_ETHER;
  return MNL_CB_STOP;
}

int take_counters(const nlmsghdr* message, void* data) {
  for_each_attribute<ifinfomsg>(message, [&](const nlattr* attribute) {
    rtnl_link_stats64 told{};
    if (mnl_attr_get_type(attribute) != IFLA_STATS64) return;
    // A newer kernel may tell more, an older one less.
    std::memcpy(&told, mnl_attr_get_payload(attribute),
                std::min<std::size_t>(sizeof told, mnl_attr_get_payload_len(attribute)));
    *static_cast<std::optional<LinkCounters>*>(data) =
        LinkCounters{told.tx_bytes, told.rx_bytes, told.tx_packets, told.rx_packets};
  });
  return MNL_CB_STOP;
}

}  // namespace

void KernelLinks::CloseSocket::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

KernelLinks::KernelLinks()
    : socket_(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK)) {
  if (socket_ && mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) socket_.reset();
}

bool KernelLinks::are_one_host(std::uint32_t interface_index, const Address& left,
                               const Address& right) {
  if (left == right) return true;
  const std::string mac = link_address_of(interface_index, left).octets;
  return !mac.empty() && mac == link_address_of(interface_index, right).octets;
}

auto KernelLinks::mac_of(std::uint32_t interface_index, const Address& address)
    -> std::optional<FoundMac> {
  const auto found = link_address_of(interface_index, address);
  const auto mac = MacAddress::of_octets(found.octets);
  if (!mac) return std::nullopt;
  return FoundMac{*mac, found.has_answered};
}

bool KernelLinks::has_macs(std::uint32_t interface_index) {
  Question question(RTM_GETLINK, ++last_sequence_);
  question.put_header<ifinfomsg>().ifi_index = static_cast<int>(interface_index);
  bool has_macs = true;
  ask(socket_.get(), question, take_type, &has_macs);
  return has_macs;
}

auto KernelLinks::link_address_of(std::uint32_t interface_index, const Address& address)
    -> LinkAddress {
  Question question(RTM_GETNEIGH, ++last_sequence_);
  auto& header = question.put_header<ndmsg>();
  header.ndm_ifindex = static_cast<int>(interface_index);
  if (address.is_v4()) {
    header.ndm_family = AF_INET;
    const auto octets = address.v4_octets();
    mnl_attr_put(question.message(), NDA_DST, octets.size(), octets.data());
  } else {
    header.ndm_family = AF_INET6;
    mnl_attr_put(question.message(), NDA_DST, address.octets().size(), address.octets().data());
  }
  LinkAddress found;
  ask(socket_.get(), question, take_link_address, &found);
  return found;
}

std::optional<LinkCounters> KernelLinks::counters(std::uint32_t interface_index) {
  Question question(RTM_GETLINK, ++last_sequence_);
  question.put_header<ifinfomsg>().ifi_index = static_cast<int>(interface_index);
  std::optional<LinkCounters> counters;
  ask(socket_.get(), question, take_counters, &counters);
  return counters;
}

std::optional<std::uint64_t> KernelLinks::speed(std::uint32_t interface_index) {
  ifreq request{};
  if (!socket_ || ::if_indextoname(interface_index, request.ifr_name) == nullptr) {
    return std::nullopt;
  }
  ethtool_cmd settings{};
  settings.cmd = ETHTOOL_GSET;
  request.ifr_data = reinterpret_cast<char*>(&settings);
  if (::ioctl(mnl_socket_get_fd(socket_.get()), SIOCETHTOOL, &request) != 0) return std::nullopt;
  const auto megabits = ethtool_cmd_speed(&settings);
  // Without a carrier it is not known.
  if (megabits == 0 || megabits == static_cast<std::uint32_t>(SPEED_UNKNOWN)) return std::nullopt;
  return std::uint64_t{megabits} * 1'000'000;
}

}  // namespace postern
