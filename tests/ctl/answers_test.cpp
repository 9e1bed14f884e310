#include "ctl/answers.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "ctl/text_table.h"

namespace postern::test {
namespace {

using ctl::Json;

[[nodiscard]] Json json(const std::string& text) {
  auto parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  EXPECT_FALSE(parsed.is_discarded()) << text;
  return parsed;
}

TEST(CtlAnswers, Mappings) {
  EXPECT_EQ(ctl::mappings_text(json(R"([
    {"id": 1, "protocol": "udp", "internal": {"address": "192.168.1.10", "port": 4000},
     "external": {"address": "203.0.113.1", "port": 5000}, "filters": [],
     "remaining_seconds": 3590, "claims": [
       {"frontend": "natpmp", "client": "192.168.1.10", "remote": null, "description": "",
        "enabled": true, "permanent": false, "rule": "high ports"},
       {"frontend": "pcp", "client": "192.168.1.10", "remote": {"address": "2001:db8::9",
        "port": 443}, "description": "Spiel “Zwölf”", "enabled": true, "permanent": false,
        "rule": "high ports"}]},
    {"id": 12345, "protocol": "tcp", "internal": {"address": "2001:db8::10", "port": 80},
     "external": {"address": "2001:db8::10", "port": 80}, "filters": [
       {"remote": "2001:db8:1::/48", "first_port": 0, "last_port": 65535},
       {"remote": "::/0", "first_port": 1000, "last_port": 2000},
       {"remote": "::/0", "first_port": 0, "last_port": 65535}],
     "remaining_seconds": 3600, "claims": [
       {"frontend": "upnp", "client": "2001:db8::10", "remote": null,
        "description": "\u001b[2Jhidden\u009b\n", "enabled": false, "permanent": true,
        "rule": null}]}
  ])")),
            "ID     PROTOCOL  EXTERNAL           INTERNAL           LEFT      BY             "
            "                                               RULE        ONLY FROM            "
            "                  DESCRIPTION\n"
            "1      udp       203.0.113.1:5000   192.168.1.10:4000  59m 50s   natpmp 192.168."
            "1.10, pcp 192.168.1.10 with [2001:db8::9]:443  high ports                       "
            "                  Spiel “Zwölf”\n"
            "12345  tcp       [2001:db8::10]:80  [2001:db8::10]:80  for good  upnp 2001:db8::"
            "10 (shut)                                                  2001:db8:1::/48, ::/0"
            " ports 1000-2000  ?[2Jhidden??\n");
}

TEST(CtlAnswers, EmptyColumnsAreLeftOut) {
  EXPECT_EQ(ctl::mappings_text(json(R"([
    {"id": 1, "protocol": "udp", "internal": {"address": "192.168.1.10", "port": 4000},
     "external": {"address": "203.0.113.1", "port": 5000}, "remaining_seconds": 59,
     "claims": [{"frontend": "static", "client": "192.168.1.10"}]}])")),
            "ID  PROTOCOL  EXTERNAL          INTERNAL           LEFT  BY\n"
            "1   udp       203.0.113.1:5000  192.168.1.10:4000  59s   static 192.168.1.10\n");
  EXPECT_EQ(ctl::mappings_text(json("[]")), "There are no mappings.\n");
}

TEST(CtlAnswers, GrantedExplanation) {
  EXPECT_EQ(ctl::explanation_text(json(R"({
    "granted": true, "refusal": null, "external_port": 5000, "lifetime_seconds": 3600,
    "existing": 7, "rule": "high ports", "rules": [
      {"name": "guests", "action": "deny", "decides": false, "mismatch": "other_client",
       "external_ports": ""},
      {"name": "web", "action": "allow", "decides": false, "mismatch": null,
       "external_ports": "80, 443"},
      {"name": "high ports", "action": "allow", "decides": true, "mismatch": null,
       "external_ports": "1024-65535"},
      {"name": "again", "action": "deny", "decides": false, "mismatch": null,
       "external_ports": ""},
      {"name": "new", "action": "deny", "decides": false, "mismatch": "full_moon",
       "external_ports": ""}]})")),
            "granted: external port 5000 for 1h, by renewing mapping 7\n"
            "The rule \"high ports\" decides.\n"
            "\n"
            "RULE  ACTION  NAME        WHY\n"
            "1     deny    guests      is for other clients\n"
            "2     allow   web         matches (external ports 80, 443)\n"
            "3     allow   high ports  decides (external ports 1024-65535)\n"
            "4     deny    again       matches, but the rules above leave it nothing\n"
            "5     deny    new         does not match: full_moon\n");
}

TEST(CtlAnswers, RefusedExplanation) {
  EXPECT_EQ(ctl::explanation_text(json(R"({
    "granted": false, "refusal": "not_authorized", "external_port": 0, "lifetime_seconds": 0,
    "existing": null, "rule": null, "rules": []})")),
            "refused: not_authorized\n"
            "No rule decides.\n");
  EXPECT_EQ(ctl::explanation_text(json(R"({
    "granted": true, "external_port": 5000, "lifetime_seconds": 90, "existing": null})")),
            "granted: external port 5000 for 1m 30s, by a new mapping\n"
            "No rule decides.\n");
}

TEST(CtlAnswers, PermanentExplanation) {
  EXPECT_EQ(ctl::explanation_text(json(R"({"granted": true, "external_port": 5000,
                "lifetime_seconds": 0, "permanent": true, "existing": null})")),
            "granted: external port 5000 for good, by a new mapping\nNo rule decides.\n");
}

TEST(CtlAnswers, History) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(ctl::history_text(json(R"([
      {"id": 2, "unix_ms": 1790000000123, "event": "refused", "why": "not_authorized",
       "frontend": "upnp", "client": "192.168.1.10", "protocol": "tcp",
       "internal": "192.168.1.10:22", "external": "22", "rule": "no\u001b[2J ssh"},
      {"id": 1, "unix_ms": 0, "event": "opened"}])")),
            "WHEN                 WHAT     WHY             BY    CLIENT        PROTOCOL  EXTERNAL  "
            "INTERNAL         RULE\n"
            "2026-09-21 14:13:20  refused  not_authorized  upnp  192.168.1.10  tcp       22        "
            "192.168.1.10:22  no?[2J ssh\n"
            "1970-01-01 00:00:00  opened\n");
}

TEST(CtlAnswers, Others) {
  EXPECT_EQ(ctl::added_text("tcp", json(R"({"id": 7, "external": {"address": "203.0.113.1",
                                            "port": 80}})")),
            "added mapping 7: tcp 203.0.113.1:80\n");
  EXPECT_EQ(ctl::reloaded_text(json(R"({"warnings": []})")), "reloaded\n");
  EXPECT_EQ(ctl::reloaded_text(json(R"({"warnings": ["restart to apply wan", 7]})")),
            "reloaded\nwarning: restart to apply wan\n");
  const auto error = json(R"({"error": {"code": "taken", "text": "it is taken"}})");
  EXPECT_EQ(ctl::error_text(error), "it is taken (taken)");
  EXPECT_EQ(ctl::error_code(error), "taken");
}

