#include "daemon/control_api.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace postern {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t kAdministrator = 1234;
constexpr std::uint32_t kStranger = 1235;

[[nodiscard]] HttpRequest request(const std::string& method, const std::string& target,
                                  const std::string& body = "") {
  HttpRequest request;
  request.token = 42;
  request.method = method;
  request.target = target;
  request.body = body;
  request.user = kAdministrator;
  return request;
}

class ControlApiTest : public testing::Test {
 protected:
  /// As the server does it.
  [[nodiscard]] HttpReply ask(const HttpRequest& request) const {
    if (const auto refusal = api_.check(request)) return *refusal;
    HttpReply reply;
    api_.answer(request, [&](const HttpReply& told) { reply = told; });
    EXPECT_EQ(reply.token, request.token);
    return reply;
  }
  [[nodiscard]] HttpReply ask(const std::string& method, const std::string& target,
                              const std::string& body = "") const {
    return ask(request(method, target, body));
  }
  [[nodiscard]] static std::string code_of(const HttpReply& reply) {
    return nlohmann::json::parse(reply.body)["error"]["code"];
  }
  [[nodiscard]] static std::string text_of(const HttpReply& reply) {
    return nlohmann::json::parse(reply.body)["error"]["text"];
  }
  [[nodiscard]] static std::string header_of(const HttpReply& reply, const std::string& name) {
    for (const auto& header : reply.headers) {
      if (header.name == name) return header.value;
    }
    return "";
  }
  [[nodiscard]] ControlActions actions() {
    ControlActions actions;
    actions.status = [] { return std::string(R"({"schema":"status"})"); };
    actions.metrics = [] { return std::string("up 1\n"); };
    actions.mappings = [this](const MappingsQuery& query) {
      done_.push_back("list " + std::to_string(query.after) + " " + std::to_string(query.limit));
      return std::string("{}");
    };
    actions.add = [this](const StaticMapping& wanted) -> Result<AddedMapping, ControlError> {
      done_.push_back("add " + to_string(wanted.internal));
      if (error_) return fail(*error_);
      return AddedMapping{7, {Address::v4({203, 0, 113, 1}), wanted.external_port}};
    };
    actions.remove = [this](MappingId id) -> Result<void, ControlError> {
      done_.push_back("remove " + std::to_string(id));
      if (error_) return fail(*error_);
      return {};
    };
    actions.explain = [this](const Question& question) -> Result<Answer, ControlError> {
      done_.push_back("explain " + to_string(question.internal));
      return Answer{};
    };
    actions.reload = [this]() -> Result<Reloaded, ControlError> {
      done_.push_back("reload");
      if (error_) return fail(*error_);
      return Reloaded{{"restart to apply wan"}};
    };
    actions.history = [this](const HistoryQuery& query, Told<std::vector<HistoryEntry>> told) {
      done_.push_back("history " + std::to_string(query.limit) + " " + query.client + " " +
                      query.event);
      history_query_ = query;
      history_ = std::move(told);
    };
    return actions;
  }

  std::vector<std::string> done_;
  std::optional<ControlError> error_;
  HistoryQuery history_query_;
  /// Tells what was last asked.
  Told<std::vector<HistoryEntry>> history_;
  ControlApi api_{actions(), {0, kAdministrator}};
};

constexpr const char* kMapping =
    R"({"protocol": "tcp", "external_port": 8080, "internal": "192.168.1.10:80"})";
constexpr const char* kQuestion =
    R"({"client": "192.168.1.10", "protocol": "tcp", "internal": "192.168.1.10:80"})";

TEST_F(ControlApiTest, TellsTheMetrics) {
  const auto reply = ask("GET", "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header_of(reply, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(reply.body, "up 1\n");
}

TEST_F(ControlApiTest, ShowsTheStatus) {
  for (const auto* method : {"GET", "HEAD"}) {
    const auto reply = ask(method, "/api/v1/status?x=1");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, R"({"schema":"status"})");
    EXPECT_EQ(header_of(reply, "Content-Type"), "application/json");
    EXPECT_EQ(header_of(reply, "Cache-Control"), "no-store");
  }
}

