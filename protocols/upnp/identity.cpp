#include "protocols/upnp/identity.h"

#include <string_view>

namespace postern::upnp {

std::string to_string(const Uuid& uuid) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "uuid:";
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[uuid[i] >> 4];
    text += kDigits[uuid[i] & 15];
  }
  return text;
}

const std::string& Identity::udn(View view, DeviceLevel level) const {
  constexpr std::size_t kDevicesOfView = 3;
  return udns.at(kDevicesOfView * static_cast<std::size_t>(view) + static_cast<std::size_t>(level));
}

bool Identity::offers(View view, const Service& service) const {
  if (service.id == ServiceId::wan_ppp_connection && !offers_ppp_alias) return false;
  return service.version_in(view) != 0;
}

std::array<std::string, 6> derive_udns(const Uuid& base) {
  std::array<std::string, 6> udns;
  for (std::size_t i = 0; i < udns.size(); ++i) {
    Uuid uuid = base;
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x40);
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
    uuid[15] = static_cast<std::uint8_t>(uuid[15] ^ i);
    udns[i] = to_string(uuid);
  }
  return udns;
}

}  // namespace postern::upnp
