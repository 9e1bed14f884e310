#pragma once

#include <string>
#include <vector>

#include "ctl/exit_code.h"
#include "host/doctor.h"

/// The doctor's findings, for people and for programs.
namespace postern::ctl {

/// Some lines for each finding, and one that counts them.
[[nodiscard]] std::string report_text(const std::vector<host::Finding>& findings);

/// One JSON document: {"errors": N, "warnings": N, "findings": [{"severity", "id", "what", "why",
/// "mend": [command, …], "advice"}, …]}
[[nodiscard]] std::string report_json(const std::vector<host::Finding>& findings);

/// Failure when there is an error; warnings alone are a success. `could_look` is false when the
/// rules could not be read for want of privileges, which counts before all else.
[[nodiscard]] ExitCode exit_code_of(const std::vector<host::Finding>& findings, bool could_look);

}  // namespace postern::ctl
