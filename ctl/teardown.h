#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "ctl/exit_code.h"

/// Takes everything of ours out of the firewall.
namespace postern::ctl {

struct TeardownError {
  ExitCode code = ExitCode::failure;
  /// A sentence for the user.
  std::string text;
};

/// Takes away the table inet postern, our mark rules in the chains of iptables-nft and the chains
/// of the iptables backend, of both variants. Tells what there was. Nothing left to do is a
/// success.
///
/// Refuses while posternd runs, which would put everything back, unless `even_while_running`.
/// Works on the calling thread's network namespace.
[[nodiscard]] Result<std::vector<std::string>, TeardownError> tear_down(bool even_while_running);

}  // namespace postern::ctl
