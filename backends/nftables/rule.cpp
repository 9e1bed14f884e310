#include "backends/nftables/rule.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/if_arp.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_nat.h>

#include "netlink/headers.h"

namespace postern::nftables {
namespace {

// Offsets in the headers of IPv4 (RFC 791 §3.1) and IPv6 (RFC 8200 §3), and in those of TCP
// (RFC 9293 §3.1) and UDP (RFC 768) alike.
constexpr std::uint32_t kSource4 = 12;
constexpr std::uint32_t kDestination4 = 16;
constexpr std::uint32_t kSource6 = 8;
constexpr std::uint32_t kDestination6 = 24;
constexpr std::uint32_t kSourcePort = 0;
constexpr std::uint32_t kDestinationPort = 2;
constexpr std::uint32_t kTcpFlags = 13;
// In the header of Ethernet.
constexpr std::uint32_t kSourceEther = 6;

constexpr std::uint32_t kFirst = NFT_REG32_00;
constexpr std::uint32_t kSecond = NFT_REG32_01;

/// The number by which nft itself, and so its listing, calls a register that begins a quarter.
[[nodiscard]] constexpr std::uint32_t number_of(std::uint32_t reg) {
  const std::uint32_t index = reg - NFT_REG32_00;
  return index % 4 == 0 ? NFT_REG_1 + index / 4 : reg;
}

[[nodiscard]] nftnl_expr* expression(const char* name) {
  auto* made = nftnl_expr_alloc(name);
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

[[nodiscard]] nftnl_expr* limit_over(const Pace& pace) {
  auto* limit = expression("limit");
  nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, pace.rate);
  nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);  // A second.
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, pace.burst());
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
  return limit;
}

}  // namespace

void Rule::Free::operator()(nftnl_rule* rule) const {
  nftnl_rule_free(rule);
}

Rule::Rule(const char* table, const char* chain) : rule_(nftnl_rule_alloc()) {
  if (rule_ == nullptr) throw std::bad_alloc();
  nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_FAMILY, NFPROTO_INET);
  nftnl_rule_set_str(rule_.get(), NFTNL_RULE_TABLE, table);
  nftnl_rule_set_str(rule_.get(), NFTNL_RULE_CHAIN, chain);
}

template <class Word>
Rule& Rule::mask_and_flip(Word mask, Word flip) {
  auto* bitwise = expression("bitwise");
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, number_of(kFirst));
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, number_of(kFirst));
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, sizeof mask);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof mask);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, &flip, sizeof flip);
  add(bitwise);
  return *this;
}

Rule& Rule::from_interface(std::string_view name) {
  return compare_interface(NFT_META_IIFNAME, NFT_CMP_EQ, name);
}

Rule& Rule::to_interface(std::string_view name) {
  return compare_interface(NFT_META_OIFNAME, NFT_CMP_EQ, name);
}

Rule& Rule::not_from_interface(std::string_view name) {
  return compare_interface(NFT_META_IIFNAME, NFT_CMP_NEQ, name);
}

Rule& Rule::not_to_interface(std::string_view name) {
  return compare_interface(NFT_META_OIFNAME, NFT_CMP_NEQ, name);
}

Rule& Rule::is_ipv4() {
  return load_meta(NFT_META_NFPROTO, kFirst)
      .compare(NFT_CMP_EQ, std::array<std::uint8_t, 1>{NFPROTO_IPV4});
}

Rule& Rule::is_ipv6() {
  return load_meta(NFT_META_NFPROTO, kFirst)
      .compare(NFT_CMP_EQ, std::array<std::uint8_t, 1>{NFPROTO_IPV6});
}

Rule& Rule::is_protocol(Protocol protocol) {
  return load_meta(NFT_META_L4PROTO, kFirst)
      .compare(NFT_CMP_EQ, std::array{static_cast<std::uint8_t>(protocol)});
}

Rule& Rule::is_to_port(Protocol protocol, std::uint16_t port) {
  const std::array<std::uint8_t, 2> octets{static_cast<std::uint8_t>(port >> 8),
                                           static_cast<std::uint8_t>(port)};
  return is_protocol(protocol)
      .load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2, kFirst)
      .compare(NFT_CMP_EQ, octets);
}

