#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"

// PREFER_FAILURE: the suggested external endpoint or none.
namespace postern::pcp {
namespace {

using PcpPreferFailure = PcpHouse;

PcpWish only(std::uint16_t port, const Address& address = kWan) {
  return {.suggested_port = port, .suggested_address = address, .options = {PreferFailure{}}};
}

// PCP-143
TEST_F(PcpPreferFailure, GivesWhatIsSuggested) {
  const auto granted = map(only(40001));
  EXPECT_EQ(granted.external_port, 40001);
  EXPECT_EQ(granted.options, Options{PreferFailure{}});
  EXPECT_EQ(map(only(40001)).external_port, 40001) << "a renewal";
}

// PCP-143
TEST_F(PcpPreferFailure, FailsWhenThePortIsTaken) {
  (void)map({.client = kHostB, .suggested_port = 40001});
  EXPECT_EQ(error_of(only(40001)), kCannotProvide);
  EXPECT_EQ(house_->mappings(), 1U);
}

// PCP-143
TEST_F(PcpPreferFailure, FailsAtAnAddressThatIsNotOurs) {
  for (const auto& address : {kOtherWan, kGateway, kHostA, kPeer6}) {
    EXPECT_EQ(error_of(only(40001, address)), kCannotProvide) << address.to_string();
  }
}

// PCP-144
TEST_F(PcpPreferFailure, NeedsAPort) {
  EXPECT_EQ(error_of(only(0)), kMalformedOption);
}

// PCP-145
TEST_F(PcpPreferFailure, LeavesAMappingOnAnotherPortAsItIs) {
  (void)map({.suggested_port = 40001, .lifetime = 600});
  EXPECT_EQ(error_of(only(40002)), kCannotProvide);
  EXPECT_EQ(error_of(only(40001, kOtherWan)), kCannotProvide);
  EXPECT_EQ(find({})->claims.front().lease.granted, Seconds(600));
}

// PCP-008, 146, Q-81, Q-84
TEST_F(PcpPreferFailure, MeansThePortAloneWithoutAnAddress) {
  EXPECT_EQ(map(only(40001, kAny4)).external_port, 40001);
  EXPECT_EQ(map(only(40001, kAny6)).external_port, 40001);
  EXPECT_EQ(error_of(only(40002, kAny4)), kCannotProvide);
}

}  // namespace
}  // namespace postern::pcp
