#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/port_set.h"
#include "core/protocol.h"
#include "host/foreign_rules.h"

/// What the rules of others do with packets that we want to let through.
namespace postern::host {

/// The first packets of new flows of one kind.
struct PacketKind {
  /// Where they pass: forward or input.
  Hook hook = Hook::forward;
  Protocol protocol = Protocol::udp;
  /// Their destination ports.
  PortSet ports;
  bool is_ipv6 = false;
  /// By which interface they came and leave. Empty: not known.
  std::string in;
  std::string out;
  /// Whether their destination was translated.
  bool is_dnat = false;
  /// The packet mark that our chain at `mark_priority` gives them. Only chains behind it see it.
  std::uint32_t mark = 0;
  std::int32_t mark_priority = 0;
  /// A chain of ours inside of the host's tables, which accepts these packets. Empty: none.
  std::string own_chain = {};
};

/// A base chain of others that drops or rejects such packets. An accept elsewhere does not help.
struct Obstacle {
  const ForeignChain* base = nullptr;
  /// The chain whose rule drops them; the base chain where that is its policy.
  const ForeignChain* chain = nullptr;
  bool is_policy = false;
  /// False: only some of the packets, by conditions that are not told (addresses, limits) or by
  /// port.
  bool is_for_all = false;
  /// Whether an accept of the mark in this base chain would help.
  bool sees_mark = false;
};

/// Where such packets are dropped, at most once a base chain. An accept counts only when it is for
/// all of them. The pointers lead into `ruleset`.
[[nodiscard]] std::vector<Obstacle> obstacles(const ForeignRuleset& ruleset,
                                              const PacketKind& packets);

/// Whether some rule of others gives IPv4 packets that leave by `wan` another source address.
[[nodiscard]] bool translates_sources(const ForeignRuleset& ruleset, std::string_view wan);

}  // namespace postern::host
