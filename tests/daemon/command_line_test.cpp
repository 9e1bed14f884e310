#include "daemon/command_line.h"

#include <vector>

#include <gtest/gtest.h>

namespace postern {
namespace {

[[nodiscard]] Result<CommandLine, std::string> parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "posternd");
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  return parse_command_line(pointers);
}

TEST(CommandLine, NothingIsFine) {
  const auto line = parse({});
  ASSERT_TRUE(line);
  EXPECT_FALSE(line->config_file);
  EXPECT_FALSE(line->backend);
}

TEST(CommandLine, ReadsEveryOption) {
  const auto line =
      parse({"--config", "a.toml", "--backend=memory", "--check-config", "--foreground"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->config_file, "a.toml");
  EXPECT_EQ(line->backend, "memory");
  EXPECT_TRUE(line->check_config);
  EXPECT_TRUE(parse({"--version"})->show_version);
  EXPECT_TRUE(parse({"-h"})->show_help);
}

TEST(CommandLine, SaysWhatIsWrong) {
  EXPECT_EQ(parse({"--config"}).error(), "--config needs a value");
  EXPECT_EQ(parse({"--verbose"}).error(), "--verbose is not an option");
  EXPECT_EQ(parse({"start"}).error(), "start is not expected here");
}

TEST(CommandLine, BlamesTheLetterAndNotItsNeighbours) {
  EXPECT_EQ(parse({"-xf"}).error(), "-x is not an option");
  EXPECT_EQ(parse({"-fx"}).error(), "-x is not an option");
  EXPECT_EQ(parse({"--check-config", "-x", "-f"}).error(), "-x is not an option");
  EXPECT_EQ(parse({"-f", "--help=me"}).error(),
            "--help=me does not fit: this option takes no value");
}

TEST(CommandLine, UnknownBackendIsAnErrorThatNamesTheKnownOnes) {
  EXPECT_EQ(parse({"--backend", "pf"}).error(),
            "--backend is \"pf\"; write nftables or iptables or memory");
}

TEST(CommandLine, UsageNamesEveryOption) {
  for (const char* option :
       {"--config", "--backend", "--check-config", "--foreground", "--version", "--help"}) {
    EXPECT_NE(usage().find(option), std::string::npos) << option;
  }
}

}  // namespace
}  // namespace postern
