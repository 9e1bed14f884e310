#include "bench/load_options.h"

#include <array>
#include <limits>

#include "bench/net.h"
#include "protocols/natpmp/wire.h"

namespace postern::bench {

const char* const kLoadUsage =
    R"(usage: natpmp_load --target ADDRESS --run OPERATION:WINDOW:COUNT [--run ...] [options]
Asks a NAT-PMP server for mappings and prints one line of JSON for each --run.
OPERATION is map (new mappings), renew (random ones of those made so far) or address.
  --present N            mappings to make before the first run (0)
  --server NAME          what the JSON lines call the server
  --server-pid PID       its process, to report the CPU time per request
  --prefill-ms N         time limit for making the mappings (60000)
  --run-ms N             time limit of each run (30000)
  --reply-ms N           when a request is sent again (1000)
  --resends N            how often, until it counts as lost (3)
  --first-port N         the first internal port (10000)
  --lifetime N           seconds to ask for (7200)
  --spin                 look for replies without sleeping
)";

namespace {

constexpr std::size_t kLargestWindow = 1024;
constexpr std::size_t kMostRequests = 10'000'000;
constexpr std::size_t kMostPorts = 65536;
constexpr std::uint64_t kLongestMs = 3'600'000;

[[nodiscard]] std::optional<RunOrder> parse_run(std::string_view text) {
  const auto first = text.find(':');
  const auto second = text.find(':', first == text.npos ? first : first + 1);
  if (second == text.npos) return std::nullopt;
  const auto window = parse_number(text.substr(first + 1, second - first - 1), kLargestWindow);
  const auto count = parse_number(text.substr(second + 1), kMostRequests);
  if (!window || *window == 0 || !count || *count == 0) return std::nullopt;
  for (const auto operation : {Operation::map, Operation::renew, Operation::address}) {
    if (text.substr(0, first) == to_string(operation)) return RunOrder{operation, *window, *count};
  }
  return std::nullopt;
}

/// JSON strings are printed as they are.
[[nodiscard]] bool is_plain_name(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !text.empty() && text.find_first_not_of(kPlain) == text.npos;
}

template <class T>
[[nodiscard]] bool take_number(T& value, const char* text, std::uint64_t highest) {
  const auto number = parse_number(text, highest);
  if (number) value = static_cast<T>(*number);
  return number.has_value();
}

[[nodiscard]] bool take_ms(std::chrono::milliseconds& value, const char* text) {
  return take_number(value, text, kLongestMs);
}

[[nodiscard]] bool take_option(LoadOptions& options, std::string_view name, const char* value) {
  if (name == "--target") {
    const auto target = ipv4_endpoint(value, natpmp::kServerPort);
    options.target = target.value_or(sockaddr_in{});
    return target.has_value();
  }
  if (name == "--server") {
    options.server = value;
    return is_plain_name(options.server);
  }
  if (name == "--run") {
    const auto run = parse_run(value);
    if (run) options.runs.push_back(*run);
    return run.has_value();
  }
  if (name == "--server-pid") return take_number(options.server_pid, value, 1U << 30);
  if (name == "--present") return take_number(options.present, value, kMostPorts);
  if (name == "--prefill-ms") return take_ms(options.prefill_limit, value);
  if (name == "--run-ms") return take_ms(options.run_limit, value);
  if (name == "--reply-ms") return take_ms(options.reply_timeout, value);
  if (name == "--resends") return take_number(options.resends, value, 100);
  if (name == "--first-port") return take_number(options.first_port, value, kMostPorts - 1);
  constexpr auto kLongestLease = std::numeric_limits<std::uint32_t>::max();
  if (name == "--lifetime") return take_number(options.lifetime, value, kLongestLease);
  return false;
}

/// Every mapping has an internal port of its own, and renewing needs something to renew.
[[nodiscard]] bool is_possible(const LoadOptions& options) {
  std::size_t mapped = options.present;
  for (const auto& run : options.runs) {
    if (run.operation == Operation::renew && mapped == 0) return false;
    if (run.operation == Operation::map) mapped += run.count;
  }
  return options.first_port > 0 && options.lifetime > 0 &&
         options.first_port + mapped <= kMostPorts;
}

}  // namespace

std::optional<LoadOptions> parse_load_options(int count, char** words) {
  LoadOptions options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = words[i];
    if (name == "--spin") {
      options.is_spinning = true;
    } else if (++i == count || !take_option(options, name, words[i])) {
      return std::nullopt;
    }
  }
  if (options.target.sin_family == 0 || options.runs.empty() || !is_possible(options)) {
    return std::nullopt;
  }
  return options;
}

}  // namespace postern::bench
