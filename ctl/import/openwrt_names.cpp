#include "ctl/import/openwrt_names.h"

#include <algorithm>

namespace postern::ctl::miniupnpd {

std::string NetworkNames::lan_device(std::string_view name, std::size_t line, Notes& notes) const {
  const std::string network(name);
  const auto section = std::find_if(network_.begin(), network_.end(), [&](const UciSection& each) {
    return each.type == "interface" && each.name == network;
  });
  if (section != network_.end()) {
    const auto* type = section->find("type");
    if (type && type->value == "bridge") return "br-" + network;
    const auto* device = section->find("device");
    if (!device) device = section->find("ifname");
    if (device) return device->value;
  }
  auto guess = network == "lan" ? "br-lan" : network;
  notes.push_back({line, "network \"" + network + "\": taken for the device " + guess +
                             ", for there is no file \"network\" beside this one that names it; "
                             "see ubus call network.interface." +
                             network + " status"});
  return guess;
}

}  // namespace postern::ctl::miniupnpd
