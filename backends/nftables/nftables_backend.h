#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/backend_options.h"
#include "core/firewall_backend.h"
#include "core/result.h"
#include "netlink/writer.h"

namespace postern {

/// Keeps the doors as elements in the table `inet postern` of the kernel's packet filter: constant
/// rules, one map element for each door, and the kernel's own timer on each.
///
/// A door that ends at or before `now` is not opened; one that is changed so is closed.
/// The kernel is told at least 10 ms and at most one year.
///
/// reset() comes before the first commit(); open_doors() may come before both, and then shows what
/// an earlier run left.
class NftablesBackend final : public FirewallBackend {
 public:
  /// Tries out what the kernel can do, in a table of its own that is gone afterwards. Works on the
  /// network namespace of the calling thread. Fails without CAP_NET_ADMIN (permission_denied) and
  /// on a kernel without nf_tables.
  [[nodiscard]] static Result<std::unique_ptr<NftablesBackend>, BackendError> open(
      const BackendOptions& options);

  NftablesBackend(const NftablesBackend&) = delete;
  NftablesBackend& operator=(const NftablesBackend&) = delete;
  ~NftablesBackend() override;

  [[nodiscard]] std::string_view name() const override { return "nftables"; }
  [[nodiscard]] Capabilities capabilities() const override;
  /// The socket that changes the rules. Good as long as this object.
  [[nodiscard]] netlink::Writer writer() const;
  /// Reads the calling thread's network namespace. The times carry the kernel's grain of up to one
  /// tick. Elements that are not ours, having no timeout or another protocol, are left out.
  [[nodiscard]] Result<bool, BackendError> is_set_up() override;
  [[nodiscard]] Result<std::vector<TimedDoor>, BackendError> open_doors(Moment now) override;
  /// Also fails when an interface name is longer than the kernel allows (15 octets).
  [[nodiscard]] Result<void, BackendError> reset(const Network& network,
                                                 std::span<const TimedDoor> doors,
                                                 Moment now) override;
  [[nodiscard]] Result<void, BackendError> commit(std::span<const DoorChange> changes,
                                                  Moment now) override;
  void set_requests_per_second(std::uint32_t requests) override;
  [[nodiscard]] Pacing pacing() const override;
  [[nodiscard]] Result<std::optional<std::uint64_t>, BackendError> packets_through(
      const Door& door) override;

 private:
  /// The netlink side, kept out of this header with its third-party headers.
  class Impl;

  explicit NftablesBackend(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace postern
