#include "backends/nftables/ruleset.h"

#include <array>
#include <span>
#include <vector>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter_ipv4.h>

#include "backends/nftables/owned.h"
#include "backends/nftables/rule.h"
#include "netlink/headers.h"

namespace postern::nftables {
namespace {

using Table = Owned<nftnl_table, nftnl_table_free>;
using Set = Owned<nftnl_set, nftnl_set_free>;
using Chain = Owned<nftnl_chain, nftnl_chain_free>;

/// nft's number for a concatenation: six bits for each field. The kernel keeps it for nft, which
/// reads it back when it lists the table.
[[nodiscard]] std::uint32_t type_of(std::span<const Field> fields) {
  std::uint32_t type = 0;
  for (const auto field : fields) type = type << 6 | static_cast<std::uint32_t>(field);
  return type;
}

/// NFT_TABLE_F_OWNER and NFT_TABLE_F_PERSIST (Linux 6.9), which older headers do not have.
constexpr std::uint32_t kOwnedAndLasting = 0x2 | 0x4;

// Where the standard chains stand (dstnat, filter, srcnat); ours stand beside them, see below.
constexpr std::int32_t kDstnat = NF_IP_PRI_NAT_DST;
constexpr std::int32_t kFilter = NF_IP_PRI_FILTER;
constexpr std::int32_t kSrcnat = NF_IP_PRI_NAT_SRC;

[[nodiscard]] Table table_named(const char* name) {
  auto table = made<Table>(nftnl_table_alloc());
  nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, name);
  return table;
}

/// nft add chain inet TABLE NAME { type TYPE hook HOOK priority PRIORITY; policy accept; }
void put_chain(netlink::Batch& batch, const char* table, const char* name, const char* type,
               nf_inet_hooks hook, std::int32_t priority) {
  auto chain = made<Chain>(nftnl_chain_alloc());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, table);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, name);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, type);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, static_cast<std::uint32_t>(hook));
  nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, priority);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  auto* message = batch.start_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  nftnl_chain_nlmsg_build_payload(message, chain.get());
  batch.finish_message();
}

/// What the set holds.
void describe(nftnl_set* set, Container container) {
  const auto fields = key_fields(container);
  std::uint32_t flags = NFT_SET_TIMEOUT;
  nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type_of(fields));
  nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, static_cast<std::uint32_t>(key_size(container)));
  if (is_map(container)) {
    constexpr std::array kTarget{Field::ipv4, Field::port};
    flags |= NFT_SET_MAP;
    nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, type_of(kTarget));
    nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, sizeof(ElementData));
  }
  if (is_interval(container)) {
    flags |= NFT_SET_INTERVAL | NFT_SET_CONCAT;
    std::vector<std::uint8_t> sizes;
    for (const auto field : fields) sizes.push_back(size_of(field));
    nftnl_set_set_data(set, NFTNL_SET_DESC_CONCAT, sizes.data(),
                       static_cast<std::uint32_t>(sizes.size()));
  }
  nftnl_set_set_u32(set, NFTNL_SET_FLAGS, flags);
  // No size: the kernel would make room for that many at once, megabytes that most gateways never
  // use. The mapping table has the limit.
  if (is_counting(container)) {
    // The set owns the expression from here on.
    auto* counter = nftnl_expr_alloc("counter");
    if (counter == nullptr) throw std::bad_alloc();
    nftnl_set_add_expr(set, counter);
  }
}

