#include "bench/floor_map.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include <endian.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include "bench/net.h"

namespace postern::bench {
namespace {

constexpr auto kTable = "floor";
constexpr auto kMap = "dnat4";

// How nft numbers its data types, six bits each: ipv4_addr . inet_proto . inet_service, and the
// target ipv4_addr . inet_service.
constexpr std::uint32_t kKeyType = (7U << 12) | (12U << 6) | 13U;
constexpr std::uint32_t kDataType = (7U << 6) | 13U;
// In a concatenation each part fills up to four octets.
using Key = std::array<std::uint8_t, 12>;
using Data = std::array<std::uint8_t, 8>;

[[nodiscard]] Key key_of(const FloorDoor& door) {
  Key key{};
  const auto port = htons(door.external_port);
  std::memcpy(key.data(), &door.external_address, 4);
  key[4] = static_cast<std::uint8_t>(door.protocol);
  std::memcpy(key.data() + 8, &port, 2);
  return key;
}

[[nodiscard]] Data data_of(const FloorDoor& door) {
  Data data{};
  const auto port = htons(door.internal_port);
  std::memcpy(data.data(), &door.internal_address, 4);
  std::memcpy(data.data() + 4, &port, 2);
  return data;
}

template <std::size_t kSize>
void put_value(nlmsghdr* message, std::uint16_t attribute,
               const std::array<std::uint8_t, kSize>& octets) {
  auto* nest = mnl_attr_nest_start(message, attribute);
  mnl_attr_put(message, NFTA_DATA_VALUE, octets.size(), octets.data());
  mnl_attr_nest_end(message, nest);
}

void put_element(nlmsghdr* message, const FloorDoor& door) {
  auto* nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  put_value(message, NFTA_SET_ELEM_KEY, key_of(door));
  put_value(message, NFTA_SET_ELEM_DATA, data_of(door));
  mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT,
                   htobe64(static_cast<std::uint64_t>(door.timeout.count())));
  mnl_attr_nest_end(message, nest);
}

}  // namespace

FloorMap::FloorMap() : socket_(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC)) {
  if (!socket_) throw_errno("netlink socket");
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0) throw_errno("netlink bind");
  // Answers then carry the header of the message and not all of it.
  int on = 1;
  mnl_socket_setsockopt(socket_.get(), NETLINK_CAP_ACK, &on, sizeof on);

  mark(NFNL_MSG_BATCH_BEGIN);
  put_table();
  put_map();
  const auto last = sequence_;
  mark(NFNL_MSG_BATCH_END);
  if (const int error = transact(last); error != 0) {
    throw std::system_error(error, std::generic_category(), "making the table inet floor");
  }
}

int FloorMap::commit(const std::vector<FloorDoor>& doors) {
  mark(NFNL_MSG_BATCH_BEGIN);
  // nft add element inet floor dnat4 { ADDRESS . PROTOCOL . PORT timeout TIME : ADDRESS . PORT }
  auto* message = start(netlink::message_type(NFT_MSG_NEWSETELEM), NLM_F_CREATE | NLM_F_ACK);
  netlink::put_family(message, NFPROTO_INET);
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, kTable);
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, kMap);
  auto* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
  for (const auto& door : doors) put_element(message, door);
  mnl_attr_nest_end(message, list);
  finish(message);
  const auto last = sequence_;
  mark(NFNL_MSG_BATCH_END);
  return transact(last);
}

nlmsghdr* FloorMap::start(std::uint16_t type, std::uint16_t flags) {
  auto* message = mnl_nlmsg_put_header(buffer_.data() + size_);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = ++sequence_;
  return message;
}

void FloorMap::mark(std::uint16_t type) {
  auto* message = start(type, 0);
  netlink::put_family(message, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  finish(message);
}

/// nft add table inet floor
void FloorMap::put_table() {
  auto* message = start(netlink::message_type(NFT_MSG_NEWTABLE), NLM_F_CREATE);
  netlink::put_family(message, NFPROTO_INET);
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, kTable);
  finish(message);
}

/// nft add map inet floor dnat4 { typeof ip daddr . meta l4proto . th dport :
///   ip daddr . th dport; flags timeout; size 65536; counter; }
void FloorMap::put_map() {
  const std::unique_ptr<nftnl_set, decltype(&nftnl_set_free)> set(nftnl_set_alloc(),
                                                                  &nftnl_set_free);
  auto* counter = nftnl_expr_alloc("counter");
  if (!set || counter == nullptr) throw std::bad_alloc();
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, kTable);
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, kMap);
  nftnl_set_set_u32(set.get(), NFTNL_SET_ID, 1);
  nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, NFT_SET_MAP | NFT_SET_TIMEOUT);
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, kKeyType);
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, sizeof(Key));
  nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_TYPE, kDataType);
  nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_LEN, sizeof(Data));
  nftnl_set_set_u32(set.get(), NFTNL_SET_DESC_SIZE, 65536);
  nftnl_set_add_expr(set.get(), counter);  // which the set owns from here on
  auto* message = start(netlink::message_type(NFT_MSG_NEWSET), NLM_F_CREATE | NLM_F_ACK);
  netlink::put_family(message, NFPROTO_INET);
  nftnl_set_nlmsg_build_payload(message, set.get());
  finish(message);
}

int FloorMap::transact(std::uint32_t acknowledged) {
  const auto sent = mnl_socket_sendto(socket_.get(), buffer_.data(), size_);
  size_ = 0;
  if (sent < 0) return errno;
  while (true) {
    alignas(nlmsghdr) std::array<std::uint8_t, 4096> answer{};
    const auto size = mnl_socket_recvfrom(socket_.get(), answer.data(), answer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    int left = static_cast<int>(size);
    const auto* message = reinterpret_cast<const nlmsghdr*>(answer.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_type != NLMSG_ERROR) continue;
      const int error = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
      if (error != 0 || message->nlmsg_seq == acknowledged) return error;
    }
  }
}

}  // namespace postern::bench
