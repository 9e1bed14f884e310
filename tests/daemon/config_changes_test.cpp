#include "daemon/config_changes.h"

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
[limits]
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

}  // namespace
}  // namespace postern
