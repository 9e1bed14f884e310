// A load generator for NAT-PMP: keeps a window of requests in flight, checks every answer, and
// prints what it measured as one line of JSON a run.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <random>
#include <vector>

#include "bench/exchange.h"
#include "bench/load_options.h"
#include "bench/server_cpu.h"

namespace postern::bench {
namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

/// The value that `share` of all values do not exceed; sorts as far as needed.
[[nodiscard]] double percentile_us(std::vector<std::chrono::nanoseconds>& values, double share) {
  if (values.empty()) return 0;
  const auto last = static_cast<double>(values.size() - 1);
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(last * share);
  std::nth_element(values.begin(), place, values.end());
  return Microseconds(*place).count();
}

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options), exchange_(options) {}

  /// Makes the mappings that are to be present; false when not one could be made.
  [[nodiscard]] bool prefill() {
    if (options_.present == 0) return true;
    // Enough at a time to be quick, few enough for any server to answer in time.
    constexpr std::size_t kWindow = 16;
    const auto outcome = exchange_.run({Operation::map, kWindow, options_.present},
                                       options_.prefill_limit, [this] { return next_new_port(); });
    present_reached_ = outcome.answered;
    // They were asked for in order. If some were lost, the runs begin where that many would end.
    mapped_ = outcome.answered;
    return outcome.answered > 0;
  }

  void measure(RunOrder order) {
    // Each request in flight has a port of its own.
    if (order.operation == Operation::renew) order.window = std::min(order.window, mapped_);
    order_renewals();
    const auto cpu_before = cpu_time(options_.server_pid);
    auto outcome = exchange_.run(order, options_.run_limit, [&] { return next_port(order); });
    print(order, outcome, cpu_time(options_.server_pid) - cpu_before);
  }

 private:
  [[nodiscard]] std::uint16_t port_of(std::size_t mapping) const {
    return static_cast<std::uint16_t>(options_.first_port + mapping);
  }
  [[nodiscard]] std::uint16_t next_new_port() { return port_of(mapped_++); }

  [[nodiscard]] std::uint16_t next_port(const RunOrder& order) {
    switch (order.operation) {
      case Operation::map:
        return next_new_port();
      case Operation::renew:
        // Round all mappings in random order, so that none is in flight twice.
        return port_of(renewals_[next_renewal_++ % renewals_.size()]);
      case Operation::address:
        break;
    }
    // No port is asked for; the number only tells the requests apart.
    return next_ticket_++;
  }

  void order_renewals() {
    renewals_.resize(mapped_);
    std::iota(renewals_.begin(), renewals_.end(), std::size_t{0});
    std::shuffle(renewals_.begin(), renewals_.end(), random_);
    next_renewal_ = 0;
  }

  void print(const RunOrder& order, RunOutcome& outcome, std::chrono::nanoseconds cpu) const {
    const double seconds = std::chrono::duration<double>(outcome.elapsed).count();
    const auto answered = static_cast<double>(outcome.answered);
    const double rate = seconds > 0 ? answered / seconds : 0;
    const double cpu_us = outcome.answered > 0 ? Microseconds(cpu).count() / answered : 0;
    const auto operation = to_string(order.operation);
    std::printf(
        R"({"server": "%s", "op": "%.*s", "window": %zu, "present": %zu, "present_reached": %zu, )"
        R"("requests": %zu, "seconds": %.6f, "requests_per_second": %.1f, "p50_us": %.1f, )"
        R"("p99_us": %.1f, "server_cpu_us_per_request": %.2f, "errors": %zu, "lost": %zu, )"
        R"("resends": %zu})"
        "\n",
        options_.server.c_str(), static_cast<int>(operation.size()), operation.data(), order.window,
        options_.present, present_reached_, outcome.answered, seconds, rate,
        percentile_us(outcome.latencies, 0.5), percentile_us(outcome.latencies, 0.99), cpu_us,
        outcome.errors, outcome.lost, outcome.resends);
    std::fflush(stdout);
  }

  const LoadOptions& options_;
  Exchange exchange_;
  /// Fixed, so that every server gets the same requests in the same order.
  std::mt19937 random_{1};
  std::size_t mapped_ = 0;
  std::size_t present_reached_ = 0;
  std::vector<std::size_t> renewals_;
  std::size_t next_renewal_ = 0;
  std::uint16_t next_ticket_ = 0;
};

}  // namespace
}  // namespace postern::bench

int main(int count, char** words) {
  const auto options = postern::bench::parse_load_options(count, words);
  if (!options) {
    std::fputs(postern::bench::kLoadUsage, stderr);
    return 2;
  }
  try {
    postern::bench::Load load(*options);
    if (!load.prefill()) {
      std::fputs("natpmp_load: the server made no mapping\n", stderr);
      return EXIT_FAILURE;
    }
    for (const auto& run : options->runs) load.measure(run);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "natpmp_load: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
