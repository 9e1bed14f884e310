#include <array>
#include <atomic>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/foreign_rules.h"
#include "netlink/headers.h"
#include "tests/host/rule_words.h"

// Reading beside others who write.

namespace postern::test {
namespace {

using host::Family;
using host::ForeignRule;
using host::NatKind;
using host::Verdict;
using testing::ElementsAre;

class ForeignReadingTest : public HostFixture {};

// Chains, rules and sets are told one after the other.
TEST_F(ForeignReadingTest, IsOfOneMomentWhileOthersChangeIt) {
  const auto version = [](const char* policy, const char* port) {
    return "table inet t\ndelete table inet t\ntable inet t {\n"
           "set s { type inet_service; elements = { " +
           std::string(port) +
           " }; }\n"
           "chain c {\ntype filter hook forward priority 0; policy " +
           policy +
           ";\n"
           "tcp dport " +
           port + " accept\ntcp dport @s accept\n}\n}\n";
  };
  nft(version("accept", "80"));
  std::atomic<bool> is_over = false;
  std::thread others([&] {
    for (int i = 0; i < 30; ++i) {
      nft(version("drop", "81"));
      nft(version("accept", "80"));
    }
    is_over = true;
  });
  bool was_last = false;
  while (!was_last) {
    was_last = is_over;
    const auto read = host::read_foreign_ruleset();
    // Where they change faster than one can read, an error is the truth.
    if (!read) {
      if (was_last) ADD_FAILURE() << read.error();
      continue;
    }
    const auto* chain = read->find(Family::inet, "t", "c");
    if (chain == nullptr) {
      ADD_FAILURE() << "the chain is always there";
      continue;
    }
    const ForeignRule rule{tcp_to(chain->policy_drop ? "81" : "80"), Verdict::accept, "",
                           NatKind::none};
    EXPECT_THAT(chain->rules, ElementsAre(rule, rule));
  }
  others.join();
}

// Whoever reads the rules again when they change would never come to an end otherwise.
TEST_F(ForeignReadingTest, ReadingIsNoChange) {
  const int watch = ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_NETFILTER);
  ASSERT_GE(watch, 0);
  sockaddr_nl all_changes{};
  all_changes.nl_family = AF_NETLINK;
  all_changes.nl_groups = 1U << (NFNLGRP_NFTABLES - 1);
  ASSERT_EQ(::bind(watch, reinterpret_cast<sockaddr*>(&all_changes), sizeof all_changes), 0);
  std::array<char, 4096> told{};
  EXPECT_TRUE(ruleset().chains.empty());
  EXPECT_EQ(::recv(watch, told.data(), told.size(), 0), -1);
  nft("table inet t { }\n");
  EXPECT_GT(::recv(watch, told.data(), told.size(), 0), 0);
  ::close(watch);
}

}  // namespace
}  // namespace postern::test
