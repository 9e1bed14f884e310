#include "core/text.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Text, IsComparedWithoutCase) {
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_TRUE(equals_ignoring_case("Tcp-AZ", "tCP-az"));
  EXPECT_FALSE(equals_ignoring_case("tcp", "tcpx"));
  EXPECT_FALSE(equals_ignoring_case("tcpx", "tcp"));
}

TEST(Text, HasCaseInAsciiLettersOnly) {
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("\xc4", "\xe4"));
}

}  // namespace
}  // namespace postern
