#include "ctl/import/toml_text.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "ctl/text_table.h"

namespace postern::ctl::miniupnpd {
namespace {

/// How many octets the UTF-8 sequence at the beginning has; 0 when there is no valid one (RFC 3629
/// §4).
[[nodiscard]] std::size_t sequence_length(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = octet(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  // What keeps out longer forms than needed, surrogates and numbers beyond Unicode.
  const unsigned least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (octet(1) < least || octet(1) > most) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((octet(i) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

[[nodiscard]] std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : one_line(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

[[nodiscard]] std::string quoted(const std::vector<std::string>& texts) {
  std::string result = "[";
  for (const auto& text : texts) result += (result.size() > 1 ? ", " : "") + quoted(text);
  return result + "]";
}

[[nodiscard]] std::string_view boolean(bool value) {
  return value ? "true" : "false";
}

/// "  # line 12"
[[nodiscard]] std::string from_line(std::size_t line) {
  return line == 0 ? "" : "  # line " + std::to_string(line);
}

class Writer {
 public:
  explicit Writer(const Draft& draft) : draft_(draft) {}

  [[nodiscard]] std::string write(std::string_view origin) {
    write_head(origin);
    if (draft_.wan) key("wan", quoted(draft_.wan->value), draft_.wan->line);
    write_lan();
    if (const auto& address = draft_.external_address) {
      key("external_address", quoted(address->value), address->line);
    }
    write_protocols();
    write_lifetime();
    for (const auto& rule : draft_.rules) write_rule(rule);
    return std::move(text_);
  }

 private:
  void line(const std::string& text) { text_ += text + "\n"; }
  void key(std::string_view name, std::string_view value, std::size_t source_line = 0) {
    line(std::string(name) + " = " + std::string(value) + from_line(source_line));
  }

  void write_head(std::string_view origin) {
    line("# Made by posternctl import-miniupnpd from " + one_line(origin) + ".");
    line("# What means something else here, or nothing, with the line it stands in there:");
    for (const auto& note : draft_.notes) {
      const auto place = note.line == 0 ? "the file" : "line " + std::to_string(note.line);
      line("#   " + place + ": " + one_line(note.text));
    }
    const bool has_top = draft_.wan || !draft_.lan.empty() || draft_.external_address;
    if (has_top) line("");
  }

  void write_lan() {
    if (draft_.lan.empty()) return;
    std::vector<std::string> names;
    std::string lines;
    std::size_t last = 0;
    for (const auto& lan : draft_.lan) {
      names.push_back(lan.value);
      // Two of one line follow each other.
      if (lan.line == last) continue;
      last = lan.line;
      lines += (lines.empty() ? "" : ", ") + std::to_string(last);
    }
    line("lan = " + quoted(names) + "  # line " + lines);
  }

  void write_protocols() {
    if (const auto& on = draft_.natpmp_and_pcp) {
      line("\n[natpmp]");
      key("enabled", boolean(on->value), on->line);
      line("\n[pcp]");
      key("enabled", boolean(on->value), on->line);
      if (const auto& all = draft_.third_party) key("third_party", quoted(all->value), all->line);
    }
    write_upnp();
  }

  void write_upnp() {
    const bool has_any =
        draft_.upnp || draft_.http_port || draft_.friendly_name || draft_.presentation_url;
    if (has_any) line("\n[upnp]");
    if (const auto& on = draft_.upnp) key("enabled", boolean(on->value), on->line);
    if (const auto& port = draft_.http_port) key("http_port", port->value, port->line);
    if (const auto& name = draft_.friendly_name) {
      key("friendly_name", quoted(name->value), name->line);
    }
    if (const auto& url = draft_.presentation_url) {
      key("presentation_url", quoted(url->value), url->line);
    }
  }

  void write_lifetime() {
    if (!draft_.min_lifetime && !draft_.max_lifetime) return;
    line("\n[lifetime]");
    const auto write = [&](std::string_view name, const auto& time) {
      if (time) key(name, quoted(std::to_string(time->value) + "s"), time->line);
    };
    write("min", draft_.min_lifetime);
    write("max", draft_.max_lifetime);
  }

  void write_rule(const DraftRule& rule) {
    line("");
    if (!rule.reason.empty()) line("# " + one_line(rule.reason) + ".");
    line("[[rule]]");
    key("name", quoted(rule.name));
    key("action", rule.allows ? "\"allow\"" : "\"deny\"");
    key("clients", quoted(rule.clients));
    if (!rule.interfaces.empty()) key("interfaces", quoted(rule.interfaces));
    key("external_ports", quoted(rule.external_ports));
    if (rule.repeats_guarded) {
      line("# Those of limits.never_internal_ports are named again: only so are they open.");
    }
    key("internal_ports", quoted(rule.internal_ports));
    if (rule.for_others) key("for_others", "true");
  }

  const Draft& draft_;
  std::string text_;
};

}  // namespace

std::string one_line(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const auto length = sequence_length(text);
    valid += length == 0 ? std::string_view("?") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return printable(valid);
}

std::string toml_text(const Draft& draft, std::string_view origin) {
  return Writer(draft).write(origin);
}

}  // namespace postern::ctl::miniupnpd
