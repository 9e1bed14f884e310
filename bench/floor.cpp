// The floor that a NAT-PMP server over nftables stands on: read a request, commit one map element,
// answer. There is no table of mappings, no policy and no ownership here, so no honest server can
// be faster with one commit a request. With --together it commits all waiting requests at once.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <variant>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "bench/datagrams.h"
#include "bench/floor_map.h"
#include "bench/net.h"
#include "protocols/natpmp/wire.h"

namespace postern::bench {
namespace {

using std::chrono::steady_clock;

struct FloorOptions {
  sockaddr_in listen;
  in_addr external_address;
  bool is_together = false;
};

class Floor {
 public:
  explicit Floor(const FloorOptions& options)
      : external_address_(options.external_address),
        socket_(udp_socket()),
        requests_(options.is_together ? FloorMap::kMostDoors : 1),
        replies_(FloorMap::kMostDoors) {
    const auto* address = reinterpret_cast<const sockaddr*>(&options.listen);
    if (::bind(socket_.get(), address, sizeof options.listen) != 0) throw_errno("bind");
  }

  /// Serves until a signal ends the process.
  [[noreturn]] void serve() {
    while (true) turn();
  }

 private:
  void turn() {
    requests_.receive(socket_.get(), MSG_WAITFORONE);
    doors_.clear();
    asked_.clear();
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      asked_.push_back(natpmp::parse_request(requests_.datagram(i)));
      if (!asked_.back()) continue;
      const auto* map = std::get_if<natpmp::MapRequest>(&*asked_.back());
      if (map != nullptr && map->lifetime > 0) {
        doors_.push_back(door_of(*map, requests_.peer(i).sin_addr));
      }
    }
    const int error = doors_.empty() ? 0 : map_.commit(doors_);
    if (error != 0) std::fprintf(stderr, "natpmp_floor: commit: %s\n", std::strerror(error));
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      if (asked_[i]) reply(*asked_[i], requests_.peer(i), error == 0);
    }
    replies_.send(socket_.get());
  }

  [[nodiscard]] static std::uint16_t external_port(const natpmp::MapRequest& request) {
    return request.suggested_external_port != 0 ? request.suggested_external_port
                                                : request.internal_port;
  }

  [[nodiscard]] FloorDoor door_of(const natpmp::MapRequest& request, in_addr client) const {
    return {request.protocol, external_address_,     external_port(request),
            client,           request.internal_port, std::chrono::seconds{request.lifetime}};
  }

  void reply(const natpmp::Request& request, const sockaddr_in& peer, bool is_committed) {
    const auto since =
        std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - start_);
    const auto epoch = static_cast<std::uint32_t>(since.count());
    if (const auto* map = std::get_if<natpmp::MapRequest>(&request)) {
      // Deleting is no part of the measurement, and nothing here could do it.
      const auto result = map->lifetime == 0 ? natpmp::ResultCode::not_authorized
                          : is_committed     ? natpmp::ResultCode::success
                                             : natpmp::ResultCode::network_failure;
      replies_.push(
          natpmp::emit(natpmp::MapResponse{map->protocol, result, epoch, map->internal_port,
                                           external_port(*map), map->lifetime}),
          &peer);
    } else if (std::holds_alternative<natpmp::AddressRequest>(request)) {
      const auto address = Address::v4(ntohl(external_address_.s_addr));
      replies_.push(
          natpmp::emit(natpmp::AddressResponse{natpmp::ResultCode::success, epoch, address}),
          &peer);
    }
  }

  in_addr external_address_;
  Fd socket_;
  FloorMap map_;
  DatagramBatch requests_;
  DatagramBatch replies_;
  std::vector<std::optional<natpmp::Request>> asked_;
  std::vector<FloorDoor> doors_;
  steady_clock::time_point start_ = steady_clock::now();
};

[[nodiscard]] std::optional<FloorOptions> parse_options(int count, char** words) {
  if (count != 3 && count != 4) return std::nullopt;
  const auto listen = ipv4_endpoint(words[1], natpmp::kServerPort);
  const auto external = ipv4_endpoint(words[2], 0);
  if (!listen || !external) return std::nullopt;
  FloorOptions options{*listen, external->sin_addr};
  options.is_together = count == 4;
  if (options.is_together && std::strcmp(words[3], "--together") != 0) return std::nullopt;
  return options;
}

}  // namespace
}  // namespace postern::bench

int main(int count, char** words) {
  const auto options = postern::bench::parse_options(count, words);
  if (!options) {
    std::fputs("usage: natpmp_floor LISTEN_ADDRESS EXTERNAL_ADDRESS [--together]\n", stderr);
    return 2;
  }
  try {
    postern::bench::Floor(*options).serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "natpmp_floor: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
