#include "daemon/log.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern {
namespace {

/// The level as the journal reads it at the start of a line (sd-daemon(3)).
class JournalLevel final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& destination) override {
    const char digit = digit_of(message.level);
    destination.push_back('<');
    destination.push_back(digit);
    destination.push_back('>');
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JournalLevel>();
  }

 private:
  [[nodiscard]] static char digit_of(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::critical:
        return '2';
      case spdlog::level::err:
        return '3';
      case spdlog::level::warn:
        return '4';
      case spdlog::level::info:
        return '6';
      default:
        return '7';
    }
  }
};

/// Whether what we write to stderr is read by the journal. A child of a unit inherits
/// JOURNAL_STREAM also where its stderr goes elsewhere, so the stream itself must be the one.
[[nodiscard]] bool is_journal_on_stderr() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &file) != 0) return false;
  return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino) == stream;
}

}  // namespace

void start_log() {
  auto logger = spdlog::stderr_logger_st("postern");
  if (is_journal_on_stderr()) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JournalLevel>('*').set_pattern("%*%v");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S%z %l: %v");
  }
  spdlog::set_default_logger(std::move(logger));
}

bool LogLimit::allows(Moment now) {
  const auto fresh = std::chrono::duration_cast<Seconds>(now - filled_until_);
  if (fresh.count() > 0) {
    tokens_ =
        std::min(kBurst, tokens_ + std::min<std::int64_t>(fresh.count(), kBurst) * kPerSecond);
    filled_until_ += fresh;
  }
  if (tokens_ > 0) {
    --tokens_;
    return true;
  }
  ++left_out_;
  return false;
}

std::uint64_t LogLimit::take_left_out() {
  return std::exchange(left_out_, 0);
}

}  // namespace postern
