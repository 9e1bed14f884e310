#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/upnp/actions.h"
#include "tests/support/home.h"
#include "tests/upnp/requests.h"

/// A gateway whose actions are called without HTTP around them.
namespace postern::upnp::test {

using namespace postern::test;

/// What came of an action.
struct Answer {
  /// 0: success.
  std::uint16_t code = 0;
  std::vector<Value> values = {};

  [[nodiscard]] const std::string& text(std::size_t i) const {
    return std::get<std::string>(values.at(i));
  }
  [[nodiscard]] std::uint32_t number(std::size_t i) const {
    return std::get<std::uint32_t>(values.at(i));
  }
  [[nodiscard]] bool flag(std::size_t i) const { return std::get<bool>(values.at(i)); }
  friend bool operator==(const Answer&, const Answer&) = default;
};

/// Which addresses share a MAC address is what a test says.
class FakeNeighbours final : public NeighbourTable {
 public:
  void link(const Address& left, const Address& right) { linked_.insert({left, right}); }
  [[nodiscard]] bool are_one_host(std::uint32_t interface_index, const Address& left,
                                  const Address& right) override {
    return interface_index == kLanIndex &&
           (linked_.contains({left, right}) || linked_.contains({right, left}));
  }

 private:
  std::set<std::pair<Address, Address>> linked_;
};

class FakeWanLink final : public WanLink {
 public:
  [[nodiscard]] std::optional<LinkCounters> counters(std::uint32_t index) override {
    return index == kWanIndex ? counted : std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint64_t> speed(std::uint32_t index) override {
    return index == kWanIndex ? bits_per_second : std::nullopt;
  }

  std::optional<LinkCounters> counted = LinkCounters();
  std::optional<std::uint64_t> bits_per_second;
};

class FakeDoorCounters final : public DoorCounters {
 public:
  [[nodiscard]] std::optional<std::uint64_t> packets_through(const Door& door) override {
    asked = door;
    return packets;
  }

  std::optional<std::uint64_t> packets;
  std::optional<Door> asked;
};

/// An Add*PortMapping.
struct Add {
  std::string remote = "";
  int external = 7000;
  std::string protocol = "TCP";
  int internal = 6000;
  /// Nothing: the caller.
  std::optional<std::string> client = {};
  bool is_enabled = true;
  std::string description = "a game";
  std::uint32_t lease = 3600;
};

class ActionHouse {
 public:
  explicit ActionHouse(Limits limits = {}, std::vector<Rule> rules = {default_rule()},
                       Capabilities can = {.pinholes = true})
      : state{dual_network(), ExternalAddress(), Epoch(kStart), Epoch(kStart),
              MappingTable(Policy(std::move(rules), std::move(limits)), can, 1)} {
    state.table.set_lan_prefixes(
        {Prefix(kGateway, 24), Prefix(kGateway6, 64), Prefix(kGatewayLinkLocal, 64)});
    set_wan(kWan);
  }

  void set_wan(std::optional<Address> address) {
    state.network.wan = wan_interface(address);
    const auto all = state.network.wan->all_v4();
    state.table.set_external_addresses(all);
    state.external_address.set_locals(all);
    stand();
  }

  /// What is staged stands from now on.
  void stand() {
    services.pinhole_ids.note(state.table.accept());
    EXPECT_TRUE(state.table.is_consistent());
  }

  /// Lets time pass without anything happening but the end of leases.
  void pass(Seconds time) {
    now += time;
    state.table.expire(now);
    stand();
  }

  /// Calls an action, and lets what it changed stand. One that fails must have changed nothing
  /// (IGD-029).
  Answer call(const Address& client, const Call& how, std::string_view action,
              std::string_view arguments) {
    const auto control = parse(how, action, arguments);
    if (const auto* fault = std::get_if<Fault>(&control)) return {fault->code};
    const auto* parsed = std::get_if<ActionCall>(&control);
    if (!parsed) {
      ADD_FAILURE() << action << " is no action";
      return {1};
    }
    Kernel kernel{neighbours, wan, doors};
    auto done = execute(*parsed, {kLanIndex, {client, 50000}},
                        {state, kernel, services, identity, settings, now});
    if (!done) {
      EXPECT_TRUE(state.table.accept().empty()) << action;
      return {done.error().code};
    }
    // Fails where a value has not the type of the table.
    (void)emit_reply(*parsed, *done);
    stand();
    return {0, std::move(*done)};
  }

