#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/mac_address.h"
#include "core/neighbour_table.h"
#include "core/wan_link.h"

struct mnl_socket;

namespace postern {

/// Where the kernel would send to reach a neighbour.
struct LinkAddress {
  /// Of whatever length; empty when it is not known.
  std::string octets;
  /// See KernelLinks::FoundMac.
  bool has_answered = false;
};

/// Asks the kernel about single neighbours and links (rtnetlink(7)), which it answers at once.
/// Knows nothing when there was no descriptor for it at the start.
class KernelLinks final : public NeighbourTable, public WanLink {
 public:
  KernelLinks();

  [[nodiscard]] bool are_one_host(std::uint32_t interface_index, const Address& left,
                                  const Address& right) override;
  struct FoundMac {
    MacAddress mac;
    /// Lately, or the administrator says so; otherwise somebody merely said that it is there.
    bool has_answered = false;
  };
  /// Nothing: not known, or not one of six octets. ip neigh get ADDRESS dev INTERFACE
  [[nodiscard]] std::optional<FoundMac> mac_of(std::uint32_t interface_index,
                                               const Address& address);
  /// Whether hosts of the link have MAC addresses: Ethernet, Wi-Fi, bridges. True when the kernel
  /// does not say.
  [[nodiscard]] bool has_macs(std::uint32_t interface_index);
  [[nodiscard]] std::optional<LinkCounters> counters(std::uint32_t interface_index) override;
  /// What `ethtool` shows.
  [[nodiscard]] std::optional<std::uint64_t> speed(std::uint32_t interface_index) override;

 private:
  struct CloseSocket {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

  /// The neighbour's address on its link.
  [[nodiscard]] LinkAddress link_address_of(std::uint32_t interface_index, const Address& address);

  Socket socket_;
  std::uint32_t last_sequence_ = 0;
};

}  // namespace postern
