#include "ctl/import/leases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::test {
namespace {

using namespace ctl::miniupnpd;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint64_t kNow = 1'700'000'000;

TEST(Leases, OfIpv4) {
  const auto read = read_leases(
      "TCP:8080:192.168.1.10:80:0:web: the server\nudp:4000:192.168.1.11:4001:1700003600:\n");
  EXPECT_THAT(read.notes, IsEmpty());
  ASSERT_EQ(read.leases.size(), 2U);
  const auto& web = read.leases[0];
  EXPECT_EQ(web.protocol, Protocol::tcp);
  EXPECT_EQ(web.external_port, 8080);
  EXPECT_EQ(to_string(web.internal), "192.168.1.10:80");
  EXPECT_EQ(web.end, 0U);
  EXPECT_EQ(web.description, "web: the server");
  EXPECT_EQ(read.leases[1].protocol, Protocol::udp);
  EXPECT_EQ(read.leases[1].end, 1700003600U);
  EXPECT_EQ(read.leases[1].line, 2U);
}

TEST(Leases, OfIpv6) {
  const auto read = read_leases(
      "UDP;2001:db8::10;4000;;0;17;1700000000;a; b\nTCP;2001:db8::10;80;2001:db8:9::1;77;18;0;\n"
      "TCP;2001:db8::10;81;::;0;18;0;\n");
  EXPECT_THAT(read.notes, IsEmpty());
  ASSERT_EQ(read.leases.size(), 3U);
  EXPECT_EQ(to_string(read.leases[0].internal), "[2001:db8::10]:4000");
  EXPECT_EQ(read.leases[0].external_port, 4000);
  EXPECT_EQ(read.leases[0].remote, std::nullopt);
  EXPECT_EQ(read.leases[0].description, "a; b");
  EXPECT_EQ(to_string(*read.leases[1].remote), "[2001:db8:9::1]:77");
  EXPECT_EQ(read.leases[2].remote, std::nullopt);
}

TEST(Leases, LinesThatAreNone) {
  for (const auto* line :
       {"TCP", "TCP:1:2:3", "SCTP:80:192.168.1.10:80:0:", "TCP:0:192.168.1.10:80:0:",
        "TCP:65536:192.168.1.10:80:0:", "TCP:80:host:80:0:", "TCP:80:192.168.1.10:0:0:",
        "TCP:80:192.168.1.10:80:-1:", "TCP;192.168.1.10;80;;0;1;0;", "TCP;2001:db8::1;80;x;0;1;0;",
        "TCP;2001:db8::1;80;;0;1;x;"}) {
    const auto read = read_leases("\n" + std::string(line) + "\n");
    EXPECT_THAT(read.leases, IsEmpty()) << line;
    EXPECT_THAT(read.notes, ElementsAre(testing::Field(&Note::line, 2))) << line;
  }
}

[[nodiscard]] std::string text_of(const std::string& lines) {
  return leases_text(read_leases(lines).leases, "/var/run/leases", kNow);
}

TEST(Leases, AreCommentsWithCommands) {
  const auto text = text_of(
      "TCP:8080:192.168.1.10:80:0:web\nUDP:4000:192.168.1.11:4001:1700003600:\n"
      "UDP:4002:192.168.1.11:4002:90:\nUDP:4003:192.168.1.11:4003:1699999999:\n"
      "TCP;2001:db8::10;80;2001:db8:9::1;77;18;1700000001;\n");
  EXPECT_THAT(text, HasSubstr("# Leases in /var/run/leases, "));
  EXPECT_THAT(text, HasSubstr("#   # line 1: without an end\n"
                              "#   posternctl add tcp 8080 192.168.1.10:80 --description 'web'\n"));
  EXPECT_THAT(text, HasSubstr("#   # line 2: ends in 1h\n"
                              "#   posternctl add udp 4000 192.168.1.11:4001\n"));
  // What was left when it was written.
  EXPECT_THAT(text, HasSubstr("#   # line 3: ends in 1m 30s\n"));
  EXPECT_THAT(text, HasSubstr("#   # line 4: has ended\n#   # line 5: ends by itself; was for the "
                              "remote port 77 alone\n"));
  EXPECT_THAT(text, HasSubstr("#   posternctl add tcp 80 '[2001:db8::10]:80' "
                              "--remote 2001:db8:9::1\n"));
  // Nothing but comments, so that any of it may end a postern.toml.
  EXPECT_TRUE(text.starts_with("\n#"));
  for (auto end = text.find('\n', 1); end + 1 < text.size(); end = text.find('\n', end + 1)) {
    EXPECT_EQ(text[end + 1], '#') << end;
  }
  EXPECT_EQ(text_of(""), "");
}

/// Descriptions come from whoever was on the LAN.
TEST(Leases, DescriptionsCannotLeaveTheirQuotes) {
  const auto text = text_of("TCP:8080:192.168.1.10:80:0:a'; reboot #\x1b[2J\r\n");
  EXPECT_THAT(text, HasSubstr("--description 'a'\\''; reboot #?[2J'\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace postern::test
