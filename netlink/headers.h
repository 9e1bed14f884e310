#pragma once

// The one way in to the kernel's and libmnl's headers. <netinet/in.h> must come before
// <linux/netfilter.h>, which otherwise defines the same names again; clang-format would sort them
// the other way.
// clang-format off
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <libmnl/libmnl.h>
// clang-format on

#include <cstddef>
#include <cstdint>

namespace postern::netlink {

/// The netlink type of an nf_tables message, `kind` being one of NFT_MSG_*.
[[nodiscard]] constexpr std::uint16_t message_type(nf_tables_msg_types kind) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | kind);
}

/// The header that every nfnetlink message carries behind its netlink header.
inline void put_family(nlmsghdr* message, std::uint8_t family, std::uint16_t resource = 0) {
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  header->nfgen_family = family;
  header->version = NFNETLINK_V0;
  header->res_id = htons(resource);
}

/// The low half of the number of the last change to any rules, which the kernel's messages carry.
[[nodiscard]] inline std::uint16_t generation_of(const nlmsghdr* message) {
  if (message->nlmsg_len < mnl_nlmsg_size(sizeof(nfgenmsg))) return 0;
  return ntohs(static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message))->res_id);
}

/// Visits the attributes inside one (mnl_attr_for_each_nested without its casts).
template <class Visit>
void for_each_nested(const nlattr* nest, Visit visit) {
  int left = static_cast<int>(mnl_attr_get_payload_len(nest));
  const auto* attribute = static_cast<const nlattr*>(mnl_attr_get_payload(nest));
  while (mnl_attr_ok(attribute, left)) {
    visit(attribute);
    left -= static_cast<int>(MNL_ALIGN(attribute->nla_len));
    attribute = mnl_attr_next(attribute);
  }
}

/// Visits the attributes of a message, behind its nfnetlink header.
template <class Visit>
void for_each_attribute(const nlmsghdr* message, Visit visit) {
  constexpr std::size_t kHeaders = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(nfgenmsg));
  if (message->nlmsg_len < kHeaders) return;
  int left = static_cast<int>(message->nlmsg_len - kHeaders);
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg)));
  while (mnl_attr_ok(attribute, left)) {
    visit(attribute);
    left -= static_cast<int>(MNL_ALIGN(attribute->nla_len));
    attribute = mnl_attr_next(attribute);
  }
}

}  // namespace postern::netlink
