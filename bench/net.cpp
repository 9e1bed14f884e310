#include "bench/net.h"

#include <cerrno>
#include <charconv>
#include <system_error>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace postern::bench {

void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t highest) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end || value > highest) return std::nullopt;
  return value;
}

std::optional<sockaddr_in> ipv4_endpoint(const char* address, std::uint16_t port) {
  sockaddr_in endpoint{};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(port);
  if (::inet_pton(AF_INET, address, &endpoint.sin_addr) != 1) return std::nullopt;
  return endpoint;
}

Fd udp_socket() {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) throw_errno("socket");
  return socket;
}

}  // namespace postern::bench
