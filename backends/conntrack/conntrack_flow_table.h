#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/flow_table.h"
#include "core/result.h"

namespace postern {

struct ConntrackOptions {
  /// False reads all connections and chooses among them here, as on kernels before 5.8. The mark is
  /// what every kernel can filter by.
  bool allow_kernel_filters = true;
  /// The bit of the connection mark by which our rules mark what they let in.
  std::uint32_t mark = 0x10000000;
};

/// The connections of the kernel's connection tracking (nf_conntrack), over its netlink interface.
///
/// Each call works on the network namespace of the calling thread, with a socket and buffers of its
/// own that are gone afterwards. The kernel answers while it is asked, so no call waits. A question
/// whose answer was lost is asked again, at most three times in all.
///
/// A purge looks at most twice at the connections of a family, however many doors it is about: the
/// kernel lists those that have in common what the doors have in common, such as the external
/// address, and the rest is chosen here. Connections in a conntrack zone of one direction only are
/// not ended, and find() sees the default zone.
class ConntrackFlowTable final : public FlowTable {
 public:
  /// Tries out what the kernel can do. Fails without CAP_NET_ADMIN and on a kernel without
  /// nf_conntrack_netlink.
  [[nodiscard]] static Result<std::unique_ptr<ConntrackFlowTable>, std::string> open(
      const ConntrackOptions& options = {});

  /// Whether the kernel filters.
  [[nodiscard]] bool uses_kernel_filters() const { return uses_kernel_filters_; }

  [[nodiscard]] Result<std::size_t, std::string> purge(std::span<const FlowPurge> purges) override;
  [[nodiscard]] Result<std::size_t, std::string> purge_strays(std::span<const TimedDoor> doors,
                                                              bool spares_established_tcp) override;
  /// One look-up in the kernel's hash, however many connections there are.
  [[nodiscard]] Result<std::optional<Flow>, std::string> find(Protocol protocol,
                                                              const Endpoint& internal,
                                                              const Endpoint& remote) override;

 private:
  ConntrackFlowTable(bool uses_kernel_filters, std::uint32_t mark)
      : uses_kernel_filters_(uses_kernel_filters), mark_(mark) {}

  bool uses_kernel_filters_;
  std::uint32_t mark_;
};

}  // namespace postern
