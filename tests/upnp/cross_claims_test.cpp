#include <gtest/gtest.h>

#include "tests/support/pcp_client.h"
#include "tests/upnp/http_house.h"

// Three protocols before one gateway: what is whose.
namespace postern::upnp {
namespace {

using namespace test;
using namespace postern::test;

enum class Via : std::uint8_t { natpmp, pcp, upnp };
constexpr std::array kAll{Via::natpmp, Via::pcp, Via::upnp};

/// Clients that ask for the same: TCP 7000 outside to 6000 of theirs, for an hour.
class CrossClaims : public testing::TestWithParam<Via> {
 protected:
  CrossClaims() { begin({}); }
  ~CrossClaims() override { EXPECT_TRUE(house_->gateway.is_consistent(house_->now)); }

  void begin(GatewayOptions options, Settings settings = {}) {
    house_ = std::make_unique<HttpHouse>(std::move(options), std::move(settings));
    house_->start();
  }

  /// Whether it was granted on port 7000.
  bool add(Via via, const Address& client = kHostA, std::uint16_t internal = 6000) {
    return ask(via, client, internal, 3600);
  }
  /// Whether it was told that all is well.
  bool erase(Via via, const Address& client = kHostA) { return ask(via, client, 6000, 0); }

  [[nodiscard]] const Mapping* mapping() const {
    return house_->gateway.state().table.find_by_external_port(Protocol::tcp, 7000);
  }
  [[nodiscard]] std::size_t claims() const { return mapping() ? mapping()->claims.size() : 0; }
  HttpReply soap(const Address& client, std::string_view action, const std::string& arguments) {
    auto request = HttpHouse::call_request(action, arguments);
    request.client.address = client;
    return house_->ask(request);
  }

  std::unique_ptr<HttpHouse> house_;

 private:
  Octets datagram(const Address& client, const Octets& payload) {
    auto turn = house_->gateway.on_datagrams({{from(client, payload)}}, house_->now);
    return turn.send.at(0).payload;
  }
  bool ask(Via via, const Address& client, std::uint16_t internal, std::uint32_t lifetime) {
    if (via == Via::natpmp) {
      const auto answer = read_as<natpmp::MapResponse>(
          datagram(client, map_request(Protocol::tcp, internal, 7000, lifetime)));
      return answer.result == natpmp::ResultCode::success &&
             (lifetime == 0 || answer.external_port == 7000);
    }
    if (via == Via::pcp) {
      const PcpWish wish{.client = client,
                         .protocol = kTcp,
                         .internal_port = internal,
                         .suggested_port = 7000,
                         .lifetime = lifetime,
                         .nonce = client == kHostA ? kNonce : kOtherNonce};
      const auto answer = read_pcp(datagram(client, pcp::emit(map_of(wish))));
      if (answer.result != pcp::ResultCode::success) return false;
      return lifetime == 0 || std::get<pcp::MapResponse>(answer.body).external_port == 7000;
    }
    const auto key = element("NewRemoteHost", "") + element("NewExternalPort", 7000) +
                     element("NewProtocol", "TCP");
    if (lifetime == 0) return soap(client, "DeletePortMapping", key).status == 200;
    return soap(client, "AddPortMapping",
                key + element("NewInternalPort", internal) +
                    element("NewInternalClient", client.to_string()) + element("NewEnabled", 1) +
                    element("NewPortMappingDescription", "game") +
                    element("NewLeaseDuration", lifetime))
               .status == 200;
  }
};

/// Each protocol as the one by which host A has its mapping.
INSTANTIATE_TEST_SUITE_P(Owner, CrossClaims, testing::ValuesIn(kAll));

// PCP-201, NPMP-70
TEST_P(CrossClaims, OnlyTheOwnProtocolTakesAClaimBack) {
  for (const Via other : kAll) {
    if (other == GetParam()) continue;
    ASSERT_TRUE(add(GetParam()));
    // UPnP says that it has none; the others, that nothing of theirs is left.
    EXPECT_EQ(erase(other), other != Via::upnp);
    EXPECT_EQ(claims(), 1U);
    EXPECT_TRUE(erase(GetParam()));
    EXPECT_EQ(claims(), 0U);
  }
}

// PCP-200, 202, IGD-066
TEST_P(CrossClaims, OneMappingLivesWhileAnyClaimDoes) {
  ASSERT_TRUE(add(GetParam()));
  for (const Via other : kAll) EXPECT_TRUE(add(other));
  EXPECT_EQ(house_->gateway.state().table.size(), 1U);
  EXPECT_EQ(claims(), 3U);
  EXPECT_TRUE(erase(GetParam()));
  EXPECT_EQ(claims(), 2U);
  std::size_t left = 2;
  for (const Via other : kAll) {
    if (other == GetParam()) continue;
    EXPECT_TRUE(erase(other));
    EXPECT_EQ(claims(), --left);
  }
  EXPECT_EQ(house_->gateway.state().table.size(), 0U);
}

// PCP-205
TEST_P(CrossClaims, QuotasCountMappings) {
  GatewayOptions options;
  Limits limits;
  limits.mappings_per_client = 1;
  options.policy = Policy({default_rule()}, limits);
  begin(std::move(options));
  for (const Via via : kAll) EXPECT_TRUE(add(via));
  EXPECT_EQ(claims(), 3U);
  EXPECT_FALSE(add(GetParam(), kHostA, 6001)) << "a second mapping";
}

// PCP-204
TEST_P(CrossClaims, NobodyElseChangesOrTakesItAway) {
  ASSERT_TRUE(add(GetParam()));
  const Mapping before = *mapping();
  for (const Via other : kAll) {
    EXPECT_FALSE(add(other, kHostB)) << "the port is taken";
    (void)erase(other, kHostB);
    EXPECT_EQ(*mapping(), before);
  }
}

TEST_P(CrossClaims, NobodyElseSeesItWhereListsAreOnesOwn) {
  Settings settings;
  settings.lists_all = false;
  begin({}, settings);
  ASSERT_TRUE(add(GetParam()));
  const std::string range = element("NewStartPort", 0) + element("NewEndPort", 65535) +
                            element("NewProtocol", "TCP") + element("NewManage", 0) +
                            element("NewNumberOfPorts", 0);
  const auto key = element("NewRemoteHost", "") + element("NewExternalPort", 7000) +
                   element("NewProtocol", "TCP");
  const auto index = element("NewPortMappingIndex", 0);
  for (const auto& [action, arguments] :
       {std::pair<std::string_view, std::string>{"GetListOfPortMappings", range},
        {"GetSpecificPortMappingEntry", key},
        {"GetGenericPortMappingEntry", index}}) {
    EXPECT_EQ(soap(kHostA, action, arguments).status, 200) << action;
    const auto told = soap(kHostB, action, arguments);
    EXPECT_EQ(told.status, 500) << action;
    EXPECT_EQ(told.body.find(kHostA.to_string()), std::string::npos) << action;
  }
}

}  // namespace
}  // namespace postern::upnp
