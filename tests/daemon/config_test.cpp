#include "daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

[[nodiscard]] Config good(std::string_view text) {
  auto config = parse_config(text, "postern.toml");
  if (!config) {
    for (const auto& error : config.error()) ADD_FAILURE() << to_string(error);
    return {};
  }
  return *config;
}

[[nodiscard]] std::vector<std::string> errors_of(std::string_view text) {
  const auto config = parse_config(text, "postern.toml");
  std::vector<std::string> errors;
  if (config) return errors;
  for (const auto& error : config.error()) errors.push_back(to_string(error));
  return errors;
}

[[nodiscard]] MapRequest request(std::string_view client, std::uint16_t internal_port) {
  const Address address = Address::parse(client).value();
  return {{"test", address}, Protocol::tcp, {address, internal_port}, 0, Seconds(60), false};
}

TEST(Config, EmptyFileGivesTheDocumentedDefaults) {
  const Config config = good("");
  EXPECT_FALSE(config.wan);
  EXPECT_TRUE(config.lan.empty());
  EXPECT_EQ(config.backend, "nftables");
  EXPECT_EQ(config.forward_mark, 0x10000000U);
  EXPECT_TRUE(config.natpmp_enabled);
  EXPECT_TRUE(config.pcp_enabled);
  EXPECT_TRUE(config.pcp.serves_peer);
  EXPECT_TRUE(config.pcp.third_party.empty());  // PCP-140
  EXPECT_FALSE(config.pcp.accepts_any_nonce);   // PCP-116
  EXPECT_TRUE(config.upnp.enabled);
  EXPECT_EQ(config.upnp.http_port, 5351);
  EXPECT_FALSE(config.upnp.is_lenient);                // SSDP-32, 33
  EXPECT_TRUE(config.upnp.offers_ppp_alias);           // IGD-010
  EXPECT_TRUE(config.upnp.settings.lists_all);         // IGD-043
  EXPECT_TRUE(config.upnp.settings.links_neighbours);  // IGD-047
  EXPECT_EQ(config.limits.max_lease, Seconds(604800));
  EXPECT_EQ(config.state_dir, "/var/lib/postern");
  EXPECT_TRUE(config.keeps_leases);
  EXPECT_EQ(config.store_delay, Seconds(1));
  EXPECT_EQ(config.history_rows, 10000U);
  EXPECT_EQ(config.runtime_dir, "/run/postern");
  EXPECT_TRUE(config.adapts_host_firewall);
  EXPECT_FALSE(config.nftables_table_owner);
  EXPECT_EQ(config.iptables_restore, "");
  EXPECT_FALSE(config.keeps_established_tcp);
  EXPECT_EQ(to_string(config.status_listen), "127.0.0.1:5352");
  EXPECT_EQ(config.limits.min_lifetime, Seconds(120));    // PCP-100
  EXPECT_EQ(config.limits.max_lifetime, Seconds(86400));  // NPMP-50
  EXPECT_EQ(config.limits.mappings_per_client, 128U);
  EXPECT_EQ(config.requests_per_second, 200U);
  EXPECT_EQ(config.limits.mappings, 16384U);
  EXPECT_EQ(config.limits.never_internal_ports.to_string(),
            "21-23, 25, 53, 80, 110-111, 135-139, 143, 443, 445, 3306, 3389, 5432, 5900");
  ASSERT_EQ(config.rules.size(), 1U);
  EXPECT_EQ(config.rules[0].external_ports.to_string(), "1024-65535");
  EXPECT_EQ(config.rules[0].internal_ports.to_string(), "9, 1024-65535");
}

