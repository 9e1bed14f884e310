#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "core/store.h"
#include "tests/support/home.h"

/// What an earlier run left in its store.
namespace postern::test {

/// An IPv4 mapping at the home's external address, with one claim of its internal host.
[[nodiscard]] inline Mapping stored(MappingId id, const Endpoint& internal, std::uint16_t port,
                                    Moment ends, std::string_view frontend = "natpmp") {
  Mapping mapping;
  mapping.id = id;
  mapping.protocol = Protocol::udp;
  mapping.internal = internal;
  mapping.external = {kWan, port};
  mapping.created = kStart - Seconds(500);
  mapping.claims = {{{frontend, internal.address}, {Seconds(600), ends}}};
  mapping.is_primary = true;
  return mapping;
}

/// After a crash: the machine runs on, and something may be missing.
[[nodiscard]] inline StoredState state_of(std::vector<Mapping> mappings) {
  StoredState state;
  state.mappings = std::move(mappings);
  state.epochs = EpochStarts{kStart - Seconds(700), kStart - Seconds(300), {kWan}};
  state.is_same_boot = true;
  return state;
}

/// The same after a reboot with a clean end before.
[[nodiscard]] inline StoredState rebooted(std::vector<Mapping> mappings) {
  auto state = state_of(std::move(mappings));
  state.is_same_boot = false;
  state.is_complete = true;
  return state;
}

}  // namespace postern::test
