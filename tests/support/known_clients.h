#pragma once

#include <map>
#include <optional>

#include "core/client_directory.h"

namespace postern::test {

/// Knows the clients that a test tells it, and counts how often it is asked.
class KnownClients final : public ClientDirectory {
 public:
  [[nodiscard]] std::optional<ClientLink> find(const Address& client) override {
    ++asked;
    const auto found = links.find(client);
    return found == links.end() ? std::nullopt : std::optional(found->second);
  }

  std::map<Address, ClientLink> links;
  int asked = 0;
};

}  // namespace postern::test
