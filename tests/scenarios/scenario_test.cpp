#include "tests/support/scenario.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_files.h"

namespace postern::test {
namespace {

std::vector<std::filesystem::path> stories() {
  return files_in(POSTERN_SCENARIO_DIR, {".scenario"});
}

class ScenarioTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ScenarioTest, GoesAsTold) {
  std::ifstream story(GetParam());
  ASSERT_TRUE(story);
  const auto broken = play_scenario(story);
  EXPECT_FALSE(broken) << GetParam().string() << ", " << *broken;
}

INSTANTIATE_TEST_SUITE_P(Stories, ScenarioTest, testing::ValuesIn(stories()),
                         [](const auto& test_case) { return test_case.param.stem().string(); });

// --- The player itself: a story that is not true must fail, and say where.
// ------------------------

std::string play(const std::string& text) {
  std::istringstream story(text);
  return play_scenario(story).value_or("as told");
}

TEST(ScenarioPlayer, PlaysATrueStory) {
  EXPECT_EQ(play("start  # with the usual WAN address\n"
                 "\n"
                 "from 192.168.1.10 send 00 00\n"
                 "expect 00 80 0000 ........ c6336407\n"
                 "doors 0\n"),
            "as told");
}

TEST(ScenarioPlayer, ServesWhatItIsTold) {
  const std::string ask = "start\nfrom 192.168.1.10 send 00 00\n";
  const std::string announce = "from 192.168.1.10 pcp announce 0s\n";
  const std::string answer = "expect 0280 0000 00000000 00000000 000000000000000000000000\n";
  EXPECT_EQ(
      play("serve both\n" + ask + "expect 00 80 0000 ........ c6336407\n" + announce + answer),
      "as told");
  EXPECT_EQ(play("serve pcp\nstart\n" + announce + answer), "as told");
  EXPECT_THAT(play("start\n" + announce + answer),
              testing::StartsWith("line 3: the answer was 00"));
}

TEST(ScenarioPlayer, NamesTheLineThatIsNotTrue) {
  EXPECT_THAT(play("start\ndoors 1\n"), testing::StartsWith("line 2: the firewall holds 0"));
  EXPECT_THAT(play("start\nmappings 1\n"), testing::StartsWith("line 2: the table holds 0"));
  EXPECT_THAT(play("start\nannouncements 2\n"), testing::StartsWith("line 2: there were 1"));
  EXPECT_THAT(play("start\nannouncements 1 00 80 0001 ........ ........\n"),
              testing::StartsWith("line 2: an announcement was 00 80 00 00"));
  EXPECT_THAT(play("start\nopen udp 198.51.100.7:1 to 192.168.1.10:1\n"),
              testing::StartsWith("line 2: it is closed"));
}

TEST(ScenarioPlayer, ComparesEveryOctetOfAnAnswer) {
  const std::string ask = "start\nfrom 192.168.1.10 send 00 00\n";
  EXPECT_EQ(play(ask + "expect .. .. .... ........ ........\n"), "as told");
  for (const auto* wrong : {"00 81 0000 ........ c6336407", "00 80 0000 ........ c63364",
                            "00 80 0000 ........ c6336408", "00 80 0000 ........ c6336407 00"}) {
    EXPECT_THAT(play(ask + "expect " + wrong + "\n"),
                testing::StartsWith("line 3: the answer was 00 80"))
        << wrong;
  }
}

TEST(ScenarioPlayer, MissesNoAnswerAndNoSilence) {
  const std::string ask = "start\nfrom 192.168.1.10 send 00 00\n";
  EXPECT_THAT(play(ask), testing::HasSubstr("nobody expected"));
  EXPECT_THAT(play(ask + "doors 0\n"), testing::HasSubstr("nobody expected"));
  EXPECT_THAT(play(ask + "expect silence\n"), testing::HasSubstr("no silence"));
  EXPECT_THAT(play("start\nfrom 192.168.1.10 send 00\nexpect ..\n"),
              testing::StartsWith("line 3: silence"));
  EXPECT_THAT(play(ask + "expect to 192.168.1.11 .. .. .... ........ ........\n"),
              testing::HasSubstr("went to 192.168.1.10"));
}

TEST(ScenarioPlayer, RefusesWhatItDoesNotUnderstand) {
  for (const auto* line :
       {"begin", "at 5", "at 5d", "doors x", "doors", "doors 0 0", "start", "turn",
        "from host send 00", "from 192.168.1.10 00", "backend sulk", "wan 1.2.3", "end turn",
        "serve pcp", "from 192.168.1.10 pcp dance 5s", "from 192.168.1.10 pcp map 5"}) {
    EXPECT_THAT(play(std::string("start\n") + line + "\n"), testing::StartsWith("line 2: "))
        << line;
  }
  EXPECT_THAT(play("doors 0\n"), testing::StartsWith("line 1: "));
  EXPECT_THAT(play("serve tea\n"), testing::StartsWith("line 1: "));
  EXPECT_NE(play(""), "as told");
}

}  // namespace
}  // namespace postern::test
