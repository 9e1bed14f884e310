#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/faulty_house.h"

// Every kind of request of every protocol, with a firewall that fails at each of its calls: the
// answer tells the truth, and the same request succeeds once the firewall is well again.
namespace postern::upnp {
namespace {

using namespace test;

const Address kFriend = Address::v4({8, 8, 8, 8});
const Address kOtherFriend = Address::v4({9, 9, 9, 9});
const Address kFriend6 = *Address::parse("2a00:99::9");

struct Request {
  std::string name;
  /// What is asked before, while all is well.
  std::vector<Ask> before;
  Ask ask;
  /// How its protocol says that the firewall failed.
  std::string error;
  /// Some of it may be done although it failed (RFC 6886 §3.4, all mappings of a host).
  bool may_be_partial = false;
};

std::ostream& operator<<(std::ostream& out, const Request& request) {
  return out << request.name;
}

// --- The requests --------------------------------------------------------------------------------

[[nodiscard]] pcp::Options from_all_of(std::initializer_list<Address> friends) {
  pcp::Options options{pcp::Filter{}};
  for (const auto& address : friends) {
    options.push_back(pcp::Filter::of({Prefix::of(address)}));
  }
  return options;
}

[[nodiscard]] std::vector<Request> natpmp_requests() {
  const auto map = [](std::uint32_t lifetime) {
    return natpmp(Protocol::udp, 8080, 40001, lifetime);
  };
  const auto other = natpmp(Protocol::udp, 8081, 40002, 600);
  const auto companion = natpmp(Protocol::tcp, 8080, 40001, 600);
  const std::string error = "NAT-PMP 4";
  return {{"NatPmpMap", {}, map(600), error},
          {"NatPmpCompanion", {map(600)}, companion, error},
          {"NatPmpRenewal", {map(600)}, map(900), error},
          {"NatPmpShorter", {map(600)}, map(300), error},
          {"NatPmpDelete", {map(600), other}, natpmp(Protocol::udp, 8080, 0, 0), error},
          {"NatPmpDeleteAll",
           {map(600), other, companion},
           natpmp(Protocol::udp, 0, 0, 0),
           error,
           true}};
}

[[nodiscard]] std::vector<Request> pcp_requests() {
  const PcpWish plain{.suggested_port = 40001};
  auto longer = plain;
  longer.lifetime = 7200;
  const auto filtered = [&](std::initializer_list<Address> friends) {
    auto wish = plain;
    wish.options = from_all_of(friends);
    return pcp_map(wish);
  };
  const PcpWish hole{.client = kHostA6, .suggested_address = kAny6};
  auto hole_filtered = hole;
  hole_filtered.options = from_all_of({kFriend6});
  auto hole_longer = hole;
  hole_longer.lifetime = 7200;
  const auto map = pcp_map(plain);
  const auto peer = pcp_peer(plain, {kFriend, 99});
  const std::string error = "PCP NO_RESOURCES";
  return {{"PcpMap", {}, map, error},
          {"PcpRenewal", {map}, pcp_map(longer), error},
          {"PcpDelete", {map}, pcp_map(postern::test::deletion(plain)), error},
          {"PcpFilteredMap", {}, filtered({kFriend}), error},
          {"PcpNarrower", {map}, filtered({kFriend}), error},
          {"PcpOtherFilter", {filtered({kFriend})}, filtered({kOtherFriend}), error},
          {"PcpWider", {filtered({kFriend})}, filtered({kFriend, kOtherFriend}), error},
          {"PcpFilterLifted", {filtered({kFriend})}, filtered({}), error},
          {"PcpPeer", {}, peer, error},
          {"PcpPeerBesideMap", {filtered({kFriend})}, pcp_peer(plain, {kOtherFriend, 99}), error},
          {"PcpPeerRenewal", {peer}, pcp_peer(longer, {kFriend, 99}), error},
          {"PcpPinhole", {}, pcp_map(hole), error},
          {"PcpPinholeRenewal", {pcp_map(hole)}, pcp_map(hole_longer), error},
          {"PcpPinholeNarrower", {pcp_map(hole)}, pcp_map(hole_filtered), error},
          {"PcpPinholeFilterLifted", {pcp_map(hole_filtered)}, filtered({}), error},
          {"PcpPinholeDelete", {pcp_map(hole)}, pcp_map(postern::test::deletion(hole)), error}};
}

[[nodiscard]] std::vector<Request> upnp_requests() {
  const auto add = add_port({});
  const auto of_friend = add_port({.remote = kFriend.to_string()});
  const auto second = add_port({.external = 7001, .internal = 6001});
  const auto third = add_port({.external = 7002, .internal = 6000});
  const auto shut = add_port({.is_enabled = false});
  const auto erase =
      upnp("DeletePortMapping", element("NewRemoteHost", "") + element("NewExternalPort", 7000) +
                                    element("NewProtocol", "TCP"));
  const auto range =
      upnp("DeletePortMappingRange", element("NewStartPort", 7000) + element("NewEndPort", 7005) +
                                         element("NewProtocol", "TCP") + element("NewManage", 0));
  const std::string error = "UPnP 501";
  return {{"UpnpAdd", {}, add, error},
          {"UpnpAddAny", {}, add_port({}, "AddAnyPortMapping"), error},
          {"UpnpRenewal", {add}, add_port({.lease = 7200}), error},
          {"UpnpPermanent", {add}, add_port({.lease = 0}), error},
          {"UpnpMove", {add}, add_port({.internal = 6001}), error},
          {"UpnpSecondOfOneInside", {add}, third, error},
          {"UpnpForOneRemote", {}, of_friend, error},
          {"UpnpShut", {add}, shut, error},
          {"UpnpReopen", {shut}, add, error},
          {"UpnpDelete", {add, second}, erase, error},
          {"UpnpDeletePrimary", {add, third}, erase, error},
          {"UpnpDeleteRange", {add, second, third}, range, error}};
}

[[nodiscard]] std::vector<Request> pinhole_requests() {
  const auto add = add_pinhole("");
  const auto of_friend = add_pinhole(kFriend6.to_string());
  const auto erase = pinhole("DeletePinhole", "");
  const std::string error = "UPnP 501";
  return {
      {"UpnpPinhole", {}, add, error},
      {"UpnpPinholeForOneRemote", {}, of_friend, error},
      {"UpnpPinholeForOneMore", {of_friend}, add, error},
      {"UpnpPinholeUpdate", {add}, pinhole("UpdatePinhole", element("NewLeaseTime", 7200)), error},
      {"UpnpPinholeDelete", {add}, erase, error},
      {"UpnpPinholeDeleteForAll", {add, of_friend}, erase, error},
  };
}

[[nodiscard]] std::vector<Request> all_requests() {
  std::vector<Request> all;
  for (const auto& some : {natpmp_requests(), pcp_requests(), upnp_requests(), pinhole_requests()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

// --- What comes of them --------------------------------------------------------------------------

class BackendFaultsTest : public testing::TestWithParam<Request> {
 protected:
  /// How it looks without faults, when the request comes twice, the second time after a pause.
  struct Expected {
    std::vector<std::string> before;
    std::vector<std::string> after;
    std::vector<std::string> after_pause;
  };
  static constexpr Seconds kPause{5};

  [[nodiscard]] static Expected expected(bool is_settled) {
    Expected expected;
    const auto& request = GetParam();
    FaultyHouse asked;
    prepare(asked, is_settled);
    expected.before = asked.lines();
    EXPECT_EQ(request.ask(asked.house), "success");
    expected.after = asked.lines();
    EXPECT_NE(expected.before, expected.after) << "it does nothing";
    FaultyHouse later;
    prepare(later, is_settled);
    (void)later.house.pass(kPause);
    EXPECT_EQ(request.ask(later.house), "success");
    expected.after_pause = later.lines();
    return expected;
  }

  /// `is_settled`: the firewall may be set up anew at once, as it may once a second.
  static void prepare(FaultyHouse& faulty, bool is_settled) {
    faulty.ask_all(GetParam().before);
    if (is_settled) (void)faulty.house.pass(Seconds(2));
  }

  /// Every line is one of before or one of after, and those of both are there.
  [[nodiscard]] static bool is_between(const std::vector<std::string>& lines,
                                       const Expected& expected) {
    const auto holds = [](const auto& all, const auto& part) {
      return std::includes(all.begin(), all.end(), part.begin(), part.end());
    };
    return holds(expected.before, lines) && holds(lines, expected.after);
  }

  static void expect_truth(const std::string& told, const std::vector<std::string>& lines,
                           const Expected& expected) {
    if (told == "success") {
      EXPECT_EQ(lines, expected.after);
      return;
    }
    EXPECT_EQ(told, GetParam().error);
    if (GetParam().may_be_partial) {
      EXPECT_TRUE(is_between(lines, expected)) << testing::PrintToString(lines);
    } else {
      EXPECT_EQ(lines, expected.before) << "a failed request changed something";
    }
  }

  /// Whether any call failed.
  static bool run(const BackendFaults& faults, bool is_settled, const Expected& expected) {
    FaultyHouse faulty;
    prepare(faulty, is_settled);
    faulty.firewall.fail_at(faults);
    const auto told = GetParam().ask(faulty.house);
    const auto lines = faulty.lines();
    expect_truth(told, lines, expected);
    EXPECT_TRUE(faulty.is_consistent()) << "after the answer";
    const bool has_failed = faulty.firewall.has_failed();
    EXPECT_TRUE(has_failed || told == "success");
    EXPECT_TRUE(has_failed || faults.first > 1) << "it asks nothing of the firewall";
    (void)faulty.house.pass(Seconds(3));
    EXPECT_TRUE(faulty.is_consistent()) << "while it may still fail";
    faulty.firewall.heal();
    (void)faulty.house.pass(kPause - Seconds(3));
    EXPECT_TRUE(faulty.is_consistent()) << "when it is well again";
    EXPECT_EQ(faulty.lines(), lines) << "changed by itself";
    if (told != "success") {
      EXPECT_EQ(GetParam().ask(faulty.house), "success");
      EXPECT_EQ(faulty.lines(), expected.after_pause);
      EXPECT_TRUE(faulty.is_consistent());
    }
    return has_failed;
  }
};

// NPMP-61
TEST_P(BackendFaultsTest, IsAnsweredTruthfullyAndSucceedsLater) {
  for (const bool is_settled : {false, true}) {
    SCOPED_TRACE(is_settled ? "settled" : "fresh");
    const auto wanted = expected(is_settled);
    for_each_fault([&](const BackendFaults& faults) { return run(faults, is_settled, wanted); });
  }
}

INSTANTIATE_TEST_SUITE_P(Each, BackendFaultsTest, testing::ValuesIn(all_requests()),
                         [](const auto& one) { return one.param.name; });

// --- Several requests of one turn ----------------------------------------------------------------

/// Of a turn of four requests: which were granted.
[[nodiscard]] std::vector<bool> granted_of(FaultyHouse& faulty) {
  const auto map = postern::test::map_request(Protocol::udp, 8080, 40001, 600);
  const auto erase = postern::test::map_request(Protocol::udp, 8081, 0, 0);
  const auto hole = pcp::emit(postern::test::map_of({.client = kHostA6}));
  const auto filtered = pcp::emit(postern::test::map_of(
      {.client = kHostB, .suggested_port = 40003, .options = from_all_of({kFriend})}));
  const std::array datagrams{postern::test::from(kHostA, map), postern::test::from(kHostA, erase),
                             postern::test::from(kHostA6, hole),
                             postern::test::from(kHostB, filtered)};
  const auto turn = faulty.house.gateway.on_datagrams(datagrams, faulty.house.now);
  EXPECT_EQ(turn.send.size(), 4U);
  std::vector<bool> granted;
  // The result code has its place in the same octet of both protocols.
  for (const auto& reply : turn.send) granted.push_back(reply.payload.at(3) == 0);
  return granted;
}

[[nodiscard]] std::vector<bool> done_of(const FaultyHouse& faulty) {
  const auto& table = faulty.house.gateway.state().table;
  const auto is_open = [&](const Address& host, std::uint16_t port) {
    return table.find_by_internal(Protocol::udp, {host, port}) != nullptr;
  };
  return {is_open(kHostA, 8080), !is_open(kHostA, 8081), is_open(kHostA6, 8080),
          is_open(kHostB, 8080)};
}

TEST(BackendFaultsOfOneTurn, EachAnswerIsTrue) {
  std::size_t mixed = 0;
  for_each_fault([&](const BackendFaults& faults) {
    FaultyHouse faulty;
    faulty.ask_all({natpmp(Protocol::udp, 8081, 40002, 600)});
    (void)faulty.house.pass(Seconds(2));
    faulty.firewall.fail_at(faults);
    const auto granted = granted_of(faulty);
    EXPECT_EQ(granted, done_of(faulty));
    EXPECT_TRUE(faulty.is_consistent());
    const auto count = std::count(granted.begin(), granted.end(), true);
    if (count > 0 && count < 4) ++mixed;
    return faulty.firewall.has_failed();
  });
  EXPECT_GT(mixed, 0U) << "the others are served when one cannot be";
}

}  // namespace
}  // namespace postern::upnp
