#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "netlink/writer.h"

namespace postern {

namespace netlink {
class Socket;
}

/// What was done to which chains, named like "ip filter FORWARD". Nothing when all stood as it
/// should.
struct MarkRulesReport {
  /// Chains that lacked our rule at their head, and have it now.
  std::vector<std::string_view> put_back;
  /// Chains from which rules of ours were taken: doubled, displaced or for another mark.
  std::vector<std::string_view> cleared;
};

/// On hosts whose firewall is written by iptables-nft (ufw, Docker): one rule of ours at the head
/// of each of the chains FORWARD and INPUT of `ip filter` and `ip6 filter`, which accepts what our
/// table marked. For `accept` in one table cannot open what another drops.
///
///   iptables -I FORWARD -m mark --mark MARK/MARK -m comment --comment postern -j ACCEPT
///
/// Tables and chains that do not exist are not made: on other hosts nothing happens. No other rule
/// is touched. A rule is ours when it has this form, whatever its mark.
///
/// Base chains of these names that nft itself made are taken for those of iptables where iptables,
/// too, takes them for its own: of type filter and at priority 0. The kernel does not know who made
/// them.
///
/// Works on the calling thread's network namespace.
class MarkRules {
 public:
  [[nodiscard]] static Result<std::unique_ptr<MarkRules>, std::string> open();
  MarkRules(const MarkRules&) = delete;
  MarkRules& operator=(const MarkRules&) = delete;
  ~MarkRules();

  /// Makes sure of the rule in each of the chains, in one transaction. `mark` is not 0.
  [[nodiscard]] Result<MarkRulesReport, std::string> ensure(std::uint32_t mark);
  /// Takes all our rules away.
  [[nodiscard]] Result<MarkRulesReport, std::string> remove();

  /// Where our changes come from, for RulesetWatch. Good as long as this object.
  [[nodiscard]] netlink::Writer writer() const;

 private:
  explicit MarkRules(std::unique_ptr<netlink::Socket> socket);
  /// Without a mark, no rule is wanted.
  [[nodiscard]] Result<MarkRulesReport, std::string> change(std::optional<std::uint32_t> mark);

  std::unique_ptr<netlink::Socket> socket_;
};

}  // namespace postern
