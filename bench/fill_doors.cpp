// Opens many doors at once with Postern's own backend, in the network namespace it is started in,
// and checks that the kernel holds them: the table whose cost to packets flow_load measures.

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string_view>

#include "backends/nftables/nftables_backend.h"
#include "bench/measured_doors.h"
#include "bench/net.h"

namespace postern::bench {
namespace {

[[nodiscard]] Moment now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return Moment(Seconds(time.tv_sec) + Milliseconds(time.tv_nsec / 1'000'000));
}

/// As bench/place.py makes it.
[[nodiscard]] Network network() {
  Network network;
  network.wan = Interface{"wan0", 0, {{kWanAddress, 24}}};
  network.lan = {Interface{"lan0", 0, {{Address::v4({192, 168, 1, 1}), 24}}}};
  return network;
}

[[nodiscard]] int complain(const BackendError& error) {
  std::fprintf(stderr, "fill_doors: %s\n", error.reason.c_str());
  return EXIT_FAILURE;
}

[[nodiscard]] int fill(Family family, std::size_t count) {
  BackendOptions options;
  options.own_ports = {{Protocol::udp, 5351, true}};
  const auto backend = NftablesBackend::open(options);
  if (!backend) return complain(backend.error());
  const auto doors = measured_doors(family, count, now() + Seconds(3600));
  if (const auto done = (*backend)->reset(network(), doors, now()); !done) {
    return complain(done.error());
  }
  const auto held = (*backend)->open_doors(now());
  if (!held) return complain(held.error());
  if (held->size() != doors.size()) {
    std::fprintf(stderr, "fill_doors: %zu doors opened, the kernel holds %zu\n", doors.size(),
                 held->size());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace postern::bench

int main(int count, char** words) {
  using namespace postern::bench;
  const auto family = count == 3 ? parse_family(words[1]) : std::nullopt;
  const auto doors = count == 3 ? parse_number(words[2], kMostDoors) : std::nullopt;
  if (!family || !doors) {
    std::fputs("usage: fill_doors 4|6 COUNT\n", stderr);
    return 2;
  }
  return fill(*family, *doors);
}
