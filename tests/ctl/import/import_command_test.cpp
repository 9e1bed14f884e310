#include "ctl/import/import_command.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ctl/commands.h"
#include "tests/ctl/import/importing.h"

namespace postern::test {
namespace {

using ctl::ExitCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Ran {
  ExitCode code;
  std::string out;
  std::string errors;
};

class Import : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "import_XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  [[nodiscard]] static Ran run(std::vector<std::string> words) {
    words.insert(words.begin(), {"posternctl", "import-miniupnpd"});
    std::vector<const char*> arguments;
    for (const auto& word : words) arguments.push_back(word.c_str());
    std::ostringstream out;
    std::ostringstream errors;
    const auto code = ctl::run(arguments, out, errors);
    return {code, out.str(), errors.str()};
  }

  std::string directory_;
};

TEST_F(Import, PrintsTheFileAndTheRemarks) {
  const auto file = write("miniupnpd.conf", "ext_ifname=ppp0\nuuid=1\n");
  const auto ran = run({file});
  EXPECT_EQ(ran.code, ExitCode::success);
  EXPECT_EQ(read_by_daemon(ran.out).wan, "ppp0");
  EXPECT_THAT(ran.out, HasSubstr("# Made by posternctl import-miniupnpd from " + file + ".\n"));
  EXPECT_THAT(ran.out, HasSubstr("#   line 2: uuid: no counterpart"));
  EXPECT_THAT(ran.errors, HasSubstr(file + ":2: uuid: no counterpart"));
}

TEST_F(Import, BadInputNamesFileAndLine) {
  const auto file = write("miniupnpd.conf", "\nallow all\n");
  const auto ran = run({file});
  EXPECT_EQ(ran.code, ExitCode::bad_configuration);
  EXPECT_THAT(ran.out, IsEmpty());
  EXPECT_TRUE(ran.errors.starts_with(file + ":2: ")) << ran.errors;
}

TEST_F(Import, FilesThatCannotBeRead) {
  const auto missing = run({directory_ + "/none"});
  EXPECT_EQ(missing.code, ExitCode::bad_configuration);
  EXPECT_EQ(missing.errors, directory_ + "/none: No such file or directory\n");
  EXPECT_EQ(run({directory_}).code, ExitCode::bad_configuration);
  const auto file = write("miniupnpd.conf", "");
  const auto leases = run({file, "--leases", directory_ + "/none"});
  EXPECT_EQ(leases.code, ExitCode::bad_configuration);
  EXPECT_EQ(leases.errors, directory_ + "/none: No such file or directory\n");
  EXPECT_THAT(leases.out, IsEmpty());
}

TEST_F(Import, Usage) {
  EXPECT_EQ(run({}).code, ExitCode::usage);
  EXPECT_EQ(run({"a", "b"}).code, ExitCode::usage);
  EXPECT_EQ(run({"--help"}).code, ExitCode::success);
}

TEST_F(Import, LeasesThatTheFileNames) {
  const auto leases = write("leases", "TCP:8080:192.168.1.10:80:0:web\nnonsense\n");
  const auto leases6 = write("leases6", "TCP;2001:db8::10;80;;0;1;0;\n");
  const auto file = write("miniupnpd.conf", "lease_file=" + leases + "\nlease_file6=" + leases6);
  const auto ran = run({file});
  EXPECT_EQ(ran.code, ExitCode::success);
  EXPECT_THAT(ran.out, HasSubstr("posternctl add tcp 8080 192.168.1.10:80 "));
  EXPECT_THAT(ran.out, HasSubstr("posternctl add tcp 80 '[2001:db8::10]:80'"));
  EXPECT_THAT(ran.errors, HasSubstr(leases + ":2: is not a lease"));
  (void)read_by_daemon(ran.out);
  // Where they are not, there is nothing to say.
  std::filesystem::remove(leases);
  EXPECT_THAT(run({file}).out, Not(HasSubstr("8080")));
}

TEST_F(Import, LeasesThatAreGiven) {
  const auto named = write("named", "TCP:8080:192.168.1.10:80:0:\n");
  const auto given = write("given", "TCP:9090:192.168.1.10:90:0:\n");
  const auto also = write("also", "TCP:9091:192.168.1.10:91:0:\n");
  const auto ran =
      run({"--leases", given, "--leases", also, write("miniupnpd.conf", "lease_file=" + named)});
  EXPECT_EQ(ran.code, ExitCode::success);
  EXPECT_THAT(ran.out, HasSubstr("posternctl add tcp 9090 192.168.1.10:90\n"));
  EXPECT_THAT(ran.out, HasSubstr("posternctl add tcp 9091 192.168.1.10:91\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("8080")));
}

TEST_F(Import, OpenWrtWithTheFileBeside) {
  write("network", "config interface 'lan'\n\toption device 'br-home'\n");
  const auto ran = run({write("upnpd", "config upnpd 'config'\n")});
  EXPECT_EQ(ran.code, ExitCode::success);
  EXPECT_THAT(read_by_daemon(ran.out).lan, ElementsAre("br-home"));
}

}  // namespace
}  // namespace postern::test
