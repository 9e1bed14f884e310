#include "daemon/control_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "daemon/control_json.h"
#include "daemon/http_response.h"

namespace postern {
namespace {

constexpr std::string_view kMappings = "/api/v1/mappings";

enum class Task : std::uint8_t { status, metrics, list, add, remove, explain, reload };

struct Route {
  std::string_view method;
  std::string_view path;
  Task task;
  bool changes = false;
  /// The path goes on with the number of a mapping.
  bool is_of_mapping = false;
};

constexpr std::array kRoutes{
    Route{"GET", "/api/v1/status", Task::status},
    Route{"GET", "/metrics", Task::metrics},
    Route{"GET", kMappings, Task::list},
    Route{"POST", kMappings, Task::add, /*changes=*/true},
    Route{"DELETE", "/api/v1/mappings/", Task::remove, /*changes=*/true, /*is_of_mapping=*/true},
    Route{"POST", "/api/v1/explain", Task::explain},
    Route{"POST", "/api/v1/reload", Task::reload, /*changes=*/true},
};

template <class Number>
[[nodiscard]] std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

[[nodiscard]] std::optional<MappingId> mapping_of(std::string_view path) {
  return number_of<MappingId>(path.substr(path.rfind('/') + 1));
}

[[nodiscard]] bool leads_to(const Route& route, std::string_view path) {
  if (!route.is_of_mapping) return path == route.path;
  return path.starts_with(route.path) && mapping_of(path) &&
         path.find('/', route.path.size()) == std::string_view::npos;
}

/// HEAD is GET without the body.
[[nodiscard]] std::string_view method_of(const HttpRequest& request) {
  return request.method == "HEAD" ? "GET" : std::string_view(request.method);
}

/// Only of a request that was admitted.
[[nodiscard]] const Route* route_of(const HttpRequest& request) {
  const auto path = path_of(request);
  const auto* found = std::ranges::find_if(kRoutes, [&](const Route& route) {
    return route.method == method_of(request) && leads_to(route, path);
  });
  return found == kRoutes.end() ? nullptr : found;
}

/// "GET, HEAD, POST"; "" when nothing is at this path.
[[nodiscard]] std::string methods_at(std::string_view path) {
  std::string methods;
  for (const auto& route : kRoutes) {
    if (!leads_to(route, path)) continue;
    methods += (methods.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") methods += ", HEAD";
  }
  return methods;
}

[[nodiscard]] HttpReply reply_of(int status, std::string text, std::string_view type = kJsonType) {
  HttpReply reply;
  reply.status = status;
  reply.headers = {{"Cache-Control", "no-store"}, {"Content-Type", std::string(type)}};
  reply.body = std::move(text);
  return reply;
}

[[nodiscard]] HttpReply reply_of(const ControlError& error) {
  return reply_of(error.status, json_of(error));
}

[[nodiscard]] ControlError bad_request(std::string text) {
  return {400, "bad_request", std::move(text)};
}

/// "after=7&limit=10", and nothing else.
[[nodiscard]] Result<MappingsQuery, ControlError> query_of(std::string_view target) {
  MappingsQuery query;
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return query;
  for (auto rest = target.substr(mark + 1); !rest.empty();) {
    const auto end = rest.find('&');
    const auto word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const auto equals = std::min(word.find('='), word.size());
    const auto name = word.substr(0, equals);
    const auto value = number_of<std::uint64_t>(word.substr(std::min(equals + 1, word.size())));
    if (name == "after" && value) {
      query.after = *value;
    } else if (name == "limit" && value && *value >= 1 && *value <= MappingsQuery::kMost) {
      query.limit = static_cast<std::size_t>(*value);
    } else {
      return fail(bad_request("the query may have after=ID and limit=1…1000"));
    }
  }
  return query;
}

}  // namespace

ControlApi::ControlApi(ControlActions actions, std::vector<std::uint32_t> administrators)
    : actions_(std::move(actions)), administrators_(std::move(administrators)) {}

std::optional<HttpReply> ControlApi::check(const HttpRequest& request) const {
  const auto admitted = admit(request);
  if (admitted) return std::nullopt;
  auto reply = reply_of(admitted.error());
  if (reply.status == 405) reply.headers.push_back({"Allow", methods_at(path_of(request))});
  return reply;
}

HttpReply ControlApi::answer(const HttpRequest& request) const {
  auto done = act(request);
  auto reply = done ? std::move(*done) : reply_of(done.error());
  reply.token = request.token;
  return reply;
}

HttpReply ControlApi::refusal(int status) {
  // "413 Payload Too Large"
  const auto text = status_text(status);
  std::string code = text.substr(std::min<std::size_t>(4, text.size()));
  std::ranges::transform(code, code.begin(),
                         [](char c) { return c == ' ' ? '_' : static_cast<char>(c | 0x20); });
  return reply_of({status, code, text});
}

Result<void, ControlError> ControlApi::admit(const HttpRequest& request) const {
  const auto path = path_of(request);
  const auto methods = methods_at(path);
  if (methods.empty()) {
    return fail(ControlError{404, "not_found", "there is nothing at this path"});
  }
  const auto* route = route_of(request);
  if (route == nullptr) {
    return fail(ControlError{405, "method_not_allowed", "only " + methods + " is answered here"});
  }
  const bool may_change =
      request.user && std::ranges::find(administrators_, *request.user) != administrators_.end();
  if (route->changes && !may_change) {
    return fail(ControlError{403, "forbidden", "only root and the daemon's own user may do this"});
  }
  const bool can = (route->task != Task::add || actions_.add) &&
                   (route->task != Task::remove || actions_.remove) &&
                   (route->task != Task::explain || actions_.explain) &&
                   (route->task != Task::reload || actions_.reload);
  if (!can) return fail(ControlError{501, "not_implemented", "this daemon cannot do that"});
  return {};
}

Result<HttpReply, ControlError> ControlApi::act(const HttpRequest& request) const {
  switch (route_of(request)->task) {
    case Task::status:
      return reply_of(200, actions_.status());
    case Task::metrics:
      return reply_of(200, actions_.metrics(), kMetricsType);
    case Task::list:
      return list(request);
    case Task::add:
      return add(request);
    case Task::remove:
      return remove(request);
    case Task::explain:
      return explain(request);
    case Task::reload:
      return actions_.reload().map(
          [](const Reloaded& done) { return reply_of(200, json_of(done)); });
  }
  return fail(ControlError{404, "not_found", "there is nothing at this path"});
}

Result<HttpReply, ControlError> ControlApi::list(const HttpRequest& request) const {
  return query_of(request.target).map([&](const MappingsQuery& query) {
    return reply_of(200, actions_.mappings(query));
  });
}

Result<HttpReply, ControlError> ControlApi::add(const HttpRequest& request) const {
  const auto wanted = read_wanted_mapping(request.body);
  if (!wanted) return fail(bad_request(wanted.error()));
  return actions_.add(*wanted).map([](const AddedMapping& added) {
    auto reply = reply_of(201, json_of(added));
    reply.headers.push_back({"Location", std::string(kMappings) + "/" + std::to_string(added.id)});
    return reply;
  });
}

Result<HttpReply, ControlError> ControlApi::remove(const HttpRequest& request) const {
  const auto id = *mapping_of(path_of(request));
  return actions_.remove(id).map(
      [&] { return reply_of(200, R"({"removed":)" + std::to_string(id) + "}"); });
}

Result<HttpReply, ControlError> ControlApi::explain(const HttpRequest& request) const {
  const auto question = read_question(request.body);
  if (!question) return fail(bad_request(question.error()));
  return actions_.explain(*question).map(
      [](const Answer& answer) { return reply_of(200, json_of(answer)); });
}

}  // namespace postern
