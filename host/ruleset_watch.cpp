#include "host/ruleset_watch.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include <linux/filter.h>
#include <sys/socket.h>

#include "netlink/headers.h"

namespace postern {
namespace {

constexpr std::string_view kTable = "postern";
constexpr int kDatagramsPerCall = 64;
/// The kernel puts the messages of one transaction into datagrams of up to 8 KiB.
constexpr std::size_t kReceiveBuffer = std::size_t{16} * 1024;
/// Room for some 10,000 elements of another program's set in one transaction: block lists are
/// renewed that way, and each overrun costs a check of everything.
constexpr int kReceiveQueue = 1024 * 1024;

/// Where every message but NFT_MSG_NEWGEN names its table.
constexpr std::uint16_t kTableName = NFTA_TABLE_NAME;
static_assert(kTableName == NFTA_CHAIN_TABLE && kTableName == NFTA_RULE_TABLE &&
              kTableName == NFTA_SET_TABLE && kTableName == NFTA_SET_ELEM_LIST_TABLE &&
              kTableName == NFTA_OBJ_TABLE && kTableName == NFTA_FLOWTABLE_TABLE);

[[nodiscard]] std::string because(const char* action) {
  return std::string(action) + ": " + std::generic_category().message(errno);
}

/// Lets the kernel drop what these ports caused before it is queued. A datagram holds messages of
/// one transaction, and so of one port: its first message tells for all.
[[nodiscard]] bool leave_out(int fd, std::span<const std::uint32_t> ports) {
  constexpr std::uint32_t kPortOffset = offsetof(nlmsghdr, nlmsg_pid);
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kPortOffset));
  for (const auto port : ports) {
    // The load takes the octets in network order; netlink has them in the machine's.
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, 0xffffffff));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

/// The text of an attribute, or nothing when it is not there.
[[nodiscard]] std::string_view text_of(const nlmsghdr* message, std::uint16_t wanted) {
  std::string_view text;
  netlink::for_each_attribute(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != wanted) return;
    text = {mnl_attr_get_str(attribute), mnl_attr_get_payload_len(attribute)};
    text = text.substr(0, text.find('\0'));
  });
  return text;
}

/// What can be done to our table, the gravest last.
enum class Harm { none, elements, rules, table, overrun };

[[nodiscard]] constexpr std::string_view to_string(Harm harm) {
  switch (harm) {
    case Harm::none:
      return "";
    case Harm::elements:
      return "elements changed";
    case Harm::rules:
      return "rules changed";
    case Harm::table:
      return "table deleted";
    case Harm::overrun:
      return "overrun";
  }
  return "";
}

/// Puts together what the messages of one drain tell.
class Tally {
 public:
  void add(const nlmsghdr* message) {
    if ((message->nlmsg_type >> 8) != NFNL_SUBSYS_NFTABLES) return;
    const int kind = message->nlmsg_type & 0xff;
    if (kind == NFT_MSG_NEWGEN) {
      end_transaction(message);
      return;
    }
    const bool is_element = kind == NFT_MSG_NEWSETELEM || kind == NFT_MSG_DELSETELEM;
    const bool is_object = kind == NFT_MSG_NEWOBJ || kind == NFT_MSG_DELOBJ;
    // Nobody's port is 0: that is the kernel itself, which tells of used up quotas, and might of
    // ended timeouts.
    if ((is_element || is_object) && message->nlmsg_pid == 0) return;
    if (!is_in_our_table(message)) {
      seen_.others = true;
      return;
    }
    const bool is_end = kind == NFT_MSG_DELTABLE;
    add(is_end ? Harm::table : is_element ? Harm::elements : Harm::rules);
    touched_by_ = message->nlmsg_pid;
  }

  void add(Harm harm) { worst_ = std::max(worst_, harm); }

  [[nodiscard]] Seen result() && {
    seen_.overrun = worst_ == Harm::overrun;
    seen_.ours = worst_ != Harm::none;
    seen_.others = seen_.others || seen_.overrun;
    seen_.reason = to_string(worst_);
    return std::move(seen_);
  }

 private:
  [[nodiscard]] static bool is_in_our_table(const nlmsghdr* message) {
    if (message->nlmsg_len < mnl_nlmsg_size(sizeof(nfgenmsg))) return false;
    const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
    return header->nfgen_family == NFPROTO_INET && text_of(message, kTableName) == kTable;
  }

  /// The last message of a transaction names the program that made it.
  void end_transaction(const nlmsghdr* message) {
    if (touched_by_ == message->nlmsg_pid) seen_.by = text_of(message, NFTA_GEN_PROC_NAME);
    touched_by_.reset();
  }

  Seen seen_;
  Harm worst_ = Harm::none;
  /// The port of the transaction being read, if that touches our table.
  std::optional<std::uint32_t> touched_by_;
};

}  // namespace

void RulesetWatch::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

RulesetWatch::RulesetWatch(Socket socket) : socket_(std::move(socket)), buffer_(kReceiveBuffer) {}

Result<std::unique_ptr<RulesetWatch>, std::string> RulesetWatch::open(
    std::span<const std::uint32_t> own_port_ids) {
  constexpr const char* kAction = "watching the packet filter";
  Socket socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return fail(because(kAction));
  }
  const int fd = mnl_socket_get_fd(socket.get());
  // Best effort: with less room an overrun comes sooner, and is told.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveQueue, sizeof kReceiveQueue) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveQueue, sizeof kReceiveQueue);
  }
  // Before the group is joined, so that nothing of our own ever arrives.
  if (!leave_out(fd, own_port_ids)) return fail(because(kAction));
  int group = NFNLGRP_NFTABLES;
  if (mnl_socket_setsockopt(socket.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
    return fail(because(kAction));
  }
  return std::unique_ptr<RulesetWatch>(new RulesetWatch(std::move(socket)));
}

int RulesetWatch::descriptor() const {
  return mnl_socket_get_fd(socket_.get());
}

Seen RulesetWatch::drain() {
  Tally tally;
  if (is_behind_) tally.add(Harm::overrun);
  for (int count = 0; count < kDatagramsPerCall; ++count) {
    sockaddr_nl sender{};
    iovec part{buffer_.data(), buffer_.size()};
    msghdr header{};
    header.msg_name = &sender;
    header.msg_namelen = sizeof sender;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const auto size = ::recvmsg(descriptor(), &header, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == ENOBUFS) {
      // From now until the queue is empty the kernel drops what comes, and does not say so again.
      is_behind_ = true;
      tally.add(Harm::overrun);
      continue;
    }
    if (size < 0) {
      if (errno == EAGAIN) is_behind_ = false;
      break;
    }
    if (sender.nl_pid != 0) continue;  // Only the kernel speaks for the kernel.
    if ((header.msg_flags & MSG_TRUNC) != 0) tally.add(Harm::overrun);
    int left = static_cast<int>(size);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      tally.add(message);
    }
  }
  return std::move(tally).result();
}

}  // namespace postern
