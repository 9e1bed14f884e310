#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/mapping.h"

namespace postern {

/// What became of one mapping in a turn, told only after the firewall has done it.
struct TableEvent {
  enum class Kind : std::uint8_t { opened, renewed, moved, closed };

  /// What lists of port mappings (UPnP IGD) show otherwise than before, from nothing to most.
  enum class ListChange : std::uint8_t {
    none,
    /// When a listed mapping ends. That a permanent one was prolonged is no change.
    lease,
    /// Anything else about it: where it leads, whom it lets in, its claims and what they say.
    entry,
    /// How many there are.
    count,
  };

  /// Why. Of several reasons in one turn, the last.
  enum class Cause : std::uint8_t {
    /// A client asked for it.
    asked,
    lease_ended,
    /// The administrator wants it: a static mapping, or a command of his.
    administered,
    /// The configuration has other rules than before.
    policy,
    /// This machine's interfaces or addresses changed.
    network,
    /// The host has left the link, or another one has its address.
    host_gone,
    /// An earlier run left it, in the store or in the firewall.
    restored,
    /// The firewall held it no more when this run began: an earlier run closed it and could not
    /// keep that, or somebody else did.
    found_closed,
  };

  Kind kind = Kind::opened;
  /// As it is now; for closed, as it was last.
  Mapping mapping;
  ListChange list_change = ListChange::none;
  Cause cause = Cause::asked;
  /// The claims that it had and has no more, while others keep it open. Empty for closed: there all
  /// fell.
  std::vector<Claim> dropped = {};
};

/// Null: was not there before, or is no more.
[[nodiscard]] TableEvent::ListChange list_change(const Mapping* before, const Mapping* after);

[[nodiscard]] constexpr std::string_view to_string(TableEvent::Kind kind) {
  switch (kind) {
    case TableEvent::Kind::opened:
      return "opened";
    case TableEvent::Kind::renewed:
      return "renewed";
    case TableEvent::Kind::moved:
      return "moved";
    case TableEvent::Kind::closed:
      return "closed";
  }
  return "?";
}

[[nodiscard]] constexpr std::string_view to_string(TableEvent::Cause cause) {
  switch (cause) {
    case TableEvent::Cause::asked:
      return "asked";
    case TableEvent::Cause::lease_ended:
      return "lease_ended";
    case TableEvent::Cause::administered:
      return "administered";
    case TableEvent::Cause::policy:
      return "policy";
    case TableEvent::Cause::network:
      return "network";
    case TableEvent::Cause::host_gone:
      return "host_gone";
    case TableEvent::Cause::restored:
      return "restored";
    case TableEvent::Cause::found_closed:
      return "found_closed";
  }
  return "?";
}

}  // namespace postern
