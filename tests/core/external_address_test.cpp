#include "core/external_address.h"

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using test::kOtherWan;
using test::kWan;

TEST(ExternalAddress, IsUnknownAtFirst) {
  const ExternalAddress external;
  EXPECT_FALSE(external.local());
  EXPECT_FALSE(external.reported());
}

TEST(ExternalAddress, IsReportedAsTheInterfaceHasIt) {
  ExternalAddress external;
  external.set_locals({kWan});
  EXPECT_EQ(external.local(), kWan);
  EXPECT_EQ(external.reported(), kWan);
}

// NPMP-34
TEST(ExternalAddress, IsReportedAsConfiguredBehindAOneToOneNat) {
  ExternalAddress external(kOtherWan);
  external.set_locals({kWan});
  EXPECT_EQ(external.local(), kWan);
  EXPECT_EQ(external.reported(), kOtherWan);
}

// NPMP-31
TEST(ExternalAddress, IsUnknownWhileTheWanIsDownAlsoWhenConfigured) {
  ExternalAddress external(kOtherWan);
  EXPECT_FALSE(external.reported());
  external.set_locals({kWan});
  external.set_locals({});
  EXPECT_FALSE(external.reported());
}

// NPMP-34
TEST(ExternalAddress, OfSeveralOnlyTheFirstIsReportedAsConfigured) {
  constexpr Address kSeen = Address::v4({100, 64, 0, 1});
  ExternalAddress external(kSeen);
  external.set_locals({kWan, kOtherWan});
  EXPECT_EQ(external.locals(), (std::vector{kWan, kOtherWan}));
  EXPECT_EQ(external.local(), kWan);
  EXPECT_EQ(external.reported(), kSeen);
  EXPECT_EQ(external.reported(kWan), kSeen);
  EXPECT_EQ(external.reported(kOtherWan), kOtherWan);
  external.set_locals({kOtherWan, kWan});
  EXPECT_EQ(external.reported(kWan), kWan);
  EXPECT_EQ(external.reported(kOtherWan), kSeen);
}

TEST(ExternalAddress, KnowsWhichLocalAddressIsMeant) {
  constexpr Address kSeen = Address::v4({100, 64, 0, 1});
  ExternalAddress external(kSeen);
  EXPECT_EQ(external.local_of(kSeen), kSeen) << "there is none yet";
  external.set_locals({kWan, kOtherWan});
  EXPECT_EQ(external.local_of(kSeen), kWan);
  EXPECT_EQ(external.local_of(kOtherWan), kOtherWan);
  EXPECT_EQ(ExternalAddress().local_of(kWan), kWan);
}

}  // namespace
}  // namespace postern
