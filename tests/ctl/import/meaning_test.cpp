// Whatever the rules of a miniupnpd.conf say, Postern decides as miniupnpd would; and where it
// cannot, it never allows more.

#include <array>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

#include "tests/ctl/import/importing.h"

namespace postern::test {
namespace {

/// A rule as its author means it, beside what the file says.
struct Meant {
  bool allows;
  unsigned external_least, external_most;
  std::uint32_t network, mask;
  unsigned internal_least, internal_most;
  bool has_description;

  [[nodiscard]] bool is_about(unsigned external, std::uint32_t host, unsigned internal) const {
    return external >= external_least && external <= external_most && (host & mask) == network &&
           internal >= internal_least && internal <= internal_most;
  }
};

/// miniupnpd: the first rule that matches decides, else all is allowed. `fits`: the description
/// fits every expression.
[[nodiscard]] bool miniupnpd_allows(const std::vector<Meant>& rules, unsigned external,
                                    std::uint32_t host, unsigned internal, bool fits = true) {
  for (const auto& rule : rules) {
    if (rule.has_description && !fits) continue;
    if (rule.is_about(external, host, internal)) return rule.allows;
  }
  return true;
}

constexpr std::array<unsigned, 16> kPorts{0,   1,    9,    21,   22,   23,   80,    443,
                                          853, 1023, 1024, 3074, 3389, 5900, 40000, 65535};

class Author {
 public:
  explicit Author(std::uint32_t seed) : random_(seed) {}

  [[nodiscard]] unsigned below(unsigned limit) {
    return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_);
  }
  [[nodiscard]] unsigned port() { return kPorts.at(below(kPorts.size())); }

  /// Writes a rule to `text`.
  [[nodiscard]] Meant rule(std::string& text, bool names_hosts, bool has_description) {
    constexpr std::array<unsigned, 4> kLengths{0, 16, 24, 32};
    const unsigned length = names_hosts ? kLengths.at(below(4)) : 0;
    const auto mask = length == 0 ? 0U : 0xffffffffU << (32 - length);
    const std::uint32_t host = 0xc0a80100U + 256 * below(2) + 1 + below(3);
    Meant rule{below(2) == 0, port(), port(), host & mask, mask, port(), port(), has_description};
    if (below(4) == 0) rule.external_most = rule.external_least;
    text += (rule.allows ? "allow " : "deny ") + range(rule.external_least, rule.external_most) +
            " " + Address::v4(host).to_string() + "/" + std::to_string(length) + " " +
            range(rule.internal_least, rule.internal_most) +
            (has_description ? " \"[a-z]*\"" : "") + "\n";
    return rule;
  }

 private:
  [[nodiscard]] static std::string range(unsigned least, unsigned most) {
    return std::to_string(least) + (least == most ? "" : "-" + std::to_string(most));
  }

