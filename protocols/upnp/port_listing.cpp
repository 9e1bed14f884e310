#include "protocols/upnp/port_listing.h"

#include <utility>

#include "protocols/upnp/text.h"

namespace postern::upnp {

PortListing::PortListing()
    : xml_(
          "<?xml version=\"1.0\"?>"
          "<p:PortMappingList xmlns:p=\"urn:schemas-upnp-org:gw:WANIPConnection\" "
          "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
          "xsi:schemaLocation=\"urn:schemas-upnp-org:gw:WANIPConnection "
          "http://www.upnp.org/schemas/gw/WANIPConnection-v2.xsd\">") {}

void PortListing::append(const PortMapping& entry) {
  xml_ += "<p:PortMappingEntry>";
  append_element(xml_, "p:NewRemoteHost", entry.remote_host);
  append_element(xml_, "p:NewExternalPort", std::to_string(entry.external_port));
  append_element(xml_, "p:NewProtocol", entry.protocol);
  append_element(xml_, "p:NewInternalPort", std::to_string(entry.internal_port));
  append_element(xml_, "p:NewInternalClient", entry.internal_client);
  append_element(xml_, "p:NewEnabled", entry.is_enabled ? "1" : "0");
  append_element(xml_, "p:NewDescription", entry.description);
  append_element(xml_, "p:NewLeaseTime", std::to_string(entry.lease));
  xml_ += "</p:PortMappingEntry>";
}

std::string PortListing::finished() && {
  return std::move(xml_) + "</p:PortMappingList>";
}

}  // namespace postern::upnp