TEST(Config, ReadsEveryKey) {
  const Config config = good(R"(
state_dir = "/tmp/state"
store = "none"
store_delay = "1m"
history = 50
runtime_dir = "/tmp/run"
wan = "ppp0"
lan = ["br-lan", "br-guest"]
backend = "memory"
external_address = "198.51.100.7"
forward_mark = 0x00100000
firewall = "none"
[natpmp]
enabled = false
announce_to_5351 = true
[pcp]
enabled = false
peer = false
accept_any_nonce = true
third_party = ["192.168.1.2", "2001:db8::/64"]
[upnp]
enabled = false
http_port = 2869
max_lease = "1d"
listing = "own"
lenient = true
link_neighbours = false
ppp_alias = false
friendly_name = "Attic"
presentation_url = "http://192.168.1.1/"
[nftables]
renew_in_place = false
table_owner = true
[iptables]
restore = "iptables-legacy-restore"
[flows]
keep_established_tcp = true
[status]
listen = "127.0.0.2:8080"
[lifetime]
min = "5m"
max = "2h"
[limits]
mappings_per_client = 3
mappings = 1000
requests_per_second = 7
never_internal_ports = [22, "135-139"]
[[rule]]
name = "a console"
action = "allow"
clients = ["192.168.1.20", "lan"]
external_ports = "3074, 5000-5010"
internal_ports = [3074]
for_others = true
)");
  EXPECT_EQ(config.wan, "ppp0");
  EXPECT_THAT(config.lan, ElementsAre("br-lan", "br-guest"));
  EXPECT_EQ(config.backend, "memory");
  EXPECT_EQ(config.external_address, Address::parse("198.51.100.7"));
  EXPECT_EQ(config.forward_mark, 0x00100000U);
  EXPECT_FALSE(config.pcp_enabled);
  EXPECT_FALSE(config.pcp.serves_peer);
  EXPECT_TRUE(config.pcp.accepts_any_nonce);
  EXPECT_THAT(config.pcp.third_party,
              ElementsAre(*Prefix::parse("192.168.1.2/32"), *Prefix::parse("2001:db8::/64")));
  EXPECT_FALSE(config.upnp.enabled);
  EXPECT_EQ(config.upnp.http_port, 2869);
  EXPECT_EQ(config.limits.max_lease, Seconds(86400));
  EXPECT_FALSE(config.upnp.settings.lists_all);
  EXPECT_TRUE(config.upnp.is_lenient);
  EXPECT_FALSE(config.upnp.settings.links_neighbours);
  EXPECT_FALSE(config.upnp.offers_ppp_alias);
  EXPECT_EQ(config.upnp.friendly_name, "Attic");
  EXPECT_EQ(config.upnp.presentation_url, "http://192.168.1.1/");
  EXPECT_EQ(config.state_dir, "/tmp/state");
  EXPECT_FALSE(config.keeps_leases);
  EXPECT_EQ(config.store_delay, Seconds(60));
  EXPECT_EQ(config.history_rows, 50U);
  EXPECT_EQ(config.runtime_dir, "/tmp/run");
  EXPECT_EQ(config.limits.min_lifetime, Seconds(300));
  EXPECT_FALSE(config.natpmp_enabled);
  EXPECT_TRUE(config.natpmp_announces_to_5351);
  EXPECT_FALSE(config.nftables_renew_in_place);
  EXPECT_TRUE(config.nftables_table_owner);
  EXPECT_EQ(config.iptables_restore, "iptables-legacy-restore");
  EXPECT_FALSE(config.adapts_host_firewall);
  EXPECT_TRUE(config.keeps_established_tcp);
  EXPECT_EQ(to_string(config.status_listen), "127.0.0.2:8080");
  EXPECT_EQ(config.limits.max_lifetime, Seconds(7200));
  EXPECT_EQ(config.limits.mappings_per_client, 3U);
  EXPECT_EQ(config.limits.mappings, 1000U);
  EXPECT_EQ(config.requests_per_second, 7U);
  EXPECT_EQ(config.limits.never_internal_ports.to_string(), "22, 135-139");
  ASSERT_EQ(config.rules.size(), 1U);
  const Rule& rule = config.rules[0];
  EXPECT_EQ(rule.name, "a console");
  EXPECT_EQ(rule.action, Rule::Action::allow);
  EXPECT_TRUE(rule.lan_clients);
  EXPECT_THAT(rule.client_prefixes, ElementsAre(Prefix::parse("192.168.1.20/32").value()));
  EXPECT_EQ(rule.external_ports.to_string(), "3074, 5000-5010");
  EXPECT_EQ(rule.internal_ports.to_string(), "3074");
  EXPECT_TRUE(rule.for_others);
}

TEST(Config, OnlyARuleThatNamesASensitivePortLiftsIt) {
  const auto allows = [](std::string_view ports, std::uint16_t port) {
    const Config config = good(
        "[[rule]]\naction = \"allow\"\nclients = [\"192.168.1.0/24\"]\n"
        "internal_ports = " +
        std::string(ports) + "\n");
    return Policy(config.rules, config.limits).judge(request("192.168.1.5", port)).has_value();
  };
  EXPECT_FALSE(allows("\"1-65535\"", 22));
  EXPECT_FALSE(allows("\"20-30\"", 22));
  EXPECT_TRUE(allows("\"22, 1024-65535\"", 22));
  EXPECT_TRUE(allows("[22]", 22));
  EXPECT_TRUE(allows("\"135-139\"", 137));
  EXPECT_TRUE(allows("\"3306, 3307\"", 3306)) << "a named neighbour must not hide it";
  EXPECT_TRUE(allows("\"1-65535\"", 8080));
}

