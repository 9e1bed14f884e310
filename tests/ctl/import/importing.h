#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/policy.h"
#include "ctl/import/import_command.h"
#include "daemon/config.h"

namespace postern::test {

/// What becomes of a file; a failure when nothing does.
[[nodiscard]] inline ctl::Imported imported(const std::string& text,
                                            const std::vector<Interface>& interfaces = {},
                                            const std::string& network = "") {
  auto result = ctl::import_miniupnpd({"file", text}, interfaces, network);
  EXPECT_TRUE(result) << result.error();
  return result ? std::move(*result) : ctl::Imported{};
}

/// Why nothing becomes of it.
[[nodiscard]] inline std::string import_error(const std::string& text) {
  const auto result = ctl::import_miniupnpd({"file", text}, {}, "");
  EXPECT_FALSE(result) << text;
  return result ? "" : result.error();
}

/// The file as posternd reads it; a failure when it does not take it.
[[nodiscard]] inline Config read_by_daemon(const std::string& toml) {
  auto config = parse_config(toml, "postern.toml");
  if (config) return std::move(*config);
  for (const auto& error : config.error()) ADD_FAILURE() << to_string(error) << "\n" << toml;
  return {};
}

/// What posternd reads of what was made of a file.
[[nodiscard]] inline Config config_of(const std::string& text,
                                      const std::vector<Interface>& interfaces = {}) {
  return read_by_daemon(imported(text, interfaces).toml);
}

/// A policy on the LANs 192.168.1.0/24, 192.168.2.0/24 and 2001:db8:1::/64.
[[nodiscard]] inline Policy policy_of(const Config& config, ClientDirectory* clients = nullptr) {
  Policy policy(config.rules, config.limits, clients);
  policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("192.168.2.0/24"),
                           *Prefix::parse("2001:db8:1::/64")});
  return policy;
}

/// Whether a client may have this very port, over UPnP.
[[nodiscard]] inline bool allows(const Policy& policy, const Address& client,
                                 const Endpoint& internal, std::uint16_t external_port) {
  MapRequest request;
  request.claimant = {"upnp", client};
  request.internal = internal;
  request.suggested_external_port = external_port;
  request.lifetime = Seconds(60);
  const auto permission = policy.judge(request);
  return permission && permission->rule_of(external_port) != kNoRule;
}

}  // namespace postern::test
