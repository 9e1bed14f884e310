#include "ctl/import/openwrt.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "ctl/import/openwrt_access.h"
#include "ctl/import/openwrt_names.h"
#include "ctl/import/words.h"

namespace postern::ctl::miniupnpd {
namespace {

struct Renamed {
  std::string_view uci;
  std::string_view conf;
};

/// Options with another name and the same values.
constexpr std::array<Renamed, 18> kRenamed{{
    {"external_ip", "ext_ip"},
    {"external_iface6", "ext_ifname6"},
    {"port", "http_port"},
    {"upnp_igd_http_port", "http_port"},
    {"upnp_lease_file", "lease_file"},
    {"lease_file", "lease_file"},
    {"upnp_igd_friendly_name", "friendly_name"},
    {"presentation_url", "presentation_url"},
    {"notify_interval", "notify_interval"},
    {"serial_number", "serial"},
    {"model_number", "model_number"},
    {"uuid", "uuid"},
    {"stun_host", "ext_stun_host"},
    {"stun_port", "ext_stun_port"},
    {"clean_ruleset_interval", "clean_ruleset_interval"},
    {"clean_ruleset_threshold", "clean_ruleset_threshold"},
    {"upnp_igd_download", "bitrate_down"},
    {"upnp_igd_upload", "bitrate_up"},
}};

/// Options that are on or off.
constexpr std::array<Renamed, 7> kSwitches{{
    {"ipv6_disable", "ipv6_disable"},
    {"system_uptime", "system_uptime"},
    {"igdv1", "force_igd_desc_v1"},
    {"use_stun", "ext_perform_stun"},
    {"secure_mode", "secure_mode"},
    {"enable_upnp", "enable_upnp"},
    {"enable_natpmp", "enable_pcp_pmp"},
}};

/// How uci writes "yes".
[[nodiscard]] bool is_on(std::string_view value) {
  constexpr std::array<std::string_view, 5> kYes{"1", "on", "true", "yes", "enabled"};
  return std::find(kYes.begin(), kYes.end(), value) != kYes.end();
}

[[nodiscard]] const char* yes_or_no(bool value) {
  return value ? "yes" : "no";
}

/// The section "upnpd".
class MainSection {
 public:
  MainSection(const UciSection& section, const NetworkNames& names, Source& source)
      : section_(section), names_(names), source_(source) {}

  void read() {
    for (const auto& option : section_.options) read(option);
    // What the start script fills in.
    if (!section_.find("enabled_protocols")) {
      if (!section_.find("enable_upnp")) set("enable_upnp", "yes", section_.line, "enable_upnp");
      if (!section_.find("enable_natpmp")) {
        set("enable_pcp_pmp", "yes", section_.line, "enable_natpmp");
      }
    }
    if (!section_.find("secure_mode") && !section_.find("allow_third_party_mapping")) {
      set("secure_mode", "yes", section_.line, "secure_mode");
    }
    const auto* leases = section_.find("lease_file");
    if (!leases) leases = section_.find("upnp_lease_file");
    if (!leases) set("lease_file", kOpenWrtLeaseFile, 0, "lease_file");
    set("lease_file6", (leases ? leases->value : kOpenWrtLeaseFile) + std::string("-ipv6"), 0,
        "lease_file");
  }

 private:
  void set(std::string_view name, std::string value, std::size_t line, std::string_view said) {
    source_.options.push_back({std::string(name), std::move(value), line, std::string(said)});
  }
  void set(std::string_view name, std::string value, const UciOption& by) {
    set(name, std::move(value), by.line, by.name);
  }
  void note(const UciOption& option, const std::string& text) {
    source_.notes.push_back({option.line, option.name + ": " + text});
  }

  void read(const UciOption& option) {
    const auto is_this = [&](const Renamed& each) { return each.uci == option.name; };
    const auto renamed = std::find_if(kRenamed.begin(), kRenamed.end(), is_this);
    const auto toggle = std::find_if(kSwitches.begin(), kSwitches.end(), is_this);
    if (renamed != kRenamed.end()) {
      set(renamed->conf, option.value, option);
    } else if (toggle != kSwitches.end()) {
      set(toggle->conf, yes_or_no(is_on(option.value)), option);
    } else if (!read_choice(option) && !read_network(option)) {
      // By its own name: what is to be said about it stands with those of miniupnpd.conf.
      set(option.name, option.value, option);
    }
  }

  /// Options that stand for several of miniupnpd.conf's.
  [[nodiscard]] bool read_choice(const UciOption& option) {
    const auto& value = option.value;
    if (option.name == "enabled_protocols") {
      set("enable_upnp", yes_or_no(value != "pcp+nat-pmp"), option);
      set("enable_pcp_pmp", yes_or_no(value != "upnp-igd"), option);
    } else if (option.name == "allow_third_party_mapping") {
      const bool is_any = is_on(value);
      set("secure_mode", yes_or_no(!is_any && value != "upnp-igd"), option);
      set("pcp_allow_thirdparty", yes_or_no(is_any || value == "pcp"), option);
    } else if (option.name == "upnp_igd_compat") {
      set("force_igd_desc_v1", yes_or_no(value == "igdv1"), option);
    } else if (option.name == "allow_cgnat_use" || option.name == "force_forwarding") {
      set("ext_perform_stun", value == "0" ? "no" : "yes", option);
    } else if (option.name == "enabled") {
      if (!is_on(value)) note(option, "the service was switched off; posternd serves when it runs");
    } else {
      return false;
    }
    return true;
  }

  [[nodiscard]] bool read_network(const UciOption& option) {
    if (option.name == "internal_iface") {
      for (const auto name : words_of(option.value)) {
        set("listening_ip", names_.lan_device(name, option.line, source_.notes), option);
      }
    } else if (option.name == "external_iface") {
      if (option.value != "wan") {
        note(option, "names the network \"" + option.value +
                         "\"; Postern follows the default route, unless wan = \"…\" names a "
                         "device (ubus call network.interface." +
                         option.value + " status tells which: l3_device)");
      }
    } else if (option.name == "external_zone") {
      note(option,
           "Postern knows no zones and follows the default route; name a device with "
           "wan = \"…\" where that is another");
    } else {
      return false;
    }
    return true;
  }

  const UciSection& section_;
  const NetworkNames& names_;
  Source& source_;
};

/// Networks where no section names any.
void add_default_network(const std::vector<UciSection>& sections, const NetworkNames& names,
                         Source& source) {
  const bool has_one =
      std::any_of(source.options.begin(), source.options.end(),
                  [](const SourceOption& option) { return option.name == "listening_ip"; });
  if (has_one || sections.empty()) return;
  const auto line = sections.front().line;
  source.options.push_back(
      {"listening_ip", names.lan_device("lan", line, source.notes), line, "internal_iface"});
}

}  // namespace

Result<Source, Notes> read_openwrt(const std::vector<UciSection>& sections,
                                   const std::vector<UciSection>& network) {
  const NetworkNames names(network);
  Source source;
  Notes errors;
  for (const auto& section : sections) {
    if (section.type == "upnpd") {
      MainSection(section, names, source).read();
    } else if (section.type != "perm_rule" && section.type != "internal_network") {
      source.notes.push_back(
          {section.line, "config " + section.type + ": is not a section of upnpd; left out"});
    }
  }
  read_access(sections, names, source, errors);
  add_default_network(sections, names, source);
  if (!errors.empty()) return fail(std::move(errors));
  return source;
}

}  // namespace postern::ctl::miniupnpd
