#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "core/network.h"
#include "core/result.h"
#include "ctl/exit_code.h"

namespace CLI {
class App;
}

namespace postern::ctl {

/// A file, as it was read.
struct ImportFile {
  std::string name;
  std::string text;
};

struct Imported {
  /// A postern.toml, or comments for the end of one.
  std::string toml;
  /// "miniupnpd.conf:12: notify_interval: …", each with its line's end.
  std::string remarks;
  /// Where the file says that leases are kept.
  std::vector<std::string> lease_files = {};
};

/// Converts a miniupnpd.conf, or OpenWrt's /etc/config/upnpd. `interfaces` are this machine's,
/// `network` is the text of OpenWrt's /etc/config/network; both may be empty. The error is lines
/// like those of `remarks`.
[[nodiscard]] Result<Imported, std::string> import_miniupnpd(
    const ImportFile& file, const std::vector<Interface>& interfaces, std::string_view network);

/// What to do with the leases in a file. `now` is the wall clock in Unix seconds.
[[nodiscard]] Imported import_leases(const ImportFile& file, std::uint64_t now);

/// posternctl import-miniupnpd.
class ImportCommand {
 public:
  /// Adds the command to the command line, which this object must outlive.
  explicit ImportCommand(CLI::App& app);
  ImportCommand(const ImportCommand&) = delete;
  ImportCommand& operator=(const ImportCommand&) = delete;

  [[nodiscard]] bool is_parsed() const;
  [[nodiscard]] ExitCode run(std::ostream& out, std::ostream& errors) const;

 private:
  CLI::App* command_;
  std::string file_;
  std::vector<std::string> leases_;
};

}  // namespace postern::ctl
