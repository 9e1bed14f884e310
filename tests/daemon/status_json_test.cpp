#include "daemon/status_json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "backends/memory/memory_backend.h"
#include "backends/memory/memory_flow_table.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/frontend.h"
#include "protocols/version_demux.h"

namespace postern {
namespace {

const Address kGateway = Address::v4({192, 168, 1, 1});
const Address kClient = Address::v4({192, 168, 1, 10});
const Moment kStart{Seconds(1000)};

[[nodiscard]] Network network() {
  return {Interface{"wan0", 2, {{Address::v4({203, 0, 113, 1}), 24}}},
          {Interface{"br-lan", 3, {{kGateway, 24}}}}};
}

[[nodiscard]] IncomingDatagram from_client(const std::vector<std::uint8_t>& payload) {
  return {3, {kClient, 50000}, {kGateway, natpmp::kServerPort}, payload};
}

class StatusJson : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(gateway_.start(network(), kStart)); }
  [[nodiscard]] nlohmann::json status(Moment now) const {
    return nlohmann::json::parse(status_json(gateway_, {}, now));
  }

  MemoryBackend backend_;
  MemoryFlowTable flows_;
  natpmp::Frontend natpmp_;
  pcp::Frontend pcp_{{}, flows_};
  VersionDemux demux_{&natpmp_, &pcp_};
  Gateway gateway_{{}, backend_, flows_, demux_, kStart};
};

TEST_F(StatusJson, ShowsTheGatewayBeforeAnyRequest) {
  const auto json = status(kStart + Seconds(5));
  EXPECT_EQ(json["schema"], "postern.status/1");
  EXPECT_EQ(json["epoch"], 5);
  EXPECT_EQ(json["external_address"], "203.0.113.1");
  EXPECT_EQ(json["wan"]["interface"], "wan0");
  EXPECT_EQ(json["wan"]["addresses"][0], "203.0.113.1/24");
  EXPECT_EQ(json["lan"][0]["addresses"][0], "192.168.1.1/24");
  EXPECT_EQ(json["backend"]["name"], "memory");
  EXPECT_EQ(json["backend"]["ends_leases"], true);
  EXPECT_EQ(json["mapping_count"], 0);
  EXPECT_TRUE(json["mappings"].empty());
  EXPECT_EQ(json["unsent"], 0);
}

