#include "daemon/kernel_clients.h"

#include <algorithm>

namespace postern {

std::optional<ClientLink> KernelClients::find(const Address& client) {
  const Interface* holder = nullptr;
  for (const auto& lan : network_.lan) {
    const bool holds =
        std::any_of(lan.addresses.begin(), lan.addresses.end(),
                    [&](const InterfaceAddress& own) { return own.prefix().contains(client); });
    if (holds && holder) return std::nullopt;
    if (holds) holder = &lan;
  }
  if (!holder) return std::nullopt;
  const auto found = links_.mac_of(holder->index, client);
  if (!found) return ClientLink{holder->name, std::nullopt, links_.has_macs(holder->index)};
  return ClientLink{holder->name, found->mac, true, found->has_answered};
}

}  // namespace postern
