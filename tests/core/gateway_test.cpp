#include "core/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/table_fixture.h"

// Turns: one transaction for all that waited, and what clients hear when it is refused. What
// happens when the network changes stands in gateway_network_test.cpp.
namespace postern {
namespace {

using namespace test;
using natpmp::ResultCode;

[[nodiscard]] DoorKey forward_key(Protocol protocol, std::uint16_t port,
                                  const Address& external = kWan) {
  return {DoorKey::Kind::forward4, protocol, {external, port}};
}

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() { (void)house_.start(); }
  ~GatewayTest() override { EXPECT_TRUE(house_.is_consistent()); }

  /// One turn with a map request of each host; the answers in the same order.
  std::vector<natpmp::MapResponse> map_all(
      const std::vector<std::pair<Address, natpmp::MapRequest>>& requests) {
    std::vector<Octets> payloads;
    for (const auto& [client, request] : requests) payloads.push_back(natpmp::emit(request));
    std::vector<IncomingDatagram> datagrams;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      datagrams.push_back(from(requests[i].first, payloads[i]));
    }
    last_turn_ = house_.send_all(datagrams);
    std::vector<natpmp::MapResponse> answers;
    for (const auto& reply : last_turn_.send) {
      answers.push_back(read_as<natpmp::MapResponse>(reply.payload));
    }
    return answers;
  }
  [[nodiscard]] std::vector<ResultCode> results_of(
      const std::vector<std::pair<Address, natpmp::MapRequest>>& requests) {
    std::vector<ResultCode> results;
    for (const auto& answer : map_all(requests)) results.push_back(answer.result);
    return results;
  }
  [[nodiscard]] std::uint64_t commits() const { return house_.gateway.counters().commits; }

  House house_;
  Turn last_turn_;
};

// NPMP-03
TEST_F(GatewayTest, AnswersTheAskerFromTheAddressThatWasAsked) {
  const auto payload = address_request();
  const auto turn = house_.send_all({from(kHostA, payload, 51234)});
  ASSERT_EQ(turn.send.size(), 1U);
  EXPECT_EQ(turn.send[0].destination, (Endpoint{kHostA, 51234}));
  EXPECT_EQ(turn.send[0].source, (Endpoint{kGateway, natpmp::kServerPort}));
  EXPECT_EQ(turn.send[0].interface_index, kLanIndex);
}

TEST_F(GatewayTest, CommitsAllRequestsOfATurnAtOnceAndAnswersInOrder) {
  const auto before = commits();
  const auto answers = map_all({{kHostA, {Protocol::udp, 8080, 40001, 60}},
                                {kHostB, {Protocol::udp, 8080, 40001, 60}},
                                {kHostC, {Protocol::tcp, 9090, 40003, 60}}});
  EXPECT_EQ(commits(), before + 1);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].external_port, 40001);
  EXPECT_NE(answers[1].external_port, 40001);
  EXPECT_EQ(answers[2].external_port, 40003);
  EXPECT_EQ(last_turn_.send[2].destination.address, kHostC);
  EXPECT_EQ(house_.doors(), 9U);
  EXPECT_EQ(last_turn_.events.size(), 3U);
}

TEST_F(GatewayTest, CommitsNothingWhenNothingChanges) {
  const auto before = commits();
  (void)house_.ask(kHostA, address_request());
  (void)unmap(house_, kHostA, Protocol::udp, 8080);
  EXPECT_EQ(commits(), before);
}

TEST_F(GatewayTest, HearsNobodyWhoIsNotOfTheLan) {
  const auto payload = address_request();
  auto datagram = from(kHostA, payload);
  datagram.interface_index = kWanIndex;
  EXPECT_TRUE(house_.send_all({datagram}).send.empty());
  EXPECT_EQ(house_.gateway.counters().dropped.at("not_from_lan"), 1U);
}

TEST_F(GatewayTest, CountsRequestsByOutcome) {
  (void)map(house_, kHostA, Protocol::udp, 8080, 0, 60);
  (void)map(house_, kHostA, Protocol::udp, 80, 0, 60);
  const auto& requests = house_.gateway.counters().requests;
  EXPECT_EQ(requests.at({"natpmp", "map", "success"}), 1U);
  EXPECT_EQ(requests.at({"natpmp", "map", "not_authorized"}), 1U);
}

// NPMP-61
TEST_F(GatewayTest, AnswersTheRefusedRequestWithAnErrorAndTheOthersWithSuccess) {
  house_.backend->refuse(forward_key(Protocol::udp, 40002));
  const auto before = commits();
  const auto answers = map_all({{kHostA, {Protocol::udp, 8080, 40001, 60}},
                                {kHostB, {Protocol::udp, 8080, 40002, 60}},
                                {kHostC, {Protocol::udp, 8080, 40003, 60}}});
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].result, ResultCode::success);
  EXPECT_EQ(answers[1].result, ResultCode::out_of_resources);
  EXPECT_EQ(answers[1].internal_port, 8080);
  EXPECT_EQ(answers[1].external_port, 0);
  EXPECT_EQ(answers[1].lifetime, 0U);
  EXPECT_EQ(answers[2].result, ResultCode::success);
  EXPECT_EQ(house_.mappings(), 2U);
  EXPECT_EQ(house_.doors(), 6U);
  EXPECT_EQ(commits(), before + 1);
  EXPECT_EQ(house_.gateway.counters().refused_commits, 1U);
  EXPECT_EQ(last_turn_.backend_errors.size(), 1U);
  EXPECT_EQ(last_turn_.events.size(), 2U);
}

