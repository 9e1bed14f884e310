#pragma once

#include <chrono>

#include <sys/types.h>

namespace postern::bench {

/// The CPU time that all threads of a process have used so far, in user and kernel mode together.
/// From /proc/PID/task/*/schedstat, which counts nanoseconds (utime and stime of /proc/PID/stat
/// count hundredths of a second, longer than some whole runs); from those when there is no
/// schedstat. Zero when the process is gone.
[[nodiscard]] std::chrono::nanoseconds cpu_time(pid_t process);

}  // namespace postern::bench
