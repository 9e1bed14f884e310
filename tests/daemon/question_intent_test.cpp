#include "daemon/question_intent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/explain.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/pcp_client.h"

// What is said of a request is what comes of it. (UPnP: upnp/explained_test.cpp.)
namespace postern {
namespace {

using namespace test;
using testing::HasSubstr;

class QuestionIntent : public testing::Test {
 protected:
  QuestionIntent() {
    GatewayOptions options;
    Limits limits;
    limits.min_lifetime = Seconds(120);
    options.policy = Policy({default_rule()}, limits);
    options.static_mappings = {{"web", Protocol::udp, {kHostB, 8080}, 9000}};
    house_ = std::make_unique<House>(std::move(options), Serves::both, config_.pcp);
    (void)house_->start(dual_network());
  }
  ~QuestionIntent() override { EXPECT_TRUE(house_->is_consistent()); }

  [[nodiscard]] Explanation explained(const Question& question) {
    const auto& state = house_->gateway.state();
    const auto intent = intent_of(question, config_, state, nullptr);
    EXPECT_TRUE(intent) << intent.error().text;
    return explain(state.table, *intent, house_->now);
  }
  [[nodiscard]] static Question question(std::string_view frontend, const Address& client,
                                         std::uint16_t port, Seconds lifetime) {
    return {client, frontend, Protocol::udp, {client, port}, 0, lifetime};
  }
  [[nodiscard]] std::string trouble_with(std::string_view frontend) const {
    const auto intent = intent_of(question(frontend, kHostA, 4000, Seconds(60)), config_,
                                  house_->gateway.state(), nullptr);
    return intent ? "" : intent.error().text;
  }

  Config config_;
  std::unique_ptr<House> house_;
};

TEST_F(QuestionIntent, PcpMakesShortLeasesLonger) {
  const auto told = explained(question("pcp", kHostA, 4000, Seconds(5)));
  ASSERT_TRUE(told.outcome);
  EXPECT_EQ(told.outcome->grant.lifetime, Seconds(120));
  const auto granted = map(*house_, {.internal_port = 4000, .lifetime = 5});
  EXPECT_EQ(granted.lifetime, 120U);
  EXPECT_EQ(granted.external_port, told.outcome->external.port);
  EXPECT_EQ(explained(question("natpmp", kHostA, 4001, Seconds(5))).outcome->grant.lifetime,
            Seconds(5));
}

TEST_F(QuestionIntent, PcpRenewsWhateverItsNonce) {
  const auto granted = map(*house_, {.internal_port = 4000});
  const auto told = explained(question("pcp", kHostA, 4000, Seconds(500)));
  ASSERT_TRUE(told.outcome);
  EXPECT_EQ(told.outcome->external.port, granted.external_port);
  EXPECT_TRUE(told.outcome->existing);
}

TEST_F(QuestionIntent, OnTheInsideOfAStaticMappingItsPortIsTold) {
  const auto over_natpmp = explained(question("natpmp", kHostB, 8080, Seconds(60)));
  ASSERT_TRUE(over_natpmp.outcome);
  EXPECT_EQ(over_natpmp.outcome->external, (Endpoint{kWan, 9000}));
  EXPECT_EQ(over_natpmp.outcome->grant.lifetime, Seconds(60));
  const auto over_pcp = explained(question("pcp", kHostB, 8080, Seconds(60)));
  ASSERT_TRUE(over_pcp.outcome);
  EXPECT_EQ(over_pcp.outcome->external, (Endpoint{kWan, 9000}));
  const auto granted = map(*house_, {.client = kHostB, .internal_port = 8080, .lifetime = 60});
  EXPECT_EQ(granted.external_port, 9000);
  EXPECT_EQ(Seconds(granted.lifetime), over_pcp.outcome->grant.lifetime);
}

TEST_F(QuestionIntent, OfAThirdPartyPcpDecidesAlone) {
  auto asked = question("pcp", kHostA, 4000, Seconds(60));
  asked.internal.address = kHostC;
  const auto told = explained(asked);
  ASSERT_FALSE(told.outcome);
  EXPECT_EQ(told.own_word, "no_third_party");
  config_.pcp.third_party = {Prefix::of(kHostA)};
  EXPECT_TRUE(explained(asked).outcome);
  asked.internal.address = kGateway;
  EXPECT_EQ(explained(asked).own_word, "no_lan_host");
}

TEST_F(QuestionIntent, NothingIsSaidOfAProtocolThatIsSwitchedOff) {
  EXPECT_EQ(trouble_with("natpmp"), "");
  EXPECT_THAT(trouble_with("upnp"), HasSubstr("upnp.enabled = false"));
  config_.natpmp_enabled = config_.pcp_enabled = false;
  EXPECT_THAT(trouble_with("natpmp"), HasSubstr("natpmp.enabled = false"));
  EXPECT_THAT(trouble_with("pcp"), HasSubstr("pcp.enabled = false"));
}

}  // namespace
}  // namespace postern
