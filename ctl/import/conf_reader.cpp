#include "ctl/import/conf_reader.h"

#include <string>
#include <utility>

#include "ctl/import/permission.h"
#include "ctl/import/words.h"

namespace postern::ctl::miniupnpd {
namespace {

void read_rule(std::string_view line, std::size_t number, Source& source, Notes& errors) {
  auto rule = parse_permission(line);
  if (!rule) {
    errors.push_back({number, rule.error()});
    return;
  }
  rule->line = number;
  source.rules.push_back(std::move(*rule));
}

void read_option(std::string_view line, std::size_t number, Source& source, Notes& errors) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) {
    errors.push_back({number, "is neither option=value nor a rule (allow or deny)"});
    return;
  }
  const std::string name(trimmed(line.substr(0, equals)));
  source.options.push_back({name, std::string(trimmed(line.substr(equals + 1))), number, name});
}

}  // namespace

Result<Source, Notes> read_conf(std::string_view text) {
  Source source;
  Notes errors;
  for_each_line(text, [&](std::string_view whole, std::size_t number) {
    const auto line = trimmed(whole);
    if (line.empty() || line.front() == '#') return;
    if (is_permission(line)) {
      read_rule(line, number, source, errors);
    } else if (line.starts_with("set_learn_dscp")) {
      source.options.push_back({"set_learn_dscp", std::string(line), number, "set_learn_dscp"});
    } else {
      read_option(line, number, source, errors);
    }
  });
  if (!errors.empty()) return fail(std::move(errors));
  return source;
}

}  // namespace postern::ctl::miniupnpd