TEST_F(StatusJson, ShowsAMappingWithItsClaimAndTimeLeft) {
  const auto map = natpmp::emit(natpmp::MapRequest{Protocol::udp, 4000, 5000, 60});
  const std::vector datagrams{from_client(map)};
  (void)gateway_.on_datagrams(datagrams, kStart);
  const auto json = status(kStart + Milliseconds(10'500));
  ASSERT_EQ(json["mappings"].size(), 1U);
  const auto& mapping = json["mappings"][0];
  EXPECT_EQ(mapping["protocol"], "udp");
  EXPECT_EQ(mapping["internal"]["address"], "192.168.1.10");
  EXPECT_EQ(mapping["internal"]["port"], 4000);
  EXPECT_EQ(mapping["external"]["address"], "203.0.113.1");
  EXPECT_EQ(mapping["external"]["port"], 5000);
  EXPECT_EQ(mapping["created_seconds_ago"], 10);
  EXPECT_EQ(mapping["remaining_seconds"], 50);
  EXPECT_EQ(mapping["claims"][0]["frontend"], "natpmp");
  EXPECT_EQ(mapping["claims"][0]["client"], "192.168.1.10");
  EXPECT_EQ(mapping["claims"][0]["rule"], "high ports for everyone");
  EXPECT_EQ(mapping["claims"][0]["granted_seconds"], 60);
  EXPECT_EQ(mapping["claims"][0]["enabled"], true);
  EXPECT_EQ(mapping["claims"][0]["permanent"], false);
}

// PCP-113
TEST_F(StatusJson, ShowsAPeerAndADescriptionButNeverANonce) {
  pcp::PeerRequest peer;
  peer.nonce.octets.fill(0xee);
  peer.protocol = 17;
  peer.internal_port = 4000;
  peer.remote = {Address::v4({198, 51, 100, 9}), 443};
  const auto octets = pcp::emit(
      pcp::Request{peer, 600, Address::v4({192, 168, 1, 10}), {pcp::Description{"a call"}}});
  const std::vector datagrams{from_client(octets)};
  (void)gateway_.on_datagrams(datagrams, kStart);
  const auto json = status(kStart);
  ASSERT_EQ(json["mappings"].size(), 1U);
  const auto& claim = json["mappings"][0]["claims"][0];
  EXPECT_EQ(claim["frontend"], "pcp");
  EXPECT_EQ(claim["remote"]["address"], "198.51.100.9");
  EXPECT_EQ(claim["remote"]["port"], 443);
  EXPECT_EQ(claim["description"], "a call");
  EXPECT_EQ(json["mappings"][0]["filters"][0]["remote"], "198.51.100.9/32");
  const auto text = json.dump();
  EXPECT_EQ(text.find("nonce"), std::string::npos);
  EXPECT_EQ(text.find("eeee"), std::string::npos);
}

TEST_F(StatusJson, CountsRequestsAndWhatWasDropped) {
  const auto ask = natpmp::emit(natpmp::AddressRequest{});
  auto off_link = from_client(ask);
  off_link.source.address = Address::v4({10, 0, 0, 1});
  const std::vector datagrams{from_client(ask), from_client(ask), off_link};
  (void)gateway_.on_datagrams(datagrams, kStart);
  const auto json = status(kStart);
  EXPECT_EQ(json["requests"]["natpmp"]["external_address"]["success"], 2);
  EXPECT_EQ(json["dropped"]["not_on_link"], 1);
}

TEST_F(StatusJson, TellsHowTheStoreIs) {
  StoreStatus store;
  store.health.state = StoreHealth::State::memory_only;
  store.health.since = kStart;
  store.health.trouble = "the disk is full";
  store.health.notice = "moved aside";
  const auto json = nlohmann::json::parse(status_json(gateway_, {0, store}, kStart + Seconds(5)));
  EXPECT_EQ(json["store"]["state"], "memory_only");
  EXPECT_EQ(json["store"]["for_seconds"], 5);
  EXPECT_EQ(json["store"]["trouble"], "the disk is full");
  EXPECT_EQ(json["store"]["notice"], "moved aside");
  EXPECT_TRUE(status(kStart)["store"].is_null()) << "without a store";
}

TEST_F(StatusJson, CountsWhatTheKernelDidNotTake) {
  EXPECT_EQ(nlohmann::json::parse(status_json(gateway_, {7}, kStart))["unsent"], 7);
}

TEST_F(StatusJson, ListsTheOldestThousandMappingsAndCountsAll) {
  Limits limits;
  limits.mappings_per_client = 2000;
  GatewayOptions options;
  options.policy = Policy({default_rule()}, limits);
  Gateway gateway(options, backend_, flows_, demux_, kStart);
  ASSERT_TRUE(gateway.start(network(), kStart));
  std::vector<std::vector<std::uint8_t>> payloads;
  for (std::uint16_t port = 2000; port < 3200; ++port) {
    const auto map = natpmp::emit(natpmp::MapRequest{Protocol::udp, port, port, 60});
    payloads.emplace_back(map.begin(), map.end());
  }
  std::vector<IncomingDatagram> datagrams;
  for (const auto& payload : payloads) datagrams.push_back(from_client(payload));
  (void)gateway.on_datagrams(datagrams, kStart);
  const auto json = nlohmann::json::parse(status_json(gateway, {}, kStart));
  EXPECT_EQ(json["mapping_count"], 1200);
  ASSERT_EQ(json["mappings"].size(), 1000U);
  EXPECT_EQ(json["mappings"].front()["external"]["port"], 2000);
  EXPECT_EQ(json["mappings"].back()["external"]["port"], 2999);
}

TEST_F(StatusJson, WanDownIsNull) {
  auto down = network();
  down.wan.reset();
  (void)gateway_.on_network(down, kStart);
  const auto json = status(kStart);
  EXPECT_TRUE(json["wan"].is_null());
  EXPECT_TRUE(json["external_address"].is_null());
}

}  // namespace
}  // namespace postern