TEST(Config, ErrorsNameFileLineKeyAndMend) {
  EXPECT_THAT(errors_of("wan = \"wan0\"\nlan = 5\n"),
              ElementsAre(AllOf(HasSubstr("postern.toml:2: lan "), HasSubstr("[\"br-lan\"]"))));
  EXPECT_THAT(
      errors_of("[limits]\nmappings = 0\n"),
      ElementsAre(AllOf(HasSubstr("postern.toml:2: limits.mappings"), HasSubstr("from 1 to"))));
  EXPECT_THAT(errors_of("[lifetime]\nmax = \"5 weeks\"\n"),
              ElementsAre(AllOf(HasSubstr(":2: lifetime.max"), HasSubstr("\"24h\""))));
  EXPECT_THAT(errors_of("firewall = \"ufw\"\n"),
              ElementsAre(AllOf(HasSubstr(":1: firewall "), HasSubstr("\"auto\""))));
  EXPECT_THAT(errors_of("backend = \"pf\"\n"),
              ElementsAre(AllOf(HasSubstr(":1: backend"), HasSubstr("nftables"))));
  EXPECT_THAT(errors_of("external_address = \"2001:db8::1\"\n"),
              ElementsAre(HasSubstr(":1: external_address is not a host's IPv4 address")));
  EXPECT_THAT(errors_of("state_dir = \"var\"\n"),
              ElementsAre(AllOf(HasSubstr(":1: state_dir "), HasSubstr("/var/lib/postern"))));
  EXPECT_THAT(errors_of("store = \"mysql\"\n"),
              ElementsAre(AllOf(HasSubstr(":1: store "), HasSubstr("\"sqlite\""))));
  EXPECT_THAT(errors_of("store_delay = \"2d\"\n"),
              ElementsAre(HasSubstr(":1: store_delay is not a duration from 0s to 1d")));
  EXPECT_THAT(errors_of("history = -1\n"), ElementsAre(HasSubstr(":1: history ")));
  EXPECT_THAT(errors_of("[lifetime]\nmax = \"0s\"\n"),
              ElementsAre(HasSubstr(":2: lifetime.max is not a duration from 1s")));
  EXPECT_THAT(errors_of("runtime_dir = \"run\"\n"),
              ElementsAre(AllOf(HasSubstr(":1: runtime_dir "), HasSubstr("/run/postern"))));
  EXPECT_THAT(errors_of("[upnp]\nlisting = \"some\"\n"),
              ElementsAre(AllOf(HasSubstr(":2: upnp.listing "), HasSubstr("\"own\""))));
  EXPECT_THAT(errors_of("[upnp]\nhttp_port = 0\n"),
              ElementsAre(AllOf(HasSubstr(":2: upnp.http_port"), HasSubstr("from 1 to 65535"))));
  EXPECT_THAT(errors_of("forward_mark = 3\n"), ElementsAre(HasSubstr("not a single bit")));
  EXPECT_THAT(errors_of("[status]\nlisten = \"5352\"\n"), ElementsAre(HasSubstr("status.listen")));
  EXPECT_THAT(errors_of("[natpmp]\nenabled = \"yes\"\n"),
              ElementsAre(HasSubstr("natpmp.enabled is neither true nor false")));
  EXPECT_THAT(errors_of("[limits]\nnever_internal_ports = [70000]\n"),
              ElementsAre(HasSubstr("limits.never_internal_ports is not a list of ports")));
  EXPECT_THAT(errors_of("natpmp = true\n"), ElementsAre(HasSubstr("write [natpmp]")));
  EXPECT_THAT(errors_of("rule = 1\n"), ElementsAre(HasSubstr("write [[rule]]")));
}

TEST(Config, StoringMayHappenBeforeTheReply) {
  EXPECT_EQ(good("store_delay = \"0s\"\n").store_delay, Seconds(0));
}

TEST(Config, RuleErrorsNameTheirLine) {
  EXPECT_THAT(errors_of("[[rule]]\naction = \"permit\"\n"),
              ElementsAre(HasSubstr("postern.toml:2: rule.action")));
  EXPECT_THAT(errors_of("[[rule]]\nname = \"x\"\n"),
              ElementsAre(HasSubstr("postern.toml:1: rule.action is missing")));
  EXPECT_THAT(errors_of("[[rule]]\naction = \"allow\"\nclients = [\"wlan\"]\n"),
              ElementsAre(HasSubstr(":3: rule.clients contains \"wlan\"")));
}

