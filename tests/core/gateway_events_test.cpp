#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/memory/memory_backend.h"
#include "backends/memory/memory_flow_table.h"
#include "core/gateway.h"
#include "tests/support/table_fixture.h"

// What a frontend hears of mappings: once a turn, and only what stands.
namespace postern {
namespace {

using namespace test;
using Kind = TableEvent::Kind;
using Kinds = std::vector<Kind>;

/// Maps UDP port 8080 of whoever asks, to the external port that the payload names, and notes what
/// it hears.
class Witness final : public DatagramFrontend {
 public:
  [[nodiscard]] Handled on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                    Moment now) override {
    ++decisions;
    const auto external = static_cast<std::uint16_t>(40000 + datagram.payload[0]);
    (void)state.table.request(wish(datagram.source.address, Protocol::udp, 8080, external), now);
    return {};
  }
  void on_event(GatewayEvent, const GatewayState&, Moment) override { heard.emplace_back(); }
  void on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                       Moment) override {
    Kinds kinds;
    for (const auto& event : events) {
      kinds.push_back(event.kind);
      const Mapping* mapping = state.table.find(event.mapping.id);
      EXPECT_EQ(mapping != nullptr, event.kind != Kind::closed);
      if (mapping) {
        EXPECT_EQ(*mapping, event.mapping);
      }
    }
    EXPECT_TRUE(state.table.staged_changes().empty()) << "told before it stood";
    heard.push_back(std::move(kinds));
  }
  [[nodiscard]] std::vector<OutgoingDatagram> on_timeout(const GatewayState&, Moment) override {
    return {};
  }
  [[nodiscard]] std::optional<Moment> next_timeout() const override { return std::nullopt; }

  int decisions = 0;
  /// Each call of on_table_events; what on_event heard of is empty.
  std::vector<Kinds> heard;
};

class GatewayEventsTest : public testing::Test {
 protected:
  GatewayEventsTest() {
    EXPECT_TRUE(gateway_.start(home_network(), now_));
    witness_.heard.clear();
    now_ += Seconds(1);
  }
  ~GatewayEventsTest() override { EXPECT_TRUE(gateway_.is_consistent(now_)); }

  /// One turn in which each of these hosts asks for 40001, 40002 and so on.
  Turn ask(const std::vector<Address>& hosts) {
    std::vector<Octets> payloads;
    for (const auto& host : hosts) {
      (void)host;
      payloads.push_back({static_cast<std::uint8_t>(payloads.size() + 1)});
    }
    std::vector<IncomingDatagram> datagrams;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      datagrams.push_back({kLanIndex, {hosts[i], 1111}, {kGateway, 5351}, payloads[i]});
    }
    return gateway_.on_datagrams(datagrams, now_);
  }
  [[nodiscard]] std::vector<Kinds> heard() { return std::exchange(witness_.heard, {}); }

  using Octets = std::vector<std::uint8_t>;

  Moment now_ = kStart;
  MemoryBackend backend_;
  MemoryFlowTable flows_;
  Witness witness_;
  Gateway gateway_{{}, backend_, flows_, witness_, kStart};
};

TEST_F(GatewayEventsTest, AreToldOnceATurn) {
  (void)ask({kHostA, kHostB, kHostC});
  EXPECT_THAT(heard(), testing::ElementsAre(Kinds{Kind::opened, Kind::opened, Kind::opened}));
  now_ += Seconds(1);
  (void)ask({kHostA});
  EXPECT_THAT(heard(), testing::ElementsAre(Kinds{Kind::renewed}));
}

TEST_F(GatewayEventsTest, AreNotToldOfTurnsThatChangeNothing) {
  (void)ask({kHostA});
  (void)heard();
  (void)ask({kHostA});
  (void)ask({});
  (void)gateway_.on_timeout(now_);
  (void)gateway_.on_network(home_network(), now_);
  (void)gateway_.on_firewall_changed("rules changed", now_);
  EXPECT_TRUE(heard().empty());
}

TEST_F(GatewayEventsTest, AreToldOfWhatStandsAfterARefusal) {
  backend_.refuse({DoorKey::Kind::forward4, Protocol::udp, {kWan, 40002}});
  (void)ask({kHostA, kHostB, kHostC});
  EXPECT_EQ(witness_.decisions, 6);
  EXPECT_THAT(heard(), testing::ElementsAre(Kinds{Kind::opened, Kind::opened}));
}

TEST_F(GatewayEventsTest, AreToldOnceWhenATurnIsDecidedAgain) {
  backend_.fail_next(1);
  (void)ask({kHostA});
  EXPECT_EQ(witness_.decisions, 2);
  EXPECT_THAT(heard(), testing::ElementsAre(Kinds{Kind::opened}));
}

TEST_F(GatewayEventsTest, AreNotToldOfTurnsThatWereRolledBack) {
  backend_.fail_next(1000);
  (void)ask({kHostA, kHostB});
  EXPECT_GT(witness_.decisions, 2);
  EXPECT_TRUE(heard().empty());
  backend_.heal();
}

TEST_F(GatewayEventsTest, AreToldOfWhatEndsByItself) {
  (void)ask({kHostA, kHostB});
  (void)heard();
  now_ += Seconds(60);
  (void)gateway_.on_timeout(now_);
  EXPECT_THAT(heard(), testing::ElementsAre(Kinds{Kind::closed, Kind::closed}));
}

TEST_F(GatewayEventsTest, AreToldOfMovesAfterTheNewAddress) {
  (void)ask({kHostA, kHostB});
  (void)heard();
  (void)gateway_.on_network(home_network(kOtherWan), now_);
  EXPECT_THAT(heard(), testing::ElementsAre(Kinds{}, Kinds{Kind::moved, Kind::moved}));
}

TEST_F(GatewayEventsTest, AreNotToldOfMovesUntilTheFirewallHasThem) {
  (void)ask({kHostA});
  (void)heard();
  backend_.fail_next(2);
  (void)gateway_.on_network(home_network(kOtherWan), now_);
  EXPECT_THAT(heard(), testing::ElementsAre(Kinds{})) << "the address has gone for now";
  (void)gateway_.on_timeout(now_ += Seconds(1));
  EXPECT_TRUE(heard().empty());
  (void)gateway_.on_timeout(now_ += Seconds(1));
  EXPECT_THAT(heard(), testing::ElementsAre(Kinds{}, Kinds{Kind::moved}));
}

}  // namespace
}  // namespace postern
