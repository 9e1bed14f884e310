#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/import/source.h"
#include "ctl/import/uci_reader.h"

namespace postern::ctl::miniupnpd {

/// The devices of OpenWrt's networks, which have names of their own ("lan" is often br-lan).
class NetworkNames {
 public:
  /// The sections of /etc/config/network, which outlive this object; empty when not at hand.
  explicit NetworkNames(const std::vector<UciSection>& network) : network_(network) {}

  /// The device of a LAN. Where that is a guess, it is noted for this line.
  [[nodiscard]] std::string lan_device(std::string_view name, std::size_t line, Notes& notes) const;

 private:
  const std::vector<UciSection>& network_;
};

}  // namespace postern::ctl::miniupnpd
