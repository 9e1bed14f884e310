#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

/// The daemon's documents, for people. What lacks in a document, or is of another type than it
/// should be, is left out.
namespace postern::ctl {

using Json = nlohmann::ordered_json;

/// A table of these mappings, as GET /api/v1/mappings lists them.
[[nodiscard]] std::string mappings_text(const Json& mappings);

/// What would happen, which rule decides, and what each rule has to do with it; of a document
/// "postern.explanation/1".
[[nodiscard]] std::string explanation_text(const Json& explanation);

/// A table of these rows, as GET /api/v1/history lists them, with the time here.
[[nodiscard]] std::string history_text(const Json& entries);

/// "warning: " and a line for each of the document's "warnings".
[[nodiscard]] std::string warnings_text(const Json& document);

/// "added mapping 7: tcp 203.0.113.1:8080", and the warnings.
[[nodiscard]] std::string added_text(const std::string& protocol, const Json& added);

/// "reloaded", and the warnings.
[[nodiscard]] std::string reloaded_text(const Json& reloaded);

/// "the external port is taken (external_port_taken)" of {"error": {"code", "text"}}.
[[nodiscard]] std::string error_text(const Json& error);

/// Its "code"; "" when it has none.
[[nodiscard]] std::string error_code(const Json& error);

/// "6d 23h", "59m 50s": the two largest units.
[[nodiscard]] std::string time_text(std::uint64_t seconds);

}  // namespace postern::ctl
