#include "protocols/upnp/ssdp_advertiser.h"

#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/ssdp_fixture.h"

namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;

constexpr std::size_t kOffers = 21;
constexpr std::uint32_t kBootId = 1700000000;

class SsdpAdvertiserTest : public testing::Test {
 protected:
  std::vector<Sent> pass(Milliseconds time) {
    const Moment end = now_ + time;
    std::vector<Sent> all;
    while (const auto next = advertiser_.next()) {
      if (*next > end) break;
      now_ = std::max(now_, *next);
      auto due = advertiser_.take_due(network_, now_);
      most_at_once_ = std::max(most_at_once_, due.size());
      for (auto& datagram : due) all.push_back({now_, std::move(datagram)});
    }
    now_ = end;
    return all;
  }
  std::vector<Sent> change_network(const Network& network) {
    network_ = network;
    advertiser_.on_lan_changed(now_);
    return pass(Seconds(10));
  }

  Random random_{7};
  SsdpDevice device_{test_identity(), kHttpPort, kServer};
  SsdpAdvertiser advertiser_{device_, random_};
  Network network_ = home_network();
  Moment now_ = kStart;
  std::size_t most_at_once_ = 0;
};

/// One set: who sent what to whom, beginning when.
struct Set {
  std::string nts;
  Address source;
  Endpoint group;
  Moment begin;
  Moment end;
  std::vector<Message> messages;
};

/// Puts what was sent together again; sets of different groups may be mixed, sets of one may not.
std::vector<Set> sets_of(const std::vector<Sent>& sent) {
  std::vector<Set> sets;
  for (const auto& one : sent) {
    const auto& group = one.datagram.destination;
    const auto& source = one.datagram.source.address;
    Message message(one.datagram.payload);
    const auto found = std::find_if(sets.rbegin(), sets.rend(), [&](const Set& set) {
      return set.group == group && set.source == source;
    });
    if (found != sets.rend() && found->messages.size() < kOffers) {
      EXPECT_EQ(found->nts, message.at("NTS"));
      found->end = one.when;
      found->messages.push_back(std::move(message));
    } else {
      sets.push_back({message.at("NTS"), source, group, one.when, one.when, {message}});
    }
  }
  for (const auto& set : sets) {
    EXPECT_EQ(set.messages.size(), kOffers);
    std::set<std::string> usns;
    for (const auto& message : set.messages) usns.insert(message.at("USN"));
    EXPECT_EQ(usns.size(), kOffers);
  }
  return sets;
}

std::vector<std::string> kinds(const std::vector<Set>& sets) {
  std::vector<std::string> all;
  for (const auto& set : sets) all.push_back(set.nts);
  return all;
}

// SSDP-01, 06, 10
TEST_F(SsdpAdvertiserTest, SaysGoodbyeAndThenThreeTimesHello) {
  advertiser_.start(network_, now_);
  const auto sent = pass(Seconds(60));
  const auto sets = sets_of(sent);
  ASSERT_THAT(kinds(sets), ElementsAre("ssdp:byebye", "ssdp:alive", "ssdp:alive", "ssdp:alive"));
  EXPECT_LT(sets[0].begin - kStart, Milliseconds(100));
  for (std::size_t i = 1; i < sets.size(); ++i) {
    EXPECT_EQ(sets[i].begin - sets[i - 1].end, Milliseconds(200));
    EXPECT_LE(sets[i].end - sets[i].begin, Milliseconds(20));
  }
  EXPECT_LE(most_at_once_, 8U);
}

// SSDP-06
TEST_F(SsdpAdvertiserTest, BeginsAtARandomMoment) {
  std::set<Moment> moments;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    SsdpAdvertiser advertiser(device_, random);
    advertiser.start(network_, kStart);
    EXPECT_GE(advertiser.next(), kStart);
    EXPECT_LT(advertiser.next(), kStart + Milliseconds(100));
    moments.insert(*advertiser.next());
  }
  EXPECT_GT(moments.size(), 10U);
}

