#include "daemon/open_store.h"

#include <utility>

#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/decision.h"
#include "protocols/upnp/invocation.h"

namespace postern {

std::unique_ptr<SqliteStore> open_store(const Config& config, StoreListener listener) {
  if (!config.keeps_leases) return nullptr;
  StoreSettings settings;
  settings.directory = config.state_dir;
  settings.delay = config.store_delay;
  settings.history_rows = config.history_rows;
  settings.frontends = {natpmp::kFrontendName,
                        pcp::kFrontendName,
                        upnp::kFrontendName,
                        kRecovered,
                        kStatic,
                        kOperator};
  return std::make_unique<SqliteStore>(std::move(settings), std::move(listener));
}

void complete(StoredState& stored) {
  for (auto& mapping : stored.mappings) {
    for (auto& claim : mapping.claims) {
      const bool is_lease = claim.claimant.frontend == upnp::kFrontendName;
      claim.lifetime_limit = is_lease ? LifetimeLimit::max_lease : LifetimeLimit::max_lifetime;
    }
  }
}

}  // namespace postern