  /// A mapping that another protocol made.
  MappingId map(std::string_view frontend, const Address& client, std::uint16_t internal,
                std::uint16_t external, Protocol protocol = Protocol::tcp,
                std::optional<RemoteFilters> filters = {}) {
    MapRequest request{{frontend, client}, protocol, {client, internal}, external, Seconds(3600)};
    request.reserves_companion = frontend == "natpmp";
    request.filters = std::move(filters);
    const auto granted = state.table.request(request, now);
    EXPECT_TRUE(granted && granted->external_port == external);
    stand();
    return granted ? granted->id : 0;
  }

  /// Many mappings of one client, with equal ports from 2000 on.
  void fill(const Address& client, std::uint16_t count, const std::string& description = "") {
    for (std::uint16_t i = 0; i < count; ++i) {
      const auto port = static_cast<std::uint16_t>(2000 + i);
      MapRequest request{{"upnp", client}, Protocol::tcp, {client, port}, port, Seconds(3600)};
      request.description = description;
      EXPECT_TRUE(state.table.request(request, now));
    }
    stand();
  }

  [[nodiscard]] const Mapping* find(std::uint16_t external,
                                    Protocol protocol = Protocol::tcp) const {
    return state.table.find_by_external_port(protocol, external);
  }
  [[nodiscard]] std::size_t mappings() const { return state.table.size(); }
  [[nodiscard]] std::vector<TimedDoor> open() const { return state.table.doors(); }

  Moment now = kStart;
  GatewayState state;
  FakeNeighbours neighbours;
  FakeWanLink wan;
  FakeDoorCounters doors;
  ServiceState services;
  Identity identity = sample_identity();
  Settings settings;
};

[[nodiscard]] inline std::string element(std::string_view name, std::string_view text) {
  std::string xml = "<";
  xml.append(name).append(">").append(text).append("</");
  return xml.append(name).append(">");
}
[[nodiscard]] inline std::string element(std::string_view name, std::int64_t number) {
  return element(name, std::to_string(number));
}

/// A host that calls WANIPConnection.
class Client {
 public:
  Client(ActionHouse& house, const Address& address, int version = 2)
      : house_(house), address_(address) {
    if (version == 1) how_ = {View::igd1, ServiceId::wan_ip_connection, kIp1};
  }

  Answer call(std::string_view action, std::string_view arguments = "") {
    return house_.call(address_, how_, action, arguments);
  }
  Answer add(const Add& add = {}) { return call("AddPortMapping", arguments_of(add)); }
  Answer add_any(const Add& add = {}) { return call("AddAnyPortMapping", arguments_of(add)); }
  Answer erase(int external = 7000, std::string_view protocol = "TCP",
               std::string_view remote = "") {
    return call("DeletePortMapping", key_of(external, protocol, remote));
  }
  Answer erase_range(int first, int last, std::string_view protocol = "TCP", bool manage = false) {
    return call("DeletePortMappingRange", range_of(first, last, protocol, manage));
  }
  Answer generic(int index) {
    return call("GetGenericPortMappingEntry", element("NewPortMappingIndex", index));
  }
  Answer specific(int external = 7000, std::string_view protocol = "TCP",
                  std::string_view remote = "") {
    return call("GetSpecificPortMappingEntry", key_of(external, protocol, remote));
  }
  Answer list(int first, int last, std::string_view protocol = "TCP", int count = 0) {
    return call("GetListOfPortMappings",
                range_of(first, last, protocol, false) + element("NewNumberOfPorts", count));
  }

 private:
  [[nodiscard]] std::string arguments_of(const Add& add) const {
    return element("NewRemoteHost", add.remote) + element("NewExternalPort", add.external) +
           element("NewProtocol", add.protocol) + element("NewInternalPort", add.internal) +
           element("NewInternalClient", add.client.value_or(address_.to_string())) +
           element("NewEnabled", add.is_enabled) +
           element("NewPortMappingDescription", add.description) +
           element("NewLeaseDuration", add.lease);
  }
  [[nodiscard]] static std::string key_of(int external, std::string_view protocol,
                                          std::string_view remote) {
    return element("NewRemoteHost", remote) + element("NewExternalPort", external) +
           element("NewProtocol", protocol);
  }
  [[nodiscard]] static std::string range_of(int first, int last, std::string_view protocol,
                                            bool manage) {
    return element("NewStartPort", first) + element("NewEndPort", last) +
           element("NewProtocol", protocol) + element("NewManage", manage);
  }

  ActionHouse& house_;
  Address address_;
  Call how_;
};

}  // namespace postern::upnp::test
