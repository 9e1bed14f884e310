#include "ctl/import/openwrt_access.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ctl/import/listening.h"
#include "ctl/import/permission.h"
#include "ctl/import/words.h"

namespace postern::ctl::miniupnpd {
namespace {

[[nodiscard]] std::string value_or(const UciSection& section, std::string_view name,
                                   std::string_view otherwise) {
  const auto* option = section.find(name);
  return option ? option->value : std::string(otherwise);
}

/// The ports that a preset accepts; nothing for a name that is none.
[[nodiscard]] std::optional<std::string> preset_ports(std::string_view preset) {
  if (preset == "accept-high-ports") return "1024-65535";
  if (preset == "accept-high-ports+web") return "1024-65535 80 443";
  if (preset == "accept-high-ports+web+dns") return "1024-65535 80 443 53 853";
  if (preset == "accept-all-ports") return "1-65535";
  if (preset == "none" || preset == "accept-listed-ports") return "";
  return std::nullopt;
}

/// One section "internal_network".
struct Lan {
  std::string device;
  std::string preset;
  std::string accepted;
  std::string rejected;
  bool has_custom_first = false;
  std::size_t line = 0;
};

[[nodiscard]] Lan read_lan(const UciSection& section, const NetworkNames& names, Notes& notes,
                           Notes& errors) {
  Lan lan;
  lan.line = section.line;
  lan.device = names.lan_device(value_or(section, "interface", "lan"), section.line, notes);
  if (!is_interface_name(lan.device) || Address::parse(lan.device)) {
    errors.push_back({section.line, "interface: is not the name of a network with a device"});
  }
  lan.preset = value_or(section, "acl_preset", "accept-high-ports");
  lan.rejected = value_or(section, "acl_reject_ports", "21 23 135 137-139 445 3389");
  lan.has_custom_first = value_or(section, "acl_custom_first", "0") == "1";
  const auto accepted = preset_ports(lan.preset);
  if (!accepted) {
    notes.push_back({section.line, "acl_preset \"" + lan.preset +
                                       "\" is not known; OpenWrt ignores it, and so nothing is "
                                       "accepted by it"});
  }
  lan.accepted = accepted.value_or("") + " " + value_or(section, "acl_accept_ports", "");
  for (const auto& option : section.options) {
    if (option.name == "interface" || option.name.starts_with("acl_")) continue;
    notes.push_back(
        {option.line, option.name + ": is not an option of internal_network; left out"});
  }
  return lan;
}

void add_rules(const Lan& lan, std::string_view ports, bool allows, Source& source) {
  for (const auto word : words_of(ports)) {
    const auto set = parse_ports(word);
    if (!set || set->empty()) {
      source.notes.push_back(
          {lan.line, "port \"" + std::string(word) + "\" is none; OpenWrt ignores it"});
      continue;
    }
    PermissionRule rule;
    rule.allows = allows;
    rule.external_ports = rule.internal_ports = *set;
    rule.interface = lan.device;
    rule.line = lan.line;
    source.rules.push_back(std::move(rule));
  }
}

void add_before_custom(const Lan& lan, Source& source) {
  source.options.push_back({"listening_ip", lan.device, lan.line, "interface"});
  add_rules(lan, lan.rejected, false, source);
  if (lan.has_custom_first) return;
  add_rules(lan, lan.accepted, true, source);
  if (lan.preset != "none") add_rules(lan, "1-65535", false, source);
}

/// One section "perm_rule".
[[nodiscard]] PermissionRule read_rule(const UciSection& section, Notes& notes, Notes& errors) {
  PermissionRule rule;
  rule.line = section.line;
  rule.allows = value_or(section, "action", "deny") == "allow";
  rule.comment = value_or(section, "comment", "");
  const auto read_ports = [&](std::string_view name, PortSet& into) {
    const auto* option = section.find(name);
    const auto ports = parse_ports(option ? option->value : "0-65535");
    if (ports) {
      into = *ports;
    } else {
      errors.push_back({option->line, option->name + ": is not \"80\" or \"1024-65535\""});
    }
  };
  read_ports("ext_ports", rule.external_ports);
  read_ports("int_ports", rule.internal_ports);
  const auto* address = section.find("int_addr");
  const auto hosts = parse_hosts(address ? address->value : "0.0.0.0/0");
  if (hosts) {
    rule.hosts = *hosts;
  } else {
    errors.push_back(
        {address->line, "int_addr: is not an IPv4 address such as \"192.168.1.0/24\""});
  }
  for (const auto& option : section.options) {
    if (option.name == "action" || option.name == "comment" || option.name == "ext_ports" ||
        option.name == "int_ports" || option.name == "int_addr") {
      continue;
    }
    notes.push_back({option.line, option.name + ": is not an option of perm_rule; left out"});
  }
  return rule;
}

}  // namespace

void read_access(const std::vector<UciSection>& sections, const NetworkNames& names, Source& source,
                 Notes& errors) {
  std::vector<Lan> lans;
  for (const auto& section : sections) {
    if (section.type != "internal_network") continue;
    lans.push_back(read_lan(section, names, source.notes, errors));
  }
  for (const auto& lan : lans) add_before_custom(lan, source);
  for (const auto& section : sections) {
    if (section.type != "perm_rule") continue;
    source.rules.push_back(read_rule(section, source.notes, errors));
  }
  for (const auto& lan : lans) {
    if (lan.has_custom_first) add_rules(lan, lan.accepted, true, source);
  }
}

}  // namespace postern::ctl::miniupnpd
