#pragma once

namespace postern::ctl {

/// What the process ends with.
enum class ExitCode : int {
  success = 0,
  failure = 1,
  usage = 2,
  no_privilege = 4,
  bad_configuration = 78,
};

}  // namespace postern::ctl