/// nft add rule inet TABLE prerouting ct mark set ct mark | MARK
/// nft add rule inet TABLE prerouting
///   dnat ip to ip daddr . meta l4proto . th dport map @dnat4
/// nft add rule inet TABLE prerouting
///   dnat ip to ip saddr . ip daddr . meta l4proto . th dport map @dnat4_host
/// nft add rule inet TABLE prerouting meta l4proto PROTOCOL
///   dnat ip to ip saddr . th sport . ip daddr . meta l4proto . th dport map @dnat4_range
/// nft add rule inet TABLE prerouting ct mark set ct mark & ~MARK
///
/// A hit ends the chain, so the mark stays on what was translated here, and the last rule takes it
/// from all else. What another chain translated first does not come here at all.
/// nft wants to know the protocol of an interval map's ports, hence that map's rule for each.
void put_dnat_rules(netlink::Batch& batch, const char* table, std::uint32_t mark) {
  Rule(table, "prerouting").set_ct_mark_bits(mark).put(batch);
  for (const auto container : {Container::dnat4, Container::dnat4_host}) {
    Rule(table, "prerouting").is_ipv4().look_up(container).dnat_to_found().put(batch);
  }
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    Rule(table, "prerouting")
        .is_protocol(protocol)
        .is_ipv4()
        .look_up(Container::dnat4_range)
        .dnat_to_found()
        .put(batch);
  }
  Rule(table, "prerouting").clear_ct_mark_bits(mark).put(batch);
}

/// nft add rule inet TABLE postrouting
///   oifname WAN snat ip to meta l4proto . ip saddr . th sport map @snat4
void put_snat_rule(netlink::Batch& batch, const char* table, const std::string& wan) {
  Rule(table, "postrouting")
      .to_interface(wan)
      .is_ipv4()
      .look_up(Container::snat4)
      .snat_to_found()
      .put(batch);
}

/// Goes on only for IPv4 packets (it is asked before) to an open door, of connections that our own
/// rules translated to it.
///
/// The pin tells the door by its inside alone, and "ct status dnat" is true of what any rule has
/// translated: without the mark, an administrator's forward to the same inside, which his rules let
/// through only for some sources, would be open to all.
Rule& is_to_door(Rule& rule, std::uint32_t mark) {
  return rule.is_dnat().has_ct_mark_bits(mark).look_up(Container::pin4);
}

/// Packets from inside that came to a forward and go back inside (RFC 4787 REQ-9): the answers must
/// come back through this machine, and the receiver shall see the sender's external endpoint.
///
/// nft add rule inet TABLE postrouting iifname != WAN oifname != WAN
///   ct status dnat ct mark & MARK == MARK ip daddr . meta l4proto . th dport @pin4
///   snat ip to meta l4proto . ip saddr . th sport map @snat4
/// nft add rule inet TABLE postrouting iifname != WAN oifname != WAN
///   ct original ip daddr ADDRESS
///   ct status dnat ct mark & MARK == MARK ip daddr . meta l4proto . th dport @pin4
///   snat ip to ADDRESS
void put_hairpin_rules(netlink::Batch& batch, const char* table, const RulesetOptions& options) {
  const auto between_inside = [&](Rule& rule) -> Rule& {
    return rule.not_from_interface(options.wan).not_to_interface(options.wan).is_ipv4();
  };
  Rule own_port(table, "postrouting");
  is_to_door(between_inside(own_port), options.forward_mark)
      .look_up(Container::snat4)
      .snat_to_found()
      .put(batch);
  for (const auto& address : options.external_addresses) {
    Rule any_port(table, "postrouting");
    is_to_door(between_inside(any_port).was_to(address), options.forward_mark)
        .snat_to(address)
        .put(batch);
  }
}

/// nft add rule inet TABLE forward
///   ct status dnat ct mark & MARK == MARK ip daddr . meta l4proto . th dport @pin4
///   meta mark set meta mark | MARK accept
/// nft add rule inet TABLE forward
///   ip6 daddr . meta l4proto . th dport @pin6
///   meta mark set meta mark | MARK ct mark set ct mark | MARK accept
/// nft add rule inet TABLE forward
///   ip6 saddr . ip6 daddr . meta l4proto . th dport @pin6_host …
/// nft add rule inet TABLE forward
///   ip6 saddr . th sport . ip6 daddr . meta l4proto . th dport @pin6_range …
///
/// The connection's mark tells later that we let it in (FlowTable::purge_strays). What is
/// translated has it from prerouting.
void put_forward_rules(netlink::Batch& batch, const char* table, std::uint32_t mark) {
  Rule translated(table, "forward");
  is_to_door(translated.is_ipv4(), mark).set_mark_bits(mark).accept().put(batch);
  for (const auto container : {Container::pin6, Container::pin6_host, Container::pin6_range}) {
    Rule pinhole(table, "forward");
    pinhole.is_ipv6().look_up(container);
    pinhole.set_mark_bits(mark).set_ct_mark_bits(mark).accept().put(batch);
  }
}

