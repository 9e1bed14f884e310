#include <gtest/gtest.h>

#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"

// What clients are told of mappings of the administrator.
namespace postern::natpmp {
namespace {

using namespace test;

class StaticMappings : public testing::Test {
 protected:
  StaticMappings() {
    GatewayOptions options;
    options.static_mappings = {{"web", Protocol::tcp, {kHostA, 80}, 8080}};
    house_ = std::make_unique<House>(std::move(options));
    (void)house_->start();
  }
  ~StaticMappings() override { EXPECT_TRUE(house_->is_consistent()); }

  [[nodiscard]] const Mapping& web() const {
    return *house_->gateway.state().table.find_by_external_port(Protocol::tcp, 8080);
  }

  std::unique_ptr<House> house_;
};

// NPMP-45, 46
TEST_F(StaticMappings, AreGrantedAsTheyAre) {
  const Mapping before = web();
  const auto answer = map(*house_, kHostA, Protocol::tcp, 80, 40001, 60);
  EXPECT_EQ(answer.result, ResultCode::success);
  EXPECT_EQ(answer.external_port, 8080);
  EXPECT_EQ(answer.lifetime, 60U);
  EXPECT_EQ(map(*house_, kHostA, Protocol::tcp, 80, 0, 1'000'000).lifetime, 86400U);
  EXPECT_EQ(web(), before) << "nothing of the client is kept";
}

// NPMP-69
TEST_F(StaticMappings, CannotBeTakenBack) {
  const auto answer = unmap(*house_, kHostA, Protocol::tcp, 80);
  EXPECT_EQ(answer.result, ResultCode::not_authorized);
  EXPECT_EQ(answer.internal_port, 80);
  EXPECT_EQ(answer.external_port, 0);
  EXPECT_EQ(answer.lifetime, 0U);
  EXPECT_EQ(house_->mappings(), 1U);
}

// NPMP-73
TEST_F(StaticMappings, StayWhenAllOthersAreTakenBack) {
  (void)map(*house_, kHostA, Protocol::tcp, 5000, 5000, 60);
  (void)map(*house_, kHostA, Protocol::tcp, 5001, 5001, 60);
  EXPECT_EQ(unmap(*house_, kHostA, Protocol::tcp, 0).result, ResultCode::not_authorized);
  EXPECT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(web().external.port, 8080);
  EXPECT_EQ(unmap(*house_, kHostA, Protocol::udp, 0).result, ResultCode::success)
      << "of the other protocol there is none";
}

TEST_F(StaticMappings, KeepTheirPortFromOthers) {
  EXPECT_NE(map(*house_, kHostB, Protocol::tcp, 8080, 8080, 60).external_port, 8080);
}

TEST_F(StaticMappings, AreNotThereWithoutAnExternalAddress) {
  (void)house_->change_network(home_network(std::nullopt));
  EXPECT_EQ(map(*house_, kHostA, Protocol::tcp, 5000, 0, 60).result, ResultCode::network_failure);
}

}  // namespace
}  // namespace postern::natpmp
