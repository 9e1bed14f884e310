#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"

// Which of several external addresses a host's mappings get.
namespace postern::pcp {
namespace {

Network with_two_addresses() {
  auto network = dual_network();
  network.wan->addresses.push_back({kOtherWan, 24});
  return network;
}

class PcpAddresses : public PcpHouse {
 protected:
  PcpAddresses() { (void)house_->change_network(with_two_addresses()); }
};

// PCP-076, 077
TEST_F(PcpAddresses, AHostStaysWhereItsFirstMappingIs) {
  EXPECT_EQ(map({.suggested_address = kOtherWan}).external_address, kOtherWan);
  EXPECT_EQ(map({.internal_port = 8081}).external_address, kOtherWan);
  EXPECT_EQ(map({.internal_port = 8082, .suggested_address = kAny6}).external_address, kOtherWan);
  EXPECT_EQ(map({.client = kHostB}).external_address, kWan);
}

// PCP-077
TEST_F(PcpAddresses, AHostMayChooseAnother) {
  EXPECT_EQ(map({}).external_address, kWan);
  EXPECT_EQ(map({.internal_port = 8081, .suggested_address = kOtherWan}).external_address,
            kOtherWan);
  EXPECT_EQ(map({.internal_port = 8082, .suggested_address = kWan}).external_address, kWan);
}

// PCP-143
TEST_F(PcpAddresses, PreferFailureMeansTheAddressToo) {
  PcpWish wish{.suggested_port = 40001, .suggested_address = kOtherWan};
  wish.options = {PreferFailure{}};
  EXPECT_EQ(map(wish).external_address, kOtherWan);
  wish.suggested_address = kWan;
  EXPECT_EQ(error_of(wish), kCannotProvide);
  wish.suggested_address = kAny4;
  EXPECT_EQ(map(wish).external_address, kOtherWan);
}

// PCP-135
TEST_F(PcpAddresses, ALiveFlowKeepsItsOwn) {
  house_->flows.flow = Flow{Protocol::udp, {kHostA, 8080}, {kOtherWan, 50505}, {kPeer, 443}};
  const auto granted = peer({.suggested_address = kWan}, {kPeer, 443});
  EXPECT_EQ(granted.external_address, kOtherWan);
  EXPECT_EQ(granted.external_port, 50505);
}

// PCP-161, 180
TEST_F(PcpAddresses, AMappingMovesWhenItsAddressGoes) {
  (void)map({.suggested_port = 40001, .suggested_address = kOtherWan});
  (void)map({.client = kHostB, .suggested_port = 40002});
  (void)house_->pass(Seconds(300));
  const auto turn = house_->change_network(dual_network());
  std::vector<Endpoint> told;
  for (const auto& datagram : turn.send) {
    if (datagram.payload[0] != kVersion) continue;  // NAT-PMP's announcement
    const auto response = read_pcp(datagram.payload);
    EXPECT_EQ(response.epoch, 0U);
    const auto* update = std::get_if<MapResponse>(&response.body);
    if (!update) continue;
    told.push_back(datagram.destination);
    EXPECT_EQ(update->external_address, kWan);
  }
  EXPECT_EQ(told, (std::vector<Endpoint>{{kHostA, 40123}}));
  EXPECT_EQ(map({}).external_address, kWan);
}

}  // namespace
}  // namespace postern::pcp
