#include "backends/conntrack/flow_messages.h"

#include <algorithm>
#include <memory>

namespace postern::conntrack {
namespace {

/// Which parts of a tuple the kernel compares: CTA_FILTER_F_* of its net/netfilter/nf_internals.h,
/// which no public header has.
constexpr std::uint32_t kSourceAddress = 1U << 0;
constexpr std::uint32_t kDestinationAddress = 1U << 1;
constexpr std::uint32_t kProtocol = 1U << 3;
constexpr std::uint32_t kSourcePort = 1U << 4;
constexpr std::uint32_t kDestinationPort = 1U << 5;
constexpr std::uint32_t kWhatNobodyKnows = 1U << 31;

nlmsghdr* start(Request& request, int kind, unsigned flags, Family family) {
  auto* message = mnl_nlmsg_put_header(request.header());
  message->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | kind);
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = 1;
  netlink::put_family(message, static_cast<std::uint8_t>(family));
  return message;
}

void put_address(nlmsghdr* message, std::uint16_t type4, std::uint16_t type6,
                 const Address& address) {
  if (address.is_v4()) {
    const auto octets = address.v4_octets();
    mnl_attr_put(message, type4, octets.size(), octets.data());
  } else {
    mnl_attr_put(message, type6, address.octets().size(), address.octets().data());
  }
}

/// What is absent is not compared.
struct PartOfTuple {
  std::optional<Protocol> protocol;
  Pattern::Side source;
  Pattern::Side destination;
};

/// Gives the flags of what is there. `type` is CTA_TUPLE_ORIG or CTA_TUPLE_REPLY.
std::uint32_t put_tuple(nlmsghdr* message, std::uint16_t type, const PartOfTuple& part) {
  std::uint32_t there = 0;
  auto* tuple = mnl_attr_nest_start(message, type);
  auto* addresses = mnl_attr_nest_start(message, CTA_TUPLE_IP);
  if (const auto& address = part.source.address) {
    put_address(message, CTA_IP_V4_SRC, CTA_IP_V6_SRC, *address);
    there |= kSourceAddress;
  }
  if (const auto& address = part.destination.address) {
    put_address(message, CTA_IP_V4_DST, CTA_IP_V6_DST, *address);
    there |= kDestinationAddress;
  }
  mnl_attr_nest_end(message, addresses);
  // Ports without a protocol mean nothing to the kernel.
  if (part.protocol) {
    auto* ports = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(message, CTA_PROTO_NUM, static_cast<std::uint8_t>(*part.protocol));
    there |= kProtocol;
    if (const auto& port = part.source.port) {
      mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(*port));
      there |= kSourcePort;
    }
    if (const auto& port = part.destination.port) {
      mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(*port));
      there |= kDestinationPort;
    }
    mnl_attr_nest_end(message, ports);
  }
  mnl_attr_nest_end(message, tuple);
  return there;
}

void put_whole_tuple(nlmsghdr* message, Protocol protocol, const Tuple& tuple) {
  put_tuple(message, CTA_TUPLE_ORIG,
            {protocol,
             {tuple.source.address, tuple.source.port},
             {tuple.destination.address, tuple.destination.port}});
}

/// Zero: that tuple is not compared.
void put_filter(nlmsghdr* message, std::uint32_t original, std::uint32_t reply) {
  auto* filter = mnl_attr_nest_start(message, CTA_FILTER);
  if (original != 0) mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, original);
  if (reply != 0) mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, reply);
  mnl_attr_nest_end(message, filter);
}

struct Destroy {
  void operator()(nf_conntrack* flow) const { nfct_destroy(flow); }
};

/// What libnetfilter_conntrack calls the parts of one direction.
struct Names {
  nf_conntrack_attr source4, destination4, source6, destination6, source_port, destination_port;
};
constexpr Names kOriginal{ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_SRC,
                          ATTR_ORIG_IPV6_DST, ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST};
constexpr Names kReply{ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_SRC,
                       ATTR_REPL_IPV6_DST, ATTR_REPL_PORT_SRC, ATTR_REPL_PORT_DST};

[[nodiscard]] std::optional<Address> read_address(const nf_conntrack* flow, nf_conntrack_attr name4,
                                                  nf_conntrack_attr name6) {
  if (nfct_attr_is_set(flow, name4) > 0) {
    return Address::v4(ntohl(nfct_get_attr_u32(flow, name4)));
  }
  const auto* octets = static_cast<const std::uint8_t*>(nfct_get_attr(flow, name6));
  if (octets == nullptr) return std::nullopt;
  std::array<std::uint8_t, 16> copy{};
  std::copy_n(octets, copy.size(), copy.begin());
  return Address::v6(copy);
}

