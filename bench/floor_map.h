#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <netinet/in.h>

#include "core/protocol.h"
#include "netlink/headers.h"

namespace postern::bench {

/// One element of the floor's map: what a forward of one port needs at least.
struct FloorDoor {
  Protocol protocol;
  in_addr external_address;
  std::uint16_t external_port;
  in_addr internal_address;
  std::uint16_t internal_port;
  std::chrono::milliseconds timeout;
};

/// The table "inet floor" with Postern's map dnat4 and nothing else, written as directly as the
/// kernel allows. It shares no code with the backend that it is the yardstick for.
class FloorMap {
 public:
  /// Makes the table and the map, unless they are there.
  FloorMap();

  /// Adds or renews all of `doors` (at most kMostDoors) in one transaction and waits for the
  /// kernel's word: 0 or an errno value.
  [[nodiscard]] int commit(const std::vector<FloorDoor>& doors);

  static constexpr std::size_t kMostDoors = 64;

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };

  [[nodiscard]] nlmsghdr* start(std::uint16_t type, std::uint16_t flags);
  void finish(const nlmsghdr* message) { size_ += message->nlmsg_len; }
  void mark(std::uint16_t type);
  void put_table();
  void put_map();
  /// Sends what was put and empties the buffer. `acknowledged` is the number of the message that
  /// asked for an answer.
  [[nodiscard]] int transact(std::uint32_t acknowledged);

  std::unique_ptr<mnl_socket, Close> socket_;
  alignas(nlmsghdr) std::array<std::uint8_t, 16384> buffer_{};
  std::size_t size_ = 0;
  std::uint32_t sequence_ = 0;
};

}  // namespace postern::bench
