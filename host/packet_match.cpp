#include "host/packet_match.h"

#include <algorithm>

namespace postern::host {

void PortMatch::narrow(const PortMatch& other) {
  ports = ports.intersected_with(other.ports);
  is_named = is_named || other.is_named;
}

bool InterfaceMatch::admits(std::string_view interface) const {
  const bool is_listed = std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    if (name.empty() || name.back() != '*') return name == interface;
    return interface.starts_with(name.substr(0, name.size() - 1));
  });
  return is_listed != is_negated;
}

}  // namespace postern::host
