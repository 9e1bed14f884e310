#include <gtest/gtest.h>

#include "tests/upnp/http_house.h"

// What UPnP clients find again after the daemon was restarted with a store.
namespace postern::upnp {
namespace {

using namespace test;

constexpr Call kPinholes{View::igd2, ServiceId::wan_ipv6_firewall_control, kFirewall};

class Restored : public testing::Test {
 protected:
  Restored() { house_->start(); }
  ~Restored() override { EXPECT_TRUE(house_->gateway.is_consistent(house_->now)); }

  [[nodiscard]] StoredState stored() const {
    StoredState stored;
    const auto& table = house_->gateway.state().table;
    for (const Mapping* mapping : table.oldest(table.size())) stored.mappings.push_back(*mapping);
    stored.epochs = house_->gateway.epoch_starts();
    stored.is_complete = true;
    return stored;
  }
  /// The machine is started again, so much later.
  void restart(Seconds later) { restart(later, stored()); }
  void restart(Seconds later, const StoredState& stored) {
    const auto now = house_->now + later;
    house_ = std::make_unique<HttpHouse>(GatewayOptions(), Settings(), nullptr, ++runs_);
    house_->now = now;
    house_->start(dual_network(), stored);
  }
  void add(int port, int lease, std::string_view remote, bool is_enabled, const Call& to = Call{}) {
    const auto reply = house_->call(
        "AddPortMapping",
        element("NewRemoteHost", remote) + element("NewExternalPort", port) +
            element("NewProtocol", "TCP") + element("NewInternalPort", port) +
            element("NewInternalClient", kHostA.to_string()) + element("NewEnabled", is_enabled) +
            element("NewPortMappingDescription", "a game") + element("NewLeaseDuration", lease),
        to);
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  Properties entry(int port, std::string_view remote) {
    return arguments_of(
        house_->call("GetSpecificPortMappingEntry", element("NewRemoteHost", remote) +
                                                        element("NewExternalPort", port) +
                                                        element("NewProtocol", "TCP")));
  }
  /// The UniqueID.
  std::string add_pinhole(int port) {
    auto request = HttpHouse::call_request("AddPinhole",
                                           element("RemoteHost", "") + element("RemotePort", 0) +
                                               element("InternalClient", kHostA6.to_string()) +
                                               element("InternalPort", port) +
                                               element("Protocol", 6) + element("LeaseTime", 3600),
                                           kPinholes);
    request.client.address = kHostA6;
    return arguments_of(house_->ask(request))["UniqueID"];
  }
  int delete_pinhole(const std::string& id) {
    auto request = HttpHouse::call_request("DeletePinhole", element("UniqueID", id), kPinholes);
    request.client.address = kHostA6;
    return house_->ask(request).status;
  }

  std::unique_ptr<HttpHouse> house_ = std::make_unique<HttpHouse>();
  std::uint32_t runs_ = 0;
};

// IGD-085
TEST_F(Restored, MappingsAreAsTheyWere) {
  add(7000, 600, "203.0.113.5", true);
  add(7001, 600, "", false);
  add(7002, 0, "", true, {View::igd1, ServiceId::wan_ip_connection, kIp1});
  restart(Seconds(100));
  EXPECT_EQ(entry(7000, "203.0.113.5"), (Properties{{"NewInternalPort", "7000"},
                                                    {"NewInternalClient", kHostA.to_string()},
                                                    {"NewEnabled", "1"},
                                                    {"NewPortMappingDescription", "a game"},
                                                    {"NewLeaseDuration", "500"}}));
  EXPECT_EQ(entry(7001, "")["NewEnabled"], "0");
  EXPECT_EQ(entry(7002, "")["NewLeaseDuration"], "0") << "without an end";
  restart(Seconds(10'000));
  EXPECT_EQ(entry(7000, "203.0.113.5")["errorCode"], "714");
  EXPECT_EQ(entry(7002, "")["NewLeaseDuration"], "0");
}

// IGD-085, IGD-165
TEST_F(Restored, PinholesKeepTheirIds) {
  const auto first = add_pinhole(5022);
  const auto second = add_pinhole(5023);
  restart(Seconds(100));
  const auto third = add_pinhole(5024);
  EXPECT_NE(third, first);
  EXPECT_NE(third, second);
  EXPECT_EQ(delete_pinhole(first), 200);
  EXPECT_EQ(delete_pinhole(first), 500);
  EXPECT_EQ(delete_pinhole(second), 200);
  EXPECT_EQ(house_->gateway.state().table.size(), 1U);
}

// Who was told an id just before a crash, which the store does not know, still uses it.
// IGD-165
TEST_F(Restored, IdsThatWereForgottenAreNotThoseOfOthers) {
  (void)add_pinhole(5022);
  const auto written = stored();
  const auto forgotten = add_pinhole(5023);
  restart(Seconds(1), written);
  (void)add_pinhole(5024);
  EXPECT_EQ(delete_pinhole(forgotten), 500);
  EXPECT_EQ(house_->gateway.state().table.size(), 2U);
}

}  // namespace
}  // namespace postern::upnp
