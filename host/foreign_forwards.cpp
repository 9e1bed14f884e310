#include "host/foreign_forwards.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace postern::host {
namespace {

/// The ports with which packets of one protocol come to a place: by rules that name ports, and by
/// rules that name none.
struct Reach {
  PortSet named;
  PortSet unnamed;

  [[nodiscard]] Reach through(const PortMatch& match) const {
    Reach left{named.intersected_with(match.ports), unnamed.intersected_with(match.ports)};
    if (!match.is_named) return left;
    return {left.named.united_with(left.unnamed), {}};
  }
};

/// Collects what comes to a chain from several others.
struct Arrivals {
  std::vector<PortRange> named;
  std::vector<PortRange> unnamed;

  void add(const Reach& reach) {
    const auto append = [](std::vector<PortRange>& to, const PortSet& from) {
      to.insert(to.end(), from.ranges().begin(), from.ranges().end());
    };
    append(named, reach.named);
    append(unnamed, reach.unnamed);
  }
  [[nodiscard]] Reach all() const { return {PortSet(named), PortSet(unnamed)}; }
};

struct Place {
  Arrivals tcp;
  Arrivals udp;
};

[[nodiscard]] bool is_start(const ForeignChain& chain) {
  return chain.is_base && chain.type == "nat" && chain.hook == Hook::prerouting &&
         (chain.family == Family::ip || chain.family == Family::inet);
}

class Search {
 public:
  Search(const ForeignRuleset& ruleset, std::string_view wan_interface) : wan_(wan_interface) {
    for (const auto& chain : ruleset.chains) {
      chains_.emplace(std::tuple(chain.family, chain.table, chain.name), &chain);
    }
    for (const auto& chain : ruleset.chains) {
      if (!is_start(chain)) continue;
      places_[&chain].tcp.add({{}, PortMatch{}.ports});
      places_[&chain].udp.add({{}, PortMatch{}.ports});
      put_in_order(chain);
    }
  }

  [[nodiscard]] ForeignForwards run() && {
    // Who jumps comes before where it jumps to, so everything has arrived when a chain's turn
    // comes.
    for (auto chain = order_.rbegin(); chain != order_.rend(); ++chain) visit(**chain);
    return {{PortSet(std::move(tcp_)), PortSet(std::move(udp_))}, std::move(catch_all_)};
  }

 private:
  [[nodiscard]] bool applies(const ForeignRule& rule) const {
    if (!rule.match.ipv4) return false;
    return wan_.empty() || !rule.match.in || rule.match.in->admits(wan_);
  }

  /// The chain that an applying jump leads to, or null.
  [[nodiscard]] const ForeignChain* target(const ForeignChain& chain,
                                           const ForeignRule& rule) const {
    if (rule.verdict != Verdict::jump && rule.verdict != Verdict::go_to) return nullptr;
    const auto found = chains_.find(std::tuple(chain.family, chain.table, rule.target));
    return found == chains_.end() ? nullptr : found->second;
  }

  /// Depth first; the kernel allows no loops and at most 16 jumps in a row.
  void put_in_order(const ForeignChain& chain) {
    if (!seen_.insert(&chain).second) return;
    for (const auto& rule : chain.rules) {
      const auto* next = target(chain, rule);
      if (next != nullptr && applies(rule)) put_in_order(*next);
    }
    order_.push_back(&chain);
  }

  void visit(const ForeignChain& chain) {
    const auto& place = places_[&chain];
    const auto tcp = place.tcp.all();
    const auto udp = place.udp.all();
    for (const auto& rule : chain.rules) {
      if (!applies(rule)) continue;
      if (const auto* next = target(chain, rule)) {
        places_[next].tcp.add(tcp.through(rule.match.tcp));
        places_[next].udp.add(udp.through(rule.match.udp));
      } else if (rule.nat == NatKind::dnat || rule.nat == NatKind::redirect) {
        occupy(chain, tcp.through(rule.match.tcp), tcp_);
        occupy(chain, udp.through(rule.match.udp), udp_);
      }
    }
  }

  void occupy(const ForeignChain& chain, const Reach& reach, std::vector<PortRange>& ports) {
    ports.insert(ports.end(), reach.named.ranges().begin(), reach.named.ranges().end());
    if (reach.unnamed.empty() || !catch_all_.empty()) return;
    catch_all_ = std::string(to_string(chain.family)) + " " + chain.table + " " + chain.name;
  }

  std::string_view wan_;
  std::map<std::tuple<Family, std::string, std::string>, const ForeignChain*> chains_;
  std::set<const ForeignChain*> seen_;
  /// Every chain behind those that it jumps to.
  std::vector<const ForeignChain*> order_;
  std::map<const ForeignChain*, Place> places_;
  std::vector<PortRange> tcp_;
  std::vector<PortRange> udp_;
  std::string catch_all_;
};

}  // namespace

ForeignForwards foreign_forwards(const ForeignRuleset& ruleset, std::string_view wan_interface) {
  return Search(ruleset, wan_interface).run();
}

}  // namespace postern::host
