#include "host/ruleset_watch.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include <linux/filter.h>
#include <sys/socket.h>

#include "netlink/datagram.h"
#include "netlink/generation.h"
#include "netlink/headers.h"
#include "netlink/socket.h"

namespace postern {
namespace {

constexpr std::string_view kTable = "postern";
constexpr int kDatagramsPerCall = 64;
/// The kernel puts the messages of one transaction into datagrams of up to 8 KiB.
constexpr std::size_t kReceiveBuffer = std::size_t{16} * 1024;
/// Room for some 10,000 elements of another program's set in one transaction: block lists are
/// renewed that way, and each overrun costs a check of everything.
constexpr int kReceiveQueue = 1024 * 1024;

/// So often the watch looks while it does not listen: what others do is undone in a tenth of a
/// second.
constexpr Milliseconds kStep{25};
/// From so many own transactions in one step on, listening costs more than looking.
constexpr std::uint32_t kManyCommits = 16;
/// A host whose rules others change all the time is listened to, for a look does not tell what was
/// changed, so that everything must be put back.
constexpr Seconds kListensAfterTrouble{10};

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
[[nodiscard]] bool leave_out(int fd, std::span<const netlink::Writer> writers) {
  constexpr std::uint32_t kPortOffset = offsetof(nlmsghdr, nlmsg_pid);
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kPortOffset));
  for (const auto& writer : writers) {
    // The load takes the octets in network order; netlink has them in the machine's.
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(writer.port_id), 0, 1));
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
enum class Harm { none, elements, rules, table, overrun, unheard };

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
    case Harm::unheard:
      return "changed unheard";
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
    seen_.others = seen_.others || worst_ >= Harm::overrun;
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

RulesetWatch::RulesetWatch(Listener listener, netlink::Socket asker,
                           std::vector<netlink::Writer> own)
    : listener_(std::move(listener)),
      asker_(std::make_unique<netlink::Socket>(std::move(asker))),
      own_(std::move(own)),
      buffer_(kReceiveBuffer) {}

RulesetWatch::~RulesetWatch() = default;

Result<std::unique_ptr<RulesetWatch>, std::string> RulesetWatch::open(
    std::vector<netlink::Writer> own) {
  constexpr const char* kAction = "watching the packet filter";
  auto asker = netlink::Socket::open();
  Listener listener(mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!asker || !listener || mnl_socket_bind(listener.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return fail(because(kAction));
  }
  const int fd = mnl_socket_get_fd(listener.get());
  // Best effort: with less room an overrun comes sooner, and is told.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveQueue, sizeof kReceiveQueue) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveQueue, sizeof kReceiveQueue);
  }
  // Before the group is joined, so that nothing of our own ever arrives.
  if (!leave_out(fd, own)) return fail(because(kAction));
  std::unique_ptr<RulesetWatch> watch(
      new RulesetWatch(std::move(listener), std::move(*asker), std::move(own)));
  if (!watch->start_listening()) return fail(because(kAction));
  return watch;
}

int RulesetWatch::descriptor() const {
  return mnl_socket_get_fd(listener_.get());
}

Seen RulesetWatch::drain() {
  Tally tally;
  if (is_behind_) tally.add(Harm::overrun);
  for (int count = 0; count < kDatagramsPerCall; ++count) {
    const auto datagram = netlink::receive(descriptor(), buffer_);
    if (!datagram) {
      if (datagram.error() == EAGAIN) is_behind_ = false;
      // From now until the queue is empty the kernel drops what comes, and does not say so again.
      if (datagram.error() == ENOBUFS) is_behind_ = true;
      const bool is_loss = datagram.error() == ENOBUFS || datagram.error() == EMSGSIZE;
      if (!is_loss) break;
      tally.add(Harm::overrun);
      continue;
    }
    netlink::for_each_message(*datagram, [&](const nlmsghdr* message) {
      tally.add(message);
      return true;
    });
  }
  return std::move(tally).result();
}

Seen RulesetWatch::keep_pace(Moment now) {
  const auto commits_in_step = own_commits() - commits_before_step_;
  if (now < step_ends_) {
    const bool is_fast = commits_in_step >= kManyCommits;
    if (is_listening_ && is_fast && now >= listens_until_) stop_listening(now);
    return {};
  }
  commits_before_step_ += commits_in_step;
  step_ends_ = now + kStep;
  if (is_listening_) return {};

  // Listening comes first: what is changed from here on is heard, and what was before is counted.
  if (commits_in_step < kManyCommits) is_listening_ = start_listening();
  if (!is_changed_unheard()) return {};
  if (!is_listening_) is_listening_ = start_listening();
  listens_until_ = now + kListensAfterTrouble;
  Tally tally;
  tally.add(Harm::unheard);
  return std::move(tally).result();
}

std::optional<Moment> RulesetWatch::next_look() const {
  if (is_listening_) return std::nullopt;
  return step_ends_;
}

std::uint32_t RulesetWatch::own_commits() const {
  std::uint32_t sum = 0;
  for (const auto& writer : own_) sum += writer.commits();
  return sum;
}

void RulesetWatch::stop_listening(Moment now) {
  // What is changed from here on raises the generation above this one. What was before has been
  // told when the transaction that may be under way is through; it waits in the listener's queue.
  const auto generation = asker_->generation();
  int group = NFNLGRP_NFTABLES;
  if (!generation || !asker_->wait_for_running_transaction() ||
      mnl_socket_setsockopt(listener_.get(), NETLINK_DROP_MEMBERSHIP, &group, sizeof group) < 0) {
    listens_until_ = now + kListensAfterTrouble;
    return;
  }
  known_generation_ = *generation;
  known_commits_ = own_commits();
  is_listening_ = false;
}

bool RulesetWatch::start_listening() {
  int group = NFNLGRP_NFTABLES;
  return mnl_socket_setsockopt(listener_.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
}

bool RulesetWatch::is_changed_unheard() {
  const auto generation = asker_->generation();
  const auto commits = own_commits();
  const auto expected = netlink::generation_after(known_generation_, commits - known_commits_);
  known_commits_ = commits;
  known_generation_ = generation ? *generation : expected;
  // Without an answer anything may have happened.
  return !generation || *generation != expected;
}

}  // namespace postern
