#include "bench/flow_frame.h"

#include <algorithm>

#include <netinet/in.h>

namespace postern::bench {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kUdp = 8;
constexpr std::uint8_t kHops = 64;

[[nodiscard]] std::size_t header_size(Family family) {
  return family == Family::v4 ? 20 : 40;
}

void put16(std::uint8_t* to, std::uint32_t value) {
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[1] = static_cast<std::uint8_t>(value);
}

/// The Internet checksum of an even number of octets, on top of `sum` (RFC 1071).
[[nodiscard]] std::uint16_t checksum(std::span<const std::uint8_t> octets, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    sum += static_cast<std::uint32_t>(octets[i] << 8 | octets[i + 1]);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

//  Ethernet: target (6), source (6), type (2)
//  IPv4 (RFC 791): version, service, length (2), id (2), fragment (2), hops, protocol, checksum
//  (2),
//    source (4), target (4)
//  IPv6 (RFC 8200): version (4), length (2), protocol, hops, source (16), target (16)
FlowFrame::FlowFrame(Family family, const Mac& target)
    : family_(family), size_(kEthernet + header_size(family) + kUdp + kPayload) {
  std::copy(target.begin(), target.end(), octets_.begin());
  octets_[6] = 0x02;  // a locally administered address
  auto* ip = octets_.data() + kEthernet;
  if (family == Family::v4) {
    put16(octets_.data() + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, static_cast<std::uint32_t>(20 + kUdp + kPayload));
    ip[8] = kHops;
    ip[9] = IPPROTO_UDP;
  } else {
    put16(octets_.data() + 12, 0x86dd);
    ip[0] = 0x60;
    put16(ip + 4, static_cast<std::uint32_t>(kUdp + kPayload));
    ip[6] = IPPROTO_UDP;
    ip[7] = kHops;
    // 2001:db8:3::, completed by set().
    constexpr std::array<std::uint8_t, 6> kNetwork{0x20, 0x01, 0x0d, 0xb8, 0, 3};
    std::copy(kNetwork.begin(), kNetwork.end(), ip + 8);
  }
}

void FlowFrame::set(std::uint32_t number, const Endpoint& target) {
  auto* ip = octets_.data() + kEthernet;
  auto* udp = ip + header_size(family_);
  // 198.18.0.0/16 or 2001:db8:3::/112: the low bits choose the address, the high ones the port.
  if (family_ == Family::v4) {
    put16(ip + 12, 198U << 8 | 18);
    put16(ip + 14, number);
    const auto to = target.address.v4_octets();
    std::copy(to.begin(), to.end(), ip + 16);
    put16(ip + 10, 0);
    put16(ip + 10, checksum({ip, 20}));
  } else {
    put16(ip + 22, number);
    std::copy(target.address.octets().begin(), target.address.octets().end(), ip + 24);
  }
  put16(udp, 1024 + (number >> 16));
  put16(udp + 2, target.port);
  put16(udp + 4, kUdp + kPayload);
  put16(udp + 8, number >> 16);
  put16(udp + 10, number);
  put16(udp + 6, 0);
  // The pseudo header: addresses, protocol, length.
  const std::size_t addresses = family_ == Family::v4 ? 8 : 32;
  const auto sum = checksum({udp - addresses, addresses + kUdp + kPayload},
                            static_cast<std::uint32_t>(IPPROTO_UDP + kUdp + kPayload));
  put16(udp + 6, sum == 0 ? 0xffff : sum);
}

}  // namespace postern::bench