  std::mt19937 random_;
};

struct Case {
  std::string text;
  std::vector<Meant> rules;
};

[[nodiscard]] Case write_case(Author& author, std::string head, bool names_hosts,
                              bool has_descriptions) {
  Case written{std::move(head), {}};
  for (unsigned count = author.below(7); count > 0; --count) {
    const bool has_description = has_descriptions && author.below(2) == 0;
    written.rules.push_back(author.rule(written.text, names_hosts, has_description));
  }
  if (author.below(2) == 0) {
    written.text += "deny 0-65535 0.0.0.0/0 0-65535\n";
    written.rules.push_back({false, 0, 65535, 0, 0, 0, 65535, false});
  }
  return written;
}

/// Calls `check` with each host of the LANs and ports around those that rules name.
template <class Check>
void for_each_wish(Check check) {
  for (const std::uint32_t host : {0xc0a80101U, 0xc0a80103U, 0xc0a80202U, 0xc0a802feU}) {
    for (const auto external : kPorts) {
      for (const auto internal : kPorts) {
        if (external != 0 && internal != 0) check(host, external, internal);
      }
    }
  }
}

[[nodiscard]] bool postern_allows(const Policy& policy, std::uint32_t client, std::uint32_t host,
                                  unsigned external, unsigned internal) {
  return allows(policy, Address::v4(client),
                {Address::v4(host), static_cast<std::uint16_t>(internal)},
                static_cast<std::uint16_t>(external));
}

TEST(Meaning, ForOneself) {
  Author author(1);
  int allowed = 0;
  int denied = 0;
  for (int round = 0; round < 60; ++round) {
    const auto written = write_case(author, "secure_mode=yes\n", true, false);
    const auto& text = written.text;
    const auto& rules = written.rules;
    const auto policy = policy_of(config_of(text));
    for_each_wish([&](std::uint32_t host, unsigned external, unsigned internal) {
      const bool is_allowed = miniupnpd_allows(rules, external, host, internal);
      EXPECT_EQ(postern_allows(policy, host, host, external, internal), is_allowed)
          << text << Address::v4(host).to_string() << " " << external << " " << internal;
      ++(is_allowed ? allowed : denied);
    });
  }
  // Both happen often, else nothing was shown.
  EXPECT_GT(allowed, 10000);
  EXPECT_GT(denied, 10000);
}

TEST(Meaning, ForOthersWhereRulesAreAboutAllHosts) {
  Author author(2);
  for (int round = 0; round < 30; ++round) {
    const auto written = write_case(author, "secure_mode=no\n", false, false);
    const auto& text = written.text;
    const auto& rules = written.rules;
    const auto policy = policy_of(config_of(text));
    for_each_wish([&](std::uint32_t host, unsigned external, unsigned internal) {
      EXPECT_EQ(postern_allows(policy, 0xc0a80105U, host, external, internal),
                miniupnpd_allows(rules, external, host, internal))
          << text << external << " " << internal;
    });
  }
}

TEST(Meaning, ForOthersNeverMoreThanBefore) {
  Author author(3);
  for (int round = 0; round < 30; ++round) {
    const auto written = write_case(author, "secure_mode=no\n", true, false);
    const auto& text = written.text;
    const auto& rules = written.rules;
    const auto policy = policy_of(config_of(text));
    for_each_wish([&](std::uint32_t host, unsigned external, unsigned internal) {
      if (!postern_allows(policy, 0xc0a80105U, host, external, internal)) return;
      EXPECT_TRUE(miniupnpd_allows(rules, external, host, internal)) << text;
    });
  }
}

TEST(Meaning, DescriptionsNeverAllowMoreThanBefore) {
  Author author(4);
  int allowed = 0;
  for (int round = 0; round < 60; ++round) {
    const auto written = write_case(author, "secure_mode=yes\n", true, true);
    const auto& text = written.text;
    const auto& rules = written.rules;
    const auto policy = policy_of(config_of(text));
    for_each_wish([&](std::uint32_t host, unsigned external, unsigned internal) {
      if (!postern_allows(policy, host, host, external, internal)) return;
      ++allowed;
      EXPECT_TRUE(miniupnpd_allows(rules, external, host, internal, true)) << text;
      EXPECT_TRUE(miniupnpd_allows(rules, external, host, internal, false)) << text;
    });
  }
  EXPECT_GT(allowed, 1000);
}

TEST(Meaning, Ipv6) {
  Author author(5);
  const auto host = *Address::parse("2001:db8:1::10");
  const auto other = *Address::parse("2001:db8:1::11");
  for (int round = 0; round < 30; ++round) {
    for (const std::string head : {"secure_mode=yes\n", "secure_mode=no\n"}) {
      const bool names_hosts = round % 2 == 0;
      const auto written = write_case(author, head, names_hosts, false);
      const auto& text = written.text;
      const auto open = policy_of(config_of(text));
      const auto shut = policy_of(config_of(text + "ipv6_disable=yes\n"));
      for (const auto port : std::to_array<std::uint16_t>({1, 22, 80, 1024, 3389, 65535})) {
        EXPECT_TRUE(allows(open, host, {host, port}, port)) << text << port;
        EXPECT_FALSE(allows(open, host, {other, port}, port)) << text << port;
        EXPECT_FALSE(allows(shut, host, {host, port}, port)) << text << port;
      }
    }
  }
}

}  // namespace
}  // namespace postern::test
