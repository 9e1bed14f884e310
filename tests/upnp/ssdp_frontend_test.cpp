#include "protocols/upnp/ssdp_frontend.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/ssdp_fixture.h"

namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Endpoint kUnicast{kGateway, kSsdpPort};
const Endpoint kAsker{kHostA, 40000};
constexpr std::size_t kOffers = 21;

class SsdpFrontendTest : public testing::Test {
 protected:
  SsdpFrontendTest() { house_.start(); }

  SsdpHouse house_;
};

// SSDP-12, 37, 38, 39, Q-16, Q-18
TEST_F(SsdpFrontendTest, AnswersASearchForAType) {
  const auto answers = house_.ask(search_for(kIgd + "1"));
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].interface_index, kLanIndex);
  EXPECT_EQ(answers[0].source, (Endpoint{kGateway, 1900}));
  EXPECT_EQ(answers[0].destination, kAsker);
  const Message answer(answers[0].payload);
  EXPECT_EQ(answer.start_line, "HTTP/1.1 200 OK");
  EXPECT_EQ(answer.at("ST"), kIgd + "1");
  EXPECT_EQ(answer.at("USN"), house_.identity.root(View::igd1) + "::" + kIgd + "1");
  EXPECT_EQ(answer.at("LOCATION"), "http://192.168.1.1:5351/0123456789abcdef/igd1/desc.xml");
  EXPECT_EQ(answer.at("SERVER"), kServer);
  EXPECT_EQ(answer.at("BOOTID.UPNP.ORG"), "1700000000");
  EXPECT_EQ(answer.at("CONFIGID.UPNP.ORG"), std::to_string(config_id(house_.identity)));
  EXPECT_EQ(house_.count("answered"), 1U);
}

// SSDP-37, 46, Q-01, Q-87
TEST_F(SsdpFrontendTest, LeadsEachVersionToItsDescription) {
  const auto location = [&](const std::string& type) {
    return Message(house_.ask(search_for(type)).at(0).payload).at("LOCATION");
  };
  EXPECT_TRUE(location(kWanIp + "1").ends_with("/igd1/desc.xml"));
  EXPECT_TRUE(location(kWanIp + "2").ends_with("/igd2/desc.xml"));
  EXPECT_TRUE(location(kIgd + "2").ends_with("/igd2/desc.xml"));
  EXPECT_THAT(house_.ask(search_for(kIgd + "3")), IsEmpty());
  EXPECT_EQ(house_.count("not_ours"), 1U);
}

// SSDP-34, Q-14
TEST_F(SsdpFrontendTest, AnswersAMulticastSearchForATypeWithinAHundredMilliseconds) {
  std::set<Milliseconds> delays;
  for (int i = 0; i < 50; ++i) {
    const auto asked = house_.now;
    EXPECT_THAT(house_.search(search_for(kIgd + "1", "1")).send, IsEmpty());
    const auto sent = house_.pass(Seconds(1));
    ASSERT_THAT(sent, SizeIs(1));
    delays.insert(sent[0].when - asked);
  }
  EXPECT_LE(*delays.rbegin(), Milliseconds(100));
  EXPECT_GT(delays.size(), 20U);
}

// SSDP-34, 36, Q-15
TEST_F(SsdpFrontendTest, SpreadsTheAnswersToASearchForEverything) {
  const auto asked = house_.now;
  (void)house_.search(search_for("ssdp:all", "5"));
  const auto sent = house_.pass(Seconds(1));
  ASSERT_THAT(sent, SizeIs(kOffers));
  std::set<std::string> usns;
  for (const auto& one : sent) usns.insert(Message(one.datagram.payload).at("USN"));
  EXPECT_THAT(usns, SizeIs(kOffers));
  EXPECT_GE(sent.back().when - asked, Milliseconds(180));
  EXPECT_LE(sent.back().when - asked, Milliseconds(200));
}

// SSDP-35, Q-12, Q-14
TEST_F(SsdpFrontendTest, AnswersAUnicastSearchAtOnce) {
  (void)house_.search(search_for("ssdp:all", ""), kUnicast);
  EXPECT_THAT(house_.pass(Milliseconds(0)), SizeIs(kOffers));
  (void)house_.search(search_for(kIgd + "1", "2"), kUnicast);
  const auto sent = house_.pass(Milliseconds(0));
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].datagram.source, kUnicast);
}

