#include "protocols/upnp/ssdp_targets.h"

#include <optional>
#include <string>
#include <utility>

#include "core/text.h"

namespace postern::upnp {
namespace {

constexpr std::string_view kRootDevice = "upnp:rootdevice";
constexpr std::string_view kUuid = "uuid:";

/// A device or service type without its version, ending in a colon, and the version we have.
struct Type {
  std::string stem;
  unsigned version = 0;
};

/// A device of a view and what it is and has.
struct Device {
  std::string udn;
  /// Its own type, then those of its services.
  std::vector<Type> types;
};

[[nodiscard]] std::string stem_of(std::string_view kind, std::string_view type) {
  return std::string("urn:schemas-upnp-org:").append(kind).append(":").append(type) + ':';
}

/// The tree of a view, the root device first.
[[nodiscard]] std::vector<Device> devices_of(const Identity& identity, View view) {
  std::vector<Device> devices;
  for (const auto level : kDeviceLevels) {
    Device device{identity.udn(view, level),
                  {{stem_of("device", device_type(level)), device_version(view)}}};
    for (const auto& service : services()) {
      if (service.level != level || !identity.offers(view, service)) continue;
      device.types.push_back({stem_of("service", service.type), service.version_in(view)});
    }
    devices.push_back(std::move(device));
  }
  return devices;
}

[[nodiscard]] Offer typed_offer(View view, const Device& device, const std::string& type) {
  return {view, {type, device.udn + "::" + type}};
}

[[nodiscard]] Offer root_offer(View view, const Device& root) {
  return typed_offer(view, root, std::string(kRootDevice));
}

/// Reads "1" … "9999", without zeros in front.
[[nodiscard]] std::optional<unsigned> parse_version(std::string_view text) {
  constexpr std::size_t kMostDigits = 4;
  if (text.empty() || text.size() > kMostDigits || text.front() == '0') return std::nullopt;
  unsigned version = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    version = version * 10 + static_cast<unsigned>(c - '0');
  }
  return version;
}

[[nodiscard]] std::vector<Offer> find_typed(const Identity& identity, std::string_view target) {
  const auto stem_size = target.rfind(':') + 1;  // 0 when there is no colon
  const auto version = parse_version(target.substr(stem_size));
  if (!version) return {};
  for (const View view : kViews) {
    for (const auto& device : devices_of(identity, view)) {
      for (const auto& type : device.types) {
        if (type.stem != target.substr(0, stem_size) || *version > type.version) continue;
        return {typed_offer(view, device, std::string(target))};
      }
    }
  }
  return {};
}

[[nodiscard]] std::vector<Offer> find_uuid(const Identity& identity, std::string_view target) {
  for (const View view : kViews) {
    for (const auto& device : devices_of(identity, view)) {
      if (equals_ignoring_case(device.udn, target)) {
        return {{view, {std::string(target), device.udn}}};
      }
    }
  }
  return {};
}

}  // namespace

std::vector<Offer> all_offers(const Identity& identity) {
  std::vector<Offer> offers;
  for (const View view : kViews) {
    const auto devices = devices_of(identity, view);
    offers.push_back(root_offer(view, devices.front()));
    for (const auto& device : devices) {
      offers.push_back({view, {device.udn, device.udn}});
      for (const auto& type : device.types) {
        offers.push_back(typed_offer(view, device, type.stem + std::to_string(type.version)));
      }
    }
  }
  return offers;
}

std::vector<Offer> find_offers(const Identity& identity, std::string_view target) {
  if (target == kEverything) return all_offers(identity);
  if (target == kRootDevice) {
    std::vector<Offer> roots;
    for (const View view : kViews) {
      roots.push_back(root_offer(view, devices_of(identity, view).front()));
    }
    return roots;
  }
  if (target.starts_with(kUuid)) return find_uuid(identity, target);
  return find_typed(identity, target);
}

}  // namespace postern::upnp
