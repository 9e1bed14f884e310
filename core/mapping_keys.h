#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "core/endpoint.h"
#include "core/hash.h"
#include "core/mapping.h"
#include "core/protocol.h"

/// By what the table finds a mapping from outside and from inside.
namespace postern {

using PortKey = std::pair<Protocol, Endpoint>;
struct PortKeyHash {
  std::size_t operator()(const PortKey& key) const {
    return combine_hashes(std::hash<Endpoint>{}(key.second), static_cast<std::size_t>(key.first));
  }
};
struct InternalOf {
  PortKey operator()(const Mapping& mapping) const { return {mapping.protocol, mapping.internal}; }
};

using ExternalPort = std::pair<Protocol, std::uint16_t>;
struct PortHash {
  std::size_t operator()(const ExternalPort& key) const {
    return combine_hashes(key.second, static_cast<std::size_t>(key.first));
  }
};
struct ExternalPortOf {
  ExternalPort operator()(const Mapping& mapping) const {
    return {mapping.protocol, mapping.external.port};
  }
};

}  // namespace postern
