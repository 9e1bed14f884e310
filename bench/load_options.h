#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <netinet/in.h>
#include <sys/types.h>

namespace postern::bench {

enum class Operation : std::uint8_t { map, renew, address };

[[nodiscard]] constexpr std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::map:
      return "map";
    case Operation::renew:
      return "renew";
    case Operation::address:
      return "address";
  }
  return "?";
}

/// One measurement.
struct RunOrder {
  Operation operation = Operation::map;
  /// Requests in flight.
  std::size_t window = 1;
  std::size_t count = 1;
};

struct LoadOptions {
  sockaddr_in target{};
  std::string server = "unnamed";
  pid_t server_pid = 0;
  /// Mappings to make before the first measurement.
  std::size_t present = 0;
  std::chrono::milliseconds prefill_limit{60'000};
  /// Of each measurement; what is in flight then is still waited for.
  std::chrono::milliseconds run_limit{30'000};
  std::chrono::milliseconds reply_timeout{1000};
  /// How often a request is sent again before it counts as lost.
  unsigned resends = 3;
  /// The internal ports count up from here.
  std::uint16_t first_port = 10000;
  std::uint32_t lifetime = 7200;
  /// Looks for replies without sleeping; for a generator that has a CPU to itself.
  bool is_spinning = false;
  std::vector<RunOrder> runs;
};

extern const char* const kLoadUsage;

/// Reads the command line; nothing when it makes no sense.
[[nodiscard]] std::optional<LoadOptions> parse_load_options(int count, char** words);

}  // namespace postern::bench
