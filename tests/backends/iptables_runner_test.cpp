#include <chrono>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "backends/iptables/programs.h"
#include "backends/iptables/runner.h"

namespace postern::iptables {
namespace {

[[nodiscard]] Result<Outcome, std::string> shell(const std::string& script,
                                                 std::string_view input = "",
                                                 Milliseconds limit = Seconds(20)) {
  return ChildRunner(limit).run({"/bin/sh", "-c", script}, input);
}

TEST(IptablesRunner, FeedsAndReads) {
  const auto outcome = shell("cat; echo wrong >&2; exit 3", "a\nb\n");
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(outcome->status, 3);
  EXPECT_EQ(outcome->output, "a\nb\n");
  EXPECT_EQ(outcome->errors, "wrong\n");
}

TEST(IptablesRunner, TakesMoreThanAPipeHolds) {
  const std::string much(3'000'000, 'x');
  const auto outcome = shell("cat", much);
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_TRUE(outcome->output == much);
}

TEST(IptablesRunner, AProgramNeedNotListen) {
  const auto outcome = shell("exec <&-; exit 4", std::string(3'000'000, 'x'));
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(outcome->status, 4);
}

TEST(IptablesRunner, ForgetsComplaintsBeyondItsBound) {
  const auto outcome = shell("yes | head -c 1000000 >&2");
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(outcome->errors.size(), 4096U);
}

TEST(IptablesRunner, TellsOfASignal) {
  const auto outcome = shell("kill -9 $$");
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(outcome->status, 128 + 9);
}

TEST(IptablesRunner, EndsWhatTakesTooLong) {
  for (const auto* script : {"while :; do sleep 60; done",
                             // Not even waiting with its files closed.
                             "exec <&- >&- 2>&-; sleep 60"}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = shell(script, "x", Milliseconds(100));
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().find("/bin/sh did not end within 100 ms"), std::string::npos);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  }
}

TEST(IptablesRunner, SaysThatThereIsNoSuchProgram) {
  const auto outcome = ChildRunner().run({"/no/such/program"}, "");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), "cannot start /no/such/program: No such file or directory");
}

/// A directory with a program of this name in it.
class ProgramDirectory {
 public:
  explicit ProgramDirectory(const std::string& name) {
    std::string path = "/tmp/postern-iptables-XXXXXX";
    path_ = ::mkdtemp(path.data());
    const auto made =
        shell("printf '#!/bin/sh\\n' > " + path_ + "/" + name + "; chmod +x " + path_ + "/" + name);
    EXPECT_TRUE(made && made->status == 0);
  }
  ProgramDirectory(const ProgramDirectory&) = delete;
  ProgramDirectory& operator=(const ProgramDirectory&) = delete;
  ~ProgramDirectory() { EXPECT_TRUE(shell("rm -r " + path_)); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(IptablesPrograms, AreFoundBesideEachOther) {
  const ProgramDirectory directory("iptables-legacy-restore");
  const auto found = find_programs(directory.path() + "/iptables-legacy-restore");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->restore_v4, directory.path() + "/iptables-legacy-restore");
  EXPECT_EQ(found->save_v4, directory.path() + "/iptables-legacy-save");
  EXPECT_EQ(found->restore_v6, directory.path() + "/ip6tables-legacy-restore");
  EXPECT_EQ(found->save_v6, directory.path() + "/ip6tables-legacy-save");
  EXPECT_FALSE(find_programs(directory.path() + "/iptables-restore")) << "it is not there";
}

TEST(IptablesPrograms, HaveUsualNames) {
  EXPECT_FALSE(find_programs("/bin/sh"));
  const ProgramDirectory odd("restore");
  EXPECT_FALSE(find_programs(odd.path() + "/restore"));
}

TEST(IptablesPrograms, AreLookedForInThePath) {
  const ProgramDirectory directory("iptables-our-own-restore");
  const std::string before = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  EXPECT_FALSE(find_programs("iptables-our-own-restore"));
  ::setenv("PATH", (".::" + directory.path() + ":" + before).c_str(), 1);
  const auto found = find_programs("iptables-our-own-restore");
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->save_v6, directory.path() + "/ip6tables-our-own-save");
}

}  // namespace
}  // namespace postern::iptables
