#include <gtest/gtest.h>

#include "protocols/upnp/variables.h"
#include "tests/upnp/action_house.h"

// The connection, the WAN interface, and which connection is the default.
namespace postern::upnp {
namespace {

using namespace test;
using namespace std::string_literals;

constexpr std::string_view kLink = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1";
constexpr std::string_view kForwarding = "urn:schemas-upnp-org:service:Layer3Forwarding:1";

class ConnectionActions : public testing::Test {
 protected:
  Answer link(std::string_view action) {
    return house.call(kHostA, {View::igd1, ServiceId::wan_common_interface_config, kLink}, action,
                      "");
  }
  Answer forwarding(View view, std::string_view action, std::string_view arguments = "") {
    return house.call(kHostA, {view, ServiceId::layer3_forwarding, kForwarding}, action, arguments);
  }
  Answer choose(View view, const std::string& connection) {
    return forwarding(view, "SetDefaultConnectionService",
                      element("NewDefaultConnectionService", connection));
  }

  ActionHouse house;
  Client v1{house, kHostA, 1};
  Client v2{house, kHostA, 2};
};

// IGD-110, Q-07
TEST_F(ConnectionActions, ExternalAddress) {
  EXPECT_EQ(v1.call("GetExternalIPAddress"), (Answer{0, {kWan.to_string()}}));
  house.set_wan(std::nullopt);
  EXPECT_EQ(v1.call("GetExternalIPAddress"), (Answer{0, {""s}}));
  house.state.external_address = ExternalAddress(kOtherWan);
  house.set_wan(kWan);
  EXPECT_EQ(v2.call("GetExternalIPAddress"), (Answer{0, {kOtherWan.to_string()}}));
}

// IGD-111, Q-08
TEST_F(ConnectionActions, Status) {
  house.services.connected_since = kStart;
  house.now = kStart + Milliseconds(90'999);
  EXPECT_EQ(v1.call("GetStatusInfo"),
            (Answer{0, {"Connected"s, "ERROR_NONE"s, std::uint32_t{90}}}));
  house.set_wan(std::nullopt);
  EXPECT_EQ(v1.call("GetStatusInfo"),
            (Answer{0, {"Disconnected"s, "ERROR_NONE"s, std::uint32_t{0}}}));
  house.set_wan(kWan);
  house.state.network.wan->is_running = false;
  EXPECT_EQ(v1.call("GetStatusInfo").text(0), "Disconnected") << "the cable is out";
  house.state.network.wan.reset();
  EXPECT_EQ(v1.call("GetStatusInfo").text(0), "Disconnected");
}

// IGD-112, Q-05
TEST_F(ConnectionActions, NatIsOn) {
  EXPECT_EQ(v1.call("GetNATRSIPStatus"), (Answer{0, {false, true}}));
}

// IGD-113
TEST_F(ConnectionActions, Types) {
  EXPECT_EQ(v2.call("GetConnectionTypeInfo"), (Answer{0, {"IP_Routed"s, "IP_Routed"s}}));
}

// IGD-114
TEST_F(ConnectionActions, TheTypeStays) {
  const auto set = [](Client& client, std::string_view type) {
    return client.call("SetConnectionType", element("NewConnectionType", type)).code;
  };
  EXPECT_EQ(set(v1, "Foo"), 402);
  EXPECT_EQ(set(v2, "Foo"), 601);
  EXPECT_EQ(set(v1, "IP_Routed"), 703);
  EXPECT_EQ(set(v2, "IP_Bridged"), 703);
  house.set_wan(std::nullopt);
  EXPECT_EQ(set(v1, "IP_Routed"), 501);
  EXPECT_EQ(set(v2, "IP_Routed"), 731);
}

// IGD-115
TEST_F(ConnectionActions, RequestConnection) {
  EXPECT_EQ(v1.call("RequestConnection"), Answer{});
  house.set_wan(std::nullopt);
  EXPECT_EQ(v1.call("RequestConnection").code, 704);
}

// IGD-116
TEST_F(ConnectionActions, NobodyEndsTheConnection) {
  EXPECT_EQ(v1.call("ForceTermination").code, 501);
  EXPECT_EQ(v2.call("ForceTermination").code, 606);
  EXPECT_EQ(v2.call("GetStatusInfo").text(0), "Connected");
}

// IGD-136
TEST_F(ConnectionActions, LinkProperties) {
  EXPECT_EQ(link("GetCommonLinkProperties"),
            (Answer{0, {"Ethernet"s, 1'000'000'000u, 1'000'000'000u, "Up"s}}));
  house.wan.bits_per_second = 10'000'000'000;
  EXPECT_EQ(link("GetCommonLinkProperties"),
            (Answer{0, {"Ethernet"s, 0xffffffffu, 0xffffffffu, "Up"s}}));
  house.wan.bits_per_second = 100'000'000;
  EXPECT_EQ(link("GetCommonLinkProperties").number(1), 100'000'000u);
  house.state.network.wan->index = 0;
  EXPECT_EQ(link("GetCommonLinkProperties").text(3), "Down");
}

// IGD-137
TEST_F(ConnectionActions, Counters) {
  house.wan.counted = LinkCounters{(1ull << 32) + 5, (1ull << 33) + 6, 7, (1ull << 32)};
  EXPECT_EQ(link("GetTotalBytesSent"), (Answer{0, {5u}}));
  EXPECT_EQ(link("GetTotalBytesReceived"), (Answer{0, {6u}}));
  EXPECT_EQ(link("GetTotalPacketsSent"), (Answer{0, {7u}}));
  EXPECT_EQ(link("GetTotalPacketsReceived"), (Answer{0, {0u}}));
  house.wan.counted.reset();
  EXPECT_EQ(link("GetTotalBytesSent"), (Answer{0, {0u}}));
  house.state.network.wan.reset();
  EXPECT_EQ(link("GetTotalBytesSent"), (Answer{0, {0u}}));
}

// IGD-140
TEST_F(ConnectionActions, DefaultConnection) {
  const auto& identity = house.identity;
  EXPECT_EQ(forwarding(View::igd1, "GetDefaultConnectionService").text(0),
            identity.wan_connection_device(View::igd1) +
                ":WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1");
  EXPECT_EQ(forwarding(View::igd2, "GetDefaultConnectionService").text(0),
            identity.wan_connection_device(View::igd2) +
                ":WANConnectionDevice:2,urn:upnp-org:serviceId:WANIPConn1");
}

// IGD-141
TEST_F(ConnectionActions, AnotherDefaultConnection) {
  const auto device = house.identity.wan_connection_device(View::igd1) + ":WANConnectionDevice:1,";
  const auto id = "urn:upnp-org:serviceId:"s;
  EXPECT_EQ(choose(View::igd1, device + id + "WANIPConn1"), Answer{});
  EXPECT_EQ(choose(View::igd1, device + ' ' + id + "WANIPConn1"), Answer{});
  EXPECT_EQ(choose(View::igd1, device + id + "WANPPPConn1").code, 723);
  EXPECT_EQ(choose(View::igd1, device + id + "WANIPConn2").code, 721);
  EXPECT_EQ(choose(View::igd1, device + "WANPPPConn1").code, 721);
  // Of the other view.
  EXPECT_EQ(choose(View::igd1, device + id + "WANIPv6Firewall1").code, 721);
  EXPECT_EQ(choose(View::igd2, device + id + "WANIPConn1").code, 720);
  EXPECT_EQ(choose(View::igd1, "uuid:0:WANConnectionDevice:1," + id + "WANIPConn1").code, 720);
  EXPECT_EQ(choose(View::igd1, "WANIPConn1").code, 402);
  EXPECT_EQ(choose(View::igd1, "").code, 402);
  EXPECT_EQ(forwarding(View::igd1, "SetDefaultConnectionService").code, 402);
}

// IGD-133, IGD-142
TEST_F(ConnectionActions, TheNumberOfEntriesIsThatOfTheList) {
  const auto count = [&] {
    Kernel kernel{house.neighbours, house.wan, house.doors};
    return std::get<std::uint32_t>(
        value_of(VariableId::port_mapping_number_of_entries, View::igd1,
                 {house.state, kernel, house.services, house.identity, house.settings, house.now}));
  };
  EXPECT_EQ(count(), 0u);
  ASSERT_EQ(v1.add().code, 0);
  house.map("natpmp", kHostB, 6000, 7001);
  EXPECT_EQ(count(), 2u);
  house.set_wan(std::nullopt);
  EXPECT_EQ(count(), 2u);
  // Which of them a client sees does not matter.
  house.settings.lists_all = false;
  EXPECT_EQ(count(), 2u);
}

// IGD-130: whatever is evented has a value of its type, at any time.
TEST_F(ConnectionActions, EveryVariableHasAValueOfItsType) {
  for (const auto& wan : {std::optional(kWan), std::optional<Address>()}) {
    house.set_wan(wan);
    Kernel kernel{house.neighbours, house.wan, house.doors};
    const Surroundings around{house.state,    kernel,         house.services,
                              house.identity, house.settings, house.now};
    for (const auto& service : services()) {
      for (const auto& variable : service.variables) {
        if (!variable.id) continue;
        for (const View view : kViews) {
          EXPECT_TRUE(has_type(value_of(*variable.id, view, around), variable.type))
              << variable.name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace postern::upnp