// SSDP-02, 08, 11
TEST_F(SsdpAdvertiserTest, SpeaksFromTheAddressOfItsLocation) {
  network_ = dual_stack_network();
  network_.lan.push_back({"guest", 9, {{address("10.9.0.1"), 16}}});
  advertiser_.start(network_, now_);
  std::set<std::pair<std::uint32_t, Endpoint>> heard;
  for (const auto& [when, datagram] : pass(Seconds(60))) {
    EXPECT_EQ(datagram.source.port, 1900);
    heard.insert({datagram.interface_index, datagram.destination});
    const Message message(datagram.payload);
    EXPECT_EQ(message.at("BOOTID.UPNP.ORG"), std::to_string(kBootId));
    if (message.at("NTS") == "ssdp:byebye") continue;
    const auto url = "http://" + to_string(Endpoint{datagram.source.address, kHttpPort});
    const bool is_first_view = message.at("USN").at(40) < 'd';
    EXPECT_EQ(message.at("LOCATION"), url + (is_first_view ? "/0123456789abcdef/igd1/desc.xml"
                                                           : "/0123456789abcdef/igd2/desc.xml"));
  }
  EXPECT_THAT(heard, testing::UnorderedElementsAre(std::pair(kLanIndex, ssdp_groups()[0]),
                                                   std::pair(kLanIndex, ssdp_groups()[1]),
                                                   std::pair(kLanIndex, ssdp_groups()[2]),
                                                   std::pair(9U, ssdp_groups()[0])));
}

// SSDP-18
TEST_F(SsdpAdvertiserTest, NamesLinkLocalAddressesWithoutAZone) {
  network_ = dual_stack_network();
  advertiser_.start(network_, now_);
  std::size_t seen = 0;
  for (const auto& set : sets_of(pass(Seconds(60)))) {
    if (set.group != ssdp_groups()[1] || set.nts != "ssdp:alive") continue;
    ++seen;
    EXPECT_TRUE(set.messages[0].at("LOCATION").starts_with("http://[fe80::1]:5351/"));
    EXPECT_EQ(set.messages[0].at("HOST"), "[FF02::C]:1900");
  }
  EXPECT_EQ(seen, 3U);
}

// SSDP-03, Q-19
TEST_F(SsdpAdvertiserTest, KeepsEachMessageShort) {
  network_ = dual_stack_network();
  advertiser_.start(network_, now_);
  for (const auto& one : pass(Seconds(60))) EXPECT_LE(one.datagram.payload.size(), 512U);
}

// SSDP-05: for a day, there is always half a life left.
TEST_F(SsdpAdvertiserTest, SaysHelloAgainBeforeTheLastOneIsHalfOver) {
  advertiser_.start(network_, now_);
  (void)pass(Seconds(10));
  const auto sets = sets_of(pass(Seconds(86400)));
  std::set<Milliseconds> intervals;
  for (std::size_t i = 1; i < sets.size(); ++i) {
    EXPECT_EQ(sets[i].nts, "ssdp:alive");
    const auto interval = sets[i].begin - sets[i - 1].begin;
    EXPECT_GE(interval, Seconds(450));
    EXPECT_LT(interval, Seconds(900));
    intervals.insert(interval);
  }
  EXPECT_LT(sets.front().begin - kStart, Seconds(900));
  EXPECT_GT(sets.back().begin, now_ - Seconds(900));
  EXPECT_GT(intervals.size(), sets.size() / 2);
}

TEST_F(SsdpAdvertiserTest, SendsOneSetAfterALongSleep) {
  advertiser_.start(network_, now_);
  (void)pass(Seconds(10));
  now_ += Seconds(86400);
  EXPECT_EQ(sets_of(pass(Seconds(10))).size(), 1U);
}

// SSDP-13
TEST_F(SsdpAdvertiserTest, TellsThoseThatStayOfANewInterface) {
  advertiser_.start(network_, now_);
  (void)pass(Seconds(60));
  auto network = network_;
  network.lan.push_back({"guest", 9, {{address("10.9.0.1"), 16}}});
  std::map<Address, std::vector<Set>> sets;
  for (auto& set : sets_of(change_network(network))) sets[set.source].push_back(std::move(set));

  const auto& stays = sets.at(kGateway);
  ASSERT_THAT(kinds(stays), ElementsAre("ssdp:update", "ssdp:alive", "ssdp:alive"));
  EXPECT_EQ(stays[0].messages[0].at("BOOTID.UPNP.ORG"), std::to_string(kBootId));
  EXPECT_EQ(stays[0].messages[0].at("NEXTBOOTID.UPNP.ORG"), std::to_string(kBootId + 1));
  EXPECT_EQ(stays[1].messages[0].at("BOOTID.UPNP.ORG"), std::to_string(kBootId + 1));
  const auto& comes = sets.at(address("10.9.0.1"));
  ASSERT_THAT(kinds(comes), ElementsAre("ssdp:byebye", "ssdp:alive", "ssdp:alive", "ssdp:alive"));
  EXPECT_EQ(comes[1].messages[0].at("BOOTID.UPNP.ORG"), std::to_string(kBootId + 1));
  EXPECT_EQ(device_.facts.boot_id, kBootId + 1);
}

