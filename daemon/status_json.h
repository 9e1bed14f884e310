#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/gateway.h"
#include "daemon/control.h"
#include "daemon/store_health.h"

namespace postern {

struct StoreStatus {
  StoreHealth health;
  /// See StoredState.
  bool is_elapsed_unknown = false;
};

/// What the gateway itself does not know.
struct ShellStatus {
  /// How many datagrams the kernel did not take.
  std::uint64_t unsent = 0;
  /// Nothing when leases are not kept.
  std::optional<StoreStatus> store = {};
};

/// The state of the gateway as the JSON document of GET /api/v1/status. Its shape has a name and a
/// version, "schema"; keys may be added to a version, never changed. Of many mappings only the
/// oldest 1,000 are listed, so that writing the document does not keep clients waiting.
[[nodiscard]] std::string status_json(const Gateway& gateway, const ShellStatus& shell, Moment now);

/// One page of the mappings as the JSON document of GET /api/v1/mappings: "schema", the
/// "mapping_count" of all, "mappings" as in the status, and "next", after which the next page
/// begins, or null at the end. O(n log n) in the number of all mappings.
[[nodiscard]] std::string mappings_json(const Gateway& gateway, const MappingsQuery& query,
                                        Moment now);

}  // namespace postern
