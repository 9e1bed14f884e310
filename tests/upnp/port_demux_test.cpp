#include "protocols/port_demux.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/ssdp_fixture.h"

namespace postern {
namespace {

using namespace upnp::test;
using testing::ElementsAre;

/// Notes what it is told, and has something to send at a moment.
class Noting final : public DatagramFrontend {
 public:
  [[nodiscard]] Handled on_datagram(const IncomingDatagram& datagram, GatewayState&,
                                    Moment) override {
    ports.push_back(datagram.destination.port);
    return {};
  }
  void on_event(GatewayEvent, const GatewayState&, Moment) override { ++events; }
  void on_table_events(std::span<const TableEvent>, const GatewayState&, Moment) override {
    ++table_events;
  }
  [[nodiscard]] std::vector<OutgoingDatagram> on_timeout(const GatewayState&, Moment) override {
    return {{1, {}, {kHostA, due ? std::uint16_t{1} : std::uint16_t{2}}, {}}};
  }
  [[nodiscard]] std::optional<Moment> next_timeout() const override { return due; }

  std::vector<std::uint16_t> ports;
  int events = 0;
  int table_events = 0;
  std::optional<Moment> due;
};

class PortDemuxTest : public testing::Test {
 protected:
  Handled hand_in(std::uint16_t port) {
    return demux_.on_datagram({kLanIndex, {kHostA, 7}, {kGateway, port}, {}}, state_, kStart);
  }

  Noting one_;
  Noting other_;
  PortDemux demux_{{{5351, &one_}, {1900, &other_}}};
  GatewayState state_{home_network(), ExternalAddress(std::nullopt), Epoch(kStart), Epoch(kStart),
                      MappingTable({}, {}, 1)};
};

TEST_F(PortDemuxTest, HandsEachDatagramToTheFrontendOfItsPort) {
  (void)hand_in(1900);
  (void)hand_in(5351);
  const auto handled = hand_in(5350);
  EXPECT_THAT(one_.ports, ElementsAre(5351));
  EXPECT_THAT(other_.ports, ElementsAre(1900));
  EXPECT_FALSE(handled.reply);
  EXPECT_EQ(handled.outcome, "silence");
}

TEST_F(PortDemuxTest, TellsEveryFrontendOfEvents) {
  demux_.on_event(GatewayEvent::started, state_, kStart);
  demux_.on_table_events({}, state_, kStart);
  EXPECT_EQ(one_.events + other_.events, 2);
  EXPECT_EQ(one_.table_events + other_.table_events, 2);
}

TEST_F(PortDemuxTest, WakesForTheFirstAndSendsForAll) {
  EXPECT_FALSE(demux_.next_timeout());
  other_.due = kStart + Seconds(2);
  EXPECT_EQ(demux_.next_timeout(), kStart + Seconds(2));
  one_.due = kStart + Seconds(1);
  EXPECT_EQ(demux_.next_timeout(), kStart + Seconds(1));
  EXPECT_EQ(demux_.on_timeout(state_, kStart).size(), 2U);
}

}  // namespace
}  // namespace postern
