#include "backends/iptables/runner.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace postern::iptables {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostErrors = 4096;
/// A host with 100,000 rules of its own prints about 10 MB.
constexpr std::size_t kMostOutput = 64U << 20;

[[nodiscard]] std::string failure_of(std::string_view program, std::string_view action, int code) {
  return "cannot " + std::string(action) + " " + std::string(program) + ": " +
         std::generic_category().message(code);
}

class File {
 public:
  File() = default;
  explicit File(int number) : number_(number) {}
  File(File&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~File() { close(); }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  void close() {
    if (is_open()) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

/// A socket pair, not a pipe: to write to a program that has gone must not raise SIGPIPE here.
struct Channel {
  File ours;
  File theirs;
};

[[nodiscard]] std::optional<Channel> open_channel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return std::nullopt;
  Channel channel{File(ends[0]), File(ends[1])};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return std::nullopt;
  return channel;
}

/// What to tell posix_spawn; owns its two structures.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  void give(const File& file, int as) {
    ::posix_spawn_file_actions_adddup2(&files_, file.number(), as);
  }
  /// A group of its own, so that what it starts can be killed with it, and none of our signal
  /// settings. Returns 0 or an error number.
  [[nodiscard]] int start(pid_t& child, const std::vector<std::string>& command) {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::sigaddset(&signals, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> words;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    return ::posix_spawn(&child, words.front(), &files_, &attributes_, words.data(), environ);
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

/// A started program: killed and waited for at the end of this object's life, if not before.
class Child {
 public:
  Child(pid_t id, Clock::time_point deadline) : id_(id), deadline_(deadline) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (id_ == 0) return;
    ::kill(-id_, SIGKILL);
    while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  /// Until one of the files is ready; false when the time is over.
  [[nodiscard]] bool wait_for(std::array<pollfd, 3>& files) const {
    const auto left = std::chrono::ceil<Milliseconds>(deadline_ - Clock::now()).count();
    if (left <= 0) return false;
    return ::poll(files.data(), files.size(), static_cast<int>(left)) > 0 || errno == EINTR;
  }

  /// What it returned; absent when it has not ended in time. It has closed its files, so it is as
  /// good as gone, and looking for it every millisecond will do.
  [[nodiscard]] std::optional<int> end() {
    int status = 0;
    while (true) {
      const auto ended = ::waitpid(id_, &status, WNOHANG);
      if (ended == id_) break;
      // Somebody else has waited for it.
      if (ended < 0 && errno != EINTR) return std::nullopt;
      if (Clock::now() >= deadline_) return std::nullopt;
      ::poll(nullptr, 0, 1);
    }
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t id_;
  Clock::time_point deadline_;
};

/// Takes what is there; closes the file at its end. False when there is more than `most`.
[[nodiscard]] bool take(File& file, std::string& text, std::size_t most, bool forgets_the_rest) {
  std::array<char, 16384> part{};
  const auto got = ::read(file.number(), part.data(), part.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got <= 0) {
    file.close();
    return true;
  }
  const auto size = static_cast<std::size_t>(got);
  const auto room = std::min(size, most - text.size());
  text.append(part.data(), room);
  return room == size || forgets_the_rest;
}

/// Gives what the program takes; closes the file when all is given or nobody listens.
void give(File& file, std::string_view& input) {
  const auto gave = ::send(file.number(), input.data(), input.size(), MSG_NOSIGNAL);
  if (gave < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (gave >= 0) input.remove_prefix(static_cast<std::size_t>(gave));
  if (gave < 0 || input.empty()) file.close();
}

/// Feeds and reads until the program has closed both its outputs. False when that takes too long
/// or too much is said.
[[nodiscard]] bool converse(const Child& child, File& in, File& out, File& err,
                            std::string_view input, Outcome& outcome) {
  if (input.empty()) in.close();
  while (out.is_open() || err.is_open()) {
    std::array<pollfd, 3> files{
        {{in.number(), POLLOUT, 0}, {out.number(), POLLIN, 0}, {err.number(), POLLIN, 0}}};
    if (!child.wait_for(files)) return false;
    if (files[0].revents != 0) give(in, input);
    if (files[1].revents != 0 && !take(out, outcome.output, kMostOutput, false)) return false;
    if (files[2].revents != 0 && !take(err, outcome.errors, kMostErrors, true)) return false;
  }
  return true;
}

}  // namespace

Result<Outcome, std::string> ChildRunner::run(const std::vector<std::string>& command,
                                              std::string_view input) {
  const auto& program = command.front();
  auto in = open_channel();
  auto out = open_channel();
  auto err = open_channel();
  if (!in || !out || !err) return fail(failure_of(program, "talk to", errno));

  SpawnPlan plan;
  plan.give(in->theirs, STDIN_FILENO);
  plan.give(out->theirs, STDOUT_FILENO);
  plan.give(err->theirs, STDERR_FILENO);
  pid_t id = 0;
  const auto deadline = Clock::now() + limit_;
  if (const int code = plan.start(id, command); code != 0) {
    return fail(failure_of(program, "start", code));
  }
  Child child(id, deadline);
  for (auto* channel : {&*in, &*out, &*err}) channel->theirs.close();

  Outcome outcome;
  const bool done = converse(child, in->ours, out->ours, err->ours, input, outcome);
  const auto status = done ? child.end() : std::nullopt;
  if (!status) {
    return fail(program + " did not end within " + std::to_string(limit_.count()) +
                " ms, or said too much, and was killed");
  }
  outcome.status = *status;
  return outcome;
}

}  // namespace postern::iptables
