#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

/// A table that is asked as UPnP IGD asks it.
namespace postern::test {

using ListChange = TableEvent::ListChange;

inline constexpr std::string_view kUpnp = "upnp";
inline const Claimant kUpnpA{kUpnp, kHostA};

class IgdTable : public testing::Test {
 protected:
  ~IgdTable() override { EXPECT_TRUE(table_.is_consistent()); }

  [[nodiscard]] static MapRequest igd(std::uint16_t external, std::uint16_t internal = 8080,
                                      const Address& host = kHostA) {
    auto request = wish(host, Protocol::udp, internal, external);
    request.claimant = {kUpnp, host};
    request.reserves_companion = false;
    request.placement = Placement::suggested_port;
    request.lifetime_limit = LifetimeLimit::max_lease;
    return request;
  }
  [[nodiscard]] static MapRequest disabled(std::uint16_t external, std::uint16_t internal = 8080) {
    auto request = igd(external, internal);
    request.is_enabled = false;
    return request;
  }
  [[nodiscard]] static MapRequest permanent(std::uint16_t external) {
    auto request = igd(external);
    request.is_permanent = true;
    request.lifetime = Seconds(0);
    return request;
  }
  /// The same port of the same client, to lead to another internal port.
  [[nodiscard]] MapRequest moved(std::uint16_t external, std::uint16_t internal) const {
    auto request = igd(external, internal);
    request.replaces = on(external)->id;
    return request;
  }
  /// PEER for one remote peer on the internal port that igd() has.
  [[nodiscard]] static MapRequest peer() {
    auto request = wish(kHostA, Protocol::udp, 8080, 40001);
    request.claimant = {kOtherFrontend, kHostA, Endpoint{Address::v4({192, 0, 2, 1}), 9000}};
    request.reserves_companion = false;
    return request;
  }

  Grant ask(const MapRequest& request, Moment now = kStart) {
    const auto granted = table_.request(request, now);
    EXPECT_TRUE(granted) << to_string(granted ? MapError::backend_refused : granted.error());
    accept();
    return granted.value_or(Grant{});
  }
  [[nodiscard]] std::optional<MapError> error_of(const MapRequest& request) {
    const auto granted = table_.request(request, kStart);
    return granted ? std::nullopt : std::optional(granted.error());
  }
  /// Keeps what the turn made of the list of port mappings, in the order of the mappings.
  void accept() {
    changes_.clear();
    for (const auto& event : table_.accept()) changes_.push_back(event.list_change);
  }
  [[nodiscard]] const Mapping* on(std::uint16_t external) const {
    return table_.find_by_external_port(Protocol::udp, external);
  }
  [[nodiscard]] std::vector<TimedDoor> doors() const { return sorted(table_.doors()); }
  [[nodiscard]] static TimedDoor forward(std::uint16_t external, std::uint16_t internal = 8080,
                                         Moment ends = kStart + Seconds(60)) {
    return {Forward4{Protocol::udp, {kWan, external}, {kHostA, internal}}, ends};
  }
  /// A mapping that owns the outbound port of its inside, as it is when nothing else is there.
  [[nodiscard]] static std::vector<TimedDoor> whole(std::uint16_t external,
                                                    std::uint16_t internal = 8080,
                                                    Moment ends = kStart + Seconds(60)) {
    return sorted(all_doors(Protocol::udp, {kHostA, internal}, {kWan, external}, ends));
  }
  [[nodiscard]] static DoorKey outbound_key(std::uint16_t internal = 8080) {
    return {DoorKey::Kind::outbound4, Protocol::udp, {kHostA, internal}};
  }
  [[nodiscard]] static DoorKey forward_key(std::uint16_t external) {
    return {DoorKey::Kind::forward4, Protocol::udp, {kWan, external}};
  }
  [[nodiscard]] const DoorChange* staged(const std::vector<DoorChange>& changes,
                                         const DoorKey& key) const {
    const DoorChange* found = nullptr;
    for (const auto& change : changes) {
      if (change.key() != key) continue;
      EXPECT_FALSE(found) << "one change a key";
      found = &change;
    }
    return found;
  }

  MappingTable table_ = home_table();
  std::vector<ListChange> changes_;
};

}  // namespace postern::test
