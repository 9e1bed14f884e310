#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "daemon/control.h"

/// The JSON that the control socket speaks. Objects that are read may have the named keys alone;
/// the error is a sentence for whoever wrote them.
namespace postern {

/// {"protocol": "tcp", "external_port": 8080, "internal": "192.168.1.10:80"} and, if wanted,
/// "remote": ["198.51.100.0/24"], "description": "text".
[[nodiscard]] Result<StaticMapping, std::string> read_wanted_mapping(std::string_view json);

/// {"client": "192.168.1.10", "protocol": "tcp", "internal": "192.168.1.10:80"} and, if wanted,
/// "frontend": "natpmp" (of IPv6 clients "pcp"), "external_port": 8080, "lifetime": 3600 (seconds;
/// 0 over UPnP alone).
[[nodiscard]] Result<Question, std::string> read_question(std::string_view json);

/// {"id": 7, "external": {"address", "port"}, "warnings": [text, …]}
[[nodiscard]] std::string json_of(const AddedMapping& added,
                                  const std::vector<std::string>& warnings);

/// {"removed": 7, "warnings": [text, …]}
[[nodiscard]] std::string json_of(MappingId removed, const std::vector<std::string>& warnings);

/// {"schema": "postern.history/1", "entries": [{"id", "unix_ms", "event", "why", "frontend",
/// "client", "protocol", "internal", "external", "rule"}, …], "next": an id, before which the next
/// page begins, or null at the end}. See HistoryEntry.
[[nodiscard]] std::string json_of(const std::vector<HistoryEntry>& entries, bool is_last);

/// {"schema": "postern.explanation/1", "granted", "refusal": a word or null, "external_port",
/// "lifetime_seconds", "permanent", "existing": an id or null, "rule": the name of the one that
/// decides or null, "rules": [{"name", "action", "decides", "mismatch": a word or null,
/// "external_ports"}, …]}
[[nodiscard]] std::string json_of(const Answer& answer);

/// {"warnings": [text, …]}
[[nodiscard]] std::string json_of(const Reloaded& reloaded);

/// {"error": {"code", "text"}}
[[nodiscard]] std::string json_of(const ControlError& error);

}  // namespace postern