// NPMP-61
TEST_F(GatewayTest, CountsAndTellsOnlyWhatStands) {
  house_.backend->refuse(forward_key(Protocol::udp, 40002));
  (void)map_all(
      {{kHostA, {Protocol::udp, 8080, 40001, 60}}, {kHostB, {Protocol::udp, 8080, 40002, 60}}});
  const auto& requests = house_.gateway.counters().requests;
  EXPECT_EQ(requests.at({"natpmp", "map", "success"}), 1U);
  EXPECT_EQ(requests.at({"natpmp", "map", "backend_refused"}), 1U);
}

// NPMP-61
TEST_F(GatewayTest, FailsEveryChangeWhenASecondOneIsRefused) {
  house_.backend->refuse(forward_key(Protocol::udp, 40001));
  house_.backend->refuse(forward_key(Protocol::udp, 40002));
  EXPECT_THAT(results_of({{kHostA, {Protocol::udp, 8080, 40001, 60}},
                          {kHostB, {Protocol::udp, 8080, 40002, 60}},
                          {kHostC, {Protocol::udp, 8080, 40003, 60}},
                          {kHostC, {Protocol::udp, 7777, 0, 0}}}),
              testing::ElementsAre(ResultCode::out_of_resources, ResultCode::out_of_resources,
                                   ResultCode::out_of_resources, ResultCode::success));
  EXPECT_EQ(house_.doors(), 0U);
  EXPECT_EQ(house_.mappings(), 0U);
  EXPECT_TRUE(last_turn_.events.empty());
}

// Somebody deleted our table: the client gets its door all the same.
TEST_F(GatewayTest, PutsEverythingBackAndDecidesAgainWhenATurnFailsAsAWhole) {
  (void)house_.pass(Seconds(1));
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 600);
  const auto before = commits();
  house_.backend->fail_next(1);
  EXPECT_EQ(map(house_, kHostB, Protocol::udp, 8080, 40002, 60).result, ResultCode::success);
  EXPECT_EQ(commits(), before + 2) << "one to put back, one for the request";
  EXPECT_EQ(house_.doors(), 6U);
  EXPECT_TRUE(house_.is_consistent());
}

// A client cannot cause one O(n) rebuild after the other.
TEST_F(GatewayTest, LeavesASecondBetweenRebuilds) {
  (void)house_.pass(Seconds(1));
  house_.backend->fail_next(1);
  EXPECT_EQ(map(house_, kHostA, Protocol::udp, 8080, 40001, 60).result, ResultCode::success);
  house_.backend->fail_next(1);
  EXPECT_EQ(map(house_, kHostA, Protocol::udp, 8080, 40001, 61).result,
            ResultCode::out_of_resources);
  const auto before = commits();
  (void)house_.gateway.on_timeout(house_.now);
  EXPECT_EQ(commits(), before);
  (void)house_.pass(Seconds(1));
  EXPECT_EQ(commits(), before + 1);
}

// A foreign element in the way of one door shows that the firewall is not as we left it.
TEST_F(GatewayTest, PutsEverythingBackAfterASingleRefusalToo) {
  (void)house_.pass(Seconds(1));
  house_.backend->refuse(forward_key(Protocol::udp, 40001));
  EXPECT_EQ(map(house_, kHostA, Protocol::udp, 8080, 40001, 60).result,
            ResultCode::out_of_resources);
  EXPECT_EQ(house_.gateway.next_timeout(), house_.now);
  house_.backend->heal();
  const auto before = commits();
  (void)house_.gateway.on_timeout(house_.now);
  EXPECT_EQ(commits(), before + 1);
}

// However many other turns there are meanwhile.
TEST_F(GatewayTest, TriesARefusedExpiryAgainOnceASecond) {
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 60);
  (void)house_.pass(Seconds(59));
  house_.backend->refuse(forward_key(Protocol::udp, 40001));
  (void)house_.pass(Seconds(1));
  const auto before = house_.gateway.counters().refused_commits;
  for (int i = 0; i < 40; ++i) {
    (void)external_address(house_, kHostB);
    (void)house_.pass(Milliseconds(250));
  }
  EXPECT_LE(house_.gateway.counters().refused_commits, before + 10);
  EXPECT_GE(house_.gateway.counters().refused_commits, before + 9);
}

