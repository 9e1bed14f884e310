#include "host/local_sockets.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "netlink/headers.h"

namespace postern::host {
namespace {

/// The kernel fills dump datagrams up to 32 KiB when the reader offers as much.
constexpr std::size_t kReceiveBuffer = std::size_t{32} * 1024;

struct Close {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

/// What one dump is about, and what came of it.
struct Dump {
  Protocol protocol = Protocol::tcp;
  std::vector<LocalSocket> sockets;
};

[[nodiscard]] Address local_address(const inet_diag_msg& told) {
  if (told.idiag_family == AF_INET) {
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), told.id.idiag_src, octets.size());
    return Address::v4(octets);
  }
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), told.id.idiag_src, octets.size());
  return Address::v6(octets);
}

[[nodiscard]] bool is_ipv6_only(const nlmsghdr* message) {
  bool is_only = false;
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(inet_diag_msg)));
  int left = static_cast<int>(mnl_nlmsg_get_payload_len(message) - sizeof(inet_diag_msg));
  while (mnl_attr_ok(attribute, left)) {
    if (mnl_attr_get_type(attribute) == INET_DIAG_SKV6ONLY) {
      is_only = mnl_attr_get_u8(attribute) != 0;
    }
    left -= static_cast<int>(MNL_ALIGN(attribute->nla_len));
    attribute = mnl_attr_next(attribute);
  }
  return is_only;
}

int take_socket(const nlmsghdr* message, void* data) {
  auto* dump = static_cast<Dump*>(data);
  if (mnl_nlmsg_get_payload_len(message) < sizeof(inet_diag_msg)) return MNL_CB_OK;
  inet_diag_msg told{};
  std::memcpy(&told, mnl_nlmsg_get_payload(message), sizeof told);
  const auto port = ntohs(told.id.idiag_sport);
  // Not bound yet.
  if (port == 0) return MNL_CB_OK;
  dump->sockets.push_back(
      {dump->protocol, local_address(told), port, is_ipv6_only(message), told.id.idiag_if});
  return MNL_CB_OK;
}

/// ss --tcp --listening, ss --udp --listening
[[nodiscard]] int dump_sockets(mnl_socket* socket, std::uint8_t family, Dump& dump) {
  // UDP knows but two states: an address of the other side (established), or none (closed).
  const int state = dump.protocol == Protocol::tcp ? TCP_LISTEN : TCP_CLOSE;
  alignas(nlmsghdr) std::array<std::uint8_t, 128> octets{};
  auto* message = mnl_nlmsg_put_header(octets.data());
  message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* request =
      static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(message, sizeof(inet_diag_req_v2)));
  request->sdiag_family = family;
  request->sdiag_protocol = static_cast<std::uint8_t>(dump.protocol);
  request->idiag_states = 1U << state;
  if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) return errno;

  alignas(nlmsghdr) static thread_local std::array<std::uint8_t, kReceiveBuffer> answer;
  int status = MNL_CB_OK;
  while (status > MNL_CB_STOP) {
    const auto size = mnl_socket_recvfrom(socket, answer.data(), answer.size());
    if (size < 0) return errno;
    status = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), 0,
                        mnl_socket_get_portid(socket), take_socket, &dump);
  }
  return status < 0 ? errno : 0;
}

[[nodiscard]] Result<std::vector<LocalSocket>, int> sockets_of(Protocol protocol,
                                                               std::uint8_t family) {
  // A socket for each question: what a broken answer leaves behind is closed with it.
  const std::unique_ptr<mnl_socket, Close> socket(
      mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket == nullptr) return fail(int{errno});
  if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) return fail(int{errno});
  Dump dump{protocol, {}};
  if (const int code = dump_sockets(socket.get(), family, dump); code != 0) return fail(int{code});
  return std::move(dump.sockets);
}

}  // namespace

Result<std::vector<LocalSocket>, std::string> read_local_sockets() {
  std::vector<LocalSocket> all;
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
      const auto some = sockets_of(protocol, family);
      if (some) {
        all.insert(all.end(), some->begin(), some->end());
      } else if (family != AF_INET6 || some.error() != ENOENT) {
        // ENOENT: a kernel without IPv6, or, for IPv4, without tcp_diag or udp_diag.
        return fail(
            "the local " + std::string(to_string(protocol)) +
            " sockets could not be listed: " + std::generic_category().message(some.error()));
      }
    }
  }
  return all;
}

}  // namespace postern::host
