#include "daemon/control_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace postern {
namespace {

using testing::HasSubstr;

TEST(ControlJson, ReadsAWantedMapping) {
  const auto wanted = read_wanted_mapping(
      R"({"protocol": "udp", "external_port": 8080, "internal": "192.168.1.10:80",
          "remote": ["198.51.100.0/24", "192.0.2.1"], "description": "web – at home"})");
  ASSERT_TRUE(wanted) << wanted.error();
  EXPECT_EQ(wanted->protocol, Protocol::udp);
  EXPECT_EQ(wanted->external_port, 8080);
  EXPECT_EQ(to_string(wanted->internal), "192.168.1.10:80");
  ASSERT_EQ(wanted->remotes.size(), 2U);
  EXPECT_EQ(wanted->remotes[0].remote.to_string(), "198.51.100.0/24");
  EXPECT_EQ(wanted->remotes[1].remote.to_string(), "192.0.2.1/32");
  EXPECT_EQ(wanted->remotes[1].first_port, 0);
  EXPECT_EQ(wanted->remotes[1].last_port, 65535);
  EXPECT_EQ(wanted->name, "web – at home");
}

TEST(ControlJson, ReadsAPinhole) {
  const auto wanted = read_wanted_mapping(
      R"({"protocol": "tcp", "external_port": 80, "internal": "[2001:db8::10]:80"})");
  ASSERT_TRUE(wanted) << wanted.error();
  EXPECT_EQ(to_string(wanted->internal), "[2001:db8::10]:80");
  EXPECT_TRUE(wanted->remotes.empty());
  EXPECT_EQ(wanted->name, "");
}

/// A good mapping with this key, or without it when the value is empty.
[[nodiscard]] std::string mapping_with(const std::string& key, const std::string& value) {
  nlohmann::json mapping{
      {"protocol", "tcp"}, {"external_port", 8080}, {"internal", "192.168.1.10:80"}};
  mapping.erase(key);
  if (!value.empty()) mapping[key] = nlohmann::json::parse(value);
  return mapping.dump();
}

[[nodiscard]] std::string trouble_with(const std::string& key, const std::string& value) {
  const auto wanted = read_wanted_mapping(mapping_with(key, value));
  EXPECT_FALSE(wanted) << key << " " << value;
  return wanted ? "" : wanted.error();
}

TEST(ControlJson, RefusesWhatIsNoObject) {
  for (const auto* text : {"", "{", "not JSON", "{\"protocol\": tcp}", "\xff"}) {
    EXPECT_EQ(read_wanted_mapping(text).error(), "this is not JSON") << text;
    EXPECT_EQ(read_question(text).error(), "this is not JSON") << text;
  }
  for (const auto* text : {"[]", "7", "null", "\"tcp\""}) {
    EXPECT_EQ(read_wanted_mapping(text).error(), "this is not a JSON object") << text;
  }
  // Deep, and as long as a request may be.
  EXPECT_FALSE(read_wanted_mapping(std::string(65536, '[')));
}

TEST(ControlJson, RefusesUnknownAndMissingKeys) {
  EXPECT_EQ(trouble_with("external", "7"), "\"external\" is not a key that is known here");
  for (const auto* key : {"protocol", "external_port", "internal"}) {
    EXPECT_EQ(trouble_with(key, ""), std::string(key) + " is missing");
  }
  EXPECT_EQ(read_question("{}").error(), "client is missing");
}

TEST(ControlJson, RefusesWrongTypes) {
  for (const auto* value : {"7", "null", "[]", "{}", "true"}) {
    EXPECT_EQ(trouble_with("protocol", value), "protocol is not a text");
    EXPECT_EQ(trouble_with("internal", value), "internal is not a text");
    EXPECT_EQ(trouble_with("description", value), "description is not a text");
  }
  for (const auto* value : {"\"198.51.100.1\"", "[7]", "{\"a\": \"b\"}", "[\"192.0.2.1\", null]"}) {
    EXPECT_EQ(trouble_with("remote", value), "remote is not a list of texts");
  }
  for (const auto* value : {"\"8080\"", "80.0", "null", "-1", "0", "65536", "1e3"}) {
    EXPECT_EQ(trouble_with("external_port", value),
              "external_port is not a whole number from 1 to 65535");
  }
}

