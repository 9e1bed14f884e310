#include "core/mac_address.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(MacAddress, ReadsWhatPeopleWrite) {
  const MacAddress expected({0x02, 0x00, 0x5e, 0x10, 0x00, 0xfa});
  for (const char* text : {"02:00:5e:10:00:fa", "02:00:5E:10:00:FA", "02-00-5e-10-00-Fa"}) {
    EXPECT_EQ(MacAddress::parse(text), expected) << text;
  }
  EXPECT_EQ(expected.to_string(), "02:00:5e:10:00:fa");
}

TEST(MacAddress, IsNothingElse) {
  for (const char* text :
       {"", "02:00:5e:10:00", "02:00:5e:10:00:fa:00", "02:00:5e:10:00:fg", "02:00-5e:10:00:fa",
        "02005e1000fa", "2:0:5e:10:0:fa", "02.00.5e.10.00.fa", "02:00:5e:10:00:f"}) {
    EXPECT_FALSE(MacAddress::parse(text)) << text;
  }
}

TEST(MacAddress, IsSixOctets) {
  EXPECT_EQ(MacAddress::of_octets(std::string("\x02\0\0\0\0\x0a", 6)),
            MacAddress::parse("02:00:00:00:00:0a"));
  EXPECT_FALSE(MacAddress::of_octets(""));
  EXPECT_FALSE(MacAddress::of_octets("InfiniBand's is longer"));
}

}  // namespace
}  // namespace postern
