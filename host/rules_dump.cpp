#include "host/rules_dump.h"

#include <array>
#include <cerrno>
#include <utility>

namespace postern::host {
namespace {

/// Room for the names of a table and of a set, which have at most 255 octets each.
using Request = std::array<std::uint8_t, 1024>;

[[nodiscard]] nlmsghdr* start(Request& request, nf_tables_msg_types kind, std::uint8_t family) {
  auto* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = netlink::message_type(kind);
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  netlink::put_family(message, family);
  return message;
}

}  // namespace

Result<RulesDump, netlink::Error> RulesDump::open() {
  auto socket = netlink::Socket::open();
  if (!socket) return fail(socket.error());
  return RulesDump(std::move(*socket));
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

Result<void, netlink::Error> RulesDump::ask(const nlmsghdr* request, const Take& take) {
  bool is_steady = true;
  const std::span<const std::uint8_t> octets(reinterpret_cast<const std::uint8_t*>(request),
                                             request->nlmsg_len);
  const auto dumped = socket_.dump(octets, [&](const nlmsghdr* part) {
    const auto generation = netlink::generation_of(part);
    is_steady = is_steady && generation == generation_.value_or(generation);
    generation_ = generation;
    take(part);
  });
  if (!dumped) return dumped;
  if (!is_steady) return fail(netlink::Error{EINTR, std::nullopt});
  return {};
}

}  // namespace postern::host
