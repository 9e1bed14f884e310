#include "protocols/pcp/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::pcp {
namespace {

TEST(Utf8, IsEveryKindOfCharacter) {
  for (const auto* text : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                           "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x8e\xae"
                           "b"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  EXPECT_TRUE(is_utf8(std::string(1, '\0')));
}

// PCP-212
TEST(Utf8, IsNothingElse) {
  for (const auto* text : {
           "\xff\xfe",
           "\x80",
           "\xbf",
           "a\x80",  // No first octet.
           "\xc0\x80",
           "\xc1\xbf",
           "\xe0\x9f\xbf",
           "\xf0\x8f\xbf\xbf",  // Overlong.
           "\xed\xa0\x80",
           "\xed\xbf\xbf",  // Surrogates.
           "\xf4\x90\x80\x80",
           "\xf5\x80\x80\x80",  // Above U+10FFFF.
           "\xc3",
           "\xe2\x82",
           "\xf0\x9f\x8e",
           "a\xc3",  // Cut short.
           "\xc3z",
           "\xe2z\xac",
           "\xe2\x82z",
           "\xf0\x9f\x8ez",  // No continuation.
       }) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Utf8, PrefixCutsNoCharacter) {
  const std::string_view text = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x8e\xae";  // 1, 2, 3 and 4 octets.
  const std::size_t sizes[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t most = 0; most < std::size(sizes); ++most) {
    EXPECT_EQ(utf8_prefix(text, most), text.substr(0, sizes[most])) << most;
  }
}

}  // namespace
}  // namespace postern::pcp