// SSDP-14
TEST_F(SsdpAdvertiserTest, TakesBackItsOldAddress) {
  advertiser_.start(network_, now_);
  (void)pass(Seconds(60));
  auto network = network_;
  network.lan[0].addresses = {{address("192.168.9.1"), 24}};
  const auto sets = sets_of(change_network(network));
  ASSERT_THAT(kinds(sets), ElementsAre("ssdp:byebye", "ssdp:alive", "ssdp:alive", "ssdp:alive"));
  EXPECT_EQ(sets[0].messages[0].at("BOOTID.UPNP.ORG"), std::to_string(kBootId));
  EXPECT_EQ(sets[1].messages[0].at("BOOTID.UPNP.ORG"), std::to_string(kBootId + 1));
  EXPECT_EQ(sets[1].source, address("192.168.9.1"));
  EXPECT_EQ(sets[1].messages[0].at("LOCATION"),
            "http://192.168.9.1:5351/0123456789abcdef/igd1/desc.xml");
}

// SSDP-09
TEST_F(SsdpAdvertiserTest, IsQuietWhereItCannotSpeakAnyMore) {
  network_.lan.push_back({"guest", 9, {{address("10.9.0.1"), 16}}});
  advertiser_.start(network_, now_);
  (void)pass(Seconds(60));
  const auto sets = sets_of(change_network(home_network()));
  ASSERT_THAT(kinds(sets), ElementsAre("ssdp:update", "ssdp:alive", "ssdp:alive"));
  EXPECT_EQ(sets[0].source, kGateway);
  Network none = home_network();
  none.lan[0].addresses.clear();
  EXPECT_TRUE(change_network(none).empty());
  EXPECT_FALSE(advertiser_.next());
}

// SSDP-11
TEST_F(SsdpAdvertiserTest, ComesBackWithALargerBootId) {
  advertiser_.start(network_, now_);
  (void)pass(Seconds(60));
  Network none = home_network();
  none.lan[0].index = 0;
  EXPECT_TRUE(change_network(none).empty());
  const auto sets = sets_of(change_network(home_network()));
  ASSERT_THAT(kinds(sets), ElementsAre("ssdp:byebye", "ssdp:alive", "ssdp:alive", "ssdp:alive"));
  EXPECT_EQ(sets[1].messages[0].at("BOOTID.UPNP.ORG"), std::to_string(kBootId + 2));
}

TEST_F(SsdpAdvertiserTest, CaresOnlyForTheAddressesItSpeaksFrom) {
  advertiser_.start(network_, now_);
  (void)pass(Seconds(60));
  auto network = network_;
  network.lan[0].addresses.push_back({address("10.9.0.1"), 16});
  EXPECT_TRUE(change_network(network).empty());
  EXPECT_EQ(device_.facts.boot_id, kBootId);
}

// SSDP-11: the boot id never runs faster than the clock that the next start takes it from.
TEST_F(SsdpAdvertiserTest, FollowsAFlappingLanOnceASecond) {
  advertiser_.start(network_, now_);
  for (int i = 0; i < 100; ++i) {
    network_ = i % 3 == 0 ? dual_stack_network() : home_network();
    advertiser_.on_lan_changed(now_);
    (void)pass(Milliseconds(100));
  }
  EXPECT_GT(device_.facts.boot_id, kBootId);
  EXPECT_LE(device_.facts.boot_id, kBootId + 10);
}

TEST_F(SsdpAdvertiserTest, KeepsTheBootIdWithinItsRange) {
  device_.facts.boot_id = 0x7fffffff;
  advertiser_.start(network_, now_);
  (void)change_network(dual_stack_network());
  EXPECT_EQ(device_.facts.boot_id, 0U);
}

// SSDP-09
TEST_F(SsdpAdvertiserTest, TakesEverythingBackAtTheEnd) {
  network_ = dual_stack_network();
  advertiser_.start(network_, now_);
  (void)pass(Seconds(60));
  std::vector<Sent> sent;
  for (auto& datagram : advertiser_.farewell(network_)) sent.push_back({now_, std::move(datagram)});
  const auto sets = sets_of(sent);
  EXPECT_THAT(kinds(sets), ElementsAre("ssdp:byebye", "ssdp:byebye", "ssdp:byebye"));
  EXPECT_EQ(sets[2].source, kGlobal);
  EXPECT_EQ(sets[2].messages[0].at("BOOTID.UPNP.ORG"), std::to_string(kBootId));
}

}  // namespace
}  // namespace postern::upnp
