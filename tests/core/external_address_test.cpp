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

}  // namespace
}  // namespace postern
