#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "backends/conntrack/flow_match.h"
#include "backends/conntrack/headers.h"

// What we say to the kernel's connection tracking (ctnetlink), and what it says.

namespace postern::conntrack {

/// One message, ready to send.
class Request {
 public:
  [[nodiscard]] std::span<const std::uint8_t> bytes() const;
  [[nodiscard]] nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

 private:
  /// Twice what the longest of ours needs: two IPv6 tuples.
  alignas(nlmsghdr) std::array<std::uint8_t, 512> buffer_{};
};

enum class Family : std::uint8_t { v4 = AF_INET, v6 = AF_INET6 };
[[nodiscard]] Family family_of(const Address& address);
[[nodiscard]] Family family_of(FlowKey::Kind kind);

/// Asks for all connections. `conntrack -L -f ipv6`
[[nodiscard]] Request list_all(Family family);

/// Asks for those whose mark has this bit: `conntrack -L -f ipv6 --mark BIT/BIT`
[[nodiscard]] Request list_marked(Family family, std::uint32_t bit);

/// Asks for those that fit this pattern and perhaps more; nothing when that would be most of them.
///   inbound4   `conntrack -L -p udp -d EXTERNAL --dport N --reply-src INTERNAL --reply-port-src M`
///   outbound4  `conntrack -L -p udp -s INTERNAL --sport M --reply-dst EXTERNAL --reply-port-dst N`
///   inbound6   `conntrack -L -f ipv6 -p udp --dport M`
/// conntrack itself filters what the kernel lists; here the kernel does it. Before 5.8 it lists
/// all.
[[nodiscard]] std::optional<Request> list_matching(const Pattern& pattern);

/// Asks for something that a kernel with filters refuses, for it cannot do it. A kernel without
/// filters lists all.
[[nodiscard]] Request list_impossible();

/// Asks for the connection one of whose two tuples is this one; ENOENT if there is none. The kernel
/// finds it by its hash. `conntrack -G -p udp -s INTERNAL --sport M -d REMOTE --dport N`
[[nodiscard]] Request get(Protocol protocol, const Tuple& tuple);

/// Ends exactly this connection; ENOENT if it is gone, also when a new one has its tuple.
/// `conntrack -D -p udp -s REMOTE --sport N -d EXTERNAL --dport M --id ID`
[[nodiscard]] Request end(const TrackedFlow& flow);

/// Nothing for other protocols than TCP and UDP.
[[nodiscard]] std::optional<TrackedFlow> parse(const nlmsghdr* message);

}  // namespace postern::conntrack