TEST_F(GatewayTest, ClosesNothingThatTheFirewallWouldNotClose) {
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 600);
  house_.backend->refuse(forward_key(Protocol::udp, 40001));
  EXPECT_EQ(unmap(house_, kHostA, Protocol::udp, 8080).result, ResultCode::out_of_resources);
  EXPECT_EQ(house_.doors(), 3U);
  EXPECT_EQ(house_.mappings(), 1U);
  house_.backend->heal();
  EXPECT_EQ(unmap(house_, kHostA, Protocol::udp, 8080).result, ResultCode::success);
  EXPECT_EQ(house_.doors(), 0U);
}

TEST_F(GatewayTest, KeepsTheOldLeaseWhenTheRenewalIsRefused) {
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 60);
  (void)house_.pass(Seconds(30));
  house_.backend->refuse(forward_key(Protocol::udp, 40001));
  EXPECT_EQ(map(house_, kHostA, Protocol::udp, 8080, 40001, 60).result,
            ResultCode::out_of_resources);
  house_.backend->heal();
  (void)house_.pass(Seconds(30));
  EXPECT_EQ(house_.doors(), 0U);
}

// While the firewall takes nothing, it is tried again every second, not for every request.
TEST_F(GatewayTest, TriesAFailedRebuildAgainEverySecondHoweverMuchIsAsked) {
  (void)house_.pass(Seconds(1));
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 600);
  house_.backend->fail_next(1000);
  EXPECT_EQ(map(house_, kHostB, Protocol::udp, 8080, 40002, 60).result,
            ResultCode::out_of_resources);
  (void)house_.gateway.on_timeout(house_.now);
  EXPECT_EQ(external_address(house_, kHostB).result, ResultCode::success);
  EXPECT_EQ(map(house_, kHostB, Protocol::udp, 8080, 40002, 60).result,
            ResultCode::out_of_resources);
  EXPECT_EQ(unmap(house_, kHostA, Protocol::udp, 8080).result, ResultCode::out_of_resources);
  EXPECT_TRUE(house_.is_consistent());
  const auto tries = house_.gateway.counters().refused_commits;
  (void)house_.pass(Milliseconds(999));
  EXPECT_EQ(house_.gateway.counters().refused_commits, tries);
  (void)house_.pass(Milliseconds(1));
  EXPECT_EQ(house_.gateway.counters().refused_commits, tries + 1);

  house_.backend->heal();
  (void)house_.pass(Seconds(1));
  EXPECT_EQ(external_address(house_, kHostB).result, ResultCode::success);
  EXPECT_EQ(unmap(house_, kHostA, Protocol::udp, 8080).result, ResultCode::success);
}

TEST_F(GatewayTest, EndsALeaseAtItsMoment) {
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 60);
  const auto early = house_.pass(Seconds(60) - Milliseconds(1));
  EXPECT_TRUE(early.events.empty());
  EXPECT_EQ(house_.mappings(), 1U);
  const auto turn = house_.pass(Milliseconds(1));
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events[0].kind, TableEvent::Kind::closed);
  EXPECT_EQ(house_.mappings(), 0U);
  EXPECT_FALSE(house_.gateway.state().table.next_expiry());
}

TEST_F(GatewayTest, TriesARefusedExpiryAgain) {
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 60);
  house_.backend->refuse(forward_key(Protocol::udp, 40001));
  (void)house_.pass(Seconds(60));
  EXPECT_EQ(house_.mappings(), 1U);
  EXPECT_GT(house_.gateway.state().table.next_expiry(), house_.now);
  house_.backend->heal();
  (void)house_.pass(Seconds(1));
  EXPECT_EQ(house_.mappings(), 0U);
}

TEST_F(GatewayTest, AnswersWhileAnExpiryIsRefusedInTheSameTurn) {
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 60);
  house_.backend->refuse(forward_key(Protocol::udp, 40001));
  house_.now += Seconds(60);  // No timeout has run yet: the request's own turn expires.
  EXPECT_EQ(map(house_, kHostB, Protocol::udp, 9090, 40002, 60).result, ResultCode::success);
  EXPECT_TRUE(house_.is_consistent());
  house_.backend->heal();
}

TEST_F(GatewayTest, WakesForTheFirstOfItsDeadlines) {
  (void)house_.pass(Seconds(200));  // The announcements are over.
  EXPECT_FALSE(house_.gateway.next_timeout());
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 600);
  (void)map(house_, kHostA, Protocol::udp, 8081, 40002, 60);
  EXPECT_EQ(house_.gateway.next_timeout(), house_.now + Milliseconds(25));
  (void)house_.pass(Milliseconds(25));
  EXPECT_EQ(house_.gateway.next_timeout(), house_.now + Seconds(60) - Milliseconds(25));
  (void)house_.change_network(home_network(kOtherWan));
  EXPECT_EQ(house_.gateway.next_timeout(), house_.now + Milliseconds(25));
}

TEST_F(GatewayTest, TakesAnEmptyTurn) {
  const auto turn = house_.send_all({});
  EXPECT_TRUE(turn.send.empty());
  EXPECT_TRUE(turn.events.empty());
}

}  // namespace
}  // namespace postern