// SSDP-33
TEST_F(SsdpFrontendTest, IsSilentToAMulticastSearchWithoutAWait) {
  EXPECT_THAT(house_.ask(search_for(kIgd + "1", "")), IsEmpty());
  EXPECT_THAT(house_.ask(search_for(kIgd + "1", "soon")), IsEmpty());
  EXPECT_EQ(house_.count("no_max_wait"), 2U);
  for (const auto* mx : {"0", "1", "5", "120"}) {
    EXPECT_THAT(house_.ask(search_for(kIgd + "1", mx)), SizeIs(1)) << mx;
  }
}

// SSDP-32, 33
TEST(SsdpFrontendLenient, ForgivesMissingHeaders) {
  SsdpHouse house(Leniency::lenient);
  house.start();
  EXPECT_THAT(house.ask(search_for(kIgd + "1", "")), SizeIs(1));
  const auto without_man = octets_of("M-SEARCH * HTTP/1.1\r\nST: " + kIgd + "1\r\n\r\n");
  EXPECT_THAT(house.ask(without_man), SizeIs(1));
}

// SSDP-31
TEST_F(SsdpFrontendTest, IsSilentToWhatIsNoSearch) {
  const auto said = house_.ssdp.farewell(house_.gateway.state()).at(0).payload;
  EXPECT_THAT(house_.ask(said), IsEmpty());
  EXPECT_THAT(house_.ask(house_.ask(search_for(kIgd + "1")).at(0).payload), IsEmpty());
  EXPECT_THAT(house_.ask({}), IsEmpty());
  EXPECT_THAT(house_.ask(octets_of("M-SEARCH * HTTP/1.1\r\n\r\n")), IsEmpty());
}

// SSDP-41, 43, SEC-01, 02
TEST_F(SsdpFrontendTest, IsSilentToStrangers) {
  const auto search = search_for(kIgd + "1");
  const auto answers = [&](const Endpoint& source, const Endpoint& destination,
                           std::uint32_t interface_index) {
    (void)house_.search(search, destination, source, interface_index);
    return house_.pass(Seconds(1)).size();
  };
  for (const auto& destination : {ssdp_groups()[0], kUnicast}) {
    EXPECT_EQ(answers({address("192.168.2.9"), 40000}, destination, kLanIndex), 0U);
    EXPECT_EQ(answers({kHostA, 0}, destination, kLanIndex), 0U);
    EXPECT_EQ(answers({kGateway, 1900}, destination, kLanIndex), 0U);
    EXPECT_EQ(answers({kWan, 40000}, destination, kLanIndex), 0U);
    EXPECT_EQ(answers({address("192.168.1.255"), 40000}, destination, kLanIndex), 0U);
    EXPECT_EQ(answers({address("239.255.255.250"), 1900}, destination, kLanIndex), 0U);
    EXPECT_EQ(answers({address("198.51.100.9"), 40000}, destination, kWanIndex), 0U);
    EXPECT_EQ(answers(kAsker, destination, kWanIndex), 0U);
    EXPECT_EQ(answers({kHostB, 1900}, destination, kLanIndex), 1U);
  }
  EXPECT_EQ(answers(kAsker, {kWan, 1900}, kLanIndex), 0U);
  EXPECT_EQ(answers(kAsker, {address("239.255.255.251"), 1900}, kLanIndex), 0U);
}

// SSDP-41: who may map from behind an inner router may not search from there.
TEST(SsdpFrontendOnLink, IsSilentToHostsBehindARouterThatARuleLists) {
  Identity identity = test_identity();
  SsdpFrontend ssdp(identity, {kHttpPort, kServer, 1});
  Rule routed = default_rule();
  routed.client_prefixes = {*Prefix::parse("192.168.2.0/24")};
  GatewayOptions options;
  options.policy = Policy({routed});
  options.multicast_groups.assign(ssdp_groups().begin(), ssdp_groups().end());
  MemoryBackend backend;
  MemoryFlowTable flows;
  Gateway gateway(options, backend, flows, ssdp, kStart);
  ASSERT_TRUE(gateway.start(home_network(), kStart));
  const auto search = search_for(kIgd + "1");
  for (const auto& destination : {ssdp_groups()[0], kUnicast}) {
    (void)gateway.on_datagrams(
        {{{kLanIndex, {address("192.168.2.9"), 40000}, destination, search}}}, kStart);
  }
  const std::array<std::string_view, 3> refused{kSsdpName, "search", "not_on_link"};
  EXPECT_EQ(gateway.counters().requests.at(refused), 2U);
}

