#pragma once

#define TOML_EXCEPTIONS 0
// The parser's own assertions fail on some malformed keys ("[`"), where without them it reports an
// error, as it should.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "core/port_set.h"
#include "core/time.h"
#include "daemon/config.h"

namespace postern {

/// What reading a file told about it.
struct TomlNotes {
  ConfigErrors errors;
  ConfigErrors warnings;
  /// The tables and the keys that were asked for, whether they were there or not: "pcp",
  /// "pcp.peer".
  std::set<std::string> tables;
  std::set<std::string> keys;
};

/// Reads the keys of one TOML table and keeps what is wrong with them: a value of another type or
/// out of range, with its line and the way to mend it, and, at the end, keys that nobody read.
class TomlTable {
 public:
  /// `path` is the table's name as the file writes it, "" for the top level. Table and notes
  /// outlive this object.
  TomlTable(const toml::table& table, std::string path, const std::string& file, TomlNotes& notes)
      : table_(table), path_(std::move(path)), file_(file), notes_(notes) {}

  // Each reads one key; nothing when it is absent or wrong.
  [[nodiscard]] std::optional<std::string> text(std::string_view key, std::string_view example);
  [[nodiscard]] std::optional<bool> boolean(std::string_view key);
  /// A whole number from `least` to `most`.
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view key, std::int64_t least,
                                                   std::int64_t most);
  /// "90s", "2m", "24h" or "7d", at least `shortest` and at most `longest`, which is whole days.
  [[nodiscard]] std::optional<Seconds> duration(std::string_view key, Seconds longest,
                                                Seconds shortest = Seconds(1));
  /// "eth1" or ["eth1", "eth2"], at least so many.
  [[nodiscard]] std::optional<std::vector<std::string>> texts(std::string_view key,
                                                              std::string_view example,
                                                              std::size_t least = 1);
  /// Each item of 22, "1024-65535", "9, 1024-65535" or [22, "135-139"] as a set of its own.
  [[nodiscard]] std::optional<std::vector<PortSet>> ports(std::string_view key);
  [[nodiscard]] std::optional<TomlTable> table(std::string_view key);
  /// The tables of an array of tables, [[key]].
  [[nodiscard]] std::vector<TomlTable> tables(std::string_view key);

  /// A value that was read turned out to be wrong.
  void reject(std::string_view key, const std::string& problem);
  /// The table as a whole is good, but hardly what its author meant.
  void warn(const std::string& problem);
  /// Reports the keys that were never asked for. Called last.
  void reject_unknown_keys();

 private:
  [[nodiscard]] const toml::node* find(std::string_view key);
  void report(const toml::node& node, std::string_view key, const std::string& problem);
  [[nodiscard]] std::string name_of(std::string_view key) const;
  [[nodiscard]] bool add_ports(const toml::node& node, std::vector<PortSet>& sets) const;

  const toml::table& table_;
  std::string path_;
  const std::string& file_;
  TomlNotes& notes_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace postern