Rule& Rule::begins_connection() {
  constexpr std::uint8_t kFin = 0x01;
  constexpr std::uint8_t kSyn = 0x02;
  constexpr std::uint8_t kRst = 0x04;
  constexpr std::uint8_t kAck = 0x10;
  return load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kTcpFlags, 1, kFirst)
      .mask_and_flip<std::uint8_t>(kFin | kSyn | kRst | kAck, 0)
      .compare(NFT_CMP_EQ, std::array{kSyn});
}

Rule& Rule::has_source(Source source) {
  const auto size = size_of(source);
  switch (source) {
    case Source::ether: {
      constexpr std::uint16_t kEthernet = ARPHRD_ETHER;
      std::array<std::uint8_t, sizeof kEthernet> octets{};
      std::memcpy(octets.data(), &kEthernet, sizeof kEthernet);
      return load_meta(NFT_META_IIFTYPE, kFirst)
          .compare(NFT_CMP_EQ, octets)
          .load_payload(NFT_PAYLOAD_LL_HEADER, kSourceEther, size, kFirst);
    }
    case Source::ipv4:
      return is_ipv4().load_payload(NFT_PAYLOAD_NETWORK_HEADER, kSource4, size, kFirst);
    case Source::ipv6:
      return is_ipv6().load_payload(NFT_PAYLOAD_NETWORK_HEADER, kSource6, size, kFirst);
  }
  return *this;
}

Rule& Rule::exceeds(Source source, const Pace& pace) {
  auto* update = expression("dynset");
  nftnl_expr_set_u32(update, NFTNL_EXPR_DYNSET_SREG_KEY, number_of(kFirst));
  nftnl_expr_set_u32(update, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
  nftnl_expr_set_str(update, NFTNL_EXPR_DYNSET_SET_NAME, to_string(source));
  // Owned by the other one from here on.
  nftnl_expr_set(update, NFTNL_EXPR_DYNSET_EXPR, limit_over(pace), 0);
  add(update);
  return *this;
}

Rule& Rule::has_no_bucket(Source source) {
  auto* lookup = expression("lookup");
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, number_of(kFirst));
  nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, to_string(source));
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  add(lookup);
  return *this;
}

Rule& Rule::exceeds(const Pace& pace) {
  add(limit_over(pace));
  return *this;
}

Rule& Rule::is_dnat() {
  return load_ct(NFT_CT_STATUS)
      .mask_and_flip<std::uint32_t>(IPS_DST_NAT, 0)
      .compare(NFT_CMP_NEQ, std::array<std::uint8_t, 4>{});
}

Rule& Rule::has_ct_mark_bits(std::uint32_t bits) {
  std::array<std::uint8_t, sizeof bits> octets{};
  std::memcpy(octets.data(), &bits, sizeof bits);
  return load_ct(NFT_CT_MARK).mask_and_flip(bits, 0U).compare(NFT_CMP_EQ, octets);
}

Rule& Rule::was_to(const Address& address) {
  return load_ct(NFT_CT_DST_IP).compare(NFT_CMP_EQ, address.v4_octets());
}

Rule& Rule::look_up(Container container) {
  load_key(container);
  auto* lookup = expression("lookup");
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, number_of(kFirst));
  if (is_map(container)) nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, number_of(kFirst));
  nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, to_string(container));
  add(lookup);
  return *this;
}

Rule& Rule::load_key(Container container) {
  // The containers for filters have the remote peer's address and port first. In snat4 the only
  // address and port are the sender's; everywhere else the last ones are the receiver's.
  const auto fields = key_fields(container);
  const bool has_remote = fields.size() > 3;
  std::uint32_t to = kFirst;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool is_source = container == Container::snat4 || (has_remote && i < fields.size() - 3);
    switch (fields[i]) {
      case Field::ipv4:
        load_payload(NFT_PAYLOAD_NETWORK_HEADER, is_source ? kSource4 : kDestination4, 4, to);
        break;
      case Field::ipv6:
        load_payload(NFT_PAYLOAD_NETWORK_HEADER, is_source ? kSource6 : kDestination6, 16, to);
        break;
      case Field::protocol:
        load_meta(NFT_META_L4PROTO, to);
        break;
      case Field::port:
        load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, is_source ? kSourcePort : kDestinationPort, 2,
                     to);
        break;
    }
    to += (size_of(fields[i]) + 3U) / 4U;
  }
  return *this;
}

