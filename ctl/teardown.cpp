#include "ctl/teardown.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "backends/iptables/programs.h"
#include "backends/iptables/rule_text.h"
#include "backends/iptables/runner.h"
#include "backends/iptables/tool.h"
#include "host/foreign_rules.h"
#include "host/mark_rules.h"
#include "host/own_table.h"
#include "host/processes.h"

namespace postern::ctl {
namespace {

using Removed = std::vector<std::string>;

[[nodiscard]] TeardownError failed(std::string text) {
  return {ExitCode::failure, std::move(text)};
}

/// The names of the chains in one family of one variant, which are gone afterwards.
[[nodiscard]] Result<void, TeardownError> remove_chains(const std::string& restore,
                                                        const std::string& save, Removed& removed) {
  iptables::ChildRunner runner;
  const iptables::Tool tool(runner, restore, save);
  const auto held = tool.read();
  if (!held) return fail(failed(held.error().reason));
  if (held->empty()) return {};
  if (const auto gone = tool.replace(*held, {}); !gone) return fail(failed(gone.error().reason));
  for (const auto& table : *held) {
    for (const auto& chain : table.chains) {
      removed.push_back("chain " + chain.name + " of table " + table.name + " (" + restore + ")");
    }
  }
  return {};
}

/// `restore` is the program of one variant.
[[nodiscard]] Result<void, TeardownError> remove_variant(std::string_view restore,
                                                         Removed& removed) {
  const auto programs = iptables::find_programs(restore);
  if (!programs) {
    return fail(failed("there are rules to be removed by " + std::string(restore) +
                       ", which is not installed"));
  }
  auto done = remove_chains(programs->restore_v4, programs->save_v4, removed);
  if (!done) return done;
  // The programs of IPv6 need not exist.
  if (::access(programs->restore_v6.c_str(), X_OK) != 0) return {};
  return remove_chains(programs->restore_v6, programs->save_v6, removed);
}

/// Whether iptables-nft has chains of ours.
[[nodiscard]] bool has_own_chains(const host::ForeignRuleset& ruleset) {
  return std::any_of(
      ruleset.chains.begin(), ruleset.chains.end(),
      [](const host::ForeignChain& chain) { return chain.name.starts_with(iptables::kPrefix); });
}

[[nodiscard]] Result<void, TeardownError> remove_all(Removed& removed) {
  const auto table = host::remove_own_table();
  if (!table) return fail(failed(table.error()));
  if (*table) removed.push_back("table inet postern");

  auto mark_rules = MarkRules::open();
  if (!mark_rules) return fail(failed(mark_rules.error()));
  const auto marks = (*mark_rules)->remove();
  if (!marks) return fail(failed(marks.error()));
  for (const auto chain : marks->cleared) {
    removed.push_back("the mark rule in " + std::string(chain));
  }

  const auto ruleset = host::read_foreign_ruleset();
  if (!ruleset) return fail(failed(ruleset.error()));
  if (has_own_chains(*ruleset)) {
    auto done = remove_variant("iptables-nft-restore", removed);
    if (!done) return done;
  }
  if (host::has_legacy_iptables() == true)
    return remove_variant("iptables-legacy-restore", removed);
  return {};
}

}  // namespace

Result<Removed, TeardownError> tear_down(bool even_while_running) {
  if (host::is_posternd_running() && !even_while_running) {
    return fail(failed("posternd runs and would put everything back: end it first, or say --yes"));
  }
  if (!host::has_net_admin("thread-self").value_or(true)) {
    return fail(TeardownError{ExitCode::no_privilege, "changing the firewall needs CAP_NET_ADMIN"});
  }
  Removed removed;
  if (auto done = remove_all(removed); !done) {
    auto error = std::move(done.error());
    for (const auto& what : removed) error.text += "\nuntil then removed: " + what;
    return fail(std::move(error));
  }
  return removed;
}

}  // namespace postern::ctl
