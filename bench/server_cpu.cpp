#include "bench/server_cpu.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <system_error>

#include <unistd.h>

namespace postern::bench {
namespace {

using std::chrono::nanoseconds;

[[nodiscard]] nanoseconds from_schedstat(const std::filesystem::path& process) {
  std::error_code ignored;
  std::int64_t total = 0;
  for (const auto& task : std::filesystem::directory_iterator(process / "task", ignored)) {
    std::int64_t running = 0;
    if (std::ifstream(task.path() / "schedstat") >> running) total += running;
  }
  return nanoseconds{total};
}

[[nodiscard]] nanoseconds from_stat(const std::filesystem::path& process) {
  std::ifstream stat(process / "stat");
  // The second field is the command's name in parentheses, which may hold anything.
  stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');
  std::string skipped;
  for (int field = 3; field < 14; ++field) stat >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  if (!(stat >> user >> system)) return nanoseconds{0};
  return nanoseconds{(user + system) * (1'000'000'000 / ::sysconf(_SC_CLK_TCK))};
}

}  // namespace

nanoseconds cpu_time(pid_t process) {
  const auto directory = std::filesystem::path("/proc") / std::to_string(process);
  const auto fine = from_schedstat(directory);
  return fine.count() > 0 ? fine : from_stat(directory);
}

}  // namespace postern::bench
