#include "backends/iptables/rule_text.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "core/address.h"

namespace postern::iptables {
namespace {

[[nodiscard]] const Table* table_named(const Ruleset& rules, std::string_view name) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Table& t) { return t.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

[[nodiscard]] const Chain* chain_named(const Table& table, std::string_view name) {
  const auto found = std::find_if(table.chains.begin(), table.chains.end(),
                                  [&](const Chain& chain) { return chain.name == name; });
  return found == table.chains.end() ? nullptr : &*found;
}

/// To find a rule takes the programs as long as to write some.
constexpr std::size_t kMostEdits = 16;

[[nodiscard]] std::set<std::string_view> texts_of(const Chain& chain) {
  std::set<std::string_view> texts;
  for (const auto& rule : chain.rules) texts.insert(rule.text);
  return texts;
}

/// What one chain has to lose and the other to get, so that both are the same.
struct Edits {
  std::vector<const Rule*> removed;
  /// With their places, from 1, in ascending order.
  std::vector<std::pair<std::size_t, const Rule*>> inserted;
};

/// Nothing when it is better to write the chain anew: it is new, much has changed, or the order
/// has.
[[nodiscard]] std::optional<Edits> edits_of(const Chain* held, const Chain& wanted) {
  if (held == nullptr) return std::nullopt;
  Edits edits;
  std::vector<std::string_view> left;
  std::vector<std::string_view> kept;
  const auto wanted_texts = texts_of(wanted);
  for (const auto& rule : held->rules) {
    if (wanted_texts.contains(rule.text)) {
      left.push_back(rule.text);
    } else {
      edits.removed.push_back(&rule);
    }
  }
  const auto held_texts = texts_of(*held);
  for (std::size_t i = 0; i < wanted.rules.size(); ++i) {
    const auto& rule = wanted.rules[i];
    if (held_texts.contains(rule.text)) {
      kept.push_back(rule.text);
    } else {
      edits.inserted.emplace_back(i + 1, &rule);
    }
  }
  if (left != kept || edits.removed.size() + edits.inserted.size() > kMostEdits) return {};
  return edits;
}

/// An administrator's own forwards win over ours, and nobody changes a mark after us. Everywhere
/// else what stands before us could undo what we do: a drop, a masquerade.
[[nodiscard]] bool stands_last(const Table& table, const Jump& jump) {
  return jump.chain == "PREROUTING" || table.name == "mangle";
}

class Writer {
 public:
  void line(std::string text, std::optional<DoorKey> door = std::nullopt) {
    result_.text += text + "\n";
    result_.doors.push_back(door);
  }
  [[nodiscard]] RestoreText take() { return std::move(result_); }

 private:
  RestoreText result_;
};

void write_rules(Writer& out, const Chain& chain, const std::optional<Edits>& edits) {
  if (!edits) {
    for (const auto& rule : chain.rules) out.line("-A " + chain.name + " " + rule.text, rule.door);
    return;
  }
  for (const auto* rule : edits->removed) out.line("-D " + chain.name + " " + rule->text);
  for (const auto& [place, rule] : edits->inserted) {
    out.line("-I " + chain.name + " " + std::to_string(place) + " " + rule->text, rule->door);
  }
}

void write_table(Writer& out, const Table& held, const Table& wanted) {
  out.line("*" + wanted.name);
  // This makes a chain, or empties it.
  std::vector<std::optional<Edits>> edits;
  for (const auto& chain : wanted.chains) {
    edits.push_back(edits_of(chain_named(held, chain.name), chain));
    if (!edits.back()) out.line(":" + chain.name + " - [0:0]");
  }
  for (const auto& chain : held.chains) {
    if (chain_named(wanted, chain.name) == nullptr) out.line(":" + chain.name + " - [0:0]");
  }
  for (const auto& jump : held.jumps) out.line("-D " + jump.chain + " " + jump.text);
  for (std::size_t i = 0; i < edits.size(); ++i) write_rules(out, wanted.chains[i], edits[i]);
  for (const auto& jump : wanted.jumps) {
    out.line((stands_last(wanted, jump) ? "-A " + jump.chain : "-I " + jump.chain + " 1") + " " +
             jump.text);
  }
  for (const auto& chain : held.chains) {
    if (chain_named(wanted, chain.name) == nullptr) out.line("-X " + chain.name);
  }
  out.line("COMMIT");
}

/// Takes one line "-A CHAIN RULE" of a saved table, if it is ours.
void read_rule(Table& table, std::string_view line) {
  line.remove_prefix(3);
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return;
  const std::string name(line.substr(0, space));
  const std::string text(line.substr(space + 1));
  for (auto& chain : table.chains) {
    if (chain.name == name) {
      chain.rules.push_back({text, std::nullopt});
      return;
    }
  }
  const auto words = words_of(text);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if ((words[i] == "-j" || words[i] == "-g") && words[i + 1].starts_with(kPrefix)) {
      table.jumps.push_back({name, text});
      return;
    }
  }
  for (auto& jump : table.jumps) jump.is_followed |= jump.chain == name;
}

/// A word that iptables-save may write in another way: "" for everybody's address, and a range of
/// one port as that port.
[[nodiscard]] std::string essence_of_word(const std::string& word) {
  if (const auto prefix = Prefix::parse(word)) {
    return prefix->length() == 0 ? "" : prefix->to_string();
  }
  const auto colon = word.find(':');
  const bool is_one = colon != std::string::npos && word.substr(0, colon) == word.substr(colon + 1);
  return is_one ? word.substr(0, colon) : word;
}

/// A rule without what goes without saying: the names of matches whose options follow, and
/// everybody's address.
[[nodiscard]] std::vector<std::string> essence_of(std::string_view rule) {
  const auto words = words_of(rule);
  std::vector<std::string> essence;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-m") {
      ++i;
      continue;
    }
    auto word = essence_of_word(words[i]);
    if (!word.empty()) {
      essence.push_back(std::move(word));
    } else if (!essence.empty()) {
      essence.pop_back();  // Its option.
    }
  }
  return essence;
}

