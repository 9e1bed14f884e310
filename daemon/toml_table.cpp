#include "daemon/toml_table.h"

#include <charconv>
#include <limits>

namespace postern {
namespace {

/// "24h" and the like; nothing when it is not one.
[[nodiscard]] std::optional<Seconds> parse_duration(std::string_view text) {
  std::uint64_t count = 0;
  const auto [unit, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || unit + 1 != text.data() + text.size()) return std::nullopt;
  std::uint64_t seconds = 0;
  switch (*unit) {
    case 's':
      seconds = 1;
      break;
    case 'm':
      seconds = 60;
      break;
    case 'h':
      seconds = 3600;
      break;
    case 'd':
      seconds = 86400;
      break;
    default:
      return std::nullopt;
  }
  constexpr std::uint64_t kLongest = std::numeric_limits<std::uint32_t>::max();
  if (count > kLongest / seconds) return std::nullopt;
  return Seconds(static_cast<std::int64_t>(count * seconds));
}

}  // namespace

std::optional<std::string> TomlTable::text(std::string_view key, std::string_view example) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  if (const auto value = node->value_exact<std::string>(); value && !value->empty()) return value;
  report(*node, key, "is not a text; write for example \"" + std::string(example) + "\"");
  return std::nullopt;
}

std::optional<bool> TomlTable::boolean(std::string_view key) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  if (const auto value = node->value_exact<bool>()) return value;
  report(*node, key, "is neither true nor false");
  return std::nullopt;
}

std::optional<std::int64_t> TomlTable::number(std::string_view key, std::int64_t least,
                                              std::int64_t most) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= least && *value <= most) return value;
  report(*node, key,
         "is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<Seconds> TomlTable::duration(std::string_view key, Seconds longest,
                                           Seconds shortest) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  const auto value = node->value_exact<std::string>();
  const auto duration = value ? parse_duration(*value) : std::nullopt;
  if (duration && *duration >= shortest && *duration <= longest) return duration;
  report(*node, key,
         "is not a duration from " + std::to_string(shortest.count()) + "s to " +
             std::to_string(longest.count() / 86400) +
             "d; write for example \"90s\", \"2m\", \"24h\" or \"7d\"");
  return std::nullopt;
}

std::optional<std::vector<std::string>> TomlTable::texts(std::string_view key,
                                                         std::string_view example,
                                                         std::size_t least) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  std::vector<std::string> values;
  bool is_good = true;
  const auto add = [&](const toml::node& item) {
    const auto value = item.value_exact<std::string>();
    is_good = is_good && value && !value->empty();
    if (is_good) values.push_back(*value);
  };
  if (const auto* items = node->as_array()) {
    for (const auto& item : *items) add(item);
  } else {
    add(*node);
  }
  if (is_good && values.size() >= least) return values;
  report(*node, key,
         "is not a list of texts; write for example [\"" + std::string(example) + "\"]");
  return std::nullopt;
}

std::optional<std::vector<PortSet>> TomlTable::ports(std::string_view key) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  std::vector<PortSet> sets;
  bool is_good = true;
  if (const auto* items = node->as_array()) {
    for (const auto& item : *items) is_good = is_good && add_ports(item, sets);
  } else {
    is_good = add_ports(*node, sets);
  }
  if (is_good) return sets;
  report(*node, key,
         "is not a list of ports; write for example \"9, 1024-65535\" or [22, \"135-139\"]");
  return std::nullopt;
}

bool TomlTable::add_ports(const toml::node& node, std::vector<PortSet>& sets) const {
  if (const auto number = node.value_exact<std::int64_t>()) {
    if (*number < 1 || *number > 65535) return false;
    const auto port = static_cast<std::uint16_t>(*number);
    sets.push_back(PortSet({{port, port}}));
    return true;
  }
  const auto text = node.value_exact<std::string>();
  if (!text) return false;
  std::string_view rest = *text;
  while (true) {
    // Split here, for PortSet would join neighbours and so lose what was named on its own.
    const auto comma = rest.find(',');
    const auto set = PortSet::parse(rest.substr(0, comma));
    if (!set) return false;
    sets.push_back(*set);
    if (comma == std::string_view::npos) return true;
    rest.remove_prefix(comma + 1);
  }
}

std::optional<TomlTable> TomlTable::table(std::string_view key) {
  read_.emplace(key);
  notes_.tables.insert(name_of(key));
  const auto* node = table_.get(key);
  if (!node) return std::nullopt;
  if (const auto* inner = node->as_table()) {
    return TomlTable(*inner, name_of(key), file_, notes_);
  }
  report(*node, key, "is not a table; write [" + name_of(key) + "] and its keys below");
  return std::nullopt;
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
  std::vector<TomlTable> inner;
  const auto* node = find(key);
  if (!node) return inner;
  const auto* items = node->as_array();
  if (!items || !items->is_homogeneous<toml::table>()) {
    report(*node, key, "is not an array of tables; write [[" + name_of(key) + "]] above each");
    return inner;
  }
  for (const auto& item : *items) {
    inner.emplace_back(*item.as_table(), name_of(key), file_, notes_);
  }
  return inner;
}

void TomlTable::reject(std::string_view key, const std::string& problem) {
  const auto* node = table_.get(key);
  report(node ? *node : table_, key, problem);
}

void TomlTable::warn(const std::string& problem) {
  notes_.warnings.push_back({file_, table_.source().begin.line, problem});
}

void TomlTable::reject_unknown_keys() {
  for (const auto& [key, node] : table_) {
    if (read_.contains(key.str())) continue;
    report(node, key.str(), "is not a key of this version; remove it or mend its spelling");
  }
}

const toml::node* TomlTable::find(std::string_view key) {
  read_.emplace(key);
  notes_.keys.insert(name_of(key));
  return table_.get(key);
}

void TomlTable::report(const toml::node& node, std::string_view key, const std::string& problem) {
  notes_.errors.push_back({file_, node.source().begin.line, name_of(key) + " " + problem});
}

std::string TomlTable::name_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

}  // namespace postern