TEST(ControlJson, RefusesWrongValues) {
  EXPECT_THAT(trouble_with("protocol", "\"sctp\""), HasSubstr("\"sctp\"; write \"tcp\" or"));
  for (const auto* value : {"192.168.1.10", "192.168.1.10:0", "192.168.1.10:99999", "host:80", "",
                            "0.0.0.0:80", "127.0.0.1:80", "224.0.0.1:80", "255.255.255.255:80",
                            "[::1]:80", "[fe80::1%eth0]:80", "2001:db8::1:80"}) {
    EXPECT_THAT(trouble_with("internal", "\"" + std::string(value) + "\""),
                HasSubstr("write a host's address and port"))
        << value;
  }
  for (const auto* value : {R"(["198.51.100.0/33"])", R"(["anybody"])", R"(["2001:db8::/32"])"}) {
    EXPECT_THAT(trouble_with("remote", value), HasSubstr("write prefixes of the same family"));
  }
  EXPECT_EQ(trouble_with("remote", R"(["192.0.2.1","192.0.2.2","192.0.2.3","192.0.2.4",)"
                                   R"("192.0.2.5","192.0.2.6","192.0.2.7","192.0.2.8",)"
                                   R"("192.0.2.9"])"),
            "remote has more than 8 prefixes");
  EXPECT_THAT(trouble_with("description", R"("two\nlines")"), HasSubstr("control characters"));
  EXPECT_THAT(trouble_with("description", "\"" + std::string(256, 'a') + "\""),
              HasSubstr("longer than 255"));
  EXPECT_THAT(trouble_with("internal", R"("[2001:db8::10]:80")"),
              HasSubstr("external_port is another one than the internal port"));
}

TEST(ControlJson, ReadsAQuestion) {
  const auto question = read_question(
      R"({"client": "192.168.1.10", "frontend": "pcp", "protocol": "udp",
          "internal": "192.168.1.11:4000", "external_port": 5000, "lifetime": 60})");
  ASSERT_TRUE(question) << question.error();
  EXPECT_EQ(question->client.to_string(), "192.168.1.10");
  EXPECT_EQ(question->frontend, "pcp");
  EXPECT_EQ(question->protocol, Protocol::udp);
  EXPECT_EQ(to_string(question->internal), "192.168.1.11:4000");
  EXPECT_EQ(question->external_port, 5000);
  EXPECT_EQ(question->lifetime, Seconds(60));
  const auto shortest =
      read_question(R"({"client": "::2", "protocol": "tcp", "internal": "[::2]:4000"})");
  ASSERT_TRUE(shortest) << shortest.error();
  EXPECT_EQ(shortest->frontend, "pcp") << "NAT-PMP knows no IPv6";
  EXPECT_EQ(shortest->external_port, 0);
  EXPECT_EQ(shortest->lifetime, Seconds(3600));
}

