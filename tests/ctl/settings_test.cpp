#include "ctl/settings.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace postern::test {
namespace {

using ctl::load_settings;
using ctl::parse_settings;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

[[nodiscard]] host::DoctorSettings settings_of(std::string_view text) {
  const auto settings = parse_settings(text, "postern.toml");
  EXPECT_TRUE(settings) << settings.error();
  return settings ? settings->doctor : host::DoctorSettings{};
}

[[nodiscard]] std::string error_of(std::string_view text) {
  const auto settings = parse_settings(text, "postern.toml");
  EXPECT_FALSE(settings) << text;
  return settings ? "" : settings.error();
}

TEST(CtlSettings, Defaults) {
  const auto settings = settings_of("");
  EXPECT_EQ(settings.wan, std::nullopt);
  EXPECT_THAT(settings.lan, IsEmpty());
  EXPECT_EQ(settings.forward_mark, 0x10000000U);
  EXPECT_EQ(settings.backend, "nftables");
  EXPECT_TRUE(settings.adapts_host_firewall);
  EXPECT_EQ(settings.external_address, std::nullopt);
}

TEST(CtlSettings, WhatTheFileSays) {
  const auto settings = settings_of(
      "wan = \"ppp0\"\nlan = [\"br-lan\", \"br-guest\"]\nbackend = \"iptables\"\n"
      "forward_mark = 0x40\nfirewall = \"none\"\nexternal_address = \"198.51.100.7\"\n"
      "[natpmp]\nenabled = false\n");
  EXPECT_EQ(settings.wan, "ppp0");
  EXPECT_THAT(settings.lan, ElementsAre("br-lan", "br-guest"));
  EXPECT_EQ(settings.backend, "iptables");
  EXPECT_EQ(settings.forward_mark, 0x40U);
  EXPECT_FALSE(settings.adapts_host_firewall);
  EXPECT_EQ(settings.external_address, Address::parse("198.51.100.7"));
  EXPECT_THAT(settings_of("lan = \"br-lan\"").lan, ElementsAre("br-lan"));
}

TEST(CtlSettings, WhereTheDaemonIs) {
  EXPECT_EQ(parse_settings("", "postern.toml")->runtime_dir, "/run/postern");
  EXPECT_EQ(parse_settings("runtime_dir = \"/tmp/run\"", "f")->runtime_dir, "/tmp/run");
  EXPECT_EQ(error_of("runtime_dir = 7"), "postern.toml:1: runtime_dir is not a text");
}

TEST(CtlSettings, ErrorsNameThePlace) {
  EXPECT_THAT(error_of("\nwan = 7"), HasSubstr("postern.toml:2: wan is not a text"));
  EXPECT_THAT(error_of("lan = [\"a\",\n 7]"), HasSubstr("postern.toml:2: lan"));
  EXPECT_THAT(error_of("lan = 7"), HasSubstr("postern.toml:1: lan is not a text"));
  EXPECT_THAT(error_of("forward_mark = 3"), HasSubstr("not a single bit"));
  EXPECT_THAT(error_of("forward_mark = 0"), HasSubstr("not a single bit"));
  EXPECT_THAT(error_of("forward_mark = 0x100000000"), HasSubstr("not a single bit"));
  EXPECT_THAT(error_of("external_address = \"here\""), HasSubstr("is not an address"));
  EXPECT_THAT(error_of("\n\nwan = "), HasSubstr("postern.toml:3: "));
}

TEST(CtlSettings, Files) {
  const std::string file = testing::TempDir() + "ctl_settings_" + std::to_string(::getpid());
  EXPECT_THAT(load_settings(file).error(), HasSubstr("No such file"));
  std::ofstream(file) << "wan = \"ppp0\"\n";
  EXPECT_EQ(load_settings(file)->doctor.wan, "ppp0");
  std::filesystem::remove(file);
  EXPECT_FALSE(load_settings(testing::TempDir()));
}

}  // namespace
}  // namespace postern::test
