#include "daemon/config_mappings.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/authority.h"
#include "core/port_allocator.h"

namespace postern {
namespace {

/// A host that packets can be sent to.
[[nodiscard]] bool is_host_address(const Address& address) {
  static const Prefix link_local(Address::v6({0xfe, 0x80}), 10);
  return !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() &&
         !address.is_limited_broadcast() && !link_local.contains(address);
}

[[nodiscard]] std::optional<Endpoint> read_internal(TomlTable& table) {
  const auto text = table.text("internal", "192.168.1.10:80");
  const auto authority = text ? parse_authority(*text) : std::nullopt;
  if (authority && authority->port && is_host_address(authority->address)) {
    return Endpoint{authority->address, *authority->port};
  }
  table.reject("internal",
               "is not a host's address and port; write \"192.168.1.10:80\", or "
               "\"[2001:db8::2]:80\" for a pinhole");
  return std::nullopt;
}

[[nodiscard]] std::vector<Protocol> read_protocols(TomlTable& table) {
  const auto text = table.text("protocol", "tcp");
  if (text == "tcp") return {Protocol::tcp};
  if (text == "udp") return {Protocol::udp};
  if (text == "both") return {Protocol::tcp, Protocol::udp};
  table.reject("protocol", "is missing or unknown; write \"tcp\", \"udp\" or \"both\"");
  return {};
}

[[nodiscard]] RemoteFilters read_remotes(TomlTable& table, const Address& inside) {
  RemoteFilters remotes;
  const auto texts = table.texts("remote", "203.0.113.0/24");
  if (!texts) return remotes;
  for (const auto& text : *texts) {
    const auto prefix = Prefix::parse(text);
    if (prefix && prefix->network().is_v4() == inside.is_v4()) {
      remotes.push_back({*prefix});
    } else {
      table.reject("remote", "contains \"" + text +
                                 "\"; write addresses or prefixes of the family of internal, such "
                                 "as " +
                                 (inside.is_v4() ? "\"203.0.113.0/24\"" : "\"2001:db8:1::/48\""));
    }
  }
  if (remotes.size() > kMostFiltersOfMapping) {
    table.reject("remote", "has more than " + std::to_string(kMostFiltersOfMapping) +
                               " items; write fewer and larger prefixes");
  }
  return remotes;
}

/// The internal port unless the table names another.
[[nodiscard]] std::uint16_t read_external_port(TomlTable& table, const Endpoint& internal) {
  const auto port = table.number("external_port", 1, 65535);
  if (!port || *port == internal.port) return internal.port;
  if (!internal.address.is_v4()) {
    table.reject("external_port",
                 "differs from the internal port; IPv6 is not translated, so leave it out");
  }
  return static_cast<std::uint16_t>(*port);
}

[[nodiscard]] bool collide(const StaticMapping& left, const StaticMapping& right) {
  if (left.protocol != right.protocol) return false;
  const bool is_v4 = left.internal.address.is_v4();
  if (is_v4 != right.internal.address.is_v4()) return false;
  return is_v4 ? left.external_port == right.external_port : left.internal == right.internal;
}

/// Keeps it, or says why it cannot be.
void add(TomlTable& table, StaticMapping mapping, std::vector<StaticMapping>& all) {
  const char* const key = mapping.internal.address.is_v4() ? "external_port" : "internal";
  const std::string at =
      std::string(to_string(mapping.protocol)) + " port " + std::to_string(mapping.external_port);
  if (PortAllocator::is_own(mapping.protocol, mapping.external_port)) {
    table.reject(key, "is " + at + ", which is the gateway's own; choose another one");
    return;
  }
  const auto other = std::find_if(all.begin(), all.end(), [&](const StaticMapping& earlier) {
    return collide(earlier, mapping);
  });
  if (other == all.end()) {
    all.push_back(std::move(mapping));
  } else {
    table.reject(key, "is " + at + ", which mapping \"" + other->name +
                          "\" has already; choose another one");
  }
}

}  // namespace

std::vector<StaticMapping> read_mappings(TomlTable& top) {
  std::vector<StaticMapping> all;
  for (auto& table : top.tables("mapping")) {
    StaticMapping mapping;
    mapping.name = table.text("name", "web server").value_or("");
    const auto protocols = read_protocols(table);
    const auto internal = read_internal(table);
    if (internal) {
      mapping.internal = *internal;
      mapping.external_port = read_external_port(table, *internal);
      mapping.remotes = read_remotes(table, internal->address);
      for (const auto protocol : protocols) {
        mapping.protocol = protocol;
        add(table, mapping, all);
      }
      table.reject_unknown_keys();
    }
  }
  return all;
}

}  // namespace postern
