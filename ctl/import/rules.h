#pragma once

#include "ctl/import/draft.h"
#include "ctl/import/source.h"

namespace postern::ctl::miniupnpd {

/// What decides beside the permission rules.
struct AccessModes {
  /// Hosts may map ports to other hosts (secure_mode=no).
  bool maps_for_others = false;
  /// What says so; null when nothing does.
  const SourceOption* secure_mode = nullptr;
  bool serves_ipv6 = true;
};

/// Adds to the draft the `[[rule]]` tables that mean the same, and notes.
void add_rules(const std::vector<PermissionRule>& rules, const AccessModes& modes, Draft& draft);

}  // namespace postern::ctl::miniupnpd
