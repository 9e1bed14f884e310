#include "host/rules_dump.h"

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace postern::host {
namespace {

/// Room for the names of a table and of a set, which have at most 255 octets each.
using Request = std::array<std::uint8_t, 1024>;

[[nodiscard]] nlmsghdr* start(Request& request, nf_tables_msg_types kind, std::uint8_t family,
                              std::uint16_t flags = NLM_F_DUMP) {
  auto* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = netlink::message_type(kind);
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  netlink::put_family(message, family);
  return message;
}

}  // namespace

Result<RulesDump, netlink::Error> RulesDump::open() {
  auto socket = netlink::Socket::open();
  if (!socket) return fail(socket.error());
  RulesDump dump(std::move(*socket));
  const auto generation = dump.generation();
  if (!generation) return fail(generation.error());
  dump.generation_ = *generation;
  return dump;
}

Result<void, netlink::Error> RulesDump::all(nf_tables_msg_types kind, const Take& take) {
  alignas(nlmsghdr) Request request{};
  return ask(start(request, kind, NFPROTO_UNSPEC), take);
}

Result<void, netlink::Error> RulesDump::elements(std::uint8_t family, const std::string& table,
                                                 const std::string& set, const Take& take) {
  alignas(nlmsghdr) Request request{};
  auto* message = start(request, NFT_MSG_GETSETELEM, family);
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.c_str());
  return ask(message, take);
}

Result<void, netlink::Error> RulesDump::confirm() {
  const auto now = generation();
  if (!now) return fail(now.error());
  if (*now != generation_) return fail(netlink::Error{EINTR, std::nullopt});
  return {};
}

Result<void, netlink::Error> RulesDump::ask(const nlmsghdr* request, const Take& take) {
  return socket_.dump({reinterpret_cast<const std::uint8_t*>(request), request->nlmsg_len}, take);
}

Result<std::uint32_t, netlink::Error> RulesDump::generation() {
  alignas(nlmsghdr) Request request{};
  std::uint32_t generation = 0;
  // Not a list: the acknowledgement ends the answer.
  const auto* message = start(request, NFT_MSG_GETGEN, NFPROTO_UNSPEC, NLM_F_ACK);
  const auto asked = ask(message, [&](const nlmsghdr* answer) {
    netlink::for_each_attribute(answer, [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) != NFTA_GEN_ID) return;
      if (mnl_attr_get_payload_len(attribute) == sizeof generation) {
        generation = mnl_attr_get_u32(attribute);
      }
    });
  });
  if (!asked) return fail(asked.error());
  return generation;
}

}  // namespace postern::host
