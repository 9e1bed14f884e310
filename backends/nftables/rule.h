#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "backends/nftables/containers.h"
#include "backends/nftables/pace.h"
#include "core/address.h"
#include "core/protocol.h"
#include "netlink/batch.h"

struct nftnl_expr;
struct nftnl_rule;

namespace postern::nftables {

/// Builds one rule, expression by expression, as `nft --debug=netlink` shows them.
class Rule {
 public:
  Rule(const char* table, const char* chain);

  /// Goes on only for packets of these interfaces. The name has at most 15 octets.
  Rule& from_interface(std::string_view name);
  Rule& to_interface(std::string_view name);
  Rule& not_from_interface(std::string_view name);
  Rule& not_to_interface(std::string_view name);
  /// Goes on only for IPv4. An `inet` chain sees both families.
  Rule& is_ipv4();
  Rule& is_ipv6();
  Rule& is_protocol(Protocol protocol);
  Rule& is_to_port(Protocol protocol, std::uint16_t port);
  /// Goes on only for the first segment of a TCP connection.
  Rule& begins_connection();
  /// Goes on only for packets that have such a source address, which is left for the next step.
  Rule& has_source(Source source);
  /// Goes on only when that source sends faster than this; makes it a bucket if there is room.
  Rule& exceeds(Source source, const Pace& pace);
  /// Goes on only when that source has no bucket.
  Rule& has_no_bucket(Source source);
  /// Goes on only for what exceeds this in all, of those that come here.
  Rule& exceeds(const Pace& pace);
  /// Goes on only for connections whose destination was translated.
  Rule& is_dnat();
  /// Goes on only for connections whose mark has all these bits.
  Rule& has_ct_mark_bits(std::uint32_t bits);
  /// Goes on only for connections that were begun to this IPv4 address, before translation.
  Rule& was_to(const Address& address);

  /// Goes on only when the packet is in the container: a key is made of the packet's destination
  /// (its source for snat4), protocol and port there, behind the remote peer where the container
  /// has one. A map's value is left for the next step.
  Rule& look_up(Container container);
  /// Translate to the address and port that a look-up left.
  Rule& dnat_to_found();
  Rule& snat_to_found();
  /// Translate the source to this IPv4 address; the port stays if it can.
  Rule& snat_to(const Address& address);
  /// In the packet's mark.
  Rule& set_mark_bits(std::uint32_t bits);
  /// In the connection's mark, for all its packets.
  Rule& set_ct_mark_bits(std::uint32_t bits);
  Rule& clear_ct_mark_bits(std::uint32_t bits);
  Rule& accept();
  Rule& drop();
  /// To a chain without a hook, and back behind this rule when that decides nothing.
  Rule& go_to(const char* chain);
  Rule& leave_chain();

  /// Appends the rule to its chain.
  void put(netlink::Batch& batch) const;

 private:
  struct Free {
    void operator()(nftnl_rule* rule) const;
  };

  /// Registers are the kernel's working memory for a rule. These numbers are of 32 bits each, from
  /// `kFirst` on; a concatenation lies in one after the other.
  Rule& load_meta(std::uint32_t key, std::uint32_t to);
  Rule& load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size,
                     std::uint32_t to);
  Rule& load_ct(std::uint32_t key);
  Rule& store_ct_mark();
  Rule& load_key(Container container);
  Rule& compare(std::uint32_t operation, std::span<const std::uint8_t> octets);
  Rule& compare_interface(std::uint32_t key, std::uint32_t operation, std::string_view name);
  template <class Word>
  Rule& mask_and_flip(Word mask, Word flip);
  Rule& nat(std::uint32_t type);
  Rule& verdict(int code, const char* chain = nullptr);
  void add(nftnl_expr* expression);

  std::unique_ptr<nftnl_rule, Free> rule_;
};

}  // namespace postern::nftables
