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

enum class Task : std::uint8_t { status, metrics, list, history, add, remove, explain, reload };

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
    Route{"GET", "/api/v1/history", Task::history},
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

/// Calls `take` with the name and the value of each word of "after=7&limit=10", until it returns
/// false; whether it never did.
template <class Take>
[[nodiscard]] bool read_query(std::string_view target, Take take) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return true;
  for (auto rest = target.substr(mark + 1); !rest.empty();) {
    const auto end = rest.find('&');
    const auto word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const auto equals = std::min(word.find('='), word.size());
    if (!take(word.substr(0, equals), word.substr(std::min(equals + 1, word.size())))) return false;
  }
  return true;
}

[[nodiscard]] Result<MappingsQuery, ControlError> mappings_query_of(std::string_view target) {
  MappingsQuery query;
  const bool is_good = read_query(target, [&](std::string_view name, std::string_view text) {
    const auto value = number_of<std::uint64_t>(text);
    if (name == "after" && value) {
      query.after = *value;
    } else if (name == "limit" && value && *value >= 1 && *value <= MappingsQuery::kMost) {
      query.limit = static_cast<std::size_t>(*value);
    } else {
      return false;
    }
    return true;
  });
  if (!is_good) return fail(bad_request("the query may have after=ID and limit=1…1000"));
  return query;
}

[[nodiscard]] Result<HistoryQuery, ControlError> history_query_of(std::string_view target) {
  HistoryQuery query;
  const bool is_good = read_query(target, [&](std::string_view name, std::string_view text) {
    const auto client = Address::parse(text);
    const auto value = number_of<std::int64_t>(text);
    if (name == "limit" && value && *value >= 1 && *value <= HistoryQuery::kMost) {
      query.limit = static_cast<std::uint32_t>(*value);
    } else if (name == "before" && value && *value >= 1) {
      query.before = *value;
    } else if (name == "client" && client) {
      query.client = client->to_string();
    } else if (name == "kind" &&
               std::ranges::find(HistoryQuery::kEvents, text) != HistoryQuery::kEvents.end()) {
      query.event = text;
    } else {
      return false;
    }
    return true;
  });
  if (is_good) return query;
  return fail(
      bad_request("the query may have limit=1…1000, before=ID, client=ADDRESS and kind=opened, "
                  "moved, closed or refused"));
}

/// Why a mapping that is there may not be there after a restart.
[[nodiscard]] std::vector<std::string> warnings_of_added(Kept kept) {
  switch (kept) {
    case Kept::on_disk:
      return {};
    case Kept::not_yet:
      return {
          "the disk is slow and has not taken it yet: until it has, the mapping will not outlive "
          "posternd"};
    case Kept::in_memory_only:
      return {
          "the disk takes nothing at the moment (see the status): unless that changes, the "
          "mapping will not outlive posternd"};
    case Kept::not_kept:
      return {
          "nothing is kept (see store in the configuration and the log): the mapping will not "
          "outlive posternd"};
  }
  return {};
}

/// The same the other way round. What is not kept does not come back.
[[nodiscard]] std::vector<std::string> warnings_of_removed(Kept kept) {
  if (kept == Kept::not_yet) {
    return {
        "the disk is slow and has not taken it yet: until it has, the mapping may be there again "
        "after a restart"};
  }
  if (kept != Kept::in_memory_only) return {};
  return {
      "the disk takes nothing at the moment (see the status): unless that changes, the mapping "
      "may be there again after a restart"};
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

void ControlApi::answer(const HttpRequest& request,
                        const std::function<void(const HttpReply&)>& tell) const {
  act(request, [token = request.token, tell](Result<HttpReply, ControlError> done) {
    auto reply = done ? std::move(*done) : reply_of(done.error());
    reply.token = token;
    tell(reply);
  });
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
  const bool can = (route->task != Task::status || actions_.status) &&
                   (route->task != Task::metrics || actions_.metrics) &&
                   (route->task != Task::list || actions_.mappings) &&
                   (route->task != Task::add || actions_.add) &&
                   (route->task != Task::remove || actions_.remove) &&
                   (route->task != Task::history || actions_.history) &&
                   (route->task != Task::explain || actions_.explain) &&
                   (route->task != Task::reload || actions_.reload);
  if (!can) return fail(ControlError{501, "not_implemented", "this daemon cannot do that"});
  return {};
}

void ControlApi::act(const HttpRequest& request, const Tell& tell) const {
  switch (route_of(request)->task) {
    case Task::status:
      return tell(reply_of(200, actions_.status()));
    case Task::metrics:
      return tell(reply_of(200, actions_.metrics(), kMetricsType));
    case Task::list:
      return tell(list(request));
    case Task::history:
      return tell_history(request, tell);
    case Task::add:
      return add(request, tell);
    case Task::remove:
      return remove(request, tell);
    case Task::explain:
      return tell(explain(request));
    case Task::reload:
      return tell(
          actions_.reload().map([](const Reloaded& done) { return reply_of(200, json_of(done)); }));
  }
}

Result<HttpReply, ControlError> ControlApi::list(const HttpRequest& request) const {
  return mappings_query_of(request.target).map([&](const MappingsQuery& query) {
    return reply_of(200, actions_.mappings(query));
  });
}

void ControlApi::tell_history(const HttpRequest& request, const Tell& tell) const {
  const auto query = history_query_of(request.target);
  if (!query) return tell(fail(query.error()));
  actions_.history(*query, [tell, limit = query->limit](const auto& rows) {
    tell(rows.map([&](const std::vector<HistoryEntry>& entries) {
      return reply_of(200, json_of(entries, /*is_last=*/entries.size() < limit));
    }));
  });
}

void ControlApi::add(const HttpRequest& request, const Tell& tell) const {
  const auto wanted = read_wanted_mapping(request.body);
  if (!wanted) return tell(fail(bad_request(wanted.error())));
  const auto added = actions_.add(*wanted);
  if (!added) return tell(fail(added.error()));
  when_kept([tell, added = *added](Kept kept) {
    auto reply = reply_of(201, json_of(added, warnings_of_added(kept)));
    reply.headers.push_back({"Location", std::string(kMappings) + "/" + std::to_string(added.id)});
    tell(std::move(reply));
  });
}

void ControlApi::remove(const HttpRequest& request, const Tell& tell) const {
  const auto id = *mapping_of(path_of(request));
  const auto removed = actions_.remove(id);
  if (!removed) return tell(fail(removed.error()));
  when_kept([tell, id](Kept kept) { tell(reply_of(200, json_of(id, warnings_of_removed(kept)))); });
}

void ControlApi::when_kept(const std::function<void(Kept)>& tell) const {
  if (!actions_.when_kept) return tell(Kept::on_disk);
  actions_.when_kept(tell);
}

Result<HttpReply, ControlError> ControlApi::explain(const HttpRequest& request) const {
  const auto question = read_question(request.body);
  if (!question) return fail(bad_request(question.error()));
  return actions_.explain(*question).map(
      [](const Answer& answer) { return reply_of(200, json_of(answer)); });
}

}  // namespace postern
