#include "daemon/control_json.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/authority.h"
#include "daemon/json_object.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/decision.h"
#include "protocols/upnp/invocation.h"

namespace postern {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMostPort = 65535;
constexpr std::uint64_t kLongestLifetime = 0xffffffff;  // What the protocols can say.
constexpr std::size_t kLongestDescription = 255;

/// The octets of names and descriptions may be any; they must not make the document invalid.
[[nodiscard]] std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

[[nodiscard]] bool is_control_character(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet < 0x20 || octet == 0x7f;
}

/// A host of the LAN, as far as the address alone tells.
[[nodiscard]] bool is_host(const Address& address) {
  return !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() &&
         !address.is_limited_broadcast();
}

void read_protocol(JsonObject& object, Protocol& protocol) {
  object.require("protocol");
  const auto text = object.text("protocol");
  if (!text) return;
  if (*text == to_string(Protocol::tcp)) {
    protocol = Protocol::tcp;
  } else if (*text == to_string(Protocol::udp)) {
    protocol = Protocol::udp;
  } else {
    object.reject("protocol", "is \"" + *text + "\"; write \"tcp\" or \"udp\"");
  }
}

void read_internal(JsonObject& object, Endpoint& internal) {
  object.require("internal");
  const auto text = object.text("internal");
  if (!text) return;
  const auto parsed = text->find('%') == std::string::npos ? parse_authority(*text) : std::nullopt;
  if (parsed && parsed->port && is_host(parsed->address)) {
    internal = {parsed->address, *parsed->port};
  } else {
    object.reject("internal", "is \"" + *text +
                                  "\"; write a host's address and port, as \"192.168.1.10:80\" or "
                                  "\"[2001:db8::10]:80\"");
  }
}

void read_external_port(JsonObject& object, std::uint64_t least, std::uint16_t& port) {
  port = static_cast<std::uint16_t>(object.number("external_port", least, kMostPort).value_or(0));
}

void read_remote(JsonObject& object, StaticMapping& wanted) {
  const auto texts = object.texts("remote");
  if (!texts) return;
  if (texts->size() > kMostFiltersOfMapping) {
    return object.reject("remote",
                         "has more than " + std::to_string(kMostFiltersOfMapping) + " prefixes");
  }
  for (const auto& text : *texts) {
    const auto prefix = Prefix::parse(text);
    if (!prefix || prefix->network().is_v4() != wanted.internal.address.is_v4()) {
      return object.reject("remote", "holds \"" + text +
                                         "\"; write prefixes of the same family as internal, "
                                         "such as \"198.51.100.0/24\"");
    }
    wanted.remotes.push_back({*prefix});
  }
}

void read_description(JsonObject& object, std::string& description) {
  auto text = object.text("description");
  if (!text) return;
  if (text->size() > kLongestDescription || std::ranges::any_of(*text, is_control_character)) {
    object.reject("description", "is longer than " + std::to_string(kLongestDescription) +
                                     " octets or holds control characters");
  }
  description = std::move(*text);
}

/// In seconds, as the client would write it.
void read_lifetime(JsonObject& object, Question& question) {
  constexpr std::uint64_t kLongestOfAPinhole = 86400;
  const bool is_upnp = question.frontend == upnp::kFrontendName;
  const bool is_pinhole = is_upnp && !question.internal.address.is_v4();
  // Elsewhere 0 deletes.
  const std::uint64_t least = is_upnp && !is_pinhole ? 0 : 1;
  const auto most = is_pinhole ? kLongestOfAPinhole : kLongestLifetime;
  if (const auto lifetime = object.number("lifetime", least, most)) {
    question.lifetime = Seconds(*lifetime);
  }
}

/// Unless it is said: NAT-PMP, or PCP of clients that NAT-PMP is not for.
void read_frontend(JsonObject& object, const Address& client, std::string_view& frontend) {
  const auto known = frontend_names();
  frontend = client.is_v4() ? natpmp::kFrontendName : pcp::kFrontendName;
  const auto text = object.text("frontend");
  if (!text) return;
  const auto found = std::ranges::find(known, *text);
  if (found != known.end()) {
    frontend = *found;
    const bool is_natpmp_of_v6 = frontend == natpmp::kFrontendName && !client.is_v4();
    if (is_natpmp_of_v6) object.reject("frontend", "is for IPv4 alone, and client is not");
    return;
  }
  std::string names;
  for (const auto name : known) names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
  object.reject("frontend", "is \"" + *text + "\"; write one of " + names);
}

void read_client(JsonObject& object, Address& client) {
  object.require("client");
  const auto text = object.text("client");
  if (!text) return;
  if (const auto address = Address::parse(*text); address && is_host(*address)) {
    client = *address;
  } else {
    object.reject("client", "is \"" + *text + "\"; write a host's address");
  }
}

}  // namespace

