#pragma once

#include <algorithm>
#include <vector>

#include "core/mapping_table.h"
#include "core/result.h"
#include "protocols/upnp/actions.h"
#include "protocols/upnp/soap.h"
#include "protocols/upnp/surroundings.h"

namespace postern::upnp {

/// Of the claims that UPnP makes.
inline constexpr std::string_view kFrontendName = "upnp";

/// The OUT arguments, in the order of the table, or why nothing was done.
using Outcome = Result<std::vector<Value>, Fault>;

/// One action that is to be executed, and everything that decides how. Lives as long as the call.
struct Invocation {
  const ActionCall& call;
  const Caller& caller;
  const Surroundings& around;

  [[nodiscard]] MappingTable& table() const { return around.state.table; }
  /// The version of WANIPConnection that the caller knows: who calls an action of version 2 knows
  /// that version, whatever it names.
  [[nodiscard]] std::uint8_t version() const {
    return std::max(call.called_as.version, call.action->since);
  }
  [[nodiscard]] Fault by_version(const Fault& igd1, const Fault& igd2) const {
    return version() < 2 ? igd1 : igd2;
  }
};

}  // namespace postern::upnp