/// nft add rule inet TABLE input iifname LAN udp dport PORT meta mark set meta mark | MARK accept
/// nft add rule inet TABLE input udp dport PORT drop
///
/// The ports that are ours alone answer to the LAN only, also where the host's own rules would let
/// others in.
void put_input_rules(netlink::Batch& batch, const char* table, const RulesetOptions& options) {
  for (const auto& own : options.own_ports) {
    for (const auto& lan : options.lan) {
      if (options.pace.rate > 0) put_pace_rule(batch, table, lan, own);
      Rule(table, "input")
          .from_interface(lan)
          .is_to_port(own.protocol, own.port)
          .set_mark_bits(options.forward_mark)
          .accept()
          .put(batch);
    }
    if (own.is_ours_alone) {
      Rule(table, "input").is_to_port(own.protocol, own.port).drop().put(batch);
    }
  }
}

}  // namespace

void put_table(netlink::Batch& batch, const char* table, bool is_owned) {
  const auto object = table_named(table);
  if (is_owned) nftnl_table_set_u32(object.get(), NFTNL_TABLE_FLAGS, kOwnedAndLasting);
  auto* message = batch.start_message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
  nftnl_table_nlmsg_build_payload(message, object.get());
  batch.finish_message();
}

void put_no_table(netlink::Batch& batch, const char* table) {
  // Added first, so that there is something to delete.
  put_table(batch, table);
  const auto object = table_named(table);
  auto* message = batch.start_message(NFT_MSG_DELTABLE, 0);
  nftnl_table_nlmsg_build_payload(message, object.get());
  batch.finish_message();
}

void put_container(netlink::Batch& batch, const char* table, Container container) {
  auto set = made<Set>(nftnl_set_alloc());
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table);
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, to_string(container));
  // The kernel wants a number that is unique in the transaction; we refer to sets by name.
  nftnl_set_set_u32(set.get(), NFTNL_SET_ID, static_cast<std::uint32_t>(container) + 1);
  describe(set.get(), container);
  auto* message = batch.start_message(NFT_MSG_NEWSET, NLM_F_CREATE);
  nftnl_set_nlmsg_build_payload(message, set.get());
  batch.finish_message();
}

void put_ruleset(netlink::Batch& batch, const char* table, const RulesetOptions& options) {
  put_no_table(batch, table);
  put_table(batch, table, options.owns_table);
  for (const auto container : kContainers) put_container(batch, table, container);
  // Each stands where the host's own chain of that kind cannot undo it, whatever was loaded last:
  // translations after the host's incoming and before its outgoing ones, marks before its filter.
  put_chain(batch, table, "prerouting", "nat", NF_INET_PRE_ROUTING, kDstnat + 10);
  put_chain(batch, table, "postrouting", "nat", NF_INET_POST_ROUTING, kSrcnat - 10);
  put_chain(batch, table, "forward", "filter", NF_INET_FORWARD, kFilter - 10);
  put_chain(batch, table, "input", "filter", NF_INET_LOCAL_IN, kFilter - 10);
  put_dnat_rules(batch, table, options.forward_mark);
  if (!options.wan.empty()) {
    put_snat_rule(batch, table, options.wan);
    put_hairpin_rules(batch, table, options);
  }
  put_forward_rules(batch, table, options.forward_mark);
  if (options.pace.rate > 0) put_pace(batch, table, options.pace);
  put_input_rules(batch, table, options);
}

}  // namespace postern::nftables
