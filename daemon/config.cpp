#include "daemon/config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include "backends/registry.h"
#include "daemon/config_mappings.h"
#include "daemon/config_rules.h"
#include "daemon/toml_table.h"

namespace postern {
namespace {

constexpr std::int64_t kHighestRate = 1'000'000;
constexpr Seconds kLongestStoreDelay{86400};
constexpr std::int64_t kMostHistoryRows = 1'000'000;
constexpr std::size_t kLongestInterfaceName = 15;  // IFNAMSIZ with its closing zero is 16.

/// Keeps `value` in `target` when there is one.
template <class T, class Value>
void assign(T& target, const std::optional<Value>& value) {
  if (value) target = static_cast<T>(*value);
}

/// Keeps `value` in `target` when there is one.
void assign(std::string& target, std::optional<std::string> value) {
  if (value) target = std::move(*value);
}

[[nodiscard]] bool is_one_bit(std::int64_t value) {
  return value > 0 && (value & (value - 1)) == 0;
}

/// Whether the Internet could see us under this address.
[[nodiscard]] bool is_usable_v4(const Address& address) {
  return address.is_v4() && !address.is_unspecified() && !address.is_loopback() &&
         !address.is_multicast() && !address.is_limited_broadcast();
}

/// `directory` holds the default.
void read_directory(TomlTable& top, std::string_view key, std::string& directory) {
  auto wanted = top.text(key, directory);
  if (!wanted) return;
  if (!wanted->starts_with('/')) {
    top.reject(key, "is no absolute path; write for example \"" + directory + "\"");
  }
  directory = std::move(*wanted);
}

void read_general(TomlTable& top, Config& config) {
  if (auto wan = top.text("wan", "wan0")) config.wan = std::move(*wan);
  if (auto lan = top.texts("lan", "br-lan")) config.lan = std::move(*lan);
  if (auto backend = top.text("backend", "nftables")) config.backend = std::move(*backend);
  if (const auto firewall = top.text("firewall", "auto")) {
    if (*firewall != "auto" && *firewall != "none") {
      top.reject("firewall", "is \"" + *firewall + "\"; write \"auto\" or \"none\"");
    }
    config.adapts_host_firewall = *firewall == "auto";
  }
  if (const auto text = top.text("external_address", "198.51.100.7")) {
    config.external_address = Address::parse(*text);
    if (!config.external_address || !is_usable_v4(*config.external_address)) {
      top.reject("external_address",
                 "is not a host's IPv4 address; write the one that the Internet sees, for example "
                 "\"198.51.100.7\"");
    }
  }
  if (const auto store = top.text("store", "sqlite")) {
    if (*store != "sqlite" && *store != "none") {
      top.reject("store", "is \"" + *store + "\"; write \"sqlite\" or \"none\"");
    }
    config.keeps_leases = *store == "sqlite";
  }
  assign(config.store_delay, top.duration("store_delay", kLongestStoreDelay, Seconds(0)));
  assign(config.history_rows, top.number("history", 0, kMostHistoryRows));
  read_directory(top, "state_dir", config.state_dir);
  read_directory(top, "runtime_dir", config.runtime_dir);
  if (const auto mark = top.number("forward_mark", 1, 0xffffffff)) {
    if (!is_one_bit(*mark)) {
      top.reject("forward_mark", "is not a single bit; write for example 0x10000000");
    }
    config.forward_mark = static_cast<std::uint32_t>(*mark);
  }
}

void read_status(TomlTable& status, Config& config) {
  const auto text = status.text("listen", "127.0.0.1:5352");
  if (!text) return;
  const auto colon = text->rfind(':');
  const auto address = colon == std::string::npos
                           ? std::nullopt
                           : Address::parse(std::string_view(*text).substr(0, colon));
  const auto port =
      colon == std::string::npos ? std::nullopt : PortSet::parse(text->substr(colon + 1));
  if (!address || !address->is_v4() || !port || port->size() != 1) {
    status.reject("listen", "is not an IPv4 address and a port; write \"127.0.0.1:5352\"");
    return;
  }
  config.status_listen = {*address, port->at(0)};
}

void read_limits(TomlTable& limits, Config& config) {
  assign(config.limits.mappings_per_client, limits.number("mappings_per_client", 1, kMostMappings));
  assign(config.limits.mappings, limits.number("mappings", 1, kMostMappings));
  assign(config.requests_per_second, limits.number("requests_per_second", 0, kHighestRate));
  if (const auto ports = limits.ports("never_internal_ports")) {
    config.limits.never_internal_ports = united(*ports);
  }
}

void read_pcp(TomlTable& pcp, Config& config) {
  assign(config.pcp_enabled, pcp.boolean("enabled"));
  assign(config.pcp.serves_peer, pcp.boolean("peer"));
  assign(config.pcp.accepts_any_nonce, pcp.boolean("accept_any_nonce"));
  const auto controllers = pcp.texts("third_party", "192.168.1.2", 0);
  if (!controllers) return;
  for (const auto& controller : *controllers) {
    if (const auto prefix = Prefix::parse(controller)) {
      config.pcp.third_party.push_back(*prefix);
    } else {
      pcp.reject("third_party", "contains \"" + controller +
                                    "\"; write addresses or prefixes such as \"192.168.1.2\"");
    }
  }
}

void read_upnp(TomlTable& upnp, Config& config) {
  auto& into = config.upnp;
  assign(into.enabled, upnp.boolean("enabled"));
  assign(into.http_port, upnp.number("http_port", 1, 65535));
  assign(into.is_lenient, upnp.boolean("lenient"));
  assign(into.offers_ppp_alias, upnp.boolean("ppp_alias"));
  assign(into.presentation_url, upnp.text("presentation_url", "http://192.168.1.1/"));
  assign(into.friendly_name, upnp.text("friendly_name", "Living room router"));
  assign(into.settings.links_neighbours, upnp.boolean("link_neighbours"));
  assign(config.limits.max_lease, upnp.duration("max_lease", kLongestLifetime));
  if (const auto listing = upnp.text("listing", "all")) {
    if (*listing != "all" && *listing != "own") {
      upnp.reject("listing", "is \"" + *listing + "\"; write \"all\" or \"own\"");
    }
    into.settings.lists_all = *listing == "all";
  }
}

void read_lifetime(TomlTable& lifetime, Config& config) {
  auto& limits = config.limits;
  assign(limits.max_lifetime, lifetime.duration("max", kLongestLifetime));
  assign(config.host_grace, lifetime.duration("host_gone", kLongestLifetime));
  const auto min = lifetime.duration("min", kLongestLifetime);
  assign(limits.min_lifetime, min);
  if (limits.min_lifetime <= limits.max_lifetime) return;
  if (min) {
    lifetime.reject("min", "is more than lifetime.max; write for example \"2m\"");
  } else {
    // The default must not make a short maximum an error.
    limits.min_lifetime = limits.max_lifetime;
  }
}

/// Reads the table `key`, if there is one, with `read`.
template <class Read>
void read_table(TomlTable& top, std::string_view key, Config& config, Read read) {
  if (auto table = top.table(key)) {
    read(*table, config);
    table->reject_unknown_keys();
  }
}

[[nodiscard]] Config read_config(TomlTable& top, RuleReview review) {
  Config config;
  read_general(top, config);
  read_table(top, "natpmp", config, [](TomlTable& natpmp, Config& c) {
    assign(c.natpmp_enabled, natpmp.boolean("enabled"));
    assign(c.natpmp_announces_to_5351, natpmp.boolean("announce_to_5351"));
  });
  read_table(top, "pcp", config, read_pcp);
  read_table(top, "upnp", config, read_upnp);
  read_table(top, "nftables", config, [](TomlTable& nftables, Config& c) {
    assign(c.nftables_renew_in_place, nftables.boolean("renew_in_place"));
    assign(c.nftables_table_owner, nftables.boolean("table_owner"));
  });
  read_table(top, "iptables", config, [](TomlTable& iptables, Config& c) {
    assign(c.iptables_restore, iptables.text("restore", "iptables-legacy-restore"));
  });
  read_table(top, "flows", config, [](TomlTable& flows, Config& c) {
    assign(c.keeps_established_tcp, flows.boolean("keep_established_tcp"));
  });
  read_table(top, "status", config, read_status);
  read_table(top, "lifetime", config, read_lifetime);
  read_table(top, "limits", config, read_limits);
  config.rules = read_rules(top, config.limits, config.lan, review);
  config.mappings = read_mappings(top);
  top.reject_unknown_keys();
  return config;
}

void check_backend(TomlTable& top, const Config& config) {
  const auto known = backend_names();
  if (std::find(known.begin(), known.end(), config.backend) != known.end()) return;
  std::string names;
  for (const auto name : known) names += (names.empty() ? "" : " or ") + std::string(name);
  top.reject("backend", "is \"" + config.backend + "\"; write " + names);
}

void check_interface_name(TomlTable& top, std::string_view key, const std::string& name) {
  if (name.size() <= kLongestInterfaceName) return;
  top.reject(key, "names \"" + name + "\"; an interface name has at most 15 octets");
}

void check_interfaces(TomlTable& top, const Config& config) {
  if (config.wan) check_interface_name(top, "wan", *config.wan);
  for (const auto& lan : config.lan) check_interface_name(top, "lan", lan);
  for (const auto& lan : config.lan) {
    if (std::count(config.lan.begin(), config.lan.end(), lan) > 1) {
      top.reject("lan", "names \"" + lan + "\" twice; name each interface once");
      return;
    }
    if (lan == config.wan && config.backend != "memory") {
      top.reject("lan", "names the WAN interface \"" + lan + "\"; name the LAN side");
      return;
    }
  }
}

}  // namespace

std::string to_string(const ConfigError& error) {
  if (error.line == 0) return error.file + ": " + error.text;
  return error.file + ":" + std::to_string(error.line) + ": " + error.text;
}

Result<Config, ConfigErrors> parse_config(std::string_view text, const std::string& file,
                                          const std::optional<std::string>& backend,
                                          RuleReview review) {
  const auto parsed = toml::parse(text, std::string_view(file));
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(ConfigErrors{{file, error.source().begin.line, std::string(error.description())}});
  }
  TomlNotes notes;
  TomlTable top(parsed.table(), "", file, notes);
  auto config = read_config(top, review);
  check_backend(top, config);
  assign(config.backend, backend);
  check_interfaces(top, config);
  if (!notes.errors.empty()) {
    std::stable_sort(notes.errors.begin(), notes.errors.end(),
                     [](const ConfigError& a, const ConfigError& b) { return a.line < b.line; });
    return fail(std::move(notes.errors));
  }
  config.warnings = std::move(notes.warnings);
  return config;
}

Result<Config, ConfigErrors> load_config(const std::string& file,
                                         const std::optional<std::string>& backend,
                                         RuleReview review) {
  const auto unreadable = [&] {
    return fail(ConfigErrors{{file, 0, std::string("cannot be read: ") + std::strerror(errno)}});
  };
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) return unreadable();
  try {
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    return parse_config(text, file, backend, review);
  } catch (const std::ios_base::failure&) {  // How the library tells that reading failed.
    return unreadable();
  }
}

std::vector<std::string> config_keys() {
  std::set<std::string> tables;
  std::set<std::string> keys;
  const std::string no_file;
  // A table is only read where it is there, so the first round finds the tables.
  for (int round = 0; round < 2; ++round) {
    std::string text;
    for (const auto& table : tables) text += "[" + table + "]\n";
    const auto parsed = toml::parse(text);
    TomlNotes notes;
    TomlTable top(parsed.table(), "", no_file, notes);
    (void)read_config(top, RuleReview::of_few);
    tables = std::move(notes.tables);
    keys = std::move(notes.keys);
  }
  return {keys.begin(), keys.end()};
}

}  // namespace postern