// SSDP-39, 40
TEST_F(SsdpFrontendTest, LeadsEachAskerToAnAddressOnItsOwnSubnet) {
  auto network = dual_stack_network();
  network.lan.push_back({"guest", 9, {{address("10.9.0.1"), 16}}});
  house_.change_network(network);
  (void)house_.pass(Seconds(10));
  const auto own = [&](const Endpoint& group, std::string_view asker, std::uint32_t interface) {
    const auto search = search_for(kIgd + "1");
    (void)house_.search(search, group, {address(asker), 40000}, interface);
    const auto sent = house_.pass(Milliseconds(100));
    if (sent.size() != 1) return std::string("no answer");
    const auto& answer = sent[0].datagram;
    EXPECT_EQ(answer.interface_index, interface);
    EXPECT_EQ(answer.destination, (Endpoint{address(asker), 40000}));
    const auto url = "http://" + to_string(Endpoint{answer.source.address, kHttpPort}) + "/";
    EXPECT_TRUE(Message(answer.payload).at("LOCATION").starts_with(url));
    return answer.source.address.to_string();
  };
  EXPECT_EQ(own(ssdp_groups()[0], "192.168.1.10", kLanIndex), "192.168.1.1");
  EXPECT_EQ(own(ssdp_groups()[0], "10.9.3.4", 9), "10.9.0.1");
  EXPECT_EQ(own(ssdp_groups()[0], "10.9.3.4", kLanIndex), "no answer");
  EXPECT_EQ(own(ssdp_groups()[1], "fe80::77", kLanIndex), "fe80::1");
  EXPECT_EQ(own(ssdp_groups()[2], "2001:db8:1::77", kLanIndex), "2001:db8:1::1");
  EXPECT_EQ(own(ssdp_groups()[2], "fd00::77", kLanIndex), "fd00::1");
  EXPECT_EQ(own({kLinkLocal, 1900}, "fe80::78", kLanIndex), "fe80::1");
}

// at the same time over both families.
TEST_F(SsdpFrontendTest, AnswersBothFamiliesOfAHost) {
  house_.change_network(dual_stack_network());
  (void)house_.pass(Seconds(10));
  const auto search = search_for(kIgd + "2");
  (void)house_.gateway.on_datagrams(
      {{{kLanIndex, kAsker, ssdp_groups()[0], search},
        {kLanIndex, {address("fe80::10"), 40000}, ssdp_groups()[1], search},
        {kLanIndex, {address("2001:db8:1::10"), 40000}, ssdp_groups()[2], search}}},
      house_.now);
  std::set<Address> sources;
  for (const auto& one : house_.pass(Seconds(1))) sources.insert(one.datagram.source.address);
  EXPECT_THAT(sources, testing::UnorderedElementsAre(kGateway, kLinkLocal, kGlobal));
}

// SSDP-42, Q-18
TEST_F(SsdpFrontendTest, AnswersThreeCopiesOfASearchInASecond) {
  const auto search = search_for(kIgd + "1");
  for (int i = 0; i < 1000; ++i) (void)house_.search(search);
  EXPECT_THAT(house_.pass(Seconds(1)), SizeIs(3));
  EXPECT_EQ(house_.count("too_many_copies"), 997U);
}

// SSDP-42, SEC-03
TEST_F(SsdpFrontendTest, SendsOneFullSetASecondToAHost) {
  const auto search = search_for("ssdp:all");
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    (void)house_.search(search, port % 2 == 0 ? kUnicast : ssdp_groups()[0], {kHostA, port});
  }
  EXPECT_THAT(house_.pass(Seconds(1)), SizeIs(kOffers));
  EXPECT_THAT(house_.ask(search), SizeIs(kOffers));
}

// SEC-03
TEST_F(SsdpFrontendTest, SendsAtMostAHundredKilobytesASecondInAll) {
  std::size_t octets = 0;
  for (int tick = 0; tick < 100; ++tick) {
    for (std::uint8_t host = 20; host < 220; ++host) {
      const auto search = search_for("ssdp:all");
      (void)house_.search(search, kUnicast, {Address::v4({192, 168, 1, host}), 40000});
    }
    for (const auto& one : house_.pass(Milliseconds(9))) octets += one.datagram.payload.size();
    house_.now += Milliseconds(1);
  }
  EXPECT_LE(octets, 100000U);
  EXPECT_GE(octets, 50000U) << "large sets have half of the places";
  EXPECT_GT(house_.count("too_many_answers"), 0U);
}

