#include "daemon/turn_counters.h"

namespace postern {

void TurnCounters::note(const Turn& turn) {
  for (const auto& event : turn.events) ++events[{to_string(event.kind), to_string(event.cause)}];
  for (const auto& refusal : turn.refusals) {
    ++refusals[{refusal.claimant.frontend, refusal.why()}];
  }
}

}  // namespace postern
