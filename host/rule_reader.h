#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "host/foreign_rules.h"
#include "host/foreign_sets.h"

struct nftnl_rule;

namespace postern::host {

/// What a rule asks and does: several for a verdict map. Expressions that are not known count as
/// "something more is asked". `rule` has a table. The sets are asked for elements, which may fail.
[[nodiscard]] Result<std::vector<ForeignRule>, netlink::Error> read_rule(nftnl_rule* rule,
                                                                         ForeignSets& sets);

}  // namespace postern::host
