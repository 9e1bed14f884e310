#include "backends/conntrack/conntrack_flow_table.h"

#include <cerrno>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include "backends/conntrack/flow_match.h"
#include "backends/conntrack/flow_messages.h"
#include "netlink/socket.h"

namespace postern {
namespace {

using conntrack::Family;
using conntrack::FlowKey;
using conntrack::Request;
using conntrack::TrackedFlow;

[[nodiscard]] auto failed(const std::string& action, const netlink::Error& error) {
  const auto reason = error.code == EPERM ? "not permitted (CAP_NET_ADMIN is needed)"
                                          : std::generic_category().message(error.code);
  return fail("conntrack: cannot " + action + ": " + reason);
}

/// Questions and answers on one socket, which is replaced when an answer was lost.
class Conversation {
 public:
  /// `take` gets each connection of the answer; when the question had to be repeated, some more
  /// than once.
  Result<void, netlink::Error> ask(const Request& request,
                                   const std::function<void(const TrackedFlow&)>& take) {
    constexpr int kAttempts = 3;
    for (int attempt = 1;; ++attempt) {
      auto answered = ask_once(request, take);
      if (answered) return answered;
      const int code = answered.error().code;
      // What is left in the socket belongs to this question and not to the next one.
      if (code != ENOENT) socket_.reset();
      const bool was_lost = code == ENOBUFS || code == EINTR;
      if (!was_lost || attempt == kAttempts) return answered;
    }
  }

 private:
  Result<void, netlink::Error> ask_once(const Request& request,
                                        const std::function<void(const TrackedFlow&)>& take) {
    if (!socket_) {
      auto opened = netlink::Socket::open();
      if (!opened) return fail(opened.error());
      socket_.emplace(std::move(*opened));
    }
    return socket_->dump(request.bytes(), [&](const nlmsghdr* message) {
      if (const auto flow = conntrack::parse(message)) take(*flow);
    });
  }

  std::optional<netlink::Socket> socket_;
};

/// Ends those connections of the lists that `is_meant` says, and says how many there were. After a
/// refusal it goes on with the others, and tells of the first refusal.
template <class IsMeant>
Result<std::size_t, std::string> end_those(const std::vector<Request>& lists, IsMeant is_meant) {
  Conversation kernel;
  std::optional<netlink::Error> trouble;
  const auto note = [&](const netlink::Error& error) {
    if (!trouble) trouble = error;
  };
  // The kernel's lists must not change under its hands while it writes them.
  std::vector<TrackedFlow> meant;
  for (const auto& list : lists) {
    const auto read = kernel.ask(list, [&](const TrackedFlow& flow) {
      if (is_meant(flow)) meant.push_back(flow);
    });
    if (!read) note(read.error());
  }
  std::size_t count = 0;
  for (const auto& flow : meant) {
    const auto ended = kernel.ask(conntrack::end(flow), [](const TrackedFlow&) {});
    if (ended) {
      ++count;
    } else if (ended.error().code != ENOENT) {
      note(ended.error());
    }
  }
  if (trouble) return failed("end connections", *trouble);
  return count;
}

/// Questions whose answers have all connections of the family that are wanted: at most two, for the
/// kernel walks through its whole table for each (9 ms for an empty one of 262,144 buckets, and 2
/// µs for each connection that it lists).
[[nodiscard]] std::vector<Request> lists_for(const conntrack::PurgeSet& wanted, Family family,
                                             bool kernel_filters) {
  std::vector<Request> lists;
  for (const auto& pattern : wanted.patterns()) {
    if (conntrack::family_of(pattern.kind) != family) continue;
    const auto list = kernel_filters ? conntrack::list_matching(pattern) : std::nullopt;
    if (!list) return {conntrack::list_all(family)};
    lists.push_back(*list);
  }
  return lists;
}

/// Whether the kernel filters what it lists. Kernels before 5.8 take no notice of filters, so one
/// that does is known by what it refuses and by what it takes.
[[nodiscard]] Result<bool, netlink::Error> kernel_filters() {
  Conversation kernel;
  const auto ignore = [](const TrackedFlow&) {};
  // From the ranges for documentation (RFC 5737).
  const Endpoint nobody{Address::v4(0xc0000201), 1};
  const Endpoint nowhere{Address::v4(0xc0000202), 1};
  const auto heard = kernel.ask(conntrack::get(Protocol::udp, {nobody, nowhere}), ignore);
  if (!heard && heard.error().code != ENOENT) return fail(heard.error());
  const auto possible = conntrack::list_matching(
      {FlowKey::Kind::inbound4, Protocol::udp, {nobody.address, nobody.port}, {}});
  return !kernel.ask(conntrack::list_impossible(), ignore) && possible &&
         kernel.ask(*possible, ignore);
}

}  // namespace

Result<std::unique_ptr<ConntrackFlowTable>, std::string> ConntrackFlowTable::open(
    const ConntrackOptions& options) {
  const auto filters = kernel_filters();
  if (!filters) {
    // What nfnetlink says when nobody answers for a subsystem.
    if (filters.error().code == EINVAL) {
      return fail(std::string("conntrack: the kernel has no nf_conntrack_netlink"));
    }
    return failed("speak with the kernel", filters.error());
  }
  return std::unique_ptr<ConntrackFlowTable>(
      new ConntrackFlowTable(*filters && options.allow_kernel_filters, options.mark));
}

Result<std::size_t, std::string> ConntrackFlowTable::purge(std::span<const FlowPurge> purges) {
  const conntrack::PurgeSet wanted(purges);
  std::vector<Request> lists;
  for (const auto family : {Family::v4, Family::v6}) {
    const auto more = lists_for(wanted, family, uses_kernel_filters_);
    lists.insert(lists.end(), more.begin(), more.end());
  }
  return end_those(lists, [&](const TrackedFlow& flow) { return wanted.has(flow); });
}

Result<std::size_t, std::string> ConntrackFlowTable::purge_strays(std::span<const TimedDoor> doors,
                                                                  bool spares_established_tcp) {
  const conntrack::StraySet strays(doors, mark_, spares_established_tcp);
  return end_those(
      {conntrack::list_marked(Family::v4, mark_), conntrack::list_marked(Family::v6, mark_)},
      [&](const TrackedFlow& flow) { return strays.has(flow); });
}

Result<std::optional<Flow>, std::string> ConntrackFlowTable::find(Protocol protocol,
                                                                  const Endpoint& internal,
                                                                  const Endpoint& remote) {
  // Whoever began it: packets from the host to the peer have this tuple, as the original one or as
  // that of the replies, and the kernel finds a connection by either.
  const conntrack::Tuple tuple{internal, remote};
  Conversation kernel;
  std::optional<Flow> found;
  const auto asked = kernel.ask(conntrack::get(protocol, tuple), [&](const TrackedFlow& flow) {
    found = conntrack::seen_from(flow, tuple);
  });
  if (!asked && asked.error().code != ENOENT) {
    return failed("look for a connection", asked.error());
  }
  return found;
}

}  // namespace postern
