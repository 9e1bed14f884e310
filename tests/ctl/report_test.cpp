#include "ctl/report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace postern::test {
namespace {

using ctl::exit_code_of;
using ctl::ExitCode;
using host::Finding;
using host::Severity;

[[nodiscard]] std::vector<Finding> two_findings() {
  return {
      {Severity::error, "broken", "it is broken", "it should be whole", {"mend it", "thus"}, ""},
      {Severity::warning, "odd", "it looks odd", "it may break", {}, "look at it"}};
}

TEST(Report, Text) {
  EXPECT_EQ(ctl::report_text(two_findings()),
            "error    broken\n"
            "         what:    it is broken\n"
            "         why:     it should be whole\n"
            "         mend:    mend it\n"
            "         mend:    thus\n"
            "\n"
            "warning  odd\n"
            "         what:    it looks odd\n"
            "         why:     it may break\n"
            "         mend:    look at it\n"
            "\n"
            "1 error, 1 warning\n");
  auto advised = two_findings();
  advised.pop_back();
  advised[0].advice = "and keep it";
  EXPECT_NE(ctl::report_text(advised).find("         note:    and keep it\n"), std::string::npos);
  EXPECT_EQ(ctl::report_text({}), "Nothing wrong was found.\n");
}

TEST(Report, Json) {
  const auto document = nlohmann::json::parse(ctl::report_json(two_findings()));
  EXPECT_EQ(document["errors"], 1);
  EXPECT_EQ(document["warnings"], 1);
  ASSERT_EQ(document["findings"].size(), 2U);
  const auto& first = document["findings"][0];
  EXPECT_EQ(first["severity"], "error");
  EXPECT_EQ(first["id"], "broken");
  EXPECT_EQ(first["what"], "it is broken");
  EXPECT_EQ(first["why"], "it should be whole");
  EXPECT_EQ(first["mend"], (std::vector<std::string>{"mend it", "thus"}));
  EXPECT_EQ(first["advice"], "");
  EXPECT_EQ(nlohmann::json::parse(ctl::report_json({}))["findings"], nlohmann::json::array());
}

TEST(Report, JsonOfNamesThatAreNoText) {
  auto findings = two_findings();
  findings[0].what = "taken by \xff\xfe";
  EXPECT_TRUE(nlohmann::json::accept(ctl::report_json(findings)));
}

TEST(Report, ExitCodes) {
  auto findings = two_findings();
  EXPECT_EQ(exit_code_of(findings, true), ExitCode::failure);
  EXPECT_EQ(exit_code_of(findings, false), ExitCode::no_privilege);
  findings.erase(findings.begin());
  EXPECT_EQ(exit_code_of(findings, true), ExitCode::success);
  EXPECT_EQ(exit_code_of({}, true), ExitCode::success);
}

}  // namespace
}  // namespace postern::test
