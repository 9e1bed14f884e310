#pragma once

/// The names that our rules have in the firewall; those who read them back need the same ones.
namespace postern::iptables {

// In the filter table.
inline constexpr const char* kForward = "POSTERN-FORWARD";
inline constexpr const char* kInput = "POSTERN-INPUT";
// In the mangle table.
inline constexpr const char* kMark = "POSTERN-MARK";
inline constexpr const char* kMarkInput = "POSTERN-MARK-INPUT";
// In the nat table.
inline constexpr const char* kPrerouting = "POSTERN-PREROUTING";
inline constexpr const char* kPostrouting = "POSTERN-POSTROUTING";
/// For what goes from the inside to a door and back inside.
inline constexpr const char* kHairpin = "POSTERN-HAIRPIN";
/// Which external endpoint its sender shall seem to be.
inline constexpr const char* kHairpinSource = "POSTERN-HAIRPIN-SOURCE";
/// Only while a backend is opened.
inline constexpr const char* kProbe = "POSTERN-PROBE";

/// Begins the comment of a door's rule; the end follows, in seconds of CLOCK_BOOTTIME.
inline constexpr const char* kCommentPrefix = "postern ";

}  // namespace postern::iptables