TEST(Config, UnknownKeysAreErrorsAndAllAreReported) {
  EXPECT_THAT(errors_of("wann = \"wan0\"\n[natpmp]\nenable = true\n"),
              ElementsAre(HasSubstr("postern.toml:1: wann is not a key"),
                          HasSubstr("postern.toml:3: natpmp.enable is not a key")));
}

TEST(Config, SyntaxErrorsNameTheLine) {
  EXPECT_THAT(errors_of("wan = 5\n[`imi -1\nx"), ElementsAre(HasSubstr("postern.toml:2:")));
  EXPECT_THAT(errors_of("wan = \"wan0\"\nlan = [\n"), ElementsAre(HasSubstr("postern.toml:")));
}

TEST(Config, WanCannotBeLanWhereTrafficIsForwarded) {
  EXPECT_THAT(errors_of("wan = \"eth0\"\nlan = [\"eth0\"]\n"),
              ElementsAre(HasSubstr(":2: lan names the WAN interface")));
  EXPECT_THAT(errors_of("wan = \"lo\"\nlan = [\"lo\"]\nbackend = \"memory\"\n"), ElementsAre());
  EXPECT_THAT(errors_of("lan = [\"a\", \"a\"]\n"), ElementsAre(HasSubstr("twice")));
}

TEST(Config, TheOverridingBackendDecidesWhetherWanMayBeLan) {
  const std::string_view text = "wan = \"lo\"\nlan = [\"lo\"]\nbackend = \"";
  const auto is_good = [&](const std::string& written, const std::string& overriding) {
    return parse_config(std::string(text) + written + "\"\n", "postern.toml", overriding)
        .has_value();
  };
  EXPECT_TRUE(is_good("nftables", "memory"));
  EXPECT_FALSE(is_good("memory", "nftables"));
  EXPECT_EQ(parse_config("", "postern.toml", "memory")->backend, "memory");
}

TEST(Config, InterfaceNamesHaveAtMost15Octets) {
  EXPECT_EQ(good("wan = \"abcdefghijklmno\"\n").wan, "abcdefghijklmno");
  EXPECT_THAT(errors_of("wan = \"abcdefghijklmnop\"\nlan = [\"br0\", \"ABCDEFGHIJKLMNOP\"]\n"),
              ElementsAre(AllOf(HasSubstr(":1: wan names"), HasSubstr("at most 15 octets")),
                          AllOf(HasSubstr(":2: lan names \"ABC"), HasSubstr("15 octets"))));
}

TEST(Config, ExternalAddressIsOneThatAHostCanHave) {
  for (const char* address : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "wan0"}) {
    EXPECT_THAT(errors_of("external_address = \"" + std::string(address) + "\"\n"),
                ElementsAre(HasSubstr(":1: external_address is not a host's IPv4 address")))
        << address;
  }
}

TEST(Config, LifetimeIsAtMostAYear) {
  EXPECT_EQ(good("[lifetime]\nmax = \"365d\"\n").limits.max_lifetime, Seconds(365 * 86400));
  EXPECT_THAT(errors_of("[lifetime]\nmax = \"366d\"\n"),
              ElementsAre(AllOf(HasSubstr(":2: lifetime.max"), HasSubstr("to 365d"))));
}

TEST(Config, MissingFileIsAnError) {
  const auto config = load_config("/nonexistent/postern.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(to_string(config.error()[0]),
            "/nonexistent/postern.toml: cannot be read: No such file or directory");
}

TEST(Config, DirectoryIsAnError) {
  const auto config = load_config("/");
  ASSERT_FALSE(config);
  EXPECT_THAT(to_string(config.error()[0]), HasSubstr("/: cannot be read"));
}

// The default of lifetime.min must not make a short lifetime.max an error.
TEST(Config, AShortMaximumLowersTheDefaultMinimum) {
  const Config config = good("[lifetime]\nmax = \"60s\"");
  EXPECT_EQ(config.limits.min_lifetime, Seconds(60));
}

TEST(Config, AMinimumAboveTheMaximumIsAnError) {
  EXPECT_THAT(errors_of("[lifetime]\nmin = \"2h\"\nmax = \"1h\""),
              ElementsAre(AllOf(HasSubstr("postern.toml:2"), HasSubstr("lifetime.min"))));
}

TEST(Config, AControllerIsAnAddressOrAPrefix) {
  EXPECT_THAT(errors_of("[pcp]\nthird_party = [\"router\"]"),
              ElementsAre(AllOf(HasSubstr("postern.toml:2"), HasSubstr("\"router\""))));
}

}  // namespace
}  // namespace postern
