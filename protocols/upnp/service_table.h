#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What the gateway offers over UPnP, declared once: from this table come the descriptions, the
/// checks of arguments and the order of replies, so that they cannot disagree. All text is static.
namespace postern::upnp {

/// Two root devices, for some clients give up when they see anything of version 2.
enum class View : std::uint8_t { igd1, igd2 };
inline constexpr std::array kViews{View::igd1, View::igd2};

enum class ServiceId : std::uint8_t {
  layer3_forwarding,
  wan_common_interface_config,
  wan_ip_connection,
  /// The same actions as version 1 of wan_ip_connection, for clients that only look for PPP.
  wan_ppp_connection,
  wan_ipv6_firewall_control,
};

enum class ActionId : std::uint8_t {
  set_default_connection_service,
  get_default_connection_service,
  get_common_link_properties,
  get_total_bytes_sent,
  get_total_bytes_received,
  get_total_packets_sent,
  get_total_packets_received,
  set_connection_type,
  get_connection_type_info,
  request_connection,
  force_termination,
  get_status_info,
  get_nat_rsip_status,
  get_generic_port_mapping_entry,
  get_specific_port_mapping_entry,
  add_port_mapping,
  add_any_port_mapping,
  delete_port_mapping,
  delete_port_mapping_range,
  get_external_ip_address,
  get_list_of_port_mappings,
  get_firewall_status,
  get_outbound_pinhole_timeout,
  add_pinhole,
  update_pinhole,
  delete_pinhole,
  get_pinhole_packets,
  check_pinhole_working,
};

/// The state variables that have a value at any time. The others only describe arguments.
enum class VariableId : std::uint8_t {
  default_connection_service,
  wan_access_type,
  layer1_upstream_max_bit_rate,
  layer1_downstream_max_bit_rate,
  physical_link_status,
  total_bytes_sent,
  total_bytes_received,
  total_packets_sent,
  total_packets_received,
  connection_type,
  possible_connection_types,
  connection_status,
  uptime,
  last_connection_error,
  rsip_available,
  nat_enabled,
  external_ip_address,
  port_mapping_number_of_entries,
  system_update_id,
  firewall_enabled,
  inbound_pinhole_allowed,
};

enum class DataType : std::uint8_t { string, ui2, ui4, boolean };
[[nodiscard]] std::string_view to_string(DataType type);

/// Both ends included.
struct Range {
  std::uint32_t minimum = 0;
  std::uint32_t maximum = 0;
  /// Whether a value outside is "402 Invalid Args" for every action. Otherwise the action decides.
  bool is_enforced = false;
};

struct StateVariable {
  std::string_view name;
  DataType type = DataType::string;
  bool is_evented = false;
  std::optional<VariableId> id{};
  /// Of the service; the variable is unknown in versions before.
  std::uint8_t since = 1;
  /// From this version of the service on, default and range are declared.
  std::uint8_t limits_since = 1;
  /// Empty: none.
  std::string_view default_value{};
  std::optional<Range> range{};
  /// Whether values are XML documents. They are sent in a CDATA section, for some clients do not
  /// resolve entities in them (IGD-109).
  bool is_document = false;
  /// Empty: any. An argument may have another case and gets the one that stands here.
  std::span<const std::string_view> allowed{};
};

enum class Direction : std::uint8_t { in, out };

/// How the text of an IN argument is read beyond what its data type says.
enum class Reading : std::uint8_t {
  plain,
  /// Cut to kLongestText instead of refused.
  free_text,
  /// "*", "0", "0.0.0.0" and "::" stand for the empty text: any host.
  remote_host,
  /// The same, and the argument may be left out.
  optional_remote_host,
};

struct Argument {
  std::string_view name;
  Direction direction = Direction::in;
  /// The related state variable, of the same service.
  std::string_view variable;
  Reading reading = Reading::plain;
};

struct Action {
  ActionId id;
  std::string_view name;
  /// Of the service.
  std::uint8_t since = 1;
  /// All IN before all OUT, in the order of the specification.
  std::span<const Argument> arguments;
};

/// Which of the three nested devices has the service.
enum class DeviceLevel : std::uint8_t { root, wan, wan_connection };
inline constexpr std::array kDeviceLevels{DeviceLevel::root, DeviceLevel::wan,
                                          DeviceLevel::wan_connection};
/// As in "urn:schemas-upnp-org:device:<type>:<version>".
[[nodiscard]] std::string_view device_type(DeviceLevel level);
/// Of all devices of the view.
[[nodiscard]] constexpr std::uint8_t device_version(View view) {
  return view == View::igd1 ? 1 : 2;
}

struct Service {
  ServiceId id;
  /// As in "urn:schemas-upnp-org:service:<type>:<version>".
  std::string_view type;
  /// As in "urn:upnp-org:serviceId:<name>", and in paths.
  std::string_view name;
  DeviceLevel level;
  /// In the view igd1 and in the view igd2; 0 where it is not offered.
  std::array<std::uint8_t, 2> versions;
  std::span<const Action> actions;
  std::span<const StateVariable> variables;

  [[nodiscard]] std::uint8_t version_in(View view) const {
    return versions[static_cast<std::size_t>(view)];
  }
  [[nodiscard]] std::uint8_t highest_version() const;
  /// Nothing when no action of `version` or before has that name.
  [[nodiscard]] const Action* find_action(std::string_view action, std::uint8_t version) const;
  [[nodiscard]] const StateVariable* find_variable(std::string_view variable,
                                                   std::uint8_t version) const;
  /// The related state variable of an argument of this service.
  [[nodiscard]] const StateVariable& variable_of(const Argument& argument) const;
};

/// All services, in the order of the descriptions.
[[nodiscard]] std::span<const Service> services();
[[nodiscard]] const Service& service(ServiceId id);

/// A service type as clients write it.
struct ServiceType {
  ServiceId service = ServiceId::wan_ip_connection;
  std::uint8_t version = 1;

  friend bool operator==(const ServiceType&, const ServiceType&) = default;
};
/// "urn:schemas-upnp-org:service:WANIPConnection:1".
[[nodiscard]] std::string to_string(const ServiceType& type);
/// Nothing for what is not in the table, or of a version that is not implemented.
[[nodiscard]] std::optional<ServiceType> parse_service_type(std::string_view text);

}  // namespace postern::upnp
