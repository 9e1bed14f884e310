#include "backends/nftables/pace.h"

#include <libnftnl/chain.h>
#include <libnftnl/set.h>

#include "backends/nftables/owned.h"
#include "backends/nftables/rule.h"
#include "netlink/headers.h"

namespace postern::nftables {
namespace {

using Set = Owned<nftnl_set, nftnl_set_free>;
using Chain = Owned<nftnl_chain, nftnl_chain_free>;

constexpr const char* kChain = "pace";
constexpr std::uint32_t kMostSources = 1024;
/// In milliseconds. A bucket is full again after two seconds, and then as one that never was.
constexpr std::uint64_t kForgotten = 5000;
/// The sets for doors have smaller numbers.
constexpr std::uint32_t kFirstSetId = 100;

/// nft's numbers of its data types ether_addr, ipv4_addr and ipv6_addr.
[[nodiscard]] std::uint32_t type_of(Source source) {
  switch (source) {
    case Source::ether:
      return 9;
    case Source::ipv4:
      return 7;
    case Source::ipv6:
      return 8;
  }
  return 0;
}

/// nft add set inet TABLE pace_ether
///   { type ether_addr; flags dynamic, timeout; timeout 5s; size 1024; }
void put_set(netlink::Batch& batch, const char* table, Source source) {
  auto set = made<Set>(nftnl_set_alloc());
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table);
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, to_string(source));
  nftnl_set_set_u32(set.get(), NFTNL_SET_ID, kFirstSetId + static_cast<std::uint32_t>(source));
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, type_of(source));
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, size_of(source));
  nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, NFT_SET_TIMEOUT | NFT_SET_EVAL);
  nftnl_set_set_u64(set.get(), NFTNL_SET_TIMEOUT, kForgotten);
  nftnl_set_set_u32(set.get(), NFTNL_SET_DESC_SIZE, kMostSources);
  auto* message = batch.start_message(NFT_MSG_NEWSET, NLM_F_CREATE);
  nftnl_set_nlmsg_build_payload(message, set.get());
  batch.finish_message();
}

/// nft add chain inet TABLE pace
void put_chain(netlink::Batch& batch, const char* table) {
  auto chain = made<Chain>(nftnl_chain_alloc());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, table);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, kChain);
  auto* message = batch.start_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  nftnl_chain_nlmsg_build_payload(message, chain.get());
  batch.finish_message();
}

}  // namespace

/// nft add rule inet TABLE pace
///   update @pace_ether { ether saddr limit rate over RATE/second burst BURST packets } drop
/// nft add rule inet TABLE pace
///   ether saddr != @pace_ether limit rate over RATE/second burst BURST packets drop
/// nft add rule inet TABLE pace meta iiftype ether return
/// nft add rule inet TABLE pace update @pace4 { ip saddr limit … } drop
/// nft add rule inet TABLE pace ip saddr != @pace4 limit … drop
///   and so for pace6 and ip6 saddr
///
/// When a set is full the kernel skips its `update`; the rule behind it is for those.
void put_pace(netlink::Batch& batch, const char* table, const Pace& pace) {
  for (const auto source : kSources) put_set(batch, table, source);
  put_chain(batch, table);
  for (const auto source : kSources) {
    Rule(table, kChain).has_source(source).exceeds(source, pace).drop().put(batch);
    Rule(table, kChain).has_source(source).has_no_bucket(source).exceeds(pace).drop().put(batch);
    if (source == Source::ether) Rule(table, kChain).has_source(source).leave_chain().put(batch);
  }
}

/// nft add rule inet TABLE input iifname LAN udp dport PORT jump pace
/// nft add rule inet TABLE input iifname LAN tcp dport PORT
///   tcp flags & (fin | syn | rst | ack) == syn jump pace
void put_pace_rule(netlink::Batch& batch, const char* table, const std::string& lan,
                   const OwnPort& own) {
  Rule rule(table, "input");
  rule.from_interface(lan).is_to_port(own.protocol, own.port);
  if (own.protocol == Protocol::tcp) rule.begins_connection();
  rule.go_to(kChain).put(batch);
}

}  // namespace postern::nftables
