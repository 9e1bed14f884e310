#include "protocols/upnp/identity.h"

namespace postern::upnp {

std::string description_path(const Identity& identity, View view) {
  return "/" + identity.token + (view == View::igd1 ? "/igd1" : "/igd2") + "/desc.xml";
}

std::uint32_t config_id(const Identity& identity) {
  return identity.offers_ppp_alias ? 1 : 2;
}

}  // namespace postern::upnp
