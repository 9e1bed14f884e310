#include "netlink/socket.h"

#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "netlink/datagram.h"

namespace postern::netlink {
namespace {

/// The kernel fills dump datagrams up to 32 KiB when the reader offers as much.
constexpr std::size_t kReceiveBuffer = std::size_t{64} * 1024;
/// Room for a few thousand refusals of one transaction.
constexpr int kReceiveQueue = 4 * 1024 * 1024;

[[nodiscard]] auto failed(int code, std::optional<std::uint32_t> sequence = std::nullopt) {
  return fail(Error{code, sequence});
}

/// The errno value in an NLMSG_ERROR message: zero is the kernel's yes.
[[nodiscard]] int error_code(const nlmsghdr* message) {
  if (message->nlmsg_len < mnl_nlmsg_size(sizeof(nlmsgerr))) return EBADMSG;
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
}

}  // namespace

Socket::Socket(mnl_socket* socket) : socket_(socket), buffer_(kReceiveBuffer) {}

Result<Socket, Error> Socket::open() {
  auto* raw = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (raw == nullptr) return failed(errno);
  Socket socket(raw);
  if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) != 0) return failed(errno);
  // Answers then carry the header of the refused message and not all of it.
  int on = 1;
  mnl_socket_setsockopt(raw, NETLINK_CAP_ACK, &on, sizeof on);
  // Best effort: with less room, the later ones of very many refusals are lost.
  if (!socket.set_option(SO_RCVBUFFORCE, kReceiveQueue)) {
    socket.set_option(SO_RCVBUF, kReceiveQueue);
  }
  return socket;
}

Result<void, Error> Socket::transact(const Batch& batch) {
  if (auto sent = send(batch.bytes()); !sent) return sent;

  // The answers come in the order of the messages; that of the last one ends them. A commit that
  // fails after all messages were taken is answered first, under the number of the batch's head.
  std::optional<Error> refused;
  int trouble = 0;
  bool complete = false;
  while (!complete) {
    const auto datagram = receive();
    if (!datagram) {
      if (datagram.error().code == ENOBUFS && trouble == 0) {
        // Answers were dropped. Those that are queued say more, if there are any.
        trouble = ENOBUFS;
        continue;
      }
      if (trouble == 0) trouble = datagram.error().code;
      break;
    }
    for_each_message(*datagram, [&](const nlmsghdr* message) {
      if (message->nlmsg_type != NLMSG_ERROR || !batch.owns(message->nlmsg_seq)) return true;
      const int code = error_code(message);
      if (code != 0 && !refused) refused = Error{code, message->nlmsg_seq};
      complete = complete || message->nlmsg_seq == batch.last_sequence();
      return true;
    });
  }
  if (refused) return fail(*refused);
  if (trouble != 0) return failed(trouble);
  ++commits_;
  return {};
}

Result<void, Error> Socket::dump(std::span<const std::uint8_t> request,
                                 const std::function<void(const nlmsghdr*)>& take) {
  if (auto sent = send(request); !sent) return sent;
  bool interrupted = false;
  while (true) {
    const auto datagram = receive();
    if (!datagram) return fail(datagram.error());
    bool done = false;
    int code = 0;
    for_each_message(*datagram, [&](const nlmsghdr* message) {
      interrupted = interrupted || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (message->nlmsg_type == NLMSG_ERROR) code = error_code(message);
      done = message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR;
      if (!done) take(message);
      return !done;
    });
    if (!done) continue;
    if (code == 0 && interrupted) code = EINTR;
    if (code != 0) return failed(code);
    return {};
  }
}

Result<std::uint32_t, Error> Socket::generation() {
  alignas(nlmsghdr) std::array<std::uint8_t, MNL_NLMSG_HDRLEN + sizeof(nfgenmsg)> request{};
  auto* question = mnl_nlmsg_put_header(request.data());
  question->nlmsg_type = message_type(NFT_MSG_GETGEN);
  question->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  put_family(question, AF_UNSPEC);
  std::uint32_t generation = 0;
  const auto asked = dump(request, [&](const nlmsghdr* message) {
    if (message->nlmsg_type != message_type(NFT_MSG_NEWGEN)) return;
    for_each_attribute(message, [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) != NFTA_GEN_ID) return;
      if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0) return;
      generation = ntohl(mnl_attr_get_u32(attribute));
    });
  });
  if (!asked) return fail(asked.error());
  if (generation == 0) return failed(EBADMSG);
  return generation;
}

Result<void, Error> Socket::wait_for_running_transaction() {
  Batch nothing;
  nothing.begin();
  nothing.end();
  if (auto sent = send(nothing.bytes()); !sent) return sent;
  const auto refused = receive();
  if (!refused && refused.error().code == EAGAIN) return {};
  return failed(refused ? EBADMSG : refused.error().code);
}

Result<void, Error> Socket::send(std::span<const std::uint8_t> bytes) {
  if (mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size()) >= 0) return {};
  if (errno != EMSGSIZE) return failed(errno);
  // The kernel takes a batch as one datagram, which must fit the send buffer. Without the right to
  // pass the system's limit (in a container) a very large batch fails for good, with nothing done.
  const int wanted = static_cast<int>(bytes.size());
  if (!set_option(SO_SNDBUFFORCE, wanted)) set_option(SO_SNDBUF, wanted);
  if (mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size()) >= 0) return {};
  return failed(errno);
}

bool Socket::set_option(int option, int value) {
  const int fd = mnl_socket_get_fd(socket_.get());
  return ::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) == 0;
}

Result<std::span<const std::uint8_t>, Error> Socket::receive() {
  const auto datagram = netlink::receive(mnl_socket_get_fd(socket_.get()), buffer_);
  if (!datagram) return failed(datagram.error());
  return *datagram;
}

}  // namespace postern::netlink
