#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/faulty_house.h"

// Everything else that changes doors, with a firewall that fails at each of its calls: table and
// firewall agree all the time, and it ends as if nothing had failed.
namespace postern::upnp {
namespace {

using namespace test;

constexpr Seconds kPause{20};

struct Happening {
  std::string name;
  std::function<void(HttpHouse&)> happen;
};

std::ostream& operator<<(std::ostream& out, const Happening& happening) {
  return out << happening.name;
}

// --- What happens --------------------------------------------------------------------------------

void follow(HttpHouse& house, const Network& network) {
  (void)house.gateway.on_network(network, house.now);
}

[[nodiscard]] Network renumbered_network() {
  auto network = home_network();
  network.lan.front().addresses = {{Address::v4({10, 7, 0, 1}), 24}};
  return network;
}

[[nodiscard]] Network without_lan_interface() {
  auto network = home_network();
  network.lan.front() = {"br-lan", 0, {}};
  return network;
}

void hear(HttpHouse& house, const std::string& mac) {
  const Neighbour neighbour{kLanIndex, kHostA, Neighbour::State::reachable, mac};
  house.gateway.on_neighbours({&neighbour, 1}, house.now);
}

[[nodiscard]] Policy without_port(std::uint16_t inside) {
  Rule rule = default_rule();
  rule.action = Rule::Action::deny;
  rule.internal_ports = PortSet({{inside, inside}});
  return Policy({rule, default_rule()});
}

[[nodiscard]] StaticMapping game() {
  return {"game", Protocol::udp, {kHostB, 9000}, 40001};
}

[[nodiscard]] std::vector<Happening> network_happenings() {
  const Address other_prefix = *Address::parse("2001:db8:1::1");
  return {
      {"WanAddressChanges", [](auto& house) { follow(house, dual_network(kOtherWan)); }},
      {"WanAddressIsLost", [](auto& house) { follow(house, dual_network(std::nullopt)); }},
      {"WanAddressIsLostAndBack",
       [](auto& house) {
         follow(house, dual_network(std::nullopt));
         follow(house, dual_network());
       }},
      {"WanIsMadeAnew",
       [](auto& house) {
         auto network = dual_network();
         network.wan->index = 77;
         follow(house, network);
       }},
      {"PrefixChanges",
       [other_prefix](auto& house) { follow(house, dual_network(kWan, other_prefix)); }},
      {"LanIsRenumbered", [](auto& house) { follow(house, renumbered_network()); }},
      {"LanInterfaceGoes", [](auto& house) { follow(house, without_lan_interface()); }},
      {"EverythingChangesAtOnce",
       [other_prefix](auto& house) { follow(house, dual_network(kOtherWan, other_prefix)); }},
      {"HostIsReplaced",
       [](auto& house) {
         hear(house, "a");
         hear(house, "b");
         (void)house.pass(Seconds(10));  // So long it is looked for.
       }},
  };
}

[[nodiscard]] std::vector<Happening> other_happenings() {
  return {
      {"RulesForbid",
       [](auto& house) { (void)house.gateway.reload(without_port(8080), {}, house.now); }},
      {"StaticMappingComes",
       [](auto& house) { (void)house.gateway.reload(Policy(), {game()}, house.now); }},
      {"RulesForbidAndStaticMappingComes",
       [](auto& house) { (void)house.gateway.reload(without_port(6000), {game()}, house.now); }},
      {"FirewallIsChanged",
       [](auto& house) { (void)house.gateway.on_firewall_changed("flushed", house.now); }},
      {"LeasesEnd", [](auto& house) { (void)house.pass(Seconds(700)); }},
      {"AllLeasesEnd", [](auto& house) { (void)house.pass(Seconds(7300)); }},
      {"NothingHappens", [](auto&) {}},
  };
}

[[nodiscard]] std::vector<Happening> all_happenings() {
  auto all = network_happenings();
  for (auto& more : other_happenings()) all.push_back(std::move(more));
  return all;
}

// --- What comes of it ----------------------------------------------------------------------------

/// Mappings of all protocols, one of them without an end.
[[nodiscard]] std::vector<Ask> some_mappings() {
  return {natpmp(Protocol::udp, 8080, 40001, 600),
          pcp_map({.client = kHostB,
                   .suggested_port = 40003,
                   .options = {pcp::Filter::of({Prefix::of(Address::v4({8, 8, 8, 8}))})}}),
          pcp_map({.client = kHostA6}),
          add_port({}),
          add_port({.external = 7001, .internal = 6000}),
          add_port({.external = 7002, .internal = 6002, .lease = 0}),
          add_pinhole("2a00:99::9")};
}

/// The requests of each protocol that a house must serve.
void expect_serves(FaultyHouse& faulty) {
  if (!faulty.house.gateway.state().external_address.local()) return;
  const auto& network = faulty.house.gateway.state().network;
  if (!network.is_lan_address(kGateway)) return;
  EXPECT_EQ(natpmp(Protocol::tcp, 8090, 40010, 600)(faulty.house), "success");
  EXPECT_EQ(pcp_map({.protocol = kUdp, .internal_port = 8090, .nonce = kOtherNonce})(faulty.house),
            "success");
  EXPECT_TRUE(faulty.is_consistent());
}

class BackendRecoveryTest : public testing::TestWithParam<Happening> {
 protected:
  [[nodiscard]] static GatewayOptions options() {
    GatewayOptions options;
    options.host_grace = Seconds(30);
    return options;
  }
  static void prepare(FaultyHouse& faulty) {
    faulty.ask_all(some_mappings());
    (void)faulty.house.pass(Seconds(2));
  }
  [[nodiscard]] static std::vector<std::string> expected() {
    FaultyHouse well(options());
    prepare(well);
    GetParam().happen(well.house);
    (void)well.house.pass(kPause);
    return well.lines();
  }

