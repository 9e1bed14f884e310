#include "daemon/store_clock.h"

#include <fstream>

#include "daemon/clock.h"

namespace postern {
namespace {

constexpr std::int64_t kBeginOf2026 = 1'767'225'600'000;
/// Whatever was off for longer has no lease left that counts, but a clock that is wrong by years
/// has.
constexpr std::int64_t kLongestElapsed = 366LL * 86400 * 1000;

[[nodiscard]] bool is_plausible(std::int64_t then, std::int64_t now) {
  return then >= kBeginOf2026 && now >= then && now - then <= kLongestElapsed;
}

}  // namespace

ClockShift clock_shift(const std::string& boot_id_then, const ClockReading& then,
                       const std::string& boot_id_now, const ClockReading& now) {
  // A boot-time clock that went back is that of a restored image, or of another time namespace.
  const bool is_same = !boot_id_now.empty() && boot_id_then == boot_id_now;
  if (is_same && now.moment >= then.moment) return {Milliseconds(0), true, false};
  const auto without_time = now.moment - then.moment;
  if (!is_plausible(then.wall_ms, now.wall_ms)) return {without_time, false, true};
  return {without_time - Milliseconds(now.wall_ms - then.wall_ms), false, false};
}

ClockReading read_clocks() {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  return {now(), std::int64_t{wall.tv_sec} * 1000 + wall.tv_nsec / 1'000'000};
}

std::string read_boot_id() {
  std::ifstream stream("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(stream, id);
  return id;
}

}  // namespace postern
