#pragma once

#include <vector>

#include "core/address.h"

namespace postern::pcp {

/// What an administrator may decide about PCP.
struct Settings {
  /// Whether the opcode PEER is served (RFC 6887 §12).
  bool serves_peer = true;
  /// The controllers that may ask on behalf of other hosts (RFC 6887 §13.1, THIRD_PARTY).
  std::vector<Prefix> third_party = {};
  /// Lets a host renew and delete its own mappings with any nonce, for clients that send a new one
  /// each time.
  bool accepts_any_nonce = false;
};

}  // namespace postern::pcp