Result<StaticMapping, std::string> read_wanted_mapping(std::string_view json) {
  JsonObject object(json);
  StaticMapping wanted;
  read_protocol(object, wanted.protocol);
  read_internal(object, wanted.internal);
  object.require("external_port");
  read_external_port(object, 1, wanted.external_port);
  if (!wanted.internal.address.is_v4() && wanted.external_port != wanted.internal.port) {
    object.reject("external_port",
                  "is another one than the internal port, which an IPv6 pinhole "
                  "cannot have");
  }
  read_remote(object, wanted);
  read_description(object, wanted.name);
  if (const auto& trouble = object.trouble()) return fail(*trouble);
  return wanted;
}

Result<Question, std::string> read_question(std::string_view json) {
  JsonObject object(json);
  Question question;
  read_client(object, question.client);
  read_frontend(object, question.client, question.frontend);
  read_protocol(object, question.protocol);
  read_internal(object, question.internal);
  read_external_port(object, 0, question.external_port);
  read_lifetime(object, question);
  if (question.client.is_v4() != question.internal.address.is_v4()) {
    object.reject("internal", "is of another address family than client");
  }
  const bool is_own = question.internal.address == question.client;
  if (!is_own && question.frontend == natpmp::kFrontendName) {
    object.reject("internal", "is another host than client, for which NAT-PMP has no words");
  }
  if (const auto& trouble = object.trouble()) return fail(*trouble);
  return question;
}

std::string json_of(const AddedMapping& added, const std::vector<std::string>& warnings) {
  const auto& [address, port] = added.external;
  return text_of({{"id", added.id},
                  {"external", {{"address", address.to_string()}, {"port", port}}},
                  {"warnings", warnings}});
}

std::string json_of(MappingId removed, const std::vector<std::string>& warnings) {
  return text_of({{"removed", removed}, {"warnings", warnings}});
}

std::string json_of(const std::vector<HistoryEntry>& entries, bool is_last) {
  Json rows = Json::array();
  for (const auto& entry : entries) {
    rows.push_back({{"id", entry.id},
                    {"unix_ms", entry.wall_ms},
                    {"event", entry.event},
                    {"why", entry.why},
                    {"frontend", entry.frontend},
                    {"client", entry.client},
                    {"protocol", entry.protocol},
                    {"internal", entry.internal},
                    {"external", entry.external},
                    {"rule", entry.rule}});
  }
  const bool has_next = !is_last && !entries.empty();
  return text_of({{"schema", "postern.history/1"},
                  {"entries", std::move(rows)},
                  {"next", has_next ? Json(entries.back().id) : Json(nullptr)}});
}

std::string json_of(const Answer& answer) {
  Json deciding = nullptr;
  Json rules = Json::array();
  for (const auto& rule : answer.rules) {
    if (rule.decides) deciding = rule.name;
    rules.push_back({{"name", rule.name},
                     {"action", rule.is_allow ? "allow" : "deny"},
                     {"decides", rule.decides},
                     {"mismatch", rule.mismatch.empty() ? Json(nullptr) : Json(rule.mismatch)},
                     {"external_ports", rule.external_ports}});
  }
  const auto& refusal = answer.refusal;
  const auto& existing = answer.existing;
  return text_of({{"schema", "postern.explanation/1"},
                  {"granted", !refusal},
                  {"refusal", refusal ? Json(*refusal) : Json(nullptr)},
                  {"external_port", answer.external_port},
                  {"lifetime_seconds", answer.lifetime.count()},
                  {"permanent", answer.is_permanent},
                  {"existing", existing ? Json(*existing) : Json(nullptr)},
                  {"rule", std::move(deciding)},
                  {"rules", std::move(rules)}});
}

std::string json_of(const Reloaded& reloaded) {
  return text_of({{"warnings", reloaded.warnings}});
}

std::string json_of(const ControlError& error) {
  return text_of({{"error", {{"code", error.code}, {"text", error.text}}}});
}

}  // namespace postern
