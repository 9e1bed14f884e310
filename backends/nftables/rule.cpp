#include "backends/nftables/rule.h"

#include <algorithm>
#include <array>
#include <new>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>

#include "netlink/headers.h"

namespace postern::nftables {
namespace {

// Offsets in the IPv4 header (RFC 791 §3.1), and in TCP's (RFC 9293 §3.1) and UDP's (RFC 768)
// alike.
constexpr std::uint32_t kSourceAddress = 12;
constexpr std::uint32_t kDestinationAddress = 16;
constexpr std::uint32_t kSourcePort = 0;
constexpr std::uint32_t kDestinationPort = 2;

[[nodiscard]] constexpr std::uint32_t number_of(Register which) {
  switch (which) {
    case Register::first:
      return NFT_REG_1;
    case Register::second:
      return NFT_REG32_01;
    case Register::third:
      return NFT_REG32_02;
  }
  return NFT_REG_1;
}

[[nodiscard]] nftnl_expr* expression(const char* name) {
  auto* made = nftnl_expr_alloc(name);
  if (made == nullptr) throw std::bad_alloc();
  return made;
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

Rule& Rule::from_interface(std::string_view name) {
  return compare_interface(NFT_META_IIFNAME, name);
}

Rule& Rule::to_interface(std::string_view name) {
  return compare_interface(NFT_META_OIFNAME, name);
}

Rule& Rule::is_ipv4() {
  return load_meta(NFT_META_NFPROTO, Register::first)
      .compare(NFT_CMP_EQ, std::array<std::uint8_t, 1>{NFPROTO_IPV4});
}

Rule& Rule::is_udp_to(std::uint16_t port) {
  const std::array<std::uint8_t, 1> udp{static_cast<std::uint8_t>(Protocol::udp)};
  const std::array<std::uint8_t, 2> octets{static_cast<std::uint8_t>(port >> 8),
                                           static_cast<std::uint8_t>(port)};
  return load_protocol(Register::first)
      .compare(NFT_CMP_EQ, udp)
      .load_destination_port(Register::first)
      .compare(NFT_CMP_EQ, octets);
}

Rule& Rule::is_dnat() {
  auto* status = expression("ct");
  nftnl_expr_set_u32(status, NFTNL_EXPR_CT_KEY, NFT_CT_STATUS);
  nftnl_expr_set_u32(status, NFTNL_EXPR_CT_DREG, number_of(Register::first));
  add(status);
  return mask_and_flip(IPS_DST_NAT, 0).compare(NFT_CMP_NEQ, std::array<std::uint8_t, 4>{});
}

Rule& Rule::load_source_address(Register to) {
  return load_payload(NFT_PAYLOAD_NETWORK_HEADER, kSourceAddress, 4, to);
}

Rule& Rule::load_destination_address(Register to) {
  return load_payload(NFT_PAYLOAD_NETWORK_HEADER, kDestinationAddress, 4, to);
}

Rule& Rule::load_protocol(Register to) {
  return load_meta(NFT_META_L4PROTO, to);
}

Rule& Rule::load_source_port(Register to) {
  return load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kSourcePort, 2, to);
}

Rule& Rule::load_destination_port(Register to) {
  return load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2, to);
}

Rule& Rule::look_up(Container container) {
  auto* lookup = expression("lookup");
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, number_of(Register::first));
  if (container != Container::pin4) {
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, number_of(Register::first));
  }
  nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, to_string(container));
  add(lookup);
  return *this;
}

Rule& Rule::dnat_to_found() {
  return nat(NFT_NAT_DNAT);
}

Rule& Rule::snat_to_found() {
  return nat(NFT_NAT_SNAT);
}

Rule& Rule::set_mark_bits(std::uint32_t bits) {
  load_meta(NFT_META_MARK, Register::first).mask_and_flip(~bits, bits);
  auto* mark = expression("meta");
  nftnl_expr_set_u32(mark, NFTNL_EXPR_META_KEY, NFT_META_MARK);
  nftnl_expr_set_u32(mark, NFTNL_EXPR_META_SREG, number_of(Register::first));
  add(mark);
  return *this;
}

Rule& Rule::accept() {
  return verdict(NF_ACCEPT);
}

Rule& Rule::drop() {
  return verdict(NF_DROP);
}

void Rule::put(netlink::Batch& batch) const {
  auto* message = batch.start_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  nftnl_rule_nlmsg_build_payload(message, rule_.get());
  batch.finish_message();
}

Rule& Rule::load_meta(std::uint32_t key, Register to) {
  auto* meta = expression("meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, number_of(to));
  add(meta);
  return *this;
}

Rule& Rule::load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size,
                         Register to) {
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
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, number_of(Register::first));
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, operation);
  nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, octets.data(),
                 static_cast<std::uint32_t>(octets.size()));
  add(compare);
  return *this;
}

Rule& Rule::compare_interface(std::uint32_t key, std::string_view name) {
  // All 16 octets are compared: a shorter comparison would match every name that begins so.
  std::array<std::uint8_t, 16> padded{};
  std::copy_n(name.begin(), std::min(name.size(), padded.size() - 1), padded.begin());
  return load_meta(key, Register::first).compare(NFT_CMP_EQ, padded);
}

Rule& Rule::mask_and_flip(std::uint32_t mask, std::uint32_t flip) {
  auto* bitwise = expression("bitwise");
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, number_of(Register::first));
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, number_of(Register::first));
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, sizeof mask);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof mask);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, &flip, sizeof flip);
  add(bitwise);
  return *this;
}

Rule& Rule::nat(std::uint32_t type) {
  // The map's value lies where its key was: the address first, the port behind it.
  auto* nat = expression("nat");
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, type);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, number_of(Register::first));
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, number_of(Register::second));
  add(nat);
  return *this;
}

Rule& Rule::verdict(int code) {
  auto* immediate = expression("immediate");
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(code));
  add(immediate);
  return *this;
}

void Rule::add(nftnl_expr* expression) {
  nftnl_rule_add_expr(rule_.get(), expression);
}

}  // namespace postern::nftables