TEST_F(ControlApiTest, ListsAPage) {
  EXPECT_EQ(ask("GET", "/api/v1/mappings").status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/mappings?").status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/mappings?limit=10&after=7").status, 200);
  EXPECT_THAT(done_, ElementsAre("list 0 1000", "list 0 1000", "list 7 10"));
  for (const auto* query : {"after", "after=", "after=x", "after=-1", "after=7x", "limit=0",
                            "limit=1001", "before=7", "=", "after=99999999999999999999"}) {
    const auto reply = ask("GET", std::string("/api/v1/mappings?") + query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(code_of(reply), "bad_request");
  }
  EXPECT_EQ(done_.size(), 3U);
}

TEST_F(ControlApiTest, AddsAMapping) {
  const auto reply = ask("POST", "/api/v1/mappings", kMapping);
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(header_of(reply, "Location"), "/api/v1/mappings/7");
  EXPECT_EQ(nlohmann::json::parse(reply.body)["external"]["port"], 8080);
  EXPECT_THAT(done_, ElementsAre("add 192.168.1.10:80"));
}

TEST_F(ControlApiTest, TellsWhyItWasNotAdded) {
  error_ = control_error(MapError::external_port_taken);
  const auto reply = ask("POST", "/api/v1/mappings", kMapping);
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(code_of(reply), "external_port_taken");
  EXPECT_THAT(text_of(reply), HasSubstr("taken"));
}

TEST_F(ControlApiTest, RefusesBadBodiesBeforeAnythingIsDone) {
  for (const auto* path : {"/api/v1/mappings", "/api/v1/explain"}) {
    for (const auto* body : {"", "{", "[]", "{}", R"({"protocol": 6})", R"({"port": 1})"}) {
      const auto reply = ask("POST", path, body);
      EXPECT_EQ(reply.status, 400) << path << " " << body;
      EXPECT_EQ(code_of(reply), "bad_request");
    }
  }
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(ControlApiTest, RemovesAMapping) {
  const auto reply = ask("DELETE", "/api/v1/mappings/18446744073709551615");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"removed":18446744073709551615,"warnings":[]})");
  error_ = no_such_mapping(8);
  const auto gone = ask("DELETE", "/api/v1/mappings/8");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(code_of(gone), "no_such_mapping");
  EXPECT_THAT(done_, ElementsAre("remove 18446744073709551615", "remove 8"));
}

TEST_F(ControlApiTest, AnswersWhenWhatWasDoneIsKept) {
  std::function<void(Kept)> tell;
  auto held = actions();
  held.when_kept = [&](std::function<void(Kept)> wanted) { tell = std::move(wanted); };
  const ControlApi api(held, {kAdministrator});
  const auto warnings_of = [&](const HttpRequest& request, Kept kept, int status) {
    std::optional<HttpReply> reply;
    api.answer(request, [&](const HttpReply& told) { reply = told; });
    EXPECT_FALSE(reply) << "nobody knows yet";
    tell(kept);
    EXPECT_TRUE(reply);
    EXPECT_EQ(reply->status, status);
    EXPECT_EQ(reply->token, request.token);
    return nlohmann::json::parse(reply->body)["warnings"];
  };
  const auto add = request("POST", "/api/v1/mappings", kMapping);
  const auto remove = request("DELETE", "/api/v1/mappings/7");
  EXPECT_THAT(warnings_of(add, Kept::on_disk, 201), IsEmpty());
  EXPECT_THAT(warnings_of(add, Kept::not_yet, 201)[0], HasSubstr("not taken it yet"));
  EXPECT_THAT(warnings_of(add, Kept::in_memory_only, 201)[0], HasSubstr("will not outlive"));
  EXPECT_THAT(warnings_of(add, Kept::not_kept, 201)[0], HasSubstr("will not outlive"));
  EXPECT_THAT(warnings_of(remove, Kept::on_disk, 200), IsEmpty());
  EXPECT_THAT(warnings_of(remove, Kept::not_yet, 200)[0], HasSubstr("not taken it yet"));
  EXPECT_THAT(warnings_of(remove, Kept::in_memory_only, 200)[0], HasSubstr("may be there again"));
  EXPECT_THAT(warnings_of(remove, Kept::not_kept, 200), IsEmpty()) << "nothing can come back";
}

