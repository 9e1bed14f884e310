#include "ctl/operator_commands.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/address.h"
#include "core/endpoint.h"
#include "ctl/answers.h"
#include "ctl/settings.h"

namespace postern::ctl {
namespace {

using Answered = Result<std::string, NoReply>;

[[nodiscard]] std::string printed(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

[[nodiscard]] Result<std::string, NoReply> socket_of(const OperatorWords& words) {
  if (!words.socket.empty()) return words.socket;
  const auto settings =
      load_settings(words.config.empty() ? std::nullopt : std::optional(words.config));
  if (!settings) return fail(NoReply{ExitCode::bad_configuration, settings.error()});
  return settings->runtime_dir + "/control.sock";
}

/// What to end with when the daemon would not do it.
[[nodiscard]] ExitCode exit_code_of(int status, const std::string& code) {
  if (code == "bad_configuration") return ExitCode::bad_configuration;
  if (code == "forbidden") return ExitCode::no_privilege;
  return status == 400 ? ExitCode::usage : ExitCode::failure;
}

/// Asks the daemon, and reads what it answers.
class Daemon {
 public:
  explicit Daemon(std::string socket) : socket_(std::move(socket)) {}

  [[nodiscard]] Result<Json, NoReply> ask(std::string_view method, const std::string& target,
                                          const Json& body = {}) const {
    const auto reply = ask_daemon(socket_, method, target, body.is_null() ? "" : body.dump());
    if (!reply) return fail(reply.error());
    auto document = Json::parse(reply->body, nullptr, /*allow_exceptions=*/false);
    if (reply->status < 300 && document.is_object()) return document;
    return fail(NoReply{exit_code_of(reply->status, error_code(document)), error_text(document)});
  }

 private:
  std::string socket_;
};

/// All pages as one document. What comes or goes meanwhile may be missing, but nothing is there
/// twice.
[[nodiscard]] Result<Json, NoReply> all_mappings(const Daemon& daemon) {
  Json mappings = Json::array();
  std::string target = "/api/v1/mappings";
  for (std::uint64_t after = 0;;) {
    auto page = daemon.ask("GET", target);
    if (!page) return page;
    for (auto& mapping : (*page)["mappings"]) mappings.push_back(std::move(mapping));
    const auto& next = (*page)["next"];
    if (!next.is_number_unsigned() || next.get<std::uint64_t>() <= after) break;
    after = next.get<std::uint64_t>();
    target = "/api/v1/mappings?after=" + std::to_string(after);
  }
  return Json{{"mappings", std::move(mappings)}};
}

/// As many rows as are wanted, the youngest first, as one document.
[[nodiscard]] Result<Json, NoReply> past_events(const Daemon& daemon, const OperatorWords& words) {
  constexpr std::size_t kMostOfAPage = 1000;
  Json entries = Json::array();
  std::string filter;
  if (!words.client.empty()) {
    // It becomes part of a request's first line.
    const auto client = Address::parse(words.client);
    if (!client) return fail(NoReply{ExitCode::usage, "--client: write an address"});
    filter += "&client=" + client->to_string();
  }
  if (!words.kind.empty()) filter += "&kind=" + words.kind;
  for (std::string before; entries.size() < words.limit;) {
    const auto limit = std::min(words.limit - entries.size(), kMostOfAPage);
    auto page =
        daemon.ask("GET", "/api/v1/history?limit=" + std::to_string(limit) + filter + before);
    if (!page) return page;
    const auto had = entries.size();
    for (auto& entry : (*page)["entries"]) entries.push_back(std::move(entry));
    const auto& next = (*page)["next"];
    if (!next.is_number_unsigned() || entries.size() == had) break;
    before = "&before=" + std::to_string(next.get<std::uint64_t>());
  }
  return Json{{"entries", std::move(entries)}};
}

[[nodiscard]] Json wanted_mapping(const OperatorWords& words) {
  Json wanted{{"protocol", words.protocol},
              {"external_port", words.external_port},
              {"internal", words.internal}};
  if (!words.remote.empty()) wanted["remote"] = words.remote;
  if (!words.description.empty()) wanted["description"] = words.description;
  return wanted;
}

/// An address that cannot be read is left to the daemon, which says so.
[[nodiscard]] std::string internal_of(const OperatorWords& words) {
  const auto& text = words.internal_address.empty() ? words.client : words.internal_address;
  const auto address = Address::parse(text);
  if (address) return to_string(Endpoint{*address, words.internal_port});
  return text + ":" + std::to_string(words.internal_port);
}

[[nodiscard]] Json question(const OperatorWords& words) {
  Json question{{"client", words.client},
                {"protocol", words.protocol},
                {"internal", internal_of(words)},
                {"external_port", words.wanted_external_port},
                {"lifetime", words.lifetime}};
  if (!words.frontend.empty()) question["frontend"] = words.frontend;
  return question;
}

}  // namespace

OperatorCommands::OperatorCommands(CLI::App& app)
    : list_(add_command(app, "list", "Show the mappings")),
      history_(add_command(app, "history", "Show what was opened, closed and refused")),
      add_(add_command(app, "add", "Open a port until it is deleted")),
      delete_(add_command(app, "delete", "Close a mapping, whoever asked for it")),
      explain_(add_command(app, "explain", "Tell what would come of a client's request, and why")),
      reload_(add_command(app, "reload", "Let posternd read its configuration anew")) {
  add_history(*history_);
  add_add(*add_);
  delete_->add_option("ID", words_.id, "Its number, as list shows it")
      ->required()
      ->check(CLI::NonNegativeNumber);
  add_explain(*explain_);
}

CLI::App* OperatorCommands::add_command(CLI::App& app, const char* name, const char* purpose) {
  auto* command = app.add_subcommand(name, purpose);
  command->footer(app.get_footer());
  command->add_option("-s,--socket", words_.socket,
                      "The daemon's control socket (default: control.sock in the configuration's "
                      "runtime_dir)");
  command->add_option(
      "-c,--config", words_.config,
      "The daemon's configuration (default: " + std::string(kDefaultConfigFile) + ")");
  command->add_flag("--json", words_.wants_json, "Print one JSON document");
  return command;
}

void OperatorCommands::add_add(CLI::App& add) {
  add.add_option("PROTOCOL", words_.protocol, "tcp or udp")
      ->required()
      ->check(CLI::IsMember({"tcp", "udp"}));
  add.add_option("EXTERNAL_PORT", words_.external_port, "The port that is opened")
      ->required()
      ->check(CLI::Range(1, 65535));
  add.add_option("INTERNAL", words_.internal,
                 "Where it leads: \"192.168.1.10:80\" or, as an IPv6 pinhole, "
                 "\"[2001:db8::10]:80\"")
      ->required();
  add.add_option("--remote", words_.remote, "Only these addresses or prefixes may come in");
  add.add_option("--description", words_.description, "A note that list shows");
}

void OperatorCommands::add_explain(CLI::App& explain) {
  explain.add_option("CLIENT", words_.client, "The address of the client that asks")->required();
  explain.add_option("PROTOCOL", words_.protocol, "tcp or udp")
      ->required()
      ->check(CLI::IsMember({"tcp", "udp"}));
  explain
      .add_option("INTERNAL_PORT", words_.internal_port, "The port that it wants to be reached at")
      ->required()
      ->check(CLI::Range(1, 65535));
  explain.add_option("--frontend", words_.frontend, "How it asks (default: natpmp, with IPv6 pcp)")
      ->check(CLI::IsMember({"natpmp", "pcp", "upnp"}));
  explain.add_option("--external", words_.wanted_external_port, "The external port that it wishes")
      ->check(CLI::Range(1, 65535));
  explain.add_option("--internal-address", words_.internal_address,
                     "The host that it asks for (default: itself)");
  explain
      .add_option("--lifetime", words_.lifetime,
                  "In seconds (default: 3600); 0 is for good, with upnp alone")
      ->check(CLI::Range(0U, 4294967295U));
}

void OperatorCommands::add_history(CLI::App& history) {
  history.add_option("--client", words_.client, "Only of the client with this address");
  history.add_option("--kind", words_.kind, "opened, moved, closed or refused alone")
      ->check(CLI::IsMember({"opened", "renewed", "moved", "closed", "refused"}));
  history.add_option("-n,--limit", words_.limit, "So many, the youngest (default: 50)")
      ->check(CLI::Range(1U, 1'000'000U));
}

std::optional<ExitCode> OperatorCommands::run(std::ostream& out, std::ostream& errors) const {
  const bool is_parsed = list_->parsed() || history_->parsed() || add_->parsed() ||
                         delete_->parsed() || explain_->parsed() || reload_->parsed();
  if (!is_parsed) return std::nullopt;
  const auto text = answer();
  if (!text) {
    errors << "posternctl: " << text.error().text << "\n";
    return text.error().code;
  }
  out << *text;
  return ExitCode::success;
}

Result<std::string, NoReply> OperatorCommands::answer() const {
  const auto socket = socket_of(words_);
  if (!socket) return fail(socket.error());
  const Daemon daemon(*socket);
  // Each as JSON, or else for people.
  const auto told = [&](const Result<Json, NoReply>& answer, const auto& text_of) -> Answered {
    if (!answer) return fail(answer.error());
    return words_.wants_json ? printed(*answer) : text_of(*answer);
  };
  if (list_->parsed()) {
    return told(all_mappings(daemon), [](const Json& all) {
      return mappings_text(all.value("mappings", Json::array()));
    });
  }
  if (history_->parsed()) {
    return told(past_events(daemon, words_),
                [](const Json& all) { return history_text(all.value("entries", Json::array())); });
  }
  if (add_->parsed()) {
    return told(daemon.ask("POST", "/api/v1/mappings", wanted_mapping(words_)),
                [&](const Json& added) { return added_text(words_.protocol, added); });
  }
  if (delete_->parsed()) {
    const auto id = std::to_string(words_.id);
    return told(daemon.ask("DELETE", "/api/v1/mappings/" + id), [&](const Json& done) {
      return "deleted mapping " + id + "\n" + warnings_text(done);
    });
  }
  if (explain_->parsed()) {
    return told(daemon.ask("POST", "/api/v1/explain", question(words_)), explanation_text);
  }
  return told(daemon.ask("POST", "/api/v1/reload"), reloaded_text);
}

}  // namespace postern::ctl
