#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/firewall_backend.h"
#include "core/gateway.h"
#include "daemon/asio.h"
#include "daemon/config.h"
#include "daemon/http_caller.h"
#include "daemon/http_server.h"
#include "daemon/kernel_links.h"
#include "daemon/upnp_identity.h"
#include "protocols/upnp/http_frontend.h"
#include "protocols/upnp/ssdp_frontend.h"

namespace postern {

/// UPnP with its connections: the frontends that decide, the HTTP server that clients ask, the
/// calls to those that subscribed, and what only the kernel knows. Its UDP sockets are the
/// service's, like all others.
class UpnpDevice {
 public:
  /// What the gateway says. Must be callable for as long as the device lives.
  struct Reactions {
    std::function<std::optional<HttpReply>(const HttpRequest&)> on_header;
    std::function<void(const HttpRequest&)> on_request;
    HttpCaller::Done on_callout_done;
  };

  /// `backend` outlives the device.
  UpnpDevice(asio::io_context& io, const Config& config, FirewallBackend& backend,
             Reactions reactions);
  UpnpDevice(const UpnpDevice&) = delete;
  UpnpDevice& operator=(const UpnpDevice&) = delete;

  [[nodiscard]] upnp::SsdpFrontend& discovery() { return ssdp_; }
  [[nodiscard]] upnp::Frontend& control() { return control_; }
  /// What the administrator should know at the start; empty when all is well.
  [[nodiscard]] const std::string& trouble() const { return start_.trouble; }

  /// Serves HTTP exactly on these LAN addresses from now on. See HttpServer::listen().
  [[nodiscard]] Result<void, std::string> listen(const Network& network);
  /// Sends a turn's replies, and then its callouts.
  void carry_out(const Turn& turn);

 private:
  /// Counts packets where the firewall does.
  class Packets final : public DoorCounters {
   public:
    explicit Packets(FirewallBackend& backend) : backend_(backend) {}
    [[nodiscard]] std::optional<std::uint64_t> packets_through(const Door& door) override;

   private:
    FirewallBackend& backend_;
  };

  std::uint16_t http_port_;
  StartIdentity start_;
  upnp::Identity identity_;
  KernelLinks links_;
  Packets packets_;
  upnp::Kernel kernel_;
  upnp::SsdpFrontend ssdp_;
  upnp::Frontend control_;
  HttpServer server_;
  HttpCaller caller_;
};

}  // namespace postern
