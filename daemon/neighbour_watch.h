#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/host_watch.h"
#include "core/result.h"
#include "daemon/asio.h"

struct mnl_socket;

namespace postern {

/// Hears what the kernel learns of neighbours (ARP and IPv6 neighbour discovery; rtnetlink(7),
/// RTNLGRP_NEIGH), and asks it. Once open, it needs no further descriptor.
class NeighbourWatch {
 public:
  using Heard = std::function<void(std::span<const Neighbour>)>;

  /// The error says what failed and why.
  [[nodiscard]] static Result<std::unique_ptr<NeighbourWatch>, std::string> open(
      asio::io_context& io);

  /// Hands over everything the kernel tells, also in answer to ask(), until this object is gone.
  /// When some of it was lost, all that the kernel knows is told anew.
  void watch(Heard heard);
  /// The answer is heard; nothing when the kernel does not know that neighbour. A question that the
  /// kernel does not take is lost: neighbours are told of by themselves when they change.
  void ask(const NeighbourQuestion& question);

 private:
  struct CloseSocket {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

  /// `readable` is a duplicate of the socket's descriptor, for Asio to own.
  NeighbourWatch(asio::io_context& io, Socket socket, int readable);

  void take_waiting(const Heard& heard);

  Socket socket_;
  asio::posix::stream_descriptor readable_;
};

}  // namespace postern
