#include "host/xt_extensions.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <linux/netfilter/nf_conntrack_common.h>

#include "netlink/headers.h"

// These use what the above define.
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>

namespace postern::host {
namespace {

/// NF_CT_STATE_UNTRACKED_BIT, which the kernel's headers for programs lack in this form.
constexpr std::uint32_t kUntracked = 64;

template <class Struct>
[[nodiscard]] std::optional<Struct> read_struct(std::span<const std::uint8_t> info) {
  if (info.size() < sizeof(Struct)) return std::nullopt;
  Struct read{};
  std::memcpy(&read, info.data(), sizeof read);
  return read;
}

void narrow_ports(PacketMatch& match, std::vector<PortRange> ranges, bool is_negated) {
  PortMatch asked{PortSet(std::move(ranges)), !is_negated};
  if (is_negated) asked.ports = PortMatch{}.ports.without(asked.ports);
  match.tcp.narrow(asked);
  match.udp.narrow(asked);
}

/// The port range of -m tcp and -m udp; 0 … 65535 asks nothing.
void narrow_range(PacketMatch& match, const std::uint16_t (&ports)[2], bool is_negated) {
  if (ports[0] == 0 && ports[1] == 0xffff) return;
  const auto first = std::max<std::uint16_t>(ports[0], 1);
  if (first <= ports[1]) narrow_ports(match, {{first, ports[1]}}, is_negated);
}

[[nodiscard]] bool is_any(const std::uint16_t (&ports)[2]) {
  return ports[0] == 0 && ports[1] == 0xffff;
}

/// -m tcp --dport FIRST:LAST
[[nodiscard]] bool read_tcp(std::span<const std::uint8_t> info, PacketMatch& match) {
  const auto tcp = read_struct<xt_tcp>(info);
  if (!tcp) return false;
  narrow_range(match, tcp->dpts, (tcp->invflags & XT_TCP_INV_DSTPT) != 0);
  match.udp.ports = {};
  if (!is_any(tcp->spts) || tcp->option != 0 || tcp->flg_mask != 0) match.has_others = true;
  return true;
}

/// -m udp --dport FIRST:LAST
[[nodiscard]] bool read_udp(std::span<const std::uint8_t> info, PacketMatch& match) {
  const auto udp = read_struct<xt_udp>(info);
  if (!udp) return false;
  narrow_range(match, udp->dpts, (udp->invflags & XT_UDP_INV_DSTPT) != 0);
  match.tcp.ports = {};
  if (!is_any(udp->spts)) match.has_others = true;
  return true;
}

/// -m multiport --dports A,B:C, or --ports, which means either side
[[nodiscard]] bool read_multiport(std::span<const std::uint8_t> info, PacketMatch& match) {
  const auto ports = read_struct<xt_multiport_v1>(info);
  if (!ports || ports->flags == XT_MULTIPORT_SOURCE) return false;
  if (ports->flags == XT_MULTIPORT_EITHER) match.has_others = true;
  std::vector<PortRange> ranges;
  const auto count = std::min<std::size_t>(ports->count, XT_MULTI_PORTS);
  for (std::size_t i = 0; i < count; ++i) {
    const auto first = ports->ports[i];
    // A flag says that the next one is the end of this range.
    const bool is_range = ports->pflags[i] != 0 && i + 1 < count;
    const auto last = is_range ? ports->ports[++i] : first;
    if (first != 0 && first <= last) ranges.push_back({first, last});
  }
  narrow_ports(match, std::move(ranges), ports->invert != 0);
  return true;
}

/// -m mark --mark VALUE/MASK
[[nodiscard]] bool read_mark(std::span<const std::uint8_t> info, PacketMatch& match) {
  const auto mark = read_struct<xt_mark_mtinfo1>(info);
  if (!mark || mark->invert != 0 || match.mark) return false;
  match.mark = MarkMatch{mark->mask, mark->mark};
  return true;
}

/// -m conntrack --ctstate ESTABLISHED,RELATED,DNAT
[[nodiscard]] bool read_states(std::uint32_t mask, PacketMatch& match) {
  if ((mask & XT_CONNTRACK_STATE_DNAT) != 0) {
    match.is_dnat = true;
    return true;
  }
  std::uint32_t states = mask & (XT_CONNTRACK_STATE_INVALID | 2U | 4U | 8U);
  if ((mask & XT_CONNTRACK_STATE_UNTRACKED) != 0) states |= kUntracked;
  if (states == 0) return false;
  match.ct_states = match.ct_states.value_or(states) & states;
  return true;
}

[[nodiscard]] bool read_conntrack(std::uint32_t revision, std::span<const std::uint8_t> info,
                                  PacketMatch& match) {
  constexpr std::uint32_t kStates = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS;
  // The second version is the beginning of the third; the first differs in what we do not read
  // behind its smaller state mask.
  const auto tracked = read_struct<xt_conntrack_mtinfo2>(info);
  if (revision < 2 || !tracked) return false;
  if ((tracked->match_flags & XT_CONNTRACK_STATE) == 0) return false;
  if ((tracked->invert_flags & XT_CONNTRACK_STATE) != 0) return false;
  if ((tracked->match_flags & ~kStates) != 0) match.has_others = true;
  return read_states(tracked->state_mask, match);
}

/// -m state --state ESTABLISHED,RELATED: struct xt_state_info is one mask.
[[nodiscard]] bool read_state(std::span<const std::uint8_t> info, PacketMatch& match) {
  const auto mask = read_struct<std::uint32_t>(info);
  return mask && read_states(*mask, match);
}

[[nodiscard]] bool read_known(std::string_view name, std::uint32_t revision,
                              std::span<const std::uint8_t> info, PacketMatch& match) {
  if (name == "tcp") return read_tcp(info, match);
  if (name == "udp") return read_udp(info, match);
  if (name == "multiport" && revision == 1) return read_multiport(info, match);
  if (name == "mark" && revision == 1) return read_mark(info, match);
  if (name == "conntrack") return read_conntrack(revision, info, match);
  if (name == "state") return read_state(info, match);
  return false;
}

}  // namespace

void read_xt_match(std::string_view name, std::uint32_t revision,
                   std::span<const std::uint8_t> info, PacketMatch& match) {
  if (name == "comment") return;
  match.is_conditional = true;
  if (!read_known(name, revision, info, match)) match.has_others = true;
}

void read_xt_target(std::string_view name, ForeignRule& rule) {
  static constexpr std::pair<std::string_view, NatKind> kNats[] = {
      {"DNAT", NatKind::dnat},
      {"NETMAP", NatKind::dnat},
      {"REDIRECT", NatKind::redirect},
      {"SNAT", NatKind::snat},
      {"MASQUERADE", NatKind::masquerade}};
  for (const auto& [nat, kind] : kNats) {
    if (name != nat) continue;
    rule.nat = kind;
    rule.verdict = Verdict::accept;
  }
  if (name == "REJECT") rule.verdict = Verdict::reject;
  if (name == "NFQUEUE") rule.verdict = Verdict::queue;
}

}  // namespace postern::host