// SEC-03
TEST_F(SsdpFrontendTest, AnswersAtMostFiveTimesAsLong) {
  const auto shortest =
      octets_of("M-SEARCH * HTTP/1.1\r\nMAN:\"ssdp:discover\"\r\nMX:1\r\nST:ssdp:all\r\n\r\n");
  EXPECT_THAT(house_.ask(shortest), IsEmpty());
  EXPECT_EQ(house_.count("too_short"), 1U);
  const auto with_host = octets_of(
      "M-SEARCH * HTTP/1.1\r\nHOST:239.255.255.250:1900\r\nMAN:\"ssdp:discover\"\r\nMX:1\r\n"
      "ST:ssdp:all\r\n\r\n");
  const auto answers = house_.ask(with_host);
  EXPECT_THAT(answers, SizeIs(kOffers));
  for (const auto& answer : answers) EXPECT_LE(answer.payload.size(), 5 * with_host.size());
}

// A turn that the firewall refuses is decided again; the searches in it are answered once.
TEST_F(SsdpFrontendTest, AnswersOnceWhenATurnIsDecidedAgain) {
  const auto search = search_for(kIgd + "1");
  const auto map = from_hex("00 01 0000 1f90 9c41 0000003c");
  house_.backend.fail_next(1);
  const auto turn =
      house_.gateway.on_datagrams({{{kLanIndex, kAsker, kUnicast, search},
                                    {kLanIndex, kAsker, {kGateway, natpmp::kServerPort}, map}}},
                                  house_.now);
  ASSERT_THAT(turn.backend_errors, SizeIs(1));
  ASSERT_THAT(turn.send, SizeIs(1));
  EXPECT_EQ(house_.count("answered"), 1U);
  EXPECT_THAT(house_.pass(Seconds(1)), SizeIs(1));
}

// SSDP-14, 39
TEST_F(SsdpFrontendTest, DropsAnswersThatLeadToAnAddressThatIsGone) {
  (void)house_.search(search_for(kIgd + "1"));
  auto network = home_network();
  network.lan[0].addresses = {{address("192.168.9.1"), 24}};
  house_.change_network(network);
  for (const auto& one : house_.pass(Seconds(1))) {
    EXPECT_EQ(one.datagram.source.address, address("192.168.9.1"));
    EXPECT_EQ(Message(one.datagram.payload).start_line, "NOTIFY * HTTP/1.1");
  }
}

// SSDP-11, 13: answers carry the boot id that the LAN was told.
TEST_F(SsdpFrontendTest, AnswersWithTheBootIdOfTheMoment) {
  house_.change_network(dual_stack_network());
  (void)house_.pass(Seconds(10));
  const auto answers = house_.ask(search_for(kIgd + "1"));
  EXPECT_EQ(Message(answers.at(0).payload).at("BOOTID.UPNP.ORG"), "1700000001");
}

// SSDP-01, 10, 20
TEST(SsdpFrontendStart, AnnouncesItselfOnTheLanOnly) {
  SsdpHouse house;
  house.begin(home_network());
  const auto sent = house.pass(Seconds(10));
  EXPECT_THAT(sent, SizeIs(4 * kOffers));
  EXPECT_EQ(Message(sent.at(0).datagram.payload).at("NTS"), "ssdp:byebye");
  for (const auto& one : sent) {
    EXPECT_EQ(one.datagram.interface_index, kLanIndex);
    EXPECT_EQ(one.datagram.destination, ssdp_groups()[0]);
  }
}

// SSDP-09
TEST_F(SsdpFrontendTest, TakesEverythingBackAtTheEnd) {
  const auto farewell = house_.ssdp.farewell(house_.gateway.state());
  ASSERT_THAT(farewell, SizeIs(kOffers));
  for (const auto& message : messages(farewell)) EXPECT_EQ(message.at("NTS"), "ssdp:byebye");
}

std::vector<std::filesystem::path> captures() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(POSTERN_VECTOR_DIR)) {
    if (entry.path().extension() == ".msearch") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// what real clients sent.
TEST(SsdpVectors, AreAllAnswered) {
  ASSERT_THAT(captures(), SizeIs(16));
  for (const auto& file : captures()) {
    SsdpHouse house;
    house.start(dual_stack_network());
    const auto octets = read_octets(file);
    const auto search = parse_search(octets).value();
    const bool is_over_v6 = file.filename() == "upnpc-pinhole.01.msearch";
    const auto answers = is_over_v6 ? house.ask(octets, ssdp_groups()[1], {address("fe80::2"), 5})
                                    : house.ask(octets);
    const std::size_t expected = search.target == "ssdp:all"          ? kOffers
                                 : search.target == "upnp:rootdevice" ? 2
                                                                      : 1;
    EXPECT_THAT(answers, SizeIs(expected)) << file;
    for (const auto& message : messages(answers)) {
      EXPECT_TRUE(search.target == "ssdp:all" || search.target == message.at("ST")) << file;
    }
  }
}

}  // namespace
}  // namespace postern::upnp
