#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "host/foreign_rules.h"
#include "tests/host/rule_words.h"

// Rules that iptables-nft writes, and the traces of iptables-legacy.

namespace postern::test {
namespace {

using host::Family;
using host::ForeignRule;
using host::InterfaceMatch;
using host::MarkMatch;
using host::NatKind;
using host::PacketMatch;
using host::Verdict;
using testing::ElementsAre;

class ForeignIptablesTest : public HostFixture {};

TEST_F(ForeignIptablesTest, Filter) {
  const auto one = [](PacketMatch match, Verdict verdict) {
    return ElementsAre(ForeignRule{std::move(match), verdict, "", NatKind::none});
  };
  const auto read = [](const std::string& arguments) {
    iptables("-F FORWARD");
    iptables("-A FORWARD " + arguments);
    return rules_in(ruleset(), Family::ip, "filter", "FORWARD");
  };
  auto bit = some();
  bit.mark = MarkMatch{0x10000000, 0x10000000};
  EXPECT_THAT(read("-m mark --mark 0x10000000/0x10000000 -m comment --comment postern -j ACCEPT"),
              one(bit, Verdict::accept));
  auto translated = some();
  translated.is_dnat = true;
  EXPECT_THAT(read("-m conntrack --ctstate ESTABLISHED,RELATED,DNAT -j ACCEPT"),
              one(translated, Verdict::accept));
  auto running = some();
  running.ct_states = kEstablished | kRelated;
  EXPECT_THAT(read("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
              one(running, Verdict::accept));
  EXPECT_THAT(read("-m state --state RELATED,ESTABLISHED -j ACCEPT"),
              one(running, Verdict::accept));
  EXPECT_THAT(read("-m conntrack ! --ctstate ESTABLISHED -j DROP"),
              one(with_others(some()), Verdict::drop));
  EXPECT_THAT(read("-m conntrack --ctstate ESTABLISHED --ctstatus ASSURED -j ACCEPT"),
              one(
                  [] {
                    auto m = with_others(some());
                    m.ct_states = kEstablished;
                    return m;
                  }(),
                  Verdict::accept));
  auto in = some();
  in.in = InterfaceMatch{{"eth*"}, false};
  EXPECT_THAT(read("-i eth+ -j REJECT"), one(in, Verdict::reject));
  EXPECT_THAT(read("-p tcp -m tcp --dport 8080 -j ACCEPT"), one(tcp_to("8080"), Verdict::accept));
  EXPECT_THAT(read("-p udp -m multiport --dports 53,100:200 -j ACCEPT"),
              one(udp_to("53, 100-200"), Verdict::accept));
  // A TCP option is what this version of iptables writes as an extension, port and all.
  EXPECT_THAT(read("-p tcp --tcp-option 8 --dport 90:91 -j ACCEPT"),
              one(with_others(tcp_to("90-91")), Verdict::accept));
  EXPECT_THAT(read("-m addrtype --dst-type LOCAL -j ACCEPT"),
              one(with_others(some()), Verdict::accept));
  EXPECT_THAT(read("-m comment --comment x -j DROP"), one({}, Verdict::drop));
  iptables("-P FORWARD DROP");
  EXPECT_TRUE(ruleset().find(Family::ip, "filter", "FORWARD")->policy_drop);
}

TEST_F(ForeignIptablesTest, Nat) {
  const auto read = [](const std::string& chain, const std::string& arguments) {
    iptables("-t nat -F " + chain);
    iptables("-t nat -A " + chain + " " + arguments);
    return rules_in(ruleset(), Family::ip, "nat", chain.c_str());
  };
  auto docker = tcp_to("8080");
  docker.in = InterfaceMatch{{"docker0"}, true};
  EXPECT_THAT(read("PREROUTING",
                   "! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT "
                   "--to-destination 172.17.0.2:80"),
              ElementsAre(ForeignRule{docker, Verdict::accept, "", NatKind::dnat}));
  EXPECT_THAT(read("PREROUTING", "-p udp --dport 53 -j REDIRECT --to-ports 5353"),
              ElementsAre(ForeignRule{udp_to("53"), Verdict::accept, "", NatKind::redirect}));
  auto out = some();
  out.out = InterfaceMatch{{"eth0"}, false};
  EXPECT_THAT(read("POSTROUTING", "-o eth0 -j MASQUERADE"),
              ElementsAre(ForeignRule{out, Verdict::accept, "", NatKind::masquerade}));
  EXPECT_THAT(read("POSTROUTING", "-j SNAT --to-source 192.0.2.1"),
              ElementsAre(ForeignRule{{}, Verdict::accept, "", NatKind::snat}));
  EXPECT_THAT(read("PREROUTING", "-j LOG"), ElementsAre(ForeignRule{}));
}

class LegacyIptablesTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void write(const char* name, const char* text) const { std::ofstream(directory_ + name) << text; }

  const std::string directory_ =
      testing::TempDir() + "legacy_iptables_" + std::to_string(::getpid());
};

TEST_F(LegacyIptablesTest, NotThere) {
  EXPECT_EQ(host::has_legacy_iptables(directory_), false);
}

TEST_F(LegacyIptablesTest, LoadedButNotUsed) {
  write("/ip_tables_names", "");
  EXPECT_EQ(host::has_legacy_iptables(directory_), false);
}

TEST_F(LegacyIptablesTest, InUse) {
  write("/ip_tables_names", "");
  write("/ip6_tables_names", "filter\n");
  EXPECT_EQ(host::has_legacy_iptables(directory_), true);
}

TEST_F(LegacyIptablesTest, HidesFromUs) {
  EXPECT_EQ(host::has_legacy_iptables("/proc/self/status"), std::nullopt);
}

}  // namespace
}  // namespace postern::test
