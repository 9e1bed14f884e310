#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace postern::iptables {

struct Outcome {
  /// What the program returned; 128 and more when a signal ended it.
  int status = 0;
  std::string output;
  /// What it complained about, without what goes beyond 4,096 octets.
  std::string errors;
};

/// Where programs are run; tests put something between.
class Runner {
 public:
  virtual ~Runner() = default;

  /// Runs the program of this path to its end. The error says why there is no outcome.
  [[nodiscard]] virtual Result<Outcome, std::string> run(const std::vector<std::string>& command,
                                                         std::string_view input) = 0;
};

/// Runs child processes, without a shell, and waits for each no longer than `limit`: then it is
/// killed, which is an error. They see this thread's network namespace and environment.
class ChildRunner final : public Runner {
 public:
  explicit ChildRunner(Milliseconds limit = Seconds(5)) : limit_(limit) {}

  [[nodiscard]] Result<Outcome, std::string> run(const std::vector<std::string>& command,
                                                 std::string_view input) override;

 private:
  Milliseconds limit_;
};

}  // namespace postern::iptables
