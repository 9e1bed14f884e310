#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/upnp/paths.h"

/// The documents that clients fetch, made of the table. The same identity gives the same octets.
namespace postern::upnp {

/// `config` is Documents::config_id().
[[nodiscard]] std::string root_description(const Identity& identity, View view,
                                           std::uint32_t config);

/// What a service can do. The view must have it.
[[nodiscard]] std::string scpd(const Service& service, View view);

/// All documents of a gateway, rendered once.
class Documents {
 public:
  explicit Documents(const Identity& identity);

  /// 0 … 16777215; another one when any document is another (SSDP-12).
  [[nodiscard]] std::uint32_t config_id() const { return config_id_; }
  /// Nothing for a resource that is no document, or that the identity does not offer. Stays valid
  /// as long as this object.
  [[nodiscard]] const std::string* find(const Resource& resource) const;

 private:
  struct Document {
    Resource resource;
    std::string xml;
  };
  std::vector<Document> documents_;
  std::uint32_t config_id_ = 0;
};

/// Documents(identity).config_id(). Renders everything, so whoever needs it often keeps it.
[[nodiscard]] std::uint32_t config_id(const Identity& identity);

}  // namespace postern::upnp
