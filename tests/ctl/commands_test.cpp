#include "ctl/commands.h"

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/private_netns.h"

namespace postern::test {
namespace {

using ctl::ExitCode;
using testing::HasSubstr;
using testing::IsEmpty;

struct Ran {
  ExitCode code;
  std::string out;
  std::string errors;
};

[[nodiscard]] Ran run(std::vector<const char*> words) {
  words.insert(words.begin(), "posternctl");
  std::ostringstream out;
  std::ostringstream errors;
  const auto code = ctl::run(words, out, errors);
  return {code, out.str(), errors.str()};
}

TEST(Commands, Help) {
  for (const auto& words : {std::vector{"--help"}, {"doctor", "--help"}, {"teardown", "-h"}}) {
    const auto ran = run(words);
    EXPECT_EQ(ran.code, ExitCode::success);
    EXPECT_THAT(ran.out, HasSubstr("Exit codes: 0 "));
    EXPECT_THAT(ran.out, HasSubstr("78 bad\nconfiguration"));
  }
}

TEST(Commands, Version) {
  for (const auto* word : {"version", "--version", "-V"}) {
    const auto ran = run({word});
    EXPECT_EQ(ran.code, ExitCode::success);
    EXPECT_THAT(ran.out, testing::StartsWith("posternctl 0."));
  }
}

TEST(Commands, Usage) {
  for (const auto& words : std::vector<std::vector<const char*>>{
           {}, {"dance"}, {"doctor", "--dance"}, {"doctor", "--wan"}, {"version", "more"}}) {
    const auto ran = run(words);
    EXPECT_EQ(ran.code, ExitCode::usage);
    EXPECT_THAT(ran.out, IsEmpty());
    EXPECT_THAT(ran.errors, testing::Not(IsEmpty()));
  }
}

TEST(Commands, BadConfiguration) {
  const auto ran = run({"doctor", "--config", "/nowhere/postern.toml"});
  EXPECT_EQ(ran.code, ExitCode::bad_configuration);
  EXPECT_THAT(ran.errors, HasSubstr("/nowhere/postern.toml"));
}

TEST(Commands, DoctorTakesInterfacesFromTheCommandLine) {
  const PrivateNetns netns;
  if (netns.why_not()) GTEST_SKIP() << *netns.why_not();
  const auto ran = run({"doctor", "--json", "--wan", "wan7", "--lan", "lan7"});
  EXPECT_EQ(ran.code, ExitCode::failure);
  const auto document = nlohmann::json::parse(ran.out);
  std::vector<std::string> words;
  for (const auto& finding : document["findings"]) words.push_back(finding["what"]);
  EXPECT_THAT(words, testing::Contains(HasSubstr("no interface wan7")));
  EXPECT_THAT(words, testing::Contains(HasSubstr("no interface lan7")));
}

}  // namespace
}  // namespace postern::test
