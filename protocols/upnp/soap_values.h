#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/result.h"
#include "protocols/upnp/service_table.h"
#include "protocols/upnp/soap_faults.h"

namespace postern::upnp {

/// Of the data type string; ui2 and ui4; boolean.
using Value = std::variant<std::string, std::uint32_t, bool>;

[[nodiscard]] bool has_type(const Value& value, DataType type);
/// As UPnP writes it, not escaped: booleans as 0 and 1.
[[nodiscard]] std::string to_string(const Value& value);

/// Reads what a client wrote for an argument. Blanks around it do not count. Strings come out
/// sanitized and have at most kLongestText octets; an allowed value in the case of the table.
///   402: no value of its type, or outside a range that is enforced;
///   601: a number too large for its type or negative, or none of the allowed values;
///   605: a longer string, unless it is free text.
[[nodiscard]] Result<Value, Fault> read_value(const Argument& argument,
                                              const StateVariable& variable, std::string_view text);

}  // namespace postern::upnp
