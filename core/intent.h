#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "core/map_request.h"
#include "core/mapping_table.h"
#include "core/policy.h"
#include "core/result.h"

namespace postern {

/// What a frontend makes of a request for a mapping, before the table is asked. Requests are served
/// from it, and explained from it.
struct Intent {
  /// For most requests the wish is all there is.
  Intent(MapRequest asked) : wish(std::move(asked)) {}

  MapRequest wish;
  /// Nothing: the table decides about the wish. Else the frontend does: an error, or the grant of a
  /// mapping that is there whoever asks, as the client is told of it.
  std::optional<Result<Grant, Denial>> decided = {};
  /// Of such an error, the frontend's own constant word for it; empty: the error says it.
  std::string_view own_word = {};
};

}  // namespace postern
