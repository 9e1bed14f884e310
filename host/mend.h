#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/foreign_rules.h"

/// Commands that mend the firewall of the host, in the words of whoever writes it.
namespace postern::host {

/// Who writes a chain, as far as its name and place tell.
enum class Author : std::uint8_t { iptables, firewalld, fw4, plain };

[[nodiscard]] Author author_of(const ForeignChain& chain);

/// "table inet host, chain forward"
[[nodiscard]] std::string words_for(const ForeignChain& chain);

struct Mend {
  std::vector<std::string> commands;
  std::string advice;
};

/// Has a chain that drops accept the mark first. `chain` is a base chain of forward or input.
[[nodiscard]] Mend accept_mark(const ForeignChain& chain, std::uint32_t mark, bool is_ipv6_only,
                               std::string_view lan);
/// For a base chain that runs before the mark is set.
[[nodiscard]] Mend accept_early(const ForeignChain& chain, bool is_ipv6_only, std::string_view lan);
/// Translates what leaves by `wan`, on a host with these rules.
[[nodiscard]] Mend masquerade(const ForeignRuleset& ruleset, const std::string& wan);
/// For rules that only iptables-legacy sees.
[[nodiscard]] Mend accept_mark_in_legacy(std::uint32_t mark);

}  // namespace postern::host
