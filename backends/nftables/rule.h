#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "backends/nftables/elements.h"
#include "netlink/batch.h"

struct nftnl_expr;
struct nftnl_rule;

namespace postern::nftables {

/// The kernel's working memory while it evaluates a rule. A concatenation takes the first registers
/// in turn: `first` is a 128-bit register, whose later quarters have numbers of their own.
enum class Register : std::uint8_t { first, second, third };

/// Builds one rule, expression by expression, as `nft --debug=netlink` shows them.
class Rule {
 public:
  Rule(const char* table, const char* chain);

  /// Goes on only for packets of these interfaces. The name has at most 15 octets.
  Rule& from_interface(std::string_view name);
  Rule& to_interface(std::string_view name);
  /// Goes on only for IPv4. An `inet` chain sees both families.
  Rule& is_ipv4();
  Rule& is_udp_to(std::uint16_t port);
  /// Goes on only for connections whose destination was translated.
  Rule& is_dnat();

  Rule& load_source_address(Register to);
  Rule& load_destination_address(Register to);
  Rule& load_protocol(Register to);
  Rule& load_source_port(Register to);
  Rule& load_destination_port(Register to);

  /// Goes on only when the loaded registers are an element's key. A map's value replaces them.
  Rule& look_up(Container container);
  /// Translate to the address and port that a look-up left.
  Rule& dnat_to_found();
  Rule& snat_to_found();
  Rule& set_mark_bits(std::uint32_t bits);
  Rule& accept();
  Rule& drop();

  /// Appends the rule to its chain.
  void put(netlink::Batch& batch) const;

 private:
  struct Free {
    void operator()(nftnl_rule* rule) const;
  };

  Rule& load_meta(std::uint32_t key, Register to);
  Rule& load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size, Register to);
  Rule& compare(std::uint32_t operation, std::span<const std::uint8_t> octets);
  Rule& compare_interface(std::uint32_t key, std::string_view name);
  Rule& mask_and_flip(std::uint32_t mask, std::uint32_t flip);
  Rule& nat(std::uint32_t type);
  Rule& verdict(int code);
  void add(nftnl_expr* expression);

  std::unique_ptr<nftnl_rule, Free> rule_;
};

}  // namespace postern::nftables
