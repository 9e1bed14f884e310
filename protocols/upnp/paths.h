#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocols/upnp/identity.h"

/// The paths of the HTTP server: /<token>/igd1/desc.xml, /<token>/igd1/scpd/<service>.xml,
/// /<token>/igd1/control/<service>, /<token>/igd1/event/<service>, and the same with igd2.
namespace postern::upnp {

enum class ResourceKind : std::uint8_t { description, scpd, control, event };

struct Resource {
  ResourceKind kind = ResourceKind::description;
  View view = View::igd1;
  /// Nothing exactly for a description.
  std::optional<ServiceId> service;

  friend bool operator==(const Resource&, const Resource&) = default;
};

[[nodiscard]] std::string path_of(const Identity& identity, const Resource& resource);
[[nodiscard]] std::string description_path(const Identity& identity, View view);

/// What a request's target names; nothing: 404. A target may be absolute ("http://…"), have a
/// query, double slashes and any case (HTTP-07, HTTP-14).
[[nodiscard]] std::optional<Resource> find_resource(const Identity& identity,
                                                    std::string_view target);

}  // namespace postern::upnp