Rule& Rule::dnat_to_found() {
  return nat(NFT_NAT_DNAT);
}

Rule& Rule::snat_to_found() {
  return nat(NFT_NAT_SNAT);
}

Rule& Rule::snat_to(const Address& address) {
  auto* immediate = expression("immediate");
  const auto octets = address.v4_octets();
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, number_of(kFirst));
  nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, octets.data(),
                 static_cast<std::uint32_t>(octets.size()));
  add(immediate);
  auto* nat = expression("nat");
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, number_of(kFirst));
  add(nat);
  return *this;
}

Rule& Rule::set_mark_bits(std::uint32_t bits) {
  load_meta(NFT_META_MARK, kFirst).mask_and_flip(~bits, bits);
  auto* mark = expression("meta");
  nftnl_expr_set_u32(mark, NFTNL_EXPR_META_KEY, NFT_META_MARK);
  nftnl_expr_set_u32(mark, NFTNL_EXPR_META_SREG, number_of(kFirst));
  add(mark);
  return *this;
}

Rule& Rule::set_ct_mark_bits(std::uint32_t bits) {
  return load_ct(NFT_CT_MARK).mask_and_flip(~bits, bits).store_ct_mark();
}

Rule& Rule::clear_ct_mark_bits(std::uint32_t bits) {
  return load_ct(NFT_CT_MARK).mask_and_flip(~bits, 0U).store_ct_mark();
}

Rule& Rule::accept() {
  return verdict(NF_ACCEPT);
}

Rule& Rule::drop() {
  return verdict(NF_DROP);
}

Rule& Rule::go_to(const char* chain) {
  return verdict(NFT_JUMP, chain);
}

Rule& Rule::leave_chain() {
  return verdict(NFT_RETURN);
}

void Rule::put(netlink::Batch& batch) const {
  auto* message = batch.start_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  nftnl_rule_nlmsg_build_payload(message, rule_.get());
  batch.finish_message();
}

Rule& Rule::load_meta(std::uint32_t key, std::uint32_t to) {
  auto* meta = expression("meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, number_of(to));
  add(meta);
  return *this;
}

Rule& Rule::load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size,
                         std::uint32_t to) {
  auto* payload = expression("payload");
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, base);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, size);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, number_of(to));
  add(payload);
  return *this;
}

Rule& Rule::compare(std::uint32_t operation, std::span<const std::uint8_t> octets) {
  auto* compare = expression("cmp");
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, number_of(kFirst));
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, operation);
  nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, octets.data(),
                 static_cast<std::uint32_t>(octets.size()));
  add(compare);
  return *this;
}

Rule& Rule::load_ct(std::uint32_t key) {
  auto* ct = expression("ct");
  nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, key);
  nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, number_of(kFirst));
  // What belongs to one direction of the connection is asked of the one that began it.
  if (key == NFT_CT_DST_IP) nftnl_expr_set_u8(ct, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
  add(ct);
  return *this;
}

Rule& Rule::store_ct_mark() {
  auto* mark = expression("ct");
  nftnl_expr_set_u32(mark, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
  nftnl_expr_set_u32(mark, NFTNL_EXPR_CT_SREG, number_of(kFirst));
  add(mark);
  return *this;
}

Rule& Rule::compare_interface(std::uint32_t key, std::uint32_t operation, std::string_view name) {
  // All 16 octets are compared: a shorter comparison would match every name that begins so.
  std::array<std::uint8_t, 16> padded{};
  std::copy_n(name.begin(), std::min(name.size(), padded.size() - 1), padded.begin());
  return load_meta(key, kFirst).compare(operation, padded);
}

Rule& Rule::nat(std::uint32_t type) {
  // The map's value lies where its key was: the address first, the port behind it.
  auto* nat = expression("nat");
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, type);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, number_of(kFirst));
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, number_of(kSecond));
  add(nat);
  return *this;
}

Rule& Rule::verdict(int code, const char* chain) {
  auto* immediate = expression("immediate");
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(code));
  if (chain != nullptr) nftnl_expr_set_str(immediate, NFTNL_EXPR_IMM_CHAIN, chain);
  add(immediate);
  return *this;
}

void Rule::add(nftnl_expr* expression) {
  nftnl_rule_add_expr(rule_.get(), expression);
}

}  // namespace postern::nftables
