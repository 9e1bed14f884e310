#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/backend_options.h"
#include "core/firewall_backend.h"
#include "core/result.h"

namespace postern {

/// The names that open_backend() knows.
[[nodiscard]] std::vector<std::string_view> backend_names();

/// Makes the backend of this name; an unknown name is an error that lists the known ones.
[[nodiscard]] Result<std::unique_ptr<FirewallBackend>, BackendError> open_backend(
    std::string_view name, const BackendOptions& options);

}  // namespace postern
