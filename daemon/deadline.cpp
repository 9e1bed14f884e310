#include "daemon/deadline.h"

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/timerfd.h>
#include <unistd.h>

namespace postern {
namespace {

/// Throws as Asio's own constructors do, and tells the reason better than they could.
[[nodiscard]] int open_timer() {
  const int timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer < 0) throw std::system_error(errno, std::generic_category(), "a timer");
  return timer;
}

}  // namespace

Deadline::Deadline(asio::io_context& io, std::function<void()> on_due)
    : timer_(io, open_timer()), on_due_(std::move(on_due)) {
  wait();
}

void Deadline::set(std::optional<Moment> moment) {
  if (moment == moment_) return;
  moment_ = moment;
  itimerspec when{};
  if (moment) {
    const auto since_boot = moment->time_since_epoch();
    const auto seconds = std::chrono::floor<Seconds>(since_boot);
    when.it_value.tv_sec = seconds.count();
    when.it_value.tv_nsec = std::chrono::nanoseconds(since_boot - seconds).count();
    if (since_boot.count() <= 0) when.it_value.tv_nsec = 1;  // All zeros would disarm the timer.
  }
  timerfd_settime(timer_.native_handle(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void Deadline::wait() {
  timer_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const auto& error) {
    if (error) return;
    std::uint64_t expirations = 0;
    const bool was_due = ::read(timer_.native_handle(), &expirations, sizeof expirations) > 0;
    if (was_due) {
      moment_.reset();
      on_due_();
    }
    wait();
  });
}

}  // namespace postern
