#pragma once

#include <string>

#include "protocols/upnp/port_mapping.h"

namespace postern::upnp {

/// In octets: where a listing ends, however many entries there are. A client goes on behind the
/// last port.
inline constexpr std::size_t kLongestListing = std::size_t{64} * 1024;

/// Writes a PortMappingList (WANIPConnection:2 §2.3.25): a document of its own, which the reply
/// then carries as text.
class PortListing {
 public:
  PortListing();

  void append(const PortMapping& entry);
  [[nodiscard]] bool is_full() const { return xml_.size() >= kLongestListing; }
  [[nodiscard]] std::string finished() &&;

 private:
  std::string xml_;
};

}  // namespace postern::upnp