TEST(ControlJson, ReadsOnlyQuestionsThatTheProtocolCanAsk) {
  const auto trouble = [](const std::string& frontend, const std::string& client,
                          const std::string& internal, std::uint64_t lifetime) {
    const auto question = read_question(
        R"({"protocol": "tcp", "frontend": ")" + frontend + R"(", "client": ")" + client +
        R"(", "internal": ")" + internal + R"(", "lifetime": )" + std::to_string(lifetime) + "}");
    return question ? "" : question.error();
  };
  const std::string a = "192.168.1.10";
  const std::string a6 = "2001:db8::10";
  EXPECT_EQ(trouble("natpmp", a, a + ":80", 1), "");
  EXPECT_THAT(trouble("natpmp", a6, "[" + a6 + "]:80", 60), HasSubstr("IPv4 alone"));
  EXPECT_THAT(trouble("natpmp", a, "192.168.1.11:80", 60), HasSubstr("another host"));
  for (const auto* other : {"pcp", "upnp"}) EXPECT_EQ(trouble(other, a, "192.168.1.11:80", 60), "");
  EXPECT_NE(trouble("natpmp", a, a + ":80", 0), "") << "that deletes";
  EXPECT_NE(trouble("pcp", a, a + ":80", 0), "");
  EXPECT_EQ(trouble("upnp", a, a + ":80", 0), "") << "that is for good";
  EXPECT_NE(trouble("upnp", a6, "[" + a6 + "]:80", 0), "");
  EXPECT_EQ(trouble("upnp", a6, "[" + a6 + "]:80", 86400), "");
  EXPECT_NE(trouble("upnp", a6, "[" + a6 + "]:80", 86401), "");
}

TEST(ControlJson, RefusesWrongQuestions) {
  const auto trouble = [](const std::string& more) {
    const auto question =
        read_question(R"({"protocol": "tcp", "internal": "192.168.1.10:80",)" + more + "}");
    return question ? "" : question.error();
  };
  EXPECT_THAT(trouble(R"("client": "a")"), HasSubstr("write a host's address"));
  EXPECT_THAT(trouble(R"("client": "0.0.0.0")"), HasSubstr("write a host's address"));
  EXPECT_THAT(trouble(R"("client": "2001:db8::1")"), HasSubstr("another address family"));
  EXPECT_THAT(trouble(R"("client": "192.168.1.10", "frontend": "static")"),
              HasSubstr(R"(write one of "natpmp", "pcp", "upnp")"));
  EXPECT_THAT(trouble(R"("client": "192.168.1.10", "lifetime": 0)"),
              HasSubstr("from 1 to 4294967295"));
  EXPECT_THAT(trouble(R"("client": "192.168.1.10", "why": 1)"), HasSubstr("\"why\" is not a key"));
}

TEST(ControlJson, WritesAnExplanation) {
  Answer answer;
  answer.external_port = 5000;
  answer.lifetime = Seconds(60);
  answer.existing = 7;
  answer.rules = {{"guests", false, false, "other_client", ""},
                  {"all \xff", true, true, "", "1024-65535"}};
  EXPECT_EQ(
      json_of(answer),
      R"({"schema":"postern.explanation/1","granted":true,"refusal":null,)"
      R"("external_port":5000,"lifetime_seconds":60,"permanent":false,"existing":7,"rule":"all �","rules":[)"
      R"({"name":"guests","action":"deny","decides":false,"mismatch":"other_client",)"
      R"("external_ports":""},)"
      R"({"name":"all �","action":"allow","decides":true,"mismatch":null,)"
      R"("external_ports":"1024-65535"}]})");
  Answer refused;
  refused.refusal = to_string(MapError::not_authorized);
  EXPECT_EQ(json_of(refused),
            R"({"schema":"postern.explanation/1","granted":false,"refusal":"not_authorized",)"
            R"("external_port":0,"lifetime_seconds":0,"permanent":false,"existing":null,)"
            R"("rule":null,"rules":[]})");
}

TEST(ControlJson, WritesTheOtherReplies) {
  EXPECT_EQ(json_of(AddedMapping{7, {Address::v4({203, 0, 113, 1}), 80}}, {"the disk is full"}),
            R"({"id":7,"external":{"address":"203.0.113.1","port":80},)"
            R"("warnings":["the disk is full"]})");
  EXPECT_EQ(json_of(MappingId{7}, {}), R"({"removed":7,"warnings":[]})");
  EXPECT_EQ(json_of(Reloaded{{"restart to apply wan"}}),
            R"({"warnings":["restart to apply wan"]})");
  EXPECT_EQ(json_of(ControlError{409, "taken", "it \"is\""}),
            R"({"error":{"code":"taken","text":"it \"is\""}})");
}

}  // namespace
}  // namespace postern
