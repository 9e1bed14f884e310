#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/port_set.h"
#include "core/protocol.h"

/// What a firewall rule asks of a packet, as far as Postern needs to know.
namespace postern::host {

/// The destination ports of one protocol's packets.
struct PortMatch {
  /// 1 … 65535 when the rule asks nothing, none when it never applies to the protocol.
  PortSet ports = PortSet::all();
  /// Whether the rule names ports. "All but these" names none.
  bool is_named = false;

  /// Both this and `other`.
  void narrow(const PortMatch& other);

  friend bool operator==(const PortMatch&, const PortMatch&) = default;
};

/// The interface that a packet came by or leaves by.
struct InterfaceMatch {
  /// A name that ends in an asterisk stands for all that begin so.
  std::vector<std::string> names;
  /// Any interface but the named ones.
  bool is_negated = false;

  [[nodiscard]] bool admits(std::string_view interface) const;

  friend bool operator==(const InterfaceMatch&, const InterfaceMatch&) = default;
};

/// mark & mask == value
struct MarkMatch {
  std::uint32_t mask = 0;
  std::uint32_t value = 0;

  friend bool operator==(const MarkMatch&, const MarkMatch&) = default;
};

/// All that is told here must be true of a packet. A default one is true of every packet.
struct PacketMatch {
  PortMatch tcp;
  PortMatch udp;
  bool ipv4 = true;
  bool ipv6 = true;
  std::optional<InterfaceMatch> in;
  std::optional<InterfaceMatch> out;
  std::optional<MarkMatch> mark;
  /// `ct state`: a set of NF_CT_STATE bits (1 invalid, 2 established, 4 related, 8 new,
  /// 64 untracked).
  std::optional<std::uint32_t> ct_states;
  /// `ct status dnat`. Where iptables asks for "established or translated" only this is told.
  bool is_dnat = false;
  /// Something more that is not told here: addresses, limits, what we do not know.
  bool has_others = false;
  /// Whether anything at all is asked, told here or not (ICMP only, for instance).
  bool is_conditional = false;

  [[nodiscard]] const PortMatch& ports(Protocol protocol) const {
    return protocol == Protocol::tcp ? tcp : udp;
  }

  friend bool operator==(const PacketMatch&, const PacketMatch&) = default;
};

}  // namespace postern::host
