#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"

// What clients are told of mappings of the administrator.
namespace postern::pcp {
namespace {

class StaticMappings : public PcpHouse {
 protected:
  StaticMappings() {
    GatewayOptions options;
    options.static_mappings = {{"web", Protocol::tcp, {kHostA, 80}, 8080},
                               {"ssh", Protocol::tcp, {kHostA6, 22}, 22}};
    become(std::move(options));
  }
  const PcpWish web_{.protocol = kTcp, .internal_port = 80};
  const PcpWish ssh_{
      .client = kHostA6, .protocol = kTcp, .internal_port = 22, .suggested_address = kAny6};
};

// PCP-079
TEST_F(StaticMappings, AreGrantedForGood) {
  const Mapping before = *find(web_);
  auto wish = web_;
  wish.suggested_port = 40001;
  for (const auto& nonce : {kNonce, kOtherNonce}) {
    wish.nonce = nonce;
    const auto answer = map(wish);
    EXPECT_EQ(answer.external_port, 8080);
    EXPECT_EQ(answer.external_address, kWan);
    EXPECT_EQ(answer.lifetime, 0xffffffffU);
    EXPECT_EQ(answer.nonce, nonce) << "echoed";
  }
  EXPECT_EQ(*find(web_), before) << "and not stored";
  EXPECT_EQ(map(ssh_).external_port, 22);
}

// PCP-125
TEST_F(StaticMappings, CannotBeTakenBack) {
  EXPECT_EQ(error_of(deletion(web_)), kNotAuthorized);
  EXPECT_EQ(error_of(deletion(ssh_)), kNotAuthorized);
  EXPECT_EQ(house_->mappings(), 2U);
}

// PCP-079
TEST_F(StaticMappings, AreNoOthersThanTheyAre) {
  auto wish = web_;
  wish.suggested_port = 40001;
  wish.options = {PreferFailure{}};
  EXPECT_EQ(error_of(wish), kCannotProvide);
  wish.suggested_port = 8080;
  EXPECT_EQ(map(wish).external_port, 8080);
  wish.options = {Filter::of({Prefix::of(kPeer)})};
  EXPECT_EQ(error_of(wish), kNotAuthorized) << "who may use it is not for a client to say";
}

TEST_F(StaticMappings, LetAClientSayToWhomItSpeaks) {
  auto wish = web_;
  wish.internal_port = 9000;
  GatewayOptions options;
  options.static_mappings = {{"", Protocol::tcp, {kHostA, 9000}, 9000}};
  become(std::move(options));
  EXPECT_EQ(peer(wish, {kPeer, 443}).external_port, 9000);
  EXPECT_EQ(find(wish)->claims.size(), 2U);
}

}  // namespace
}  // namespace postern::pcp
