#include "backends/iptables/iptables_backend.h"

#include <algorithm>
#include <variant>

#include "backends/iptables/chains.h"
#include "backends/iptables/programs.h"

namespace postern {
namespace {

using namespace iptables;

[[nodiscard]] BackendError error_of(std::string_view action, const ToolError& error) {
  return {"iptables: cannot " + std::string(action) + ": " + error.reason, std::nullopt,
          error.permission_denied};
}

/// Uses once whatever the rules of doors use, so that a missing kernel module or extension is found
/// before a client asks.
[[nodiscard]] Ruleset scratch(Family family) {
  const bool is_v4 = family == Family::v4;
  const std::string udp = "-p udp -m udp --dport 9 ";
  const std::string match = is_v4 ? udp +
                                        "-m conntrack --ctstate DNAT --ctorigdst 192.0.2.1 "
                                        "--ctorigdstport 9 "
                                  : udp;
  const auto table = [](const char* name, std::vector<Rule> rules) {
    return Table{name, {{kProbe, std::move(rules)}}, {}};
  };
  Ruleset rules;
  rules.push_back(table("filter", {{match + "-m comment --comment \"postern\" -j ACCEPT", {}}}));
  rules.push_back(table("mangle", {{match + "-j MARK --set-xmark 0x1/0x1", {}}}));
  if (is_v4) {
    rules.push_back(table("nat", {{udp + "-j DNAT --to-destination 192.0.2.1:9", {}},
                                  {udp + "-j SNAT --to-source 192.0.2.1:9", {}}}));
  }
  return rules;
}

/// The same for the limit of requests, without which the rest works, too.
[[nodiscard]] Ruleset pace_scratch(std::uint32_t requests_per_second) {
  const auto rule = "-p udp -m udp --dport 9 " + above_pace(requests_per_second) + " -j DROP";
  return {{"filter", {{kProbe, {{rule, {}}}}}, {}}};
}

/// The doors among these whose time is not up.
[[nodiscard]] Doors lasting(std::span<const TimedDoor> doors, Moment now) {
  Doors lasting;
  for (const auto& timed : doors) {
    if (timed.ends > now) lasting.insert_or_assign(key_of(timed.door), timed);
  }
  return lasting;
}

[[nodiscard]] bool is_pinhole(const TimedDoor& timed) {
  return std::holds_alternative<Pinhole6>(timed.door);
}

/// Lets `write` do its work on each of these; when one fails, the others go back.
template <class Write>
[[nodiscard]] Result<void, ToolError> write_all(const std::vector<Side*>& sides, Write write) {
  for (std::size_t i = 0; i < sides.size(); ++i) {
    auto done = write(*sides[i]);
    if (done) continue;
    while (i > 0) sides[--i]->undo();
    return done;
  }
  return {};
}

constexpr const char* kNoPinholes = "iptables: there is no ip6tables here for IPv6 pinholes";

}  // namespace

Result<std::unique_ptr<IptablesBackend>, BackendError> IptablesBackend::open(
    const BackendOptions& options) {
  return open(options, std::make_unique<ChildRunner>());
}

Result<std::unique_ptr<IptablesBackend>, BackendError> IptablesBackend::open(
    const BackendOptions& options, std::unique_ptr<Runner> runner) {
  std::unique_ptr<IptablesBackend> backend(new IptablesBackend(options, std::move(runner)));
  if (const auto started = backend->start(); !started) return fail(started.error());
  return backend;
}

Result<void, BackendError> IptablesBackend::start() {
  const auto programs = find_programs(options_.iptables_restore);
  if (!programs) {
    const auto name =
        options_.iptables_restore.empty() ? "iptables-restore" : options_.iptables_restore;
    return fail(error_of("start", {"there is no program " + name, std::nullopt, false}));
  }
  const Tool v4(*runner_, programs->restore_v4, programs->save_v4);
  const auto nft = v4.is_nft();
  if (!nft) return fail(error_of("start", nft.error()));
  is_nft_ = *nft;
  if (const auto tried = v4.try_out(scratch(Family::v4)); !tried) {
    return fail(error_of("use the packet filter", tried.error()));
  }
  sides_.emplace_back(Family::v4, v4);
  set_requests_per_second(options_.requests_per_second);
  // Without IPv6 in the kernel there is nothing to close either.
  const Tool v6(*runner_, programs->restore_v6, programs->save_v6);
  if (v6.try_out(scratch(Family::v6))) sides_.emplace_back(Family::v6, v6);
  return {};
}

void IptablesBackend::set_requests_per_second(std::uint32_t requests) {
  options_.requests_per_second = std::min(requests, kHighestPace);
}

void IptablesBackend::try_hashlimit() {
  if (options_.requests_per_second == 0 || has_hashlimit_) return;
  const auto scratch = pace_scratch(options_.requests_per_second);
  const auto tried = sides_.front().tool().try_out(scratch);
  has_hashlimit_ = tried.has_value();
  hashlimit_error_ = tried ? "" : tried.error().reason;
}

FirewallBackend::Pacing IptablesBackend::pacing_with(const RulesOptions& rules) const {
  if (options_.requests_per_second == 0) return {};
  const std::string alone = "posternd alone holds hosts to limits.requests_per_second";
  if (!has_hashlimit_) {
    return {.trouble = alone + ", for iptables does not take hashlimit: " + hashlimit_error_};
  }
  Pacing pacing{.is_on = !paced_networks(rules).empty()};
  for (const auto& prefix : rules.lan_prefixes) {
    if (is_paced(prefix)) continue;
    pacing.trouble += (pacing.trouble.empty() ? "" : ", ") + prefix.to_string();
  }
  if (!pacing.trouble.empty()) {
    pacing.trouble +=
        ": iptables cannot hold the hosts of a network larger than a /19 to "
        "limits.requests_per_second; posternd alone does";
  }
  if (rules.has_lan_v6 && sides_.size() > 1) {
    pacing.trouble += (pacing.trouble.empty() ? "over IPv6 " : "; over IPv6 ") + alone +
                      ", for one host has addresses enough to fill the table of iptables";
  }
  return pacing;
}

Capabilities IptablesBackend::capabilities() const {
  return {.ends_leases = false, .renews_in_place = true, .pinholes = sides_.size() > 1};
}

bool IptablesBackend::is_known() const {
  return was_reset_ && std::none_of(sides_.begin(), sides_.end(),
                                    [](const Side& side) { return side.is_uncertain(); });
}

Result<bool, BackendError> IptablesBackend::is_set_up() {
  const auto has_chains = sides_.front().has_chains();
  if (!has_chains) return fail(error_of("look for the chains", has_chains.error()));
  return *has_chains;
}

Result<std::vector<TimedDoor>, BackendError> IptablesBackend::open_doors(Moment now) {
  std::vector<TimedDoor> doors;
  if (is_known()) {
    for (const auto& [key, timed] : doors_) {
      if (timed.ends > now) doors.push_back(timed);
    }
    return doors;
  }
  // Those of an earlier run whose time is up, too, for nobody has shut them.
  for (const auto& side : sides_) {
    const auto held = side.read_doors();
    if (!held) return fail(error_of("list the doors", held.error()));
    doors.insert(doors.end(), held->begin(), held->end());
  }
  return doors;
}

Result<void, BackendError> IptablesBackend::reset(const Network& network,
                                                  std::span<const TimedDoor> doors, Moment now) {
  try_hashlimit();
  auto rules = rules_options(network);
  rules.forward_mark = options_.forward_mark;
  rules.own_ports = options_.own_ports;
  rules.requests_per_second = has_hashlimit_ ? options_.requests_per_second : 0;
  auto names = rules.lan;
  if (!rules.wan.empty()) names.push_back(rules.wan);
  for (const auto& name : names) {
    if (is_usable_name(name)) continue;
    return fail(error_of("use the interface \"" + name + "\"",
                         {"such a name cannot stand in a rule", std::nullopt, false}));
  }
  if (!capabilities().pinholes && std::any_of(doors.begin(), doors.end(), is_pinhole)) {
    return fail(BackendError{kNoPinholes, std::nullopt, false});
  }
  auto wanted = lasting(doors, now);
  std::vector<Side*> all;
  for (auto& side : sides_) all.push_back(&side);
  const auto done = write_all(all, [&](Side& side) { return side.reset(rules, wanted); });
  if (!done) return fail(error_of("set up the chains", done.error()));
  doors_ = std::move(wanted);
  pacing_ = pacing_with(rules);
  was_reset_ = true;
  return {};
}

Result<void, BackendError> IptablesBackend::commit(std::span<const DoorChange> changes,
                                                   Moment now) {
  auto wanted = doors_;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& after = changes[i].after;
    if (after && is_pinhole(*after) && !capabilities().pinholes) {
      return fail(BackendError{kNoPinholes, i, false});
    }
    if (after) {
      wanted.insert_or_assign(changes[i].key(), *after);
    } else {
      wanted.erase(changes[i].key());
    }
  }
  std::erase_if(wanted, [&](const auto& entry) { return entry.second.ends <= now; });
  std::vector<Side*> stale;
  for (auto& side : sides_) {
    if (side.is_stale_for(wanted, now)) stale.push_back(&side);
  }
  const auto done = write_all(stale, [&](Side& side) { return side.write(wanted); });
  if (!done) {
    auto error = error_of("change the doors", done.error());
    for (std::size_t i = 0; i < changes.size(); ++i) {
      if (done.error().door == changes[i].key()) error.refused_change = i;
    }
    return fail(std::move(error));
  }
  doors_ = std::move(wanted);
  return {};
}

bool IptablesBackend::is_intact() {
  return !was_reset_ || std::all_of(sides_.begin(), sides_.end(),
                                    [](const Side& side) { return side.is_intact(); });
}

}  // namespace postern
