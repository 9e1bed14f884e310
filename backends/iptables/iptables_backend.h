#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/iptables/runner.h"
#include "backends/iptables/side.h"
#include "core/backend_options.h"
#include "core/firewall_backend.h"
#include "core/result.h"

namespace postern {

/// Keeps the doors as rules of iptables and ip6tables, of either variant, for hosts without
/// nf_tables. A few rules for each door, in chains of our own (POSTERN-…): meant for up to 1,000
/// mappings. With so many, a commit of a few changes takes a tenth of a second, one of many and a
/// reset() take most of a second. Each starts one program, or one for each family, and waits up to
/// five seconds for it. Needs iptables 1.6.2, whose iptables-restore waits for others (-w). The
/// legacy variant needs root, as it locks /run/xtables.lock.
///
/// The kernel does not end the leases: whoever uses this backend closes the doors in time. When
/// this process dies, doors stay open until the next start, whose reset() takes out those whose
/// time is up; after an end without a next start they stay until the machine restarts.
///
/// For that start the rules carry the ends of their doors. Renewals alone do not rewrite them as
/// long as they tell at least half of the time that is left, so after a crash a door's end may
/// come early, but not before half of its last renewal's time is over.
///
/// A commit is one step for each table (filter, mangle, nat) and family, not for all together: for
/// some milliseconds a door may be let through and not yet translated. When a step fails, for
/// example because somebody has removed our chains, the doors of before are put back, chains and
/// all. Should that fail too, what remains is unknown until a later call goes well, and
/// open_doors() reads it from the firewall.
///
/// A Pin4 has no rule: what lets a forward's packets through is matched by their first destination.
/// Hairpin works from the networks that the LAN interfaces have addresses in.
///
/// An administrator's own forwards in these tables win over ours: those that were added behind ours
/// do so when is_intact() has been asked and a reset() has followed, or after the next commit. Of
/// translations in nftables' own tables at the same priorities (dstnat, srcnat) those that were
/// loaded last come first.
///
/// reset() comes before the first commit(); open_doors() may come before both, and then shows what
/// an earlier run left. After them it answers from memory.
class IptablesBackend final : public FirewallBackend {
 public:
  /// Tries out what the firewall can do, in chains that are gone afterwards. Works on the network
  /// namespace of the calling thread. Fails without the programs, and without the right to use them
  /// (permission_denied).
  [[nodiscard]] static Result<std::unique_ptr<IptablesBackend>, BackendError> open(
      const BackendOptions& options);
  /// The same, with programs run by `runner`.
  [[nodiscard]] static Result<std::unique_ptr<IptablesBackend>, BackendError> open(
      const BackendOptions& options, std::unique_ptr<iptables::Runner> runner);

  [[nodiscard]] std::string_view name() const override { return "iptables"; }
  /// "nft" or "legacy": what the programs are built on.
  [[nodiscard]] std::string_view variant() const { return is_nft_ ? "nft" : "legacy"; }
  [[nodiscard]] Capabilities capabilities() const override;
  [[nodiscard]] Result<bool, BackendError> is_set_up() override;
  /// Rules in our chains that are not as we write them are left out.
  [[nodiscard]] Result<std::vector<TimedDoor>, BackendError> open_doors(Moment now) override;
  /// Also fails when an interface name cannot stand in a rule.
  [[nodiscard]] Result<void, BackendError> reset(const Network& network,
                                                 std::span<const TimedDoor> doors,
                                                 Moment now) override;
  [[nodiscard]] Result<void, BackendError> commit(std::span<const DoorChange> changes,
                                                  Moment now) override;
  void set_requests_per_second(std::uint32_t requests) override;
  [[nodiscard]] Pacing pacing() const override { return pacing_; }
  /// Reads what iptables-save shows of ours.
  [[nodiscard]] bool is_intact() override;

 private:
  IptablesBackend(const BackendOptions& options, std::unique_ptr<iptables::Runner> runner)
      : options_(options), runner_(std::move(runner)) {}

  /// Finds the programs and tries them out.
  [[nodiscard]] Result<void, BackendError> start();
  /// What failed may work later, when the module is there or nobody holds the lock: as long as it
  /// does, each reset() tries again.
  void try_hashlimit();
  /// What holds with these rules.
  [[nodiscard]] Pacing pacing_with(const iptables::RulesOptions& rules) const;
  /// Whether `doors_` is what the firewall holds.
  [[nodiscard]] bool is_known() const;

  BackendOptions options_;
  std::unique_ptr<iptables::Runner> runner_;
  /// IPv4, and IPv6 where this host has it.
  std::vector<iptables::Side> sides_;
  iptables::Doors doors_;
  /// Whether hashlimit was needed, and worked.
  bool has_hashlimit_ = false;
  /// Why it did not when it was last tried.
  std::string hashlimit_error_;
  Pacing pacing_;
  bool was_reset_ = false;
  bool is_nft_ = false;
};

}  // namespace postern
