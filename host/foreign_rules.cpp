#include "host/foreign_rules.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <system_error>
#include <tuple>
#include <utility>

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>

#include "host/foreign_sets.h"
#include "host/rule_reader.h"
#include "host/rules_dump.h"

namespace postern::host {
namespace {

/// The table of the nftables backend.
constexpr std::string_view kOwnTable = "postern";

struct Free {
  void operator()(nftnl_chain* chain) const { nftnl_chain_free(chain); }
  void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};

[[nodiscard]] Family family_of(std::uint32_t number) {
  switch (number) {
    case NFPROTO_INET:
      return Family::inet;
    case NFPROTO_IPV4:
      return Family::ip;
    case NFPROTO_IPV6:
      return Family::ip6;
    case NFPROTO_ARP:
      return Family::arp;
    case NFPROTO_BRIDGE:
      return Family::bridge;
    case NFPROTO_NETDEV:
      return Family::netdev;
    default:
      return Family::unknown;
  }
}

[[nodiscard]] Hook hook_of(Family family, std::uint32_t number) {
  // Elsewhere the numbers mean other places.
  const bool is_layer_3 = family == Family::inet || family == Family::ip || family == Family::ip6;
  if (!is_layer_3 && family != Family::bridge) return Hook::other;
  switch (number) {
    case NF_INET_PRE_ROUTING:
      return Hook::prerouting;
    case NF_INET_LOCAL_IN:
      return Hook::input;
    case NF_INET_FORWARD:
      return Hook::forward;
    case NF_INET_LOCAL_OUT:
      return Hook::output;
    case NF_INET_POST_ROUTING:
      return Hook::postrouting;
    default:
      return Hook::other;
  }
}

[[nodiscard]] std::string text_or_empty(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

[[nodiscard]] ForeignChain chain_of(const nftnl_chain* told) {
  ForeignChain chain;
  chain.family = family_of(nftnl_chain_get_u32(told, NFTNL_CHAIN_FAMILY));
  chain.table = text_or_empty(nftnl_chain_get_str(told, NFTNL_CHAIN_TABLE));
  chain.name = text_or_empty(nftnl_chain_get_str(told, NFTNL_CHAIN_NAME));
  chain.is_base = nftnl_chain_is_set(told, NFTNL_CHAIN_HOOKNUM);
  if (!chain.is_base) return chain;
  chain.type = text_or_empty(nftnl_chain_get_str(told, NFTNL_CHAIN_TYPE));
  chain.hook = hook_of(chain.family, nftnl_chain_get_u32(told, NFTNL_CHAIN_HOOKNUM));
  chain.priority = nftnl_chain_get_s32(told, NFTNL_CHAIN_PRIO);
  chain.policy_drop = nftnl_chain_is_set(told, NFTNL_CHAIN_POLICY) &&
                      nftnl_chain_get_u32(told, NFTNL_CHAIN_POLICY) == NF_DROP;
  return chain;
}

/// One reading of everything, from several answers of the kernel.
class Reading {
 public:
  explicit Reading(RulesDump& dump) : dump_(dump), sets_(dump) {}

  [[nodiscard]] Result<ForeignRuleset, netlink::Error> run() && {
    if (const auto read = dump_.all(NFT_MSG_GETCHAIN, [this](auto* m) { take_chain(m); }); !read) {
      return fail(read.error());
    }
    if (const auto read = sets_.read(); !read) return fail(read.error());
    // First all rules, then what they say: that asks for elements, on the same socket.
    const auto read = dump_.all(NFT_MSG_GETRULE, [this](auto* m) { take_rule(m); });
    if (!read) return fail(read.error());
    for (const auto& [chain, rule] : rules_) {
      auto told = read_rule(rule.get(), sets_);
      if (!told) return fail(told.error());
      std::move(told->begin(), told->end(), std::back_inserter(ruleset_.chains[chain].rules));
    }
    if (const auto steady = dump_.confirm(); !steady) return fail(steady.error());
    return std::move(ruleset_);
  }

 private:
  using Name = std::tuple<Family, std::string, std::string>;

  void take_chain(const nlmsghdr* message) {
    const std::unique_ptr<nftnl_chain, Free> told(nftnl_chain_alloc());
    if (told == nullptr) throw std::bad_alloc();
    if (nftnl_chain_nlmsg_parse(message, told.get()) < 0) return;
    auto chain = chain_of(told.get());
    if (chain.family == Family::inet && chain.table == kOwnTable) return;
    places_[{chain.family, chain.table, chain.name}] = ruleset_.chains.size();
    ruleset_.chains.push_back(std::move(chain));
  }

  void take_rule(const nlmsghdr* message) {
    std::unique_ptr<nftnl_rule, Free> rule(nftnl_rule_alloc());
    if (rule == nullptr) throw std::bad_alloc();
    // A rule with an expression that libnftnl has never heard of is left out.
    if (nftnl_rule_nlmsg_parse(message, rule.get()) < 0) return;
    const auto place =
        places_.find({family_of(nftnl_rule_get_u32(rule.get(), NFTNL_RULE_FAMILY)),
                      text_or_empty(nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE)),
                      text_or_empty(nftnl_rule_get_str(rule.get(), NFTNL_RULE_CHAIN))});
    if (place != places_.end()) rules_.emplace_back(place->second, std::move(rule));
  }

  RulesDump& dump_;
  ForeignSets sets_;
  ForeignRuleset ruleset_;
  /// Where in the ruleset each chain is.
  std::map<Name, std::size_t> places_;
  /// In the kernel's order, which is that of each chain.
  std::vector<std::pair<std::size_t, std::unique_ptr<nftnl_rule, Free>>> rules_;
};

}  // namespace

std::string_view to_string(Family family) {
  switch (family) {
    case Family::inet:
      return "inet";
    case Family::ip:
      return "ip";
    case Family::ip6:
      return "ip6";
    case Family::arp:
      return "arp";
    case Family::bridge:
      return "bridge";
    case Family::netdev:
      return "netdev";
    case Family::unknown:
      return "unknown";
  }
  return "?";
}

std::string_view to_string(Hook hook) {
  switch (hook) {
    case Hook::prerouting:
      return "prerouting";
    case Hook::input:
      return "input";
    case Hook::forward:
      return "forward";
    case Hook::output:
      return "output";
    case Hook::postrouting:
      return "postrouting";
    case Hook::other:
      return "other";
  }
  return "?";
}

const ForeignChain* ForeignRuleset::find(Family family, std::string_view table,
                                         std::string_view chain) const {
  const auto found = std::find_if(chains.begin(), chains.end(), [&](const ForeignChain& candidate) {
    return candidate.family == family && candidate.table == table && candidate.name == chain;
  });
  return found == chains.end() ? nullptr : &*found;
}

Result<ForeignRuleset, std::string> read_foreign_ruleset() {
  constexpr int kAttempts = 8;
  netlink::Error last_error{EINTR, std::nullopt};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // A socket of its own: what a broken dump leaves behind is closed with it.
    auto dump = RulesDump::open();
    if (!dump) {
      last_error = dump.error();
      break;
    }
    auto ruleset = Reading(*dump).run();
    if (ruleset) return std::move(*ruleset);
    last_error = ruleset.error();
    // Somebody changed a rule, or took a set away that was just told of, or answers were lost.
    const int code = last_error.code;
    if (code != EINTR && code != ENOENT && code != ENOBUFS) break;
  }
  return fail("the firewall rules could not be read: " +
              std::generic_category().message(last_error.code));
}

std::optional<bool> has_legacy_iptables(const std::string& proc_net) {
  for (const char* name : {"/ip_tables_names", "/ip6_tables_names"}) {
    std::ifstream file(proc_net + name);
    // Absent: x_tables' part for this version is not loaded.
    if (!file.is_open() && errno != ENOENT) return std::nullopt;
    if (std::string table; file >> table) return true;
  }
  return false;
}

}  // namespace postern::host