/// The rules of each chain, ours and those that lead to ours.
using Essence =
    std::map<std::pair<std::string, std::string>, std::vector<std::vector<std::string>>>;

[[nodiscard]] Essence essence_of(const Ruleset& rules) {
  Essence essence;
  for (const auto& table : rules) {
    for (const auto& chain : table.chains) {
      auto& own = essence[{table.name, chain.name}];
      for (const auto& rule : chain.rules) own.push_back(essence_of(rule.text));
    }
    for (const auto& jump : table.jumps) {
      auto words = essence_of(jump.text);
      if (jump.is_followed && stands_last(table, jump)) words.push_back("and others");
      essence[{table.name, jump.chain}].push_back(std::move(words));
    }
  }
  return essence;
}

}  // namespace

RestoreText restore_text(const Ruleset& held, const Ruleset& wanted) {
  Writer out;
  for (const auto& table : wanted) {
    const auto* before = table_named(held, table.name);
    write_table(out, before != nullptr ? *before : Table{table.name, {}, {}}, table);
  }
  for (const auto& table : held) {
    if (table_named(wanted, table.name) == nullptr) {
      write_table(out, table, Table{table.name, {}, {}});
    }
  }
  return out.take();
}

Ruleset read_save(std::string_view text) {
  Ruleset rules;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("*")) {
      rules.push_back({std::string(line.substr(1)), {}, {}});
    } else if (rules.empty()) {
      continue;
    } else if (line.starts_with(":" + std::string(kPrefix))) {
      rules.back().chains.push_back({std::string(line.substr(1, line.find(' ') - 1)), {}});
    } else if (line.starts_with("-A ")) {
      read_rule(rules.back(), line);
    }
  }
  std::erase_if(rules, [](const Table& table) { return table.chains.empty(); });
  return rules;
}

bool are_same_rules(const Ruleset& left, const Ruleset& right) {
  return essence_of(left) == essence_of(right);
}

std::vector<std::string> words_of(std::string_view rule) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool begun = false;
  for (std::size_t i = 0; i < rule.size(); ++i) {
    if (rule[i] == '"') {
      quoted = !quoted;
      begun = true;
    } else if (rule[i] == ' ' && !quoted) {
      if (begun) words.push_back(std::move(word));
      word.clear();
      begun = false;
    } else {
      // Inside quotes a backslash keeps what follows from being read.
      if (quoted && rule[i] == '\\' && i + 1 < rule.size()) ++i;
      word += rule[i];
      begun = true;
    }
  }
  if (begun) words.push_back(std::move(word));
  return words;
}

std::optional<std::size_t> refused_line(std::string_view errors) {
  // "line 7 failed", "line 7: RULE_APPEND failed (…)" and "Error occurred at line: 7" are in use.
  for (auto at = errors.find("line"); at != std::string_view::npos; at = errors.find("line", at)) {
    at += 4;
    auto rest = errors.substr(at);
    if (rest.starts_with(":")) rest.remove_prefix(1);
    if (!rest.starts_with(" ")) continue;
    rest.remove_prefix(1);
    std::size_t number = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (read.ec == std::errc{} && number != 0) return number;
  }
  return std::nullopt;
}

}  // namespace postern::iptables
