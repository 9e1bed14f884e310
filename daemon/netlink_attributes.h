#pragma once

#include <libmnl/libmnl.h>

namespace postern {

/// Calls `visit` with each attribute behind a header of that type.
template <class Header, class Visit>
void for_each_attribute(const nlmsghdr* message, Visit visit) {
  auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(Header)));
  const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
  while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
    visit(attribute);
    attribute = mnl_attr_next(attribute);
  }
}

}  // namespace postern
