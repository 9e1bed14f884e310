#include "ctl/operator_commands.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ctl/commands.h"
#include "tests/support/fake_daemon.h"

namespace postern::test {
namespace {

using ctl::ExitCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Ran {
  ExitCode code;
  std::string out;
  std::string errors;
};

[[nodiscard]] Ran run(std::vector<std::string> words) {
  words.insert(words.begin(), "posternctl");
  std::vector<const char*> arguments;
  for (const auto& word : words) arguments.push_back(word.c_str());
  std::ostringstream out;
  std::ostringstream errors;
  const auto code = ctl::run(arguments, out, errors);
  return {code, out.str(), errors.str()};
}

/// The command against a daemon that answers this.
[[nodiscard]] Ran run_against(FakeDaemon& daemon, std::vector<std::string> words) {
  words.insert(words.end(), {"--socket", daemon.socket_file()});
  return run(std::move(words));
}

[[nodiscard]] nlohmann::json body_of(const std::string& request) {
  return nlohmann::json::parse(request.substr(request.find("\r\n\r\n") + 4));
}

TEST(OperatorCommands, ListReadsAllPages) {
  const std::string mapping = R"("protocol": "udp", "remaining_seconds": 60, "claims": [],)"
                              R"("external": {"address": "203.0.113.1", "port": 5000},)"
                              R"("internal": {"address": "192.168.1.10", "port": 4000})";
  const auto page = [&](const std::string& id, const std::string& next) {
    return FakeDaemon::response(
        200, R"({"mappings": [{"id": )" + id + "," + mapping + R"(}], "next": )" + next + "}");
  };
  for (const bool wants_json : {false, true}) {
    FakeDaemon daemon({page("3", "3"), page("5", "null")});
    const auto ran = run_against(daemon, wants_json ? std::vector<std::string>{"list", "--json"}
                                                    : std::vector<std::string>{"list"});
    EXPECT_EQ(ran.code, ExitCode::success) << ran.errors;
    if (wants_json) {
      const auto document = nlohmann::json::parse(ran.out);
      EXPECT_EQ(document["mappings"].size(), 2U);
      EXPECT_EQ(document["mappings"][1]["id"], 5);
    } else {
      EXPECT_EQ(ran.out,
                "ID  PROTOCOL  EXTERNAL          INTERNAL           LEFT\n"
                "3   udp       203.0.113.1:5000  192.168.1.10:4000  1m\n"
                "5   udp       203.0.113.1:5000  192.168.1.10:4000  1m\n");
    }
    EXPECT_THAT(daemon.requests(),
                ElementsAre(StartsWith("GET /api/v1/mappings HTTP/1.1\r\nHost: localhost\r\n"),
                            StartsWith("GET /api/v1/mappings?after=3 HTTP/1.1\r\n")));
  }
}

TEST(OperatorCommands, ListEndsWhateverTheServerSays) {
  const auto same = FakeDaemon::response(200, R"({"mappings": [], "next": 3})");
  FakeDaemon daemon({same, same, same});
  EXPECT_EQ(run_against(daemon, {"list"}).out, "There are no mappings.\n");
  EXPECT_EQ(daemon.requests().size(), 2U);
}

TEST(OperatorCommands, Add) {
  FakeDaemon daemon({FakeDaemon::response(
      201, R"({"id": 7, "external": {"address": "203.0.113.1", "port": 8080}})")});
  const auto ran =
      run_against(daemon, {"add", "tcp", "8080", "192.168.1.10:80", "--remote", "198.51.100.0/24",
                           "--remote", "192.0.2.1", "--description", "web \"server\""});
  EXPECT_EQ(ran.code, ExitCode::success) << ran.errors;
  EXPECT_EQ(ran.out, "added mapping 7: tcp 203.0.113.1:8080\n");
  ASSERT_EQ(daemon.requests().size(), 1U);
  EXPECT_THAT(daemon.requests()[0], StartsWith("POST /api/v1/mappings HTTP/1.1\r\n"));
  EXPECT_EQ(body_of(daemon.requests()[0]), nlohmann::json::parse(R"(
      {"protocol": "tcp", "external_port": 8080, "internal": "192.168.1.10:80",
       "remote": ["198.51.100.0/24", "192.0.2.1"], "description": "web \"server\""})"));
}

TEST(OperatorCommands, Delete) {
  FakeDaemon daemon({FakeDaemon::response(200, R"({"removed": 7})")});
  const auto ran = run_against(daemon, {"delete", "7"});
  EXPECT_EQ(ran.code, ExitCode::success) << ran.errors;
  EXPECT_EQ(ran.out, "deleted mapping 7\n");
  EXPECT_THAT(daemon.requests(), ElementsAre(StartsWith("DELETE /api/v1/mappings/7 HTTP/1.1\r\n")));
}

TEST(OperatorCommands, Explain) {
  const auto granted = FakeDaemon::response(
      200, R"({"granted": true, "external_port": 5000, "lifetime_seconds": 60, "rules": []})");
  FakeDaemon daemon({granted, granted, granted});
  const auto ran = run_against(daemon, {"explain", "192.168.1.10", "udp", "4000"});
  EXPECT_EQ(ran.code, ExitCode::success) << ran.errors;
  EXPECT_THAT(ran.out, StartsWith("granted: external port 5000 for 1m, by a new mapping\n"));
  EXPECT_EQ(run_against(daemon, {"explain", "2001:db8::10", "tcp", "80", "--frontend", "pcp",
                                 "--external", "81", "--lifetime", "60"})
                .code,
            ExitCode::success);
  EXPECT_EQ(run_against(daemon, {"explain", "192.168.1.10", "tcp", "80", "--internal-address",
                                 "192.168.1.11", "--json"})
                .out.substr(0, 2),
            "{\n");
  ASSERT_EQ(daemon.requests().size(), 3U);
  EXPECT_EQ(body_of(daemon.requests()[0]), nlohmann::json::parse(R"(
      {"client": "192.168.1.10", "protocol": "udp",
       "internal": "192.168.1.10:4000", "external_port": 0, "lifetime": 3600})"));
  EXPECT_EQ(body_of(daemon.requests()[1]), nlohmann::json::parse(R"(
      {"client": "2001:db8::10", "frontend": "pcp", "protocol": "tcp",
       "internal": "[2001:db8::10]:80", "external_port": 81, "lifetime": 60})"));
  EXPECT_EQ(body_of(daemon.requests()[2])["internal"], "192.168.1.11:80");
}

TEST(OperatorCommands, WhatIsNotKeptIsSaid) {
  const std::string warnings = R"("warnings": ["the disk is full"]})";
  FakeDaemon daemon({FakeDaemon::response(201, R"({"id": 7, "external": {"address": "203.0.113.1",
                                                  "port": 8080}, )" +
                                                   warnings),
                     FakeDaemon::response(200, R"({"removed": 7, )" + warnings)});
  EXPECT_EQ(run_against(daemon, {"add", "tcp", "8080", "192.168.1.10:80"}).out,
            "added mapping 7: tcp 203.0.113.1:8080\nwarning: the disk is full\n");
  EXPECT_EQ(run_against(daemon, {"delete", "7"}).out,
            "deleted mapping 7\nwarning: the disk is full\n");
}

TEST(OperatorCommands, HistoryReadsAsMuchAsIsWanted) {
  const auto page = [](int count, const std::string& next) {
    std::string entries;
    for (int i = 0; i < count; ++i) entries += (i > 0 ? "," : "") + std::string("{}");
    return FakeDaemon::response(200, R"({"entries": [)" + entries + R"(], "next": )" + next + "}");
  };
  {
    FakeDaemon daemon({page(1000, "77"), page(1, "null")});
    const auto ran = run_against(daemon, {"history", "--limit", "1500", "--json"});
    EXPECT_EQ(ran.code, ExitCode::success) << ran.errors;
    EXPECT_EQ(nlohmann::json::parse(ran.out)["entries"].size(), 1001U);
    EXPECT_THAT(daemon.requests(),
                ElementsAre(StartsWith("GET /api/v1/history?limit=1000 HTTP"),
                            StartsWith("GET /api/v1/history?limit=500&before=77 HTTP")));
  }
  FakeDaemon daemon({page(0, "null")});
  const auto ran = run_against(daemon, {"history", "--client", "2001:DB8::1", "--kind", "refused"});
  EXPECT_EQ(ran.out, "There is no such entry in the history.\n");
  EXPECT_THAT(
      daemon.requests(),
      ElementsAre(StartsWith("GET /api/v1/history?limit=50&client=2001:db8::1&kind=refused HTTP")));
}

TEST(OperatorCommands, HistoryTellsWhyThereIsNone) {
  FakeDaemon daemon({FakeDaemon::response(
      409, R"({"error": {"code": "no_history", "text": "there is no history: store is none"}})")});
  const auto ran = run_against(daemon, {"history"});
  EXPECT_EQ(ran.code, ExitCode::failure);
  EXPECT_THAT(ran.errors, HasSubstr("store is none (no_history)"));
}

TEST(OperatorCommands, Reload) {
  FakeDaemon daemon({FakeDaemon::response(200, R"({"warnings": ["restart to apply wan"]})")});
  const auto ran = run_against(daemon, {"reload"});
  EXPECT_EQ(ran.code, ExitCode::success) << ran.errors;
  EXPECT_EQ(ran.out, "reloaded\nwarning: restart to apply wan\n");
  EXPECT_THAT(daemon.requests(), ElementsAre(StartsWith("POST /api/v1/reload HTTP/1.1\r\n")));
}

TEST(OperatorCommands, TheDaemonsErrorsAreToldWithTheirExitCodes) {
  struct Case {
    int status;
    const char* code;
    ExitCode exit_code;
  };
  for (const auto& [status, code, exit_code] :
       {Case{409, "external_port_taken", ExitCode::failure},
        Case{404, "no_such_mapping", ExitCode::failure},
        Case{501, "not_implemented", ExitCode::failure},
        Case{403, "not_authorized", ExitCode::failure},
        Case{403, "forbidden", ExitCode::no_privilege}, Case{400, "bad_request", ExitCode::usage},
        Case{409, "bad_configuration", ExitCode::bad_configuration}}) {
    FakeDaemon daemon({FakeDaemon::response(
        status, R"({"error": {"code": ")" + std::string(code) + R"(", "text": "words"}})")});
    const auto ran = run_against(daemon, {"reload"});
    EXPECT_EQ(ran.code, exit_code) << code;
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.errors, "posternctl: words (" + std::string(code) + ")\n");
  }
}

TEST(OperatorCommands, WhatIsNoDaemonIsTold) {
  for (const auto& response :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string("HTTP/1.1 200 OK\r\n\r\n{}"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"),
        std::string("HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}")}) {
    FakeDaemon daemon({response});
    const auto ran = run_against(daemon, {"list"});
    EXPECT_EQ(ran.code, ExitCode::failure);
    EXPECT_THAT(ran.errors, HasSubstr("what answers there is not posternd")) << response;
  }
  FakeDaemon daemon({FakeDaemon::response(200, "hello")});
  EXPECT_THAT(run_against(daemon, {"list"}).errors, HasSubstr("cannot be read"));
}

TEST(OperatorCommands, ADaemonThatEndsWithoutAnAnswerIsNoStranger) {
  FakeDaemon daemon({""});
  const auto ran = run_against(daemon, {"delete", "7"});
  EXPECT_EQ(ran.code, ExitCode::failure);
  EXPECT_THAT(ran.errors, HasSubstr("ended the connection without an answer"));
  EXPECT_THAT(ran.errors, HasSubstr("posternctl list tells"));
}

TEST(OperatorCommands, NoDaemon) {
  const auto ran = run({"list", "--socket", "/nowhere/control.sock"});
  EXPECT_EQ(ran.code, ExitCode::failure);
  EXPECT_EQ(ran.errors,
            "posternctl: posternd does not run, or has another runtime_dir "
            "(/nowhere/control.sock: No such file or directory)\n");
  EXPECT_THAT(run({"list", "--socket", "/" + std::string(200, 'a')}).errors,
              HasSubstr("name too long"));
}

TEST(OperatorCommands, TheConfigurationSaysWhereTheDaemonIs) {
  FakeDaemon daemon({FakeDaemon::response(200, R"({"mappings": [], "next": null})")});
  const auto file = daemon.directory() + "/postern.toml";
  std::ofstream(file) << "runtime_dir = \"" << daemon.directory() << "\"\n";
  const auto ran = run({"list", "--config", file});
  EXPECT_EQ(ran.code, ExitCode::success) << ran.errors;
  EXPECT_EQ(ran.out, "There are no mappings.\n");
  EXPECT_EQ(run({"list", "--config", file + ".not"}).code, ExitCode::bad_configuration);
}

TEST(OperatorCommands, Usage) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"list", "more"},
           {"add"},
           {"add", "sctp", "80", "192.168.1.10:80"},
           {"add", "tcp", "0", "192.168.1.10:80"},
           {"add", "tcp", "65536", "192.168.1.10:80"},
           {"add", "tcp", "80"},
           {"delete"},
           {"delete", "seven"},
           {"delete", "-7"},
           {"explain", "192.168.1.10", "tcp"},
           {"explain", "192.168.1.10", "tcp", "80", "--frontend", "static"},
           {"explain", "192.168.1.10", "tcp", "80", "--lifetime", "-1"},
           {"history", "--limit", "0"},
           {"history", "--kind", "extended"},
           {"history", "--client", "x HTTP/1.1"},
           {"reload", "now"}}) {
    const auto ran = run(words);
    EXPECT_EQ(ran.code, ExitCode::usage) << testing::PrintToString(words);
    EXPECT_THAT(ran.out, IsEmpty());
  }
}

TEST(OperatorCommands, Help) {
  for (const auto* word : {"list", "history", "add", "delete", "explain", "reload"}) {
    const auto ran = run({word, "--help"});
    EXPECT_EQ(ran.code, ExitCode::success);
    EXPECT_THAT(ran.out, HasSubstr("--socket"));
    EXPECT_THAT(ran.out, HasSubstr("--json"));
    EXPECT_THAT(ran.out, HasSubstr("Exit codes: 0 "));
  }
}

}  // namespace
}  // namespace postern::test
