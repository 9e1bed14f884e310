// Any text is a configuration or a list of errors that each name the file.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "daemon/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto config = postern::parse_config(text, "fuzz.toml");
  if (config) return 0;
  if (config.error().empty()) std::abort();
  for (const auto& error : config.error()) {
    if (!postern::to_string(error).starts_with("fuzz.toml:")) std::abort();
  }
  return 0;
}
