#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "host/doctor.h"

/// What this tool needs of the daemon's configuration. The rest is the daemon's to judge
/// (posternd --check-config).
namespace postern::ctl {

inline constexpr const char* kDefaultConfigFile = "/etc/postern/postern.toml";

struct Settings {
  host::DoctorSettings doctor;
  /// Where the control socket is.
  std::string runtime_dir = "/run/postern";
};

/// Reads the text of a configuration file. `file` is its name, for the error, which is one line
/// that begins with the place.
[[nodiscard]] Result<Settings, std::string> parse_settings(std::string_view text,
                                                           const std::string& file);

/// The same, read from a file. Without a name the default one, which need not be there.
[[nodiscard]] Result<Settings, std::string> load_settings(const std::optional<std::string>& file);

}  // namespace postern::ctl
