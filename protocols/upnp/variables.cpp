#include "protocols/upnp/variables.h"

#include <algorithm>
#include <limits>

namespace postern::upnp {
namespace {

constexpr std::uint32_t kLargest = std::numeric_limits<std::uint32_t>::max();

/// In bit/s; of a link of which nobody knows.
constexpr std::uint64_t kCommonSpeed = 1'000'000'000;

[[nodiscard]] const Interface* wan_of(const Facts& around) {
  const auto& wan = around.state.network.wan;
  return wan && wan->index != 0 ? &*wan : nullptr;
}

[[nodiscard]] bool is_link_up(const Facts& around) {
  const Interface* wan = wan_of(around);
  return wan && wan->is_running;
}

[[nodiscard]] LinkCounters counters_of(const Facts& around) {
  const Interface* wan = wan_of(around);
  return wan ? around.kernel.wan.counters(wan->index).value_or(LinkCounters()) : LinkCounters();
}

/// ui4 starts again from 0 (IGD-137).
[[nodiscard]] std::uint32_t wrapped(std::uint64_t count) {
  return static_cast<std::uint32_t>(count);
}

[[nodiscard]] std::uint32_t bit_rate(const Facts& around) {
  const Interface* wan = wan_of(around);
  const auto speed = wan ? around.kernel.wan.speed(wan->index) : std::nullopt;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(speed.value_or(kCommonSpeed), kLargest));
}

[[nodiscard]] std::uint32_t uptime(const Facts& around) {
  if (!is_connected(around)) return 0;
  const auto up = std::chrono::floor<Seconds>(around.now - around.services.connected_since);
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(up.count(), 0, kLargest));
}

[[nodiscard]] std::string external_address(const Facts& around) {
  const auto address = around.state.external_address.reported();
  return address ? address->to_string() : std::string();
}

/// The connection that the view has (IGD-140).
[[nodiscard]] std::string default_connection_service(View view, const Facts& around) {
  constexpr auto kLevel = DeviceLevel::wan_connection;
  std::string text = around.identity.udn(view, kLevel);
  text.append(":").append(device_type(kLevel)).append(":");
  text.append(std::to_string(device_version(view))).append(",urn:upnp-org:serviceId:");
  return text.append(service(ServiceId::wan_ip_connection).name);
}

[[nodiscard]] std::uint32_t count_of_entries(const Facts& around) {
  const std::size_t count = around.state.table.listed_count();
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(count, std::numeric_limits<std::uint16_t>::max()));
}

}  // namespace

bool is_connected(const Facts& around) {
  return wan_of(around) && around.state.external_address.reported();
}

Value value_of(VariableId variable, View view, const Facts& around) {
  using namespace std::string_literals;
  switch (variable) {
    case VariableId::default_connection_service:
      return default_connection_service(view, around);
    case VariableId::wan_access_type:
      return "Ethernet"s;
    case VariableId::layer1_upstream_max_bit_rate:
    case VariableId::layer1_downstream_max_bit_rate:
      return bit_rate(around);
    case VariableId::physical_link_status:
      return is_link_up(around) ? "Up"s : "Down"s;
    case VariableId::total_bytes_sent:
      return wrapped(counters_of(around).bytes_sent);
    case VariableId::total_bytes_received:
      return wrapped(counters_of(around).bytes_received);
    case VariableId::total_packets_sent:
      return wrapped(counters_of(around).packets_sent);
    case VariableId::total_packets_received:
      return wrapped(counters_of(around).packets_received);
    case VariableId::connection_type:
    case VariableId::possible_connection_types:
      return "IP_Routed"s;
    case VariableId::connection_status:
      return is_connected(around) ? "Connected"s : "Disconnected"s;
    case VariableId::uptime:
      return uptime(around);
    case VariableId::last_connection_error:
      return "ERROR_NONE"s;
    case VariableId::rsip_available:
      return false;
    case VariableId::nat_enabled:
      return true;
    case VariableId::external_ip_address:
      return external_address(around);
    case VariableId::port_mapping_number_of_entries:
      return count_of_entries(around);
    case VariableId::system_update_id:
      return around.services.system_update_id;
    case VariableId::firewall_enabled:
      return true;
    case VariableId::inbound_pinhole_allowed:
      return around.state.table.capabilities().pinholes;
  }
  return ""s;
}

}  // namespace postern::upnp
