#include "backends/nftables/ruleset.h"

#include <memory>
#include <new>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter_ipv4.h>

#include "backends/nftables/rule.h"
#include "netlink/headers.h"

namespace postern::nftables {
namespace {

/// Owns a libnftnl object; `free` is its release function.
template <class T, void (*free)(const T*)>
struct Release {
  void operator()(T* object) const { free(object); }
};
using Table = std::unique_ptr<nftnl_table, Release<nftnl_table, nftnl_table_free>>;
using Set = std::unique_ptr<nftnl_set, Release<nftnl_set, nftnl_set_free>>;
using Chain = std::unique_ptr<nftnl_chain, Release<nftnl_chain, nftnl_chain_free>>;

template <class Owner>
[[nodiscard]] Owner made(typename Owner::pointer object) {
  if (object == nullptr) throw std::bad_alloc();
  return Owner(object);
}

// How nft numbers its data types, six bits each in a concatenation. The kernel keeps them for nft,
// which reads them back when it lists the table.
constexpr std::uint32_t kIpv4Addr = 7;
constexpr std::uint32_t kInetProto = 12;
constexpr std::uint32_t kInetService = 13;
[[nodiscard]] constexpr std::uint32_t concatenation(std::uint32_t first, std::uint32_t second) {
  return (first << 6) | second;
}
constexpr std::uint32_t kByAddress =
    concatenation(concatenation(kIpv4Addr, kInetProto), kInetService);
constexpr std::uint32_t kByProtocol =
    concatenation(concatenation(kInetProto, kIpv4Addr), kInetService);
constexpr std::uint32_t kAddressAndPort = concatenation(kIpv4Addr, kInetService);

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

/// What nft writes beside a set so as to print it again: how its keys are ordered.
void describe(nftnl_set* set, Container container) {
  const bool is_map = container != Container::pin4;
  nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE,
                    container == Container::snat4 ? kByProtocol : kByAddress);
  nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, sizeof(ElementKey));
  if (is_map) {
    nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, kAddressAndPort);
    nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, sizeof(ElementData));
  }
  nftnl_set_set_u32(set, NFTNL_SET_FLAGS,
                    static_cast<std::uint32_t>(NFT_SET_TIMEOUT | (is_map ? NFT_SET_MAP : 0)));
  // No size: the kernel would make room for that many at once, megabytes that most gateways never
  // use. The mapping table has the limit.
  if (container == Container::dnat4) {
    // The set owns the expression from here on.
    auto* counter = nftnl_expr_alloc("counter");
    if (counter == nullptr) throw std::bad_alloc();
    nftnl_set_add_expr(set, counter);
  }
}

/// nft add rule inet TABLE prerouting
///   dnat ip to ip daddr . meta l4proto . th dport map @dnat4
void put_dnat_rule(netlink::Batch& batch, const char* table) {
  Rule(table, "prerouting")
      .is_ipv4()
      .load_destination_address(Register::first)
      .load_protocol(Register::second)
      .load_destination_port(Register::third)
      .look_up(Container::dnat4)
      .dnat_to_found()
      .put(batch);
}

/// nft add rule inet TABLE postrouting
///   oifname WAN snat ip to meta l4proto . ip saddr . th sport map @snat4
void put_snat_rule(netlink::Batch& batch, const char* table, const std::string& wan) {
  Rule(table, "postrouting")
      .to_interface(wan)
      .is_ipv4()
      .load_protocol(Register::first)
      .load_source_address(Register::second)
      .load_source_port(Register::third)
      .look_up(Container::snat4)
      .snat_to_found()
      .put(batch);
}

/// nft add rule inet TABLE forward
///   ct status dnat ip daddr . meta l4proto . th dport @pin4
///   meta mark set meta mark | MARK accept
///
/// "ct status dnat" alone would also open what an administrator's own dnat rule lets through only
/// for some sources.
void put_forward_rule(netlink::Batch& batch, const char* table, std::uint32_t mark) {
  Rule(table, "forward")
      .is_dnat()
      .is_ipv4()
      .load_destination_address(Register::first)
      .load_protocol(Register::second)
      .load_destination_port(Register::third)
      .look_up(Container::pin4)
      .set_mark_bits(mark)
      .accept()
      .put(batch);
}

/// nft add rule inet TABLE input iifname LAN udp dport PORT meta mark set meta mark | MARK accept
/// nft add rule inet TABLE input udp dport PORT drop
///
/// The daemon's ports answer to the LAN only, also where the host's own rules would let others in.
void put_input_rules(netlink::Batch& batch, const char* table, const RulesetOptions& options) {
  for (const auto port : options.own_udp_ports) {
    for (const auto& lan : options.lan) {
      Rule(table, "input")
          .from_interface(lan)
          .is_udp_to(port)
          .set_mark_bits(options.forward_mark)
          .accept()
          .put(batch);
    }
    Rule(table, "input").is_udp_to(port).drop().put(batch);
  }
}

}  // namespace

void put_table(netlink::Batch& batch, const char* table) {
  const auto object = table_named(table);
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
  put_table(batch, table);
  put_container(batch, table, Container::dnat4);
  put_container(batch, table, Container::snat4);
  put_container(batch, table, Container::pin4);
  // Each stands where the host's own chain of that kind cannot undo it, whatever was loaded last:
  // translations after the host's incoming and before its outgoing ones, marks before its filter.
  put_chain(batch, table, "prerouting", "nat", NF_INET_PRE_ROUTING, kDstnat + 10);
  put_chain(batch, table, "postrouting", "nat", NF_INET_POST_ROUTING, kSrcnat - 10);
  put_chain(batch, table, "forward", "filter", NF_INET_FORWARD, kFilter - 10);
  put_chain(batch, table, "input", "filter", NF_INET_LOCAL_IN, kFilter - 10);
  put_dnat_rule(batch, table);
  if (!options.wan.empty()) put_snat_rule(batch, table, options.wan);
  put_forward_rule(batch, table, options.forward_mark);
  put_input_rules(batch, table, options);
}

}  // namespace postern::nftables
