#include "daemon/config_changes.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

[[nodiscard]] std::vector<std::string> keys(std::string_view text) {
  const auto wanted = parse_config(text, "postern.toml");
  EXPECT_TRUE(wanted);
  return wanted ? keys_for_restart(Config(), *wanted) : std::vector<std::string>();
}

TEST(ConfigChanges, RulesLimitsLifetimesAndMappingsApplyAtOnce) {
  EXPECT_THAT(keys(R"(
[lifetime]
min = "1m"
max = "2h"
host_gone = "2h"
[limits]
requests_per_second = 7
mappings_per_client = 3
never_internal_ports = [22]
[upnp]
max_lease = "1h"
[[rule]]
action = "deny"
[[mapping]]
protocol = "tcp"
internal = "192.168.1.10:80"
)"),
              IsEmpty());
}

TEST(ConfigChanges, OthersWaitForARestart) {
  EXPECT_THAT(keys("wan = \"wan1\"\nlan = [\"lan0\"]\nbackend = \"memory\"\nfirewall = \"none\"\n"
                   "external_address = \"198.51.100.9\"\nforward_mark = 1\nstate_dir = \"/x\"\n"
                   "store = \"none\"\nstore_delay = \"0s\"\nhistory = 0\n"),
              ElementsAre("wan", "lan", "backend", "firewall", "external_address", "forward_mark",
                          "state_dir", "store", "store_delay", "history"));
  EXPECT_THAT(keys("[natpmp]\nenabled = false\nannounce_to_5351 = true\n[pcp]\nenabled = false\n"
                   "peer = false\naccept_any_nonce = true\nthird_party = [\"192.168.1.2\"]\n"),
              ElementsAre("natpmp.enabled", "natpmp.announce_to_5351", "pcp.enabled", "pcp.peer",
                          "pcp.accept_any_nonce", "pcp.third_party"));
  EXPECT_THAT(
      keys("[upnp]\nenabled = false\nhttp_port = 80\nlenient = true\nppp_alias = false\n"
           "presentation_url = \"http://x/\"\nfriendly_name = \"x\"\nlink_neighbours = false\n"
           "listing = \"own\"\n"),
      ElementsAre("upnp.enabled", "upnp.http_port", "upnp.lenient", "upnp.ppp_alias",
                  "upnp.presentation_url", "upnp.friendly_name", "upnp.link_neighbours",
                  "upnp.listing"));
  EXPECT_THAT(keys("[nftables]\nrenew_in_place = false\ntable_owner = true\n[iptables]\n"
                   "restore = \"x\"\n[flows]\nkeep_established_tcp = true\n"
                   "[status]\nlisten = \"127.0.0.1:1\"\n"),
              ElementsAre("nftables.renew_in_place", "nftables.table_owner", "iptables.restore",
                          "flows.keep_established_tcp", "status.listen"));
}

/// Every key there is, with a value other than its default.
const std::map<std::string, std::string>& other_values() {
  static const std::map<std::string, std::string> values{
      {"backend", "\"memory\""},
      {"external_address", "\"198.51.100.9\""},
      {"firewall", "\"none\""},
      {"flows.keep_established_tcp", "true"},
      {"forward_mark", "1"},
      {"history", "7"},
      {"iptables.restore", "\"x\""},
      {"lan", "[\"lan0\"]"},
      {"lifetime.host_gone", "\"2h\""},
      {"lifetime.max", "\"2h\""},
      {"lifetime.min", "\"1m\""},
      {"limits.mappings", "7"},
      {"limits.mappings_per_client", "7"},
      {"limits.never_internal_ports", "[22]"},
      {"limits.requests_per_second", "7"},
      {"mapping", "[{protocol = \"tcp\", internal = \"192.168.1.10:80\"}]"},
      {"natpmp.announce_to_5351", "true"},
      {"natpmp.enabled", "false"},
      {"nftables.renew_in_place", "false"},
      {"nftables.table_owner", "true"},
      {"pcp.accept_any_nonce", "true"},
      {"pcp.enabled", "false"},
      {"pcp.peer", "false"},
      {"pcp.third_party", "[\"192.168.1.2\"]"},
      {"rule", "[{name = \"x\", action = \"deny\"}]"},
      {"runtime_dir", "\"/x\""},
      {"state_dir", "\"/x\""},
      {"status.listen", "\"127.0.0.1:1\""},
      {"store", "\"none\""},
      {"store_delay", "\"0s\""},
      {"upnp.enabled", "false"},
      {"upnp.friendly_name", "\"x\""},
      {"upnp.http_port", "80"},
      {"upnp.lenient", "true"},
      {"upnp.link_neighbours", "false"},
      {"upnp.listing", "\"own\""},
      {"upnp.max_lease", "\"1h\""},
      {"upnp.ppp_alias", "false"},
      {"upnp.presentation_url", "\"http://x/\""},
      {"wan", "\"wan1\""},
  };
  return values;
}

/// What applies at once, as text.
[[nodiscard]] std::string in_force(const Config& config) {
  const auto& limits = config.limits;
  std::string text =
      std::to_string(config.requests_per_second) + " " + std::to_string(config.host_grace.count()) +
      " " + std::to_string(limits.min_lifetime.count()) + " " +
      std::to_string(limits.max_lifetime.count()) + " " + std::to_string(limits.max_lease.count()) +
      " " + std::to_string(limits.mappings) + " " + std::to_string(limits.mappings_per_client) +
      " " + limits.never_internal_ports.to_string();
  for (const auto& rule : config.rules) text += " " + rule.name;
  for (const auto& mapping : config.mappings) text += " " + to_string(mapping.internal);
  return text;
}

TEST(ConfigChanges, EveryKeyIsTried) {
  std::vector<std::string> tried;
  for (const auto& [key, value] : other_values()) tried.push_back(key);
  EXPECT_EQ(config_keys(), tried) << "a key of the configuration lacks in this test, or is no more";
}

TEST(ConfigChanges, EveryKeyAppliesAtOnceOrIsNamed) {
  for (const auto& [key, value] : other_values()) {
    const auto wanted = parse_config(key + " = " + value + "\n", "postern.toml");
    ASSERT_TRUE(wanted) << key << ": " << to_string(wanted.error().front());
    const auto waiting = keys_for_restart(Config(), *wanted);
    Config running;
    put_in_force(running, *wanted);
    const bool applies = in_force(running) != in_force(Config());
    EXPECT_EQ(in_force(running), in_force(*wanted)) << key;
    if (applies) {
      EXPECT_THAT(waiting, IsEmpty()) << key;
    } else {
      EXPECT_THAT(waiting, ElementsAre(key));
    }
  }
}

}  // namespace
}  // namespace postern
