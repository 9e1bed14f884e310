#pragma once

#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "host/foreign_rules.h"
#include "tests/support/private_netns.h"

namespace postern::test {

/// A gateway of its own, with whatever firewall a test loads.
class HostFixture : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = netns_.why_not()) GTEST_SKIP() << *why;
  }

  /// Gives `input` to a command, which must succeed.
  static void run(const std::string& command, const std::string& input = {}) {
    // The tools live in sbin, which is not in everybody's path.
    auto* pipe = ::popen(("PATH=$PATH:/usr/sbin:/sbin; " + command).c_str(), "w");
    ASSERT_NE(pipe, nullptr);
    std::fwrite(input.data(), 1, input.size(), pipe);
    ASSERT_EQ(::pclose(pipe), 0) << command << "\n" << input;
  }
  static void nft(const std::string& text) { run("nft -f -", text); }
  static void iptables(const std::string& arguments) { run("iptables-nft " + arguments); }

  [[nodiscard]] static host::ForeignRuleset ruleset() {
    auto read = host::read_foreign_ruleset();
    EXPECT_TRUE(read) << read.error();
    return read ? std::move(*read) : host::ForeignRuleset{};
  }

  PrivateNetns netns_;
};

}  // namespace postern::test