TEST_F(ControlApiTest, WhatWasNotDoneIsToldAtOnce) {
  error_ = control_error(MapError::external_port_taken);
  auto held = actions();
  held.when_kept = [](const std::function<void(Kept)>&) { ADD_FAILURE() << "there is nothing"; };
  api_ = ControlApi(held, {kAdministrator});
  EXPECT_EQ(ask("POST", "/api/v1/mappings", kMapping).status, 409);
  EXPECT_EQ(ask("DELETE", "/api/v1/mappings/7").status, 409);
}

TEST_F(ControlApiTest, ReadsTheHistoryAndAnswersLater) {
  std::optional<HttpReply> reply;
  const auto asked =
      request("GET", "/api/v1/history?limit=2&before=9&client=2001:DB8::1&kind=moved");
  ASSERT_FALSE(api_.check(asked));
  api_.answer(asked, [&](const HttpReply& told) { reply = told; });
  EXPECT_FALSE(reply);
  EXPECT_THAT(done_, ElementsAre("history 2 2001:db8::1 moved"));
  EXPECT_EQ(history_query_.before, 9);
  HistoryEntry entry{8, 1000, "moved", "asked", "pcp", "2001:db8::1", "udp", "a", "b", "all"};
  HistoryEntry older = entry;
  older.id = 5;
  history_(std::vector{entry, older});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->token, asked.token);
  const auto document = nlohmann::json::parse(reply->body);
  EXPECT_EQ(document["schema"], "postern.history/1");
  EXPECT_EQ(document["next"], 5);
  EXPECT_EQ(document["entries"][0],
            nlohmann::json::parse(R"({"id": 8, "unix_ms": 1000, "event": "moved", "why": "asked",
                "frontend": "pcp", "client": "2001:db8::1", "protocol": "udp", "internal": "a",
                "external": "b", "rule": "all"})"));
  history_(std::vector{entry});
  EXPECT_EQ(nlohmann::json::parse(reply->body)["next"], nullptr) << "that was the last page";
  history_(fail(ControlError{409, "no_history", "there is no history"}));
  EXPECT_EQ(reply->status, 409);
  EXPECT_EQ(code_of(*reply), "no_history");
}

TEST_F(ControlApiTest, RefusesWhatIsNoQuestionAboutTheHistory) {
  for (const auto* query : {"limit=0", "limit=1001", "limit=x", "before=0", "before=-7", "client=x",
                            "client=", "kind=extended", "kind=", "after=7", "limit"}) {
    const auto reply = ask("GET", std::string("/api/v1/history?") + query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(code_of(reply), "bad_request");
  }
  EXPECT_THAT(done_, IsEmpty());
  api_.answer(request("GET", "/api/v1/history"), [](const HttpReply&) {});
  EXPECT_EQ(history_query_.limit, 100U);
}

TEST_F(ControlApiTest, Explains) {
  const auto reply = ask("POST", "/api/v1/explain", kQuestion);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(nlohmann::json::parse(reply.body)["schema"], "postern.explanation/1");
  EXPECT_THAT(done_, ElementsAre("explain 192.168.1.10:80"));
}

TEST_F(ControlApiTest, Reloads) {
  const auto reply = ask("POST", "/api/v1/reload");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"warnings":["restart to apply wan"]})");
  error_ = ControlError{409, "bad_configuration", "postern.toml:7: wan is not a text"};
  const auto bad = ask("POST", "/api/v1/reload");
  EXPECT_EQ(bad.status, 409);
  EXPECT_EQ(text_of(bad), error_->text);
}

