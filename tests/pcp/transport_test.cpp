#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"

// From whom requests are taken, and from where they are answered.
namespace postern::pcp {
namespace {

class PcpTransport : public PcpHouse {
 protected:
  [[nodiscard]] std::vector<OutgoingDatagram> send(const IncomingDatagram& datagram) {
    return house_->send_all({datagram}).send;
  }
};

// PCP-001, 003, 004
TEST_F(PcpTransport, AnswersFromTheAddressThatWasAsked) {
  auto network = dual_network();
  const Address second = Address::v4({192, 168, 1, 2});
  network.lan.front().addresses.push_back({second, 24});
  (void)house_->change_network(network);
  const std::vector<std::pair<Address, Address>> talks{{kHostA, kGateway},
                                                       {kHostA, second},
                                                       {kHostA6, kGateway6},
                                                       {kHostA6, kGatewayLinkLocal},
                                                       {kHostALinkLocal, kGatewayLinkLocal}};
  for (const auto& [client, gateway] : talks) {
    const auto request = emit(Request{AnnounceRequest{}, 0, client, {}});
    auto datagram = from(client, request, 1234);
    datagram.destination.address = gateway;
    const auto sent = send(datagram);
    ASSERT_EQ(sent.size(), 1U) << client.to_string();
    EXPECT_EQ(sent.front().interface_index, kLanIndex);
    EXPECT_EQ(sent.front().source, (Endpoint{gateway, 5351}));
    EXPECT_EQ(sent.front().destination, (Endpoint{client, 1234}));
  }
}

// PCP-002
TEST_F(PcpTransport, IsSilentOutsideTheLan) {
  const auto request = emit(map_of({}));
  auto datagram = from(kHostA, request);
  datagram.interface_index = kWanIndex;
  EXPECT_TRUE(send(datagram).empty());
  datagram.destination.address = kWan;
  EXPECT_TRUE(send(datagram).empty());
  const auto stranger = emit(map_of({.client = kPeer}));
  EXPECT_TRUE(send(from(kPeer, stranger)).empty());
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-005
TEST_F(PcpTransport, IsSilentToMulticastAndBroadcast) {
  for (const auto& [client, text] :
       std::vector<std::pair<Address, const char*>>{{kHostA, "224.0.0.1"},
                                                    {kHostA, "192.168.1.255"},
                                                    {kHostA, "255.255.255.255"},
                                                    {kHostA6, "ff02::1"},
                                                    {kHostALinkLocal, "ff02::1"}}) {
    const auto request = emit(Request{AnnounceRequest{}, 0, client, {}});
    auto datagram = from(client, request);
    datagram.destination.address = *Address::parse(text);
    EXPECT_TRUE(send(datagram).empty()) << text;
  }
}

// PCP-010, 011, 013
TEST_F(PcpTransport, IsSilentToRuntsAndResponses) {
  for (const auto* text : {"", "02", "02 01", "02 01 0000 00000e10 00000000000000000000ffff c0a801",
                           "02 81 0000 00000e10 00000000000000000000ffff c0a8010a", "03 80"}) {
    EXPECT_TRUE(house_->ask(kHostA, from_hex(text)).empty()) << text;
  }
}

// PCP-012, 015, 016, 017, 220
TEST_F(PcpTransport, AnswersWhatIsWrongWithTheHeader) {
  const auto request = emit(map_of({}));
  auto changed = request;
  changed[0] = 3;
  EXPECT_EQ(error_of(kHostA, changed), (PcpError{ResultCode::unsupp_version, 1800}));
  changed = request;
  changed.push_back(0);
  EXPECT_EQ(error_of(kHostA, changed), kMalformedRequest);
  changed = request;
  changed.resize(56);
  EXPECT_EQ(error_of(kHostA, changed), kMalformedRequest);
  changed = request;
  changed.resize(1104);
  EXPECT_EQ(error_of(kHostA, changed), kMalformedRequest);
  EXPECT_EQ(error_of(kHostB, request), (PcpError{ResultCode::address_mismatch, 1800}));
  EXPECT_EQ(error_of(kHostA6, request), (PcpError{ResultCode::address_mismatch, 1800}));
  for (const std::uint8_t opcode : std::vector<std::uint8_t>{3, 99, 127}) {
    changed = request;
    changed[1] = opcode;
    EXPECT_EQ(error_of(kHostA, changed), kUnsuppOpcode);
  }
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-024: one turn of several requests answers each of them.
TEST_F(PcpTransport, AnswersEachRequestOfATurn) {
  const auto first = emit(map_of({.internal_port = 1111}));
  const auto second = emit(map_of({.protocol = 47}));
  const auto third = emit(map_of({.client = kHostA6, .internal_port = 2222}));
  const auto sent =
      house_->send_all({from(kHostA, first), from(kHostA, second), from(kHostA6, third)}).send;
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(read_pcp(sent[0].payload).result, ResultCode::success);
  EXPECT_EQ(read_pcp(sent[1].payload).result, ResultCode::unsupp_protocol);
  EXPECT_EQ(read_pcp(sent[2].payload).result, ResultCode::success);
  EXPECT_EQ(house_->mappings(), 2U);
}

}  // namespace
}  // namespace postern::pcp
