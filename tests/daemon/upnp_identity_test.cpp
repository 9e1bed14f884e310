#include "daemon/upnp_identity.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace postern {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr std::int64_t kToday = 1'790'000'000;
constexpr std::uint32_t kLastBootId = 2147483647;

/// A directory that goes with the test.
class RememberIdentity : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "postern-identity-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string file() const { return directory_ + "/upnp-identity.json"; }

  std::string directory_;
};

TEST_F(RememberIdentity, MakesItsDirectoryForItsOwnerAlone) {
  for (const auto* name : {"/state", "/above/state", "/slash/"}) {
    const auto directory = directory_ + name;
    EXPECT_EQ(remember_identity(directory, kToday).trouble, "");
    struct stat found {};
    ASSERT_EQ(::stat(directory.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0700U) << name;
  }
  ASSERT_EQ(::chmod((directory_ + "/state").c_str(), 0750), 0);
  (void)remember_identity(directory_ + "/state", kToday);
  struct stat found {};
  ASSERT_EQ(::stat((directory_ + "/state").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0750U) << "his own choice";
}

TEST(UpnpIdentity, NewOnesDiffer) {  // IGD-002, HTTP-10
  const auto one = new_identity();
  const auto other = new_identity();
  EXPECT_NE(one.base, other.base);
  EXPECT_NE(one.token, other.token);
  EXPECT_THAT(one.token, MatchesRegex("[0-9a-f]{16}"));
}

TEST(UpnpIdentity, JsonKeepsIt) {
  auto identity = new_identity();
  identity.boot_id = kLastBootId;
  EXPECT_EQ(parse_identity(to_json(identity)), identity);
}

TEST(UpnpIdentity, AnythingElseIsNone) {
  const auto good = to_json(new_identity());
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("{}"), std::string("[1]"),
        good.substr(0, good.size() - 1), std::string(R"({"schema":"postern.upnp-identity/2"})")}) {
    EXPECT_FALSE(parse_identity(bad)) << bad;
  }
  const auto with = [](const std::string& base, const std::string& token, const std::string& boot) {
    return R"({"schema":"postern.upnp-identity/1","base":")" + base + R"(","path_token":")" +
           token + R"(","boot_id":)" + boot + "}";
  };
  const std::string base(32, 'a');
  const std::string token(16, '0');
  EXPECT_TRUE(parse_identity(with(base, token, "1")));
  EXPECT_FALSE(parse_identity(with(base + "a", token, "1")));
  EXPECT_FALSE(parse_identity(with(std::string(32, 'G'), token, "1")));
  EXPECT_FALSE(parse_identity(with(base, "../etc/passwd000", "1")));
  EXPECT_FALSE(parse_identity(with(base, token, "-1")));
  EXPECT_FALSE(parse_identity(with(base, token, "2147483648")));
  EXPECT_FALSE(parse_identity(with(base, token, "\"1\"")));
}

TEST(UpnpIdentity, BootIdsGrowWhateverTheClockSays) {  // SSDP-11
  EXPECT_EQ(next_boot_id(0, kToday), kToday);
  EXPECT_GT(next_boot_id(static_cast<std::uint32_t>(kToday), kToday), kToday + 1000)
      << "it may have grown while the daemon ran";
  EXPECT_GT(next_boot_id(static_cast<std::uint32_t>(kToday), 0), kToday + 1000);
  EXPECT_EQ(next_boot_id(static_cast<std::uint32_t>(kToday), kToday + 100000), kToday + 100000);
  EXPECT_GT(next_boot_id(0, -1), 0U);
  EXPECT_EQ(next_boot_id(0, std::int64_t{1} << 40), kLastBootId);
  EXPECT_EQ(next_boot_id(kLastBootId, kToday), kLastBootId);
}

TEST_F(RememberIdentity, StaysTheSameOverRestarts) {  // IGD-002, SSDP-17
  directory_ += "/made/for/it";
  const auto first = remember_identity(directory_, kToday);
  EXPECT_EQ(first.trouble, "");
  const auto second = remember_identity(directory_, kToday);
  EXPECT_EQ(second.identity.base, first.identity.base);
  EXPECT_EQ(second.identity.token, first.identity.token);
  EXPECT_GT(second.identity.boot_id, first.identity.boot_id);
}

TEST_F(RememberIdentity, IsNobodyElsesToRead) {
  (void)remember_identity(directory_, kToday);
  struct stat found {};
  ASSERT_EQ(::stat(file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST_F(RememberIdentity, ADamagedFileIsReplaced) {
  std::ofstream(file()) << "{\"schema\":";
  const auto first = remember_identity(directory_, kToday);
  EXPECT_THAT(first.trouble, HasSubstr("is damaged"));
  EXPECT_EQ(remember_identity(directory_, kToday).trouble, "");
  EXPECT_EQ(remember_identity(directory_, kToday).identity.base, first.identity.base);
}

TEST_F(RememberIdentity, SaysWhenItCannotBeKept) {
  std::ofstream(directory_ + "/file") << "x";
  const auto start = remember_identity(directory_ + "/file/below", kToday);
  EXPECT_THAT(start.trouble, HasSubstr("upnp-identity.json cannot be written"));
  EXPECT_EQ(start.identity.boot_id, kToday);
}

}  // namespace
}  // namespace postern