[[nodiscard]] std::optional<Tuple> read_tuple(const nf_conntrack* flow, const Names& names) {
  const auto source = read_address(flow, names.source4, names.source6);
  const auto destination = read_address(flow, names.destination4, names.destination6);
  if (!source || !destination) return std::nullopt;
  return Tuple{{*source, ntohs(nfct_get_attr_u16(flow, names.source_port))},
               {*destination, ntohs(nfct_get_attr_u16(flow, names.destination_port))}};
}

}  // namespace

std::span<const std::uint8_t> Request::bytes() const {
  const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
  return std::span(buffer_).first(message->nlmsg_len);
}

Family family_of(const Address& address) {
  return address.is_v4() ? Family::v4 : Family::v6;
}

Family family_of(FlowKey::Kind kind) {
  return kind == FlowKey::Kind::inbound6 ? Family::v6 : Family::v4;
}

Request list_all(Family family) {
  Request request;
  start(request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family);
  return request;
}

Request list_marked(Family family, std::uint32_t bit) {
  Request request;
  auto* message = start(request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family);
  mnl_attr_put_u32(message, CTA_MARK, htonl(bit));
  mnl_attr_put_u32(message, CTA_MARK_MASK, htonl(bit));
  return request;
}

std::optional<Request> list_matching(const Pattern& pattern) {
  const auto& [kind, protocol, first, second] = pattern;
  PartOfTuple original{protocol, {}, {}};
  PartOfTuple reply{protocol, {}, {}};
  switch (kind) {
    case FlowKey::Kind::inbound4:
      original.destination = first;
      reply.source = second;
      break;
    case FlowKey::Kind::outbound4:
      original.source = first;
      reply.destination = second;
      break;
    case FlowKey::Kind::inbound6:
      // The kernel compares IPv6 addresses the wrong way round and would leave out just those that
      // we want (ctnetlink_filter_match_tuple, seen in 6.18). So it gets the port only.
      original.destination.port = first.port;
      break;
  }
  Request request;
  auto* message = start(request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family_of(kind));
  const auto in_original = put_tuple(message, CTA_TUPLE_ORIG, original);
  const auto in_reply = put_tuple(message, CTA_TUPLE_REPLY, reply);
  if (((in_original | in_reply) & ~kProtocol) == 0) return std::nullopt;
  put_filter(message, in_original, in_reply);
  return request;
}

Request list_impossible() {
  Request request;
  auto* message = start(request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, Family::v4);
  put_filter(message, kWhatNobodyKnows, 0);
  return request;
}

Request get(Protocol protocol, const Tuple& tuple) {
  Request request;
  auto* message = start(request, IPCTNL_MSG_CT_GET, NLM_F_ACK, family_of(tuple.source.address));
  put_whole_tuple(message, protocol, tuple);
  return request;
}

Request end(const TrackedFlow& flow) {
  Request request;
  auto* message =
      start(request, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family_of(flow.original.source.address));
  put_whole_tuple(message, flow.protocol, flow.original);
  mnl_attr_put_u32(message, CTA_ID, htonl(flow.id));
  if (flow.zone != 0) mnl_attr_put_u16(message, CTA_ZONE, htons(flow.zone));
  return request;
}

std::optional<TrackedFlow> parse(const nlmsghdr* message) {
  const std::unique_ptr<nf_conntrack, Destroy> read(nfct_new());
  if (!read || nfct_nlmsg_parse(message, read.get()) < 0) return std::nullopt;
  const auto* flow = read.get();
  const auto protocol = nfct_get_attr_u8(flow, ATTR_ORIG_L4PROTO);
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return std::nullopt;
  const auto original = read_tuple(flow, kOriginal);
  const auto reply = read_tuple(flow, kReply);
  if (!original || !reply) return std::nullopt;
  return TrackedFlow{
      .protocol = static_cast<Protocol>(protocol),
      .original = *original,
      .reply = *reply,
      .established_tcp = protocol == IPPROTO_TCP &&
                         nfct_get_attr_u8(flow, ATTR_TCP_STATE) == TCP_CONNTRACK_ESTABLISHED,
      .id = nfct_get_attr_u32(flow, ATTR_ID),
      .zone = nfct_get_attr_u16(flow, ATTR_ZONE),
      .mark = nfct_get_attr_u32(flow, ATTR_MARK)};
}

}  // namespace postern::conntrack