TEST_F(ControlApiTest, NothingIsAtOtherPaths) {
  for (const auto* path : {"/", "/api/v1", "/api/v1/mappings/", "/api/v1/mappings/x",
                           "/api/v1/mappings/7/8", "/api/v1/mappings/-7", "/api/v1/mappings/7x",
                           "/api/v1/mappings/18446744073709551616", "/api/v1/statu", "*"}) {
    for (const auto* method : {"GET", "POST", "DELETE"}) {
      const auto reply = ask(method, path);
      EXPECT_EQ(reply.status, 404) << method << " " << path;
      EXPECT_EQ(code_of(reply), "not_found");
    }
  }
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(ControlApiTest, NamesTheMethodsOfAPath) {
  const auto allowed = [&](const std::string& method, const std::string& path) {
    const auto reply = ask(method, path);
    EXPECT_EQ(reply.status, 405) << method << " " << path;
    EXPECT_EQ(code_of(reply), "method_not_allowed");
    return header_of(reply, "Allow");
  };
  EXPECT_EQ(allowed("POST", "/api/v1/status"), "GET, HEAD");
  EXPECT_EQ(allowed("DELETE", "/api/v1/mappings"), "GET, HEAD, POST");
  EXPECT_EQ(allowed("get", "/api/v1/mappings"), "GET, HEAD, POST");
  EXPECT_EQ(allowed("GET", "/api/v1/mappings/7"), "DELETE");
  EXPECT_EQ(allowed("GET", "/api/v1/reload"), "POST");
  EXPECT_EQ(allowed("PUT", "/api/v1/explain"), "POST");
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(ControlApiTest, StrangersMayLookAndChangeNothing) {
  for (const std::optional<std::uint32_t> user : {std::optional(kStranger), {}}) {
    const auto as_stranger = [&](const std::string& method, const std::string& target,
                                 const std::string& body = "") {
      auto asked = request(method, target, body);
      asked.user = user;
      return ask(asked);
    };
    for (const auto& reply :
         {as_stranger("POST", "/api/v1/mappings", kMapping),
          as_stranger("DELETE", "/api/v1/mappings/7"), as_stranger("POST", "/api/v1/reload")}) {
      EXPECT_EQ(reply.status, 403);
      EXPECT_EQ(code_of(reply), "forbidden");
    }
    EXPECT_EQ(as_stranger("GET", "/api/v1/status").status, 200);
    EXPECT_EQ(as_stranger("POST", "/api/v1/explain", kQuestion).status, 200);
  }
  EXPECT_THAT(done_, ElementsAre("explain 192.168.1.10:80", "explain 192.168.1.10:80"));
  auto root = request("POST", "/api/v1/reload");
  root.user = 0;
  EXPECT_EQ(ask(root).status, 200);
}

TEST_F(ControlApiTest, SaysWhatThisDaemonCannotDo) {
  ControlActions few;
  few.status = actions().status;
  api_ = ControlApi(few, {kAdministrator});
  for (const auto& reply :
       {ask("POST", "/api/v1/mappings", kMapping), ask("DELETE", "/api/v1/mappings/7"),
        ask("POST", "/api/v1/explain", kQuestion), ask("POST", "/api/v1/reload"),
        ask("GET", "/api/v1/history")}) {
    EXPECT_EQ(reply.status, 501);
    EXPECT_EQ(code_of(reply), "not_implemented");
  }
}

TEST_F(ControlApiTest, TellsWhatIsNoRequest) {
  const auto reply = ControlApi::refusal(400);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, R"({"error":{"code":"bad_request","text":"400 Bad Request"}})");
}

TEST(ControlErrors, EveryReasonHasAStatusAndAText) {
  for (int i = 0; i <= static_cast<int>(MapError::backend_refused); ++i) {
    const auto error = control_error(static_cast<MapError>(i));
    EXPECT_GE(error.status, 400);
    EXPECT_EQ(error.code, to_string(static_cast<MapError>(i)));
    EXPECT_NE(error.text, "");
  }
}

}  // namespace
}  // namespace postern