  /// Whether any call failed.
  static bool run(const BackendFaults& faults, const std::vector<std::string>& expected) {
    FaultyHouse faulty(options());
    prepare(faulty);
    faulty.firewall.fail_at(faults);
    GetParam().happen(faulty.house);
    EXPECT_TRUE(faulty.is_consistent()) << "as soon as it happened";
    (void)faulty.house.pass(Seconds(5));
    EXPECT_TRUE(faulty.is_consistent()) << "while it may still fail";
    faulty.firewall.heal();
    (void)faulty.house.pass(kPause - Seconds(5));
    EXPECT_TRUE(faulty.is_consistent()) << "when it is well again";
    EXPECT_EQ(faulty.lines(), expected);
    const bool has_failed = faulty.firewall.has_failed();
    expect_serves(faulty);
    return has_failed;
  }
};

TEST_P(BackendRecoveryTest, EndsAsIfNothingHadFailed) {
  const auto wanted = expected();
  for_each_fault([&](const BackendFaults& faults) { return run(faults, wanted); });
}

INSTANTIATE_TEST_SUITE_P(Each, BackendRecoveryTest, testing::ValuesIn(all_happenings()),
                         [](const auto& one) { return one.param.name; });

// --- The operator's commands ---------------------------------------------------------------------

TEST(BackendFaultsOfCommands, AreToldAndNothingIsDone) {
  for_each_fault([](const BackendFaults& faults) {
    FaultyHouse faulty;
    (void)faulty.house.pass(Seconds(2));
    const auto command = [&](auto what) {
      Turn turn;
      faulty.firewall.fail_at(faults);
      const bool is_done = what(turn).has_value();
      EXPECT_EQ(is_done, !turn.events.empty());
      EXPECT_TRUE(faulty.is_consistent());
      return is_done;
    };
    auto& gateway = faulty.house.gateway;
    const bool is_added =
        command([&](Turn& turn) { return gateway.add(game(), faulty.house.now, turn); });
    EXPECT_EQ(faulty.lines().size(), is_added ? 1U : 0U);
    bool has_failed = faulty.firewall.has_failed();
    faulty.firewall.heal();
    (void)faulty.house.pass(Seconds(2));
    Turn turn;
    const auto id = is_added ? gateway.state().table.oldest(1).front()->id
                             : gateway.add(game(), faulty.house.now, turn).value();
    const bool is_removed =
        command([&](Turn& of_removal) { return gateway.remove(id, faulty.house.now, of_removal); });
    EXPECT_EQ(faulty.lines().size(), is_removed ? 0U : 1U);
    has_failed = has_failed || faulty.firewall.has_failed();
    faulty.firewall.heal();
    EXPECT_TRUE(gateway.remove(id, faulty.house.now, turn));
    EXPECT_TRUE(faulty.lines().empty());
    return has_failed;
  });
}

// --- The start -----------------------------------------------------------------------------------

// A start that fails leaves the doors of the earlier run alone, for the next one to take over.
TEST(BackendFaultsOfAStart, AreToldAndLeaveEverythingForTheNext) {
  StoredState stored;
  for_each_fault([&](const BackendFaults& faults) {
    FaultyHouse faulty;
    faulty.ask_all(some_mappings());
    (void)faulty.house.pass(Seconds(2));
    const auto doors = [&] {
      return faulty.firewall.undisturbed(
          [&] { return *faulty.firewall.open_doors(faulty.house.now); });
    };
    const auto& table = faulty.house.gateway.state().table;
    stored.mappings.clear();
    for (const Mapping* mapping : table.oldest(table.size())) stored.mappings.push_back(*mapping);
    stored.epochs = faulty.house.gateway.epoch_starts();
    stored.is_same_boot = true;
    const auto before = doors();

    HttpHouse failing({}, {}, &faulty.firewall);
    faulty.firewall.fail_at(faults);
    const auto begun = failing.gateway.start(dual_network(), stored, faulty.house.now);
    const bool has_failed = faulty.firewall.has_failed();
    EXPECT_EQ(begun.has_value(), !has_failed) << "each call matters";
    EXPECT_THAT(doors(), testing::UnorderedElementsAreArray(before));
    faulty.firewall.heal();

    HttpHouse next({}, {}, &faulty.firewall);
    EXPECT_TRUE(next.gateway.start(dual_network(), stored, faulty.house.now));
    EXPECT_TRUE(next.gateway.is_consistent(faulty.house.now));
    EXPECT_EQ(lines_of(next), faulty.lines());
    return has_failed;
  });
}

}  // namespace
}  // namespace postern::upnp
