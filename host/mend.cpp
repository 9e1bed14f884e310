#include "host/mend.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace postern::host {
namespace {

[[nodiscard]] std::string hexadecimal(std::uint32_t number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", number);
  return text.data();
}

/// "inet host forward", as nft takes it.
[[nodiscard]] std::string place_of(const ForeignChain& chain) {
  return std::string(to_string(chain.family)) + " " + chain.table + " " + chain.name;
}

/// A command of nft's, with interface names among its words, for a shell.
[[nodiscard]] std::string nft_in_shell(std::string_view command) {
  std::string text = "nft '";
  for (const char c : command) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'";
}

/// As nft takes every interface name, also one that begins with a digit.
[[nodiscard]] std::string quoted(std::string_view interface) {
  return '"' + std::string(interface) + '"';
}

/// "and" is nft's other word for "&", which a shell would take for its own.
[[nodiscard]] std::string nft_accept(std::uint32_t mark) {
  const auto bit = hexadecimal(mark);
  return "meta mark and " + bit + " == " + bit + " accept";
}

/// iptables -I CHAIN -m mark --mark MARK/MARK -m comment --comment postern -j ACCEPT
///
/// The very rule that posternd keeps (MarkRules), so that it takes it for its own.
[[nodiscard]] std::string iptables_accept(const std::string& program, const std::string& chain,
                                          std::uint32_t mark) {
  const auto bit = hexadecimal(mark);
  return program + " -I " + chain + " -m mark --mark " + bit + "/" + bit +
         " -m comment --comment postern -j ACCEPT";
}

[[nodiscard]] Mend accept_in_fw4(const ForeignChain& chain, std::uint32_t mark) {
  const std::string directory =
      "/usr/share/nftables.d/chain-pre/" + std::string(to_string(chain.hook));
  return {{"mkdir -p " + directory + " && echo '" + nft_accept(mark) + "' > " + directory +
           "/50-postern.nft && fw4 reload"},
          "it is the file of packaging/firewall/fw4/"};
}

[[nodiscard]] Mend accept_in_firewalld(const ForeignChain& chain, std::string_view lan) {
  if (chain.hook == Hook::input) {
    return {{"firewall-cmd --permanent --zone=$(firewall-cmd --get-zone-of-interface=" +
             std::string(lan) + ") --add-port=5351/udp && firewall-cmd --reload"},
            "packaging/firewall/firewalld/ has a service definition for it"};
  }
  return {{"systemctl enable --now postern-firewalld"},
          "first install the files of packaging/firewall/firewalld/, as the README there says"};
}

/// The first nat chain at postrouting that somebody wrote for IPv4.
[[nodiscard]] const ForeignChain* nat_chain(const ForeignRuleset& ruleset) {
  const auto found =
      std::find_if(ruleset.chains.begin(), ruleset.chains.end(), [](const ForeignChain& chain) {
        return chain.is_base && chain.type == "nat" && chain.hook == Hook::postrouting &&
               (chain.family == Family::ip || chain.family == Family::inet);
      });
  return found == ruleset.chains.end() ? nullptr : &*found;
}

[[nodiscard]] bool is_written_by(const ForeignRuleset& ruleset, Author author) {
  return std::any_of(ruleset.chains.begin(), ruleset.chains.end(),
                     [&](const ForeignChain& chain) { return author_of(chain) == author; });
}

}  // namespace

Author author_of(const ForeignChain& chain) {
  if (chain.table == "firewalld") return Author::firewalld;
  if (chain.family == Family::inet && chain.table == "fw4") return Author::fw4;
  // What iptables takes for its own; its filter and srcnat have these priorities.
  const bool is_filter = chain.table == "filter" && chain.type == "filter" && chain.priority == 0 &&
                         ((chain.name == "FORWARD" && chain.hook == Hook::forward) ||
                          (chain.name == "INPUT" && chain.hook == Hook::input));
  const bool is_nat = chain.table == "nat" && chain.type == "nat" && chain.priority == 100 &&
                      chain.name == "POSTROUTING" && chain.hook == Hook::postrouting;
  const bool is_of_one_version = chain.family == Family::ip || chain.family == Family::ip6;
  return is_of_one_version && (is_filter || is_nat) ? Author::iptables : Author::plain;
}

std::string words_for(const ForeignChain& chain) {
  return "table " + std::string(to_string(chain.family)) + " " + chain.table + ", chain " +
         chain.name;
}

Mend accept_mark(const ForeignChain& chain, std::uint32_t mark, bool is_ipv6_only,
                 std::string_view lan) {
  switch (author_of(chain)) {
    case Author::iptables:
      return {{iptables_accept(chain.family == Family::ip6 ? "ip6tables" : "iptables", chain.name,
                               mark)},
              "posternd keeps this rule itself with firewall = \"auto\""};
    case Author::firewalld:
      // Its forward chain accepts what was translated, so that only IPv6 can be in trouble there.
      if (chain.hook == Hook::input || is_ipv6_only) return accept_in_firewalld(chain, lan);
      break;
    case Author::fw4:
      return accept_in_fw4(chain, mark);
    case Author::plain:
      break;
  }
  return {{"nft insert rule " + place_of(chain) + " " + nft_accept(mark)},
          "to keep it: the same rule, first in that chain, where the host's rules are written "
          "(/etc/nftables.conf)"};
}

Mend accept_early(const ForeignChain& chain, bool is_ipv6_only, std::string_view lan) {
  const std::string advice =
      "better: give the chain a priority above that of our table (filter - 10), and accept the "
      "mark in it";
  const auto insert = "insert rule " + place_of(chain) + " ";
  if (chain.hook == Hook::input) {
    return {{nft_in_shell(insert + "iifname " + quoted(lan) + " udp dport 5351 accept")}, advice};
  }
  if (is_ipv6_only) return {{}, advice};
  return {{"nft " + insert + "ct status dnat accept"}, advice};
}

Mend masquerade(const ForeignRuleset& ruleset, const std::string& wan) {
  if (is_written_by(ruleset, Author::fw4)) {
    return {{}, "set 'option masq 1' in the wan zone of /etc/config/firewall, then: fw4 reload"};
  }
  if (is_written_by(ruleset, Author::firewalld)) {
    return {{"firewall-cmd --permanent --zone=$(firewall-cmd --get-zone-of-interface=" + wan +
             ") --add-masquerade && firewall-cmd --reload"},
            ""};
  }
  const auto masquerading = " oifname " + quoted(wan) + " masquerade";
  const auto* chain = nat_chain(ruleset);
  if (chain != nullptr && author_of(*chain) == Author::plain) {
    return {{nft_in_shell("add rule " + place_of(*chain) + masquerading)},
            "to keep it: the same rule where the host's rules are written (/etc/nftables.conf)"};
  }
  if (is_written_by(ruleset, Author::iptables)) {
    return {{"iptables -t nat -A POSTROUTING -o " + wan + " -j MASQUERADE"},
            "to keep it: iptables-save, or the host's firewall tool"};
  }
  return {
      {"nft add table inet gateway",
       "nft 'add chain inet gateway postrouting { type nat hook postrouting priority srcnat; }'",
       nft_in_shell("add rule inet gateway postrouting" + masquerading)},
      "to keep it: the same table in /etc/nftables.conf"};
}

Mend accept_mark_in_legacy(std::uint32_t mark) {
  return {{iptables_accept("iptables-legacy", "FORWARD", mark),
           iptables_accept("iptables-legacy", "INPUT", mark)},
          "nothing to do where those rules drop nothing; to have posternd look after it, move them "
          "to iptables-nft (update-alternatives --config iptables)"};
}

}  // namespace postern::host
