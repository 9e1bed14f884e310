#include "ctl/import/uci_reader.h"

#include <optional>
#include <utility>

#include "ctl/import/words.h"

namespace postern::ctl::miniupnpd {
namespace {

/// The words of a line as a shell would see them; nothing when a quote is not closed.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  [[nodiscard]] std::optional<std::vector<std::string>> read() {
    std::vector<std::string> words;
    for (rest_ = trimmed(rest_); !rest_.empty() && rest_.front() != '#'; rest_ = trimmed(rest_)) {
      std::string word;
      if (!read_word(word)) return std::nullopt;
      words.push_back(std::move(word));
    }
    return words;
  }

 private:
  [[nodiscard]] bool read_word(std::string& word) {
    while (!rest_.empty() && !is_blank(rest_.front())) {
      const char c = take();
      if (c == '\'' || c == '"') {
        if (!read_quoted(c, word)) return false;
      } else {
        word += c == '\\' && !rest_.empty() ? take() : c;
      }
    }
    return true;
  }

  [[nodiscard]] bool read_quoted(char quote, std::string& word) {
    while (!rest_.empty()) {
      const char c = take();
      if (c == quote) return true;
      word += c == '\\' && quote == '"' && !rest_.empty() ? take() : c;
    }
    return false;
  }

  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
};

/// What is wrong with the line; empty: nothing.
[[nodiscard]] std::string read_line(const std::vector<std::string>& words, std::size_t number,
                                    std::vector<UciSection>& sections) {
  const auto& kind = words.front();
  if (kind == "package") return "";
  if (kind == "config") {
    if (words.size() < 2 || words.size() > 3) return "is not \"config type 'name'\"";
    sections.push_back({words[1], words.size() > 2 ? words[2] : "", number, {}});
    return "";
  }
  if (kind != "option" && kind != "list") return "is no line of uci (config, option or list)";
  if (words.size() != 3) return "is not \"" + kind + " name 'value'\"";
  if (sections.empty()) return "stands before the first config";
  sections.back().options.push_back({words[1], words[2], number});
  return "";
}

}  // namespace

const UciOption* UciSection::find(std::string_view option) const {
  const UciOption* found = nullptr;
  for (const auto& each : options) {
    if (each.name == option) found = &each;
  }
  return found;
}

bool is_uci(std::string_view text) {
  bool is_decided = false;
  bool is_uci = false;
  for_each_line(text, [&](std::string_view line, std::size_t) {
    const auto first = take_word(line);
    if (is_decided || first.empty() || first.front() == '#') return;
    is_decided = true;
    is_uci = first == "config" || first == "package";
  });
  return is_uci;
}

Result<std::vector<UciSection>, Notes> read_uci(std::string_view text) {
  std::vector<UciSection> sections;
  Notes errors;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    const auto words = Words(line).read();
    if (!words) {
      errors.push_back({number, "has a quote that is not closed"});
    } else if (!words->empty()) {
      auto trouble = read_line(*words, number, sections);
      if (!trouble.empty()) errors.push_back({number, std::move(trouble)});
    }
  });
  if (!errors.empty()) return fail(std::move(errors));
  return sections;
}

}  // namespace postern::ctl::miniupnpd
