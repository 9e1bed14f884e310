#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "daemon/asio.h"
#include "daemon/network_facts.h"

struct mnl_socket;

namespace postern {

/// Watches links, addresses and IPv4 routes (rtnetlink(7)). Whatever the kernel says has changed,
/// everything is read anew: so lost messages (ENOBUFS) cannot leave a stale belief. Once open, it
/// needs no further descriptor.
class NetlinkMonitor {
 public:
  [[nodiscard]] static Result<std::unique_ptr<NetlinkMonitor>, std::string> open(
      asio::io_context& io);

  /// Reads all links, addresses and routes as they are now.
  [[nodiscard]] Result<NetworkFacts, std::string> read();

  /// Calls `on_change` after every change that read() may show, until this object is gone.
  void watch(std::function<void()> on_change);

 private:
  struct CloseSocket {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

  /// `readable` is a duplicate of the events' descriptor, for Asio to own.
  NetlinkMonitor(asio::io_context& io, Socket events, Socket dumps, int readable);

  Socket events_;
  Socket dumps_;
  asio::posix::stream_descriptor readable_;
};

}  // namespace postern
