#pragma once

#include <istream>
#include <optional>
#include <string>

namespace postern::test {

/// Plays a story about the gateway, NAT-PMP in front and a memory backend behind, and says what
/// went otherwise than told ("line 12: …"); nothing when all went as told. The words of the
/// language stand in tests/scenarios/README.md.
[[nodiscard]] std::optional<std::string> play_scenario(std::istream& story);

}  // namespace postern::test