/// Another program may sit at the socket.
TEST(CtlAnswers, StrangeDocuments) {
  for (const auto* text : {"null", "7", "\"a\"", "[]", "[[]]", "[7]", "{}", R"({"error": "a"})",
                           R"({"error": {"text": 7}})", R"({"rules": 7, "granted": "a"})",
                           R"({"rules": [7], "warnings": {"a": 7}})", R"([{"claims": "a"}])"}) {
    const auto document = json(text);
    EXPECT_EQ(ctl::error_text(document), "posternd answered what cannot be read") << text;
    EXPECT_EQ(ctl::error_code(document), "");
    EXPECT_NE(ctl::mappings_text(document), "");
    EXPECT_NE(ctl::explanation_text(document), "");
    EXPECT_EQ(ctl::reloaded_text(document), "reloaded\n");
    EXPECT_NE(ctl::added_text("tcp", document), "");
  }
}

TEST(CtlAnswers, Times) {
  EXPECT_EQ(ctl::time_text(0), "0s");
  EXPECT_EQ(ctl::time_text(59), "59s");
  EXPECT_EQ(ctl::time_text(60), "1m");
  EXPECT_EQ(ctl::time_text(3599), "59m 59s");
  EXPECT_EQ(ctl::time_text(3601), "1h");
  EXPECT_EQ(ctl::time_text(86400 + 7199), "1d 1h");
  EXPECT_EQ(ctl::time_text(365 * 86400), "365d");
}

TEST(CtlTextTable, Printable) {
  EXPECT_EQ(ctl::printable("a\x1b\x7f\r\nb"), "a????b");
  EXPECT_EQ(ctl::printable("\xc2\x9b"
                           "1m"),
            "?1m");
  EXPECT_EQ(ctl::printable("ä ’ \xc2\xa0 \xc2"), "ä ’ \xc2\xa0 \xc2");
}

}  // namespace
}  // namespace postern::test
