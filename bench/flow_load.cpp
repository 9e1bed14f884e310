// What the first packet of a new flow costs on its way through the gateway. To be started in the
// network namespace of a host outside. Every packet belongs to a flow of its own and goes to a
// mapping chosen at random.
//
// On a veth the sender's CPU carries a packet all the way: sendto() returns when the receiver has
// it. So the time of that call is the cost of the whole path; a packet that had not arrived by then
// is not counted. This process must stay on one CPU.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bench/flow_frame.h"
#include "bench/measured_doors.h"
#include "bench/net.h"

namespace postern::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

constexpr std::uint32_t kWarmUp = 1000;

struct FlowOptions {
  std::string gateway;
  std::string lan;
  Family family = Family::v4;
  std::uint32_t doors = 1;
  std::uint32_t flows = 1;
};

/// What `function` makes while this thread stands in the network namespace of that name.
template <class Function>
[[nodiscard]] auto inside(const std::string& name, Function function) {
  const Fd back(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const Fd there(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (there.get() < 0 || ::setns(there.get(), CLONE_NEWNET) != 0) throw_errno(name.c_str());
  auto made = function();
  if (::setns(back.get(), CLONE_NEWNET) != 0) throw_errno("setns");
  return made;
}

[[nodiscard]] Mac mac_of(const char* interface) {
  const auto socket = udp_socket();
  ifreq request{};
  std::strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) throw_errno(interface);
  Mac mac{};
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

/// Has the gateway forget all connections, as "conntrack -F" does: the kernel keeps a limited
/// number.
[[nodiscard]] Mac forget_flows_and_get_mac() {
  struct {
    nlmsghdr header;
    nfgenmsg family;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.family.nfgen_family = AF_UNSPEC;
  const Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  struct {
    nlmsghdr header;
    nlmsgerr error;
  } answer{};
  if (socket.get() < 0 || ::send(socket.get(), &request, sizeof request, 0) < 0 ||
      ::recv(socket.get(), &answer, sizeof answer, 0) < static_cast<ssize_t>(sizeof answer)) {
    throw_errno("ctnetlink");
  }
  if (answer.error.error != 0) {
    errno = -answer.error.error;
    throw_errno("forgetting the connections");
  }
  return mac_of("wan0");
}

/// Hears what is sent to any of the mappings.
[[nodiscard]] Fd receiver(Family family) {
  Fd socket(::socket(family == Family::v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage address{};
  socklen_t size = sizeof(sockaddr_in);
  if (family == Family::v4) {
    *reinterpret_cast<sockaddr_in*>(&address) = {AF_INET, htons(kServicePort), {}, {}};
  } else {
    *reinterpret_cast<sockaddr_in6*>(&address) = {AF_INET6, htons(kServicePort), 0, {}, 0};
    size = sizeof(sockaddr_in6);
  }
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    throw_errno("bind");
  }
  return socket;
}

[[nodiscard]] Fd frame_sender(const char* interface) {
  // Protocol 0: it sends only, and so no frame that arrives is copied for it.
  Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
  if (socket.get() < 0 || address.sll_ifindex == 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw_errno(interface);
  }
  return socket;
}

class FlowLoad {
 public:
  explicit FlowLoad(const FlowOptions& options)
      : options_(options),
        frame_(options.family, inside(options.gateway, forget_flows_and_get_mac)),
        receiver_(inside(options.lan, [&] { return receiver(options.family); })),
        sender_(frame_sender("eth0")) {}

  /// Waits for the first packet to arrive, for the hosts must find each other, and for the caches.
  void warm_up() {
    int tries = 0;
    while (!call() && !arrives(50)) {
      if (++tries == 100) throw std::runtime_error("no packet gets through");
    }
    for (std::uint32_t i = 0; i < kWarmUp; ++i) call();
    while (arrives(50)) {
    }
  }

  void measure() {
    times_.reserve(options_.flows);
    for (std::uint32_t i = 0; i < options_.flows; ++i) {
      if (const auto time = call()) {
        times_.push_back(*time);
      } else if (arrives(50)) {
        ++late_;
      } else {
        ++lost_;
      }
    }
  }

  void print() {
    std::sort(times_.begin(), times_.end());
    // Without the slowest twentieth, which were interrupted by other work.
    const auto counted = times_.size() - times_.size() / 20;
    double sum = 0;
    for (std::size_t i = 0; i < counted; ++i) sum += static_cast<double>(times_[i].count());
    const auto at = [&](std::size_t percent) {
      return times_.empty() ? 0.0
                            : static_cast<double>(times_[times_.size() * percent / 100].count());
    };
    std::printf(
        "{\"flows\": %u, \"counted\": %zu, \"late\": %u, \"lost\": %u, "
        "\"mean_us\": %.3f, \"p10_us\": %.3f, \"p50_us\": %.3f, \"p90_us\": %.3f}\n",
        options_.flows, counted, late_, lost_,
        counted == 0 ? 0.0 : sum / static_cast<double>(counted) / 1000, at(10) / 1000,
        at(50) / 1000, at(90) / 1000);
  }

 private:
  /// Sends the first packet of the next flow. How long that took, or nothing when the packet had
  /// not arrived then.
  std::optional<Nanoseconds> call() {
    const auto door = std::uniform_int_distribution<std::uint32_t>(0, options_.doors - 1)(random_);
    frame_.set(++number_, outside(options_.family, door));
    const auto octets = frame_.octets();
    const auto start = Clock::now();
    const auto sent = ::send(sender_.get(), octets.data(), octets.size(), 0);
    const auto time = Clock::now() - start;
    if (sent < 0) throw_errno("send");
    return arrives(0) ? std::optional<Nanoseconds>(time) : std::nullopt;
  }

  /// Whether the packet that was sent last arrives within so many milliseconds.
  [[nodiscard]] bool arrives(int milliseconds) {
    pollfd waiting{receiver_.get(), POLLIN, 0};
    if (milliseconds > 0 && ::poll(&waiting, 1, milliseconds) <= 0) return false;
    std::array<std::uint8_t, FlowFrame::kPayload> payload{};
    while (::recv(receiver_.get(), payload.data(), payload.size(), MSG_DONTWAIT) ==
           static_cast<ssize_t>(payload.size())) {
      std::uint32_t number = 0;
      std::memcpy(&number, payload.data(), sizeof number);
      if (ntohl(number) == number_) return true;
    }
    return false;
  }

  FlowOptions options_;
  FlowFrame frame_;
  Fd receiver_;
  Fd sender_;
  std::mt19937 random_{1};  // NOLINT: the same choice of mappings each time
  std::uint32_t number_ = 0;
  std::vector<Nanoseconds> times_;
  std::uint32_t late_ = 0;
  std::uint32_t lost_ = 0;
};

[[nodiscard]] std::optional<FlowOptions> parse_options(int count, char** words) {
  if (count != 6) return std::nullopt;
  const auto family = parse_family(words[3]);
  const auto doors = parse_number(words[4], kMostDoors);
  const auto flows = parse_number(words[5], 1'000'000);
  if (!family || !doors || *doors == 0 || !flows || *flows == 0) return std::nullopt;
  return FlowOptions{words[1], words[2], *family, static_cast<std::uint32_t>(*doors),
                     static_cast<std::uint32_t>(*flows)};
}

}  // namespace
}  // namespace postern::bench

int main(int count, char** words) {
  const auto options = postern::bench::parse_options(count, words);
  if (!options) {
    std::fputs("usage: flow_load GATEWAY_NETNS LAN_NETNS 4|6 DOORS FLOWS\n", stderr);
    return 2;
  }
  try {
    postern::bench::FlowLoad load(*options);
    load.warm_up();
    load.measure();
    load.print();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flow_load: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
