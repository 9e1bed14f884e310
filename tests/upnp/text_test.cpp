#include "protocols/upnp/text.h"

#include <gtest/gtest.h>

namespace postern::upnp {
namespace {

using namespace std::string_literals;

TEST(Text, IsTrimmed) {
  EXPECT_EQ(trimmed(" \t\r\na b\n "), "a b");
  EXPECT_EQ(trimmed(" \n"), "");
  EXPECT_EQ(trimmed(""), "");
}

// SEC-05
TEST(Sanitized, LeavesPrintableText) {
  for (const auto* text : {"a<b&\"c'", "Grüße", "日本語", "😀", "نص", "a\u200db", "~"}) {
    EXPECT_EQ(sanitized(text), text);
  }
}

TEST(Sanitized, MakesBlanksOfWhatIsInvisible) {
  EXPECT_EQ(sanitized("a\r\nb\tc\x1b[31m\x7f"), "a  b c [31m ");
  EXPECT_EQ(sanitized("a\0b"s), "a b");
  EXPECT_EQ(sanitized("a\u0085b\u202ec\u2028d\ufeff\u2066\U000e0041"), "a b c d   ");
  EXPECT_EQ(sanitized("\ufdd0\uffff\U0001fffe"), "   ");
}

TEST(Sanitized, MarksWhatIsNotUtf8) {
  EXPECT_EQ(sanitized("caf\xe9"), "caf?");
  EXPECT_EQ(sanitized("\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82"), "?? ??? ???? ??");
}

// IGD-078
TEST(Sanitized, CutsBetweenCharacters) {
  EXPECT_EQ(sanitized("abc", 2), "ab");
  EXPECT_EQ(sanitized("aé", 2), "a");
  EXPECT_EQ(sanitized("aé", 3), "aé");
  EXPECT_EQ(sanitized(std::string(1000, 'x')).size(), kLongestText);
}

// IGD-025
TEST(XmlEscaped, KeepsMarkupOut) {
  EXPECT_EQ(xml_escaped("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&apos;");
  EXPECT_EQ(xml_escaped("é\n\t\r"), "é\n\t&#13;");
  EXPECT_EQ(xml_escaped("\x01\x1f\0\xff\uffff"s), "?????");
  EXPECT_EQ(xml_escaped("\0"s), "?");
}

// SOAP-13, HTTP-12
TEST(XmlUnescaped, KnowsFiveEntitiesAndCharacters) {
  EXPECT_EQ(xml_unescaped("&lt;&gt;&amp;&quot;&apos;"), "<>&\"'");
  EXPECT_EQ(xml_unescaped("&#65;&#x42;&#xe9;&#x20ac;&#x1F600;"), "ABé€😀");
  EXPECT_EQ(xml_unescaped("&amp;lt;"), "&lt;");
}

TEST(XmlUnescaped, LeavesOtherAmpersands) {
  EXPECT_EQ(xml_unescaped("Tom & Jerry; &lol; &"), "Tom & Jerry; &lol; &");
  EXPECT_EQ(xml_unescaped("&AMP;"), "&AMP;");
}

TEST(XmlUnescaped, RefusesForbiddenCharacters) {
  for (const auto* text :
       {"&#0;", "80&#0;1", "&#x00;", "&#1;", "&#xd800;", "&#xffff;", "&#x110000;", "&#4294967376;",
        "&#99999999999999999999;", "&#;", "&#x;", "&#-65;", "&#6 5;", "&#X41;"}) {
    EXPECT_EQ(xml_unescaped(text), std::nullopt) << text;
  }
}

// IGD-025
TEST(XmlEscaped, ComesBack) {
  for (const auto* text : {"a<b&\"c", "&amp;", "]]>", "<!--", "é😀\r\n"}) {
    EXPECT_EQ(xml_unescaped(xml_escaped(text)), text);
  }
}

}  // namespace
}  // namespace postern::upnp
