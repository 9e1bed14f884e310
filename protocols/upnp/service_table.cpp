#include "protocols/upnp/service_table.h"

#include <algorithm>

namespace postern::upnp {
namespace {

using std::string_view;

[[nodiscard]] constexpr Argument in(string_view name, string_view variable,
                                    Reading reading = Reading::plain) {
  return {name, Direction::in, variable, reading};
}
[[nodiscard]] constexpr Argument out(string_view name, string_view variable) {
  return {name, Direction::out, variable, Reading::plain};
}

// --- Layer3Forwarding:1 -------------------------------------------------------------------------

constexpr std::array kForwardingVariables{
    StateVariable{.name = "DefaultConnectionService",
                  .is_evented = true,
                  .id = VariableId::default_connection_service},
};
constexpr std::array kSetDefaultConnectionService{
    in("NewDefaultConnectionService", "DefaultConnectionService")};
constexpr std::array kGetDefaultConnectionService{
    out("NewDefaultConnectionService", "DefaultConnectionService")};
constexpr std::array kForwardingActions{
    Action{ActionId::set_default_connection_service, "SetDefaultConnectionService", 1,
           kSetDefaultConnectionService},
    Action{ActionId::get_default_connection_service, "GetDefaultConnectionService", 1,
           kGetDefaultConnectionService},
};

// --- WANCommonInterfaceConfig:1 -----------------------------------------------------------------

constexpr std::array<string_view, 4> kAccessTypes{"DSL", "POTS", "Cable", "Ethernet"};
constexpr std::array<string_view, 2> kLinkStates{"Up", "Down"};

constexpr std::array kInterfaceVariables{
    StateVariable{
        .name = "WANAccessType", .id = VariableId::wan_access_type, .allowed = kAccessTypes},
    StateVariable{.name = "Layer1UpstreamMaxBitRate",
                  .type = DataType::ui4,
                  .id = VariableId::layer1_upstream_max_bit_rate},
    StateVariable{.name = "Layer1DownstreamMaxBitRate",
                  .type = DataType::ui4,
                  .id = VariableId::layer1_downstream_max_bit_rate},
    StateVariable{.name = "PhysicalLinkStatus",
                  .is_evented = true,
                  .id = VariableId::physical_link_status,
                  .allowed = kLinkStates},
    StateVariable{
        .name = "TotalBytesSent", .type = DataType::ui4, .id = VariableId::total_bytes_sent},
    StateVariable{.name = "TotalBytesReceived",
                  .type = DataType::ui4,
                  .id = VariableId::total_bytes_received},
    StateVariable{
        .name = "TotalPacketsSent", .type = DataType::ui4, .id = VariableId::total_packets_sent},
    StateVariable{.name = "TotalPacketsReceived",
                  .type = DataType::ui4,
                  .id = VariableId::total_packets_received},
};
constexpr std::array kGetCommonLinkProperties{
    out("NewWANAccessType", "WANAccessType"),
    out("NewLayer1UpstreamMaxBitRate", "Layer1UpstreamMaxBitRate"),
    out("NewLayer1DownstreamMaxBitRate", "Layer1DownstreamMaxBitRate"),
    out("NewPhysicalLinkStatus", "PhysicalLinkStatus"),
};
constexpr std::array kGetTotalBytesSent{out("NewTotalBytesSent", "TotalBytesSent")};
constexpr std::array kGetTotalBytesReceived{out("NewTotalBytesReceived", "TotalBytesReceived")};
constexpr std::array kGetTotalPacketsSent{out("NewTotalPacketsSent", "TotalPacketsSent")};
constexpr std::array kGetTotalPacketsReceived{
    out("NewTotalPacketsReceived", "TotalPacketsReceived")};
constexpr std::array kInterfaceActions{
    Action{ActionId::get_common_link_properties, "GetCommonLinkProperties", 1,
           kGetCommonLinkProperties},
    Action{ActionId::get_total_bytes_sent, "GetTotalBytesSent", 1, kGetTotalBytesSent},
    Action{ActionId::get_total_bytes_received, "GetTotalBytesReceived", 1, kGetTotalBytesReceived},
    Action{ActionId::get_total_packets_sent, "GetTotalPacketsSent", 1, kGetTotalPacketsSent},
    Action{ActionId::get_total_packets_received, "GetTotalPacketsReceived", 1,
           kGetTotalPacketsReceived},
};

// --- WANIPConnection:1 and :2 -------------------------------------------------------------------

constexpr std::array<string_view, 3> kConnectionTypes{"Unconfigured", "IP_Routed", "IP_Bridged"};
constexpr std::array<string_view, 6> kConnectionStates{"Unconfigured",  "Connecting",
                                                       "Connected",     "PendingDisconnect",
                                                       "Disconnecting", "Disconnected"};
constexpr std::array<string_view, 2> kConnectionErrors{"ERROR_NONE", "ERROR_UNKNOWN"};
constexpr std::array<string_view, 2> kProtocols{"TCP", "UDP"};

constexpr std::array kConnectionVariables{
    StateVariable{
        .name = "ConnectionType", .id = VariableId::connection_type, .default_value = "IP_Routed"},
    StateVariable{.name = "PossibleConnectionTypes",
                  .is_evented = true,
                  .id = VariableId::possible_connection_types,
                  .allowed = kConnectionTypes},
    StateVariable{.name = "ConnectionStatus",
                  .is_evented = true,
                  .id = VariableId::connection_status,
                  .allowed = kConnectionStates},
    StateVariable{.name = "Uptime", .type = DataType::ui4, .id = VariableId::uptime},
    StateVariable{.name = "LastConnectionError",
                  .id = VariableId::last_connection_error,
                  .allowed = kConnectionErrors},
    StateVariable{
        .name = "RSIPAvailable", .type = DataType::boolean, .id = VariableId::rsip_available},
    StateVariable{.name = "NATEnabled", .type = DataType::boolean, .id = VariableId::nat_enabled},
    StateVariable{
        .name = "ExternalIPAddress", .is_evented = true, .id = VariableId::external_ip_address},
    StateVariable{.name = "PortMappingNumberOfEntries",
                  .type = DataType::ui2,
                  .is_evented = true,
                  .id = VariableId::port_mapping_number_of_entries},
    StateVariable{.name = "PortMappingEnabled", .type = DataType::boolean},
    // What is longer gets the longest (IGD-071), so the range is declared and not enforced.
    StateVariable{.name = "PortMappingLeaseDuration",
                  .type = DataType::ui4,
                  .limits_since = 2,
                  .default_value = "3600",
                  .range = Range{0, 604800}},
    StateVariable{.name = "RemoteHost"},
    StateVariable{.name = "ExternalPort", .type = DataType::ui2},
    // 0 has an error of its own in version 2 (IGD-067), which the action knows.
    StateVariable{.name = "InternalPort", .type = DataType::ui2, .range = Range{1, 65535}},
    StateVariable{.name = "PortMappingProtocol", .allowed = kProtocols},
    StateVariable{.name = "InternalClient"},
    StateVariable{.name = "PortMappingDescription"},
    StateVariable{.name = "SystemUpdateID",
                  .type = DataType::ui4,
                  .is_evented = true,
                  .id = VariableId::system_update_id,
                  .since = 2},
    StateVariable{.name = "A_ARG_TYPE_Manage", .type = DataType::boolean, .since = 2},
    StateVariable{.name = "A_ARG_TYPE_PortListing", .since = 2, .is_document = true},
};

constexpr Argument kInRemoteHost = in("NewRemoteHost", "RemoteHost", Reading::optional_remote_host);
constexpr Argument kInExternalPort = in("NewExternalPort", "ExternalPort");
constexpr Argument kInProtocol = in("NewProtocol", "PortMappingProtocol");
constexpr Argument kInInternalPort = in("NewInternalPort", "InternalPort");
constexpr Argument kInInternalClient = in("NewInternalClient", "InternalClient");
constexpr Argument kInEnabled = in("NewEnabled", "PortMappingEnabled");
constexpr Argument kInDescription =
    in("NewPortMappingDescription", "PortMappingDescription", Reading::free_text);
constexpr Argument kInLease = in("NewLeaseDuration", "PortMappingLeaseDuration");
constexpr Argument kOutInternalPort = out("NewInternalPort", "InternalPort");
constexpr Argument kOutInternalClient = out("NewInternalClient", "InternalClient");
constexpr Argument kOutEnabled = out("NewEnabled", "PortMappingEnabled");
constexpr Argument kOutDescription = out("NewPortMappingDescription", "PortMappingDescription");
constexpr Argument kOutLease = out("NewLeaseDuration", "PortMappingLeaseDuration");
constexpr Argument kInStartPort = in("NewStartPort", "ExternalPort");
constexpr Argument kInEndPort = in("NewEndPort", "ExternalPort");
constexpr Argument kInManage = in("NewManage", "A_ARG_TYPE_Manage");

constexpr std::array kSetConnectionType{in("NewConnectionType", "ConnectionType")};
constexpr std::array kGetConnectionTypeInfo{
    out("NewConnectionType", "ConnectionType"),
    out("NewPossibleConnectionTypes", "PossibleConnectionTypes"),
};
constexpr std::array kGetStatusInfo{
    out("NewConnectionStatus", "ConnectionStatus"),
    out("NewLastConnectionError", "LastConnectionError"),
    out("NewUptime", "Uptime"),
};
constexpr std::array kGetNatRsipStatus{
    out("NewRSIPAvailable", "RSIPAvailable"),
    out("NewNATEnabled", "NATEnabled"),
};
constexpr std::array kGetGenericPortMappingEntry{
    in("NewPortMappingIndex", "PortMappingNumberOfEntries"),
    out("NewRemoteHost", "RemoteHost"),
    out("NewExternalPort", "ExternalPort"),
    out("NewProtocol", "PortMappingProtocol"),
    kOutInternalPort,
    kOutInternalClient,
    kOutEnabled,
    kOutDescription,
    kOutLease,
};
constexpr std::array kGetSpecificPortMappingEntry{
    kInRemoteHost,      kInExternalPort, kInProtocol,     kOutInternalPort,
    kOutInternalClient, kOutEnabled,     kOutDescription, kOutLease,
};
constexpr std::array kAddPortMapping{
    kInRemoteHost,     kInExternalPort, kInProtocol,    kInInternalPort,
    kInInternalClient, kInEnabled,      kInDescription, kInLease,
};
constexpr std::array kAddAnyPortMapping{
    kInRemoteHost,
    kInExternalPort,
    kInProtocol,
    kInInternalPort,
    kInInternalClient,
    kInEnabled,
    kInDescription,
    kInLease,
    // Another name breaks strict clients.
    out("NewReservedPort", "ExternalPort"),
};
constexpr std::array kDeletePortMapping{kInRemoteHost, kInExternalPort, kInProtocol};
constexpr std::array kDeletePortMappingRange{kInStartPort, kInEndPort, kInProtocol, kInManage};
constexpr std::array kGetExternalIpAddress{out("NewExternalIPAddress", "ExternalIPAddress")};
constexpr std::array kGetListOfPortMappings{
    kInStartPort,
    kInEndPort,
    kInProtocol,
    kInManage,
    in("NewNumberOfPorts", "PortMappingNumberOfEntries"),
    out("NewPortListing", "A_ARG_TYPE_PortListing"),
};
constexpr std::array kConnectionActions{
    Action{ActionId::set_connection_type, "SetConnectionType", 1, kSetConnectionType},
    Action{ActionId::get_connection_type_info, "GetConnectionTypeInfo", 1, kGetConnectionTypeInfo},
    Action{ActionId::request_connection, "RequestConnection", 1, {}},
    Action{ActionId::force_termination, "ForceTermination", 1, {}},
    Action{ActionId::get_status_info, "GetStatusInfo", 1, kGetStatusInfo},
    Action{ActionId::get_nat_rsip_status, "GetNATRSIPStatus", 1, kGetNatRsipStatus},
    Action{ActionId::get_generic_port_mapping_entry, "GetGenericPortMappingEntry", 1,
           kGetGenericPortMappingEntry},
    Action{ActionId::get_specific_port_mapping_entry, "GetSpecificPortMappingEntry", 1,
           kGetSpecificPortMappingEntry},
    Action{ActionId::add_port_mapping, "AddPortMapping", 1, kAddPortMapping},
    Action{ActionId::add_any_port_mapping, "AddAnyPortMapping", 2, kAddAnyPortMapping},
    Action{ActionId::delete_port_mapping, "DeletePortMapping", 1, kDeletePortMapping},
    Action{ActionId::delete_port_mapping_range, "DeletePortMappingRange", 2,
           kDeletePortMappingRange},
    Action{ActionId::get_external_ip_address, "GetExternalIPAddress", 1, kGetExternalIpAddress},
    Action{ActionId::get_list_of_port_mappings, "GetListOfPortMappings", 2, kGetListOfPortMappings},
};

// --- WANIPv6FirewallControl:1 -------------------------------------------------------------------

constexpr std::array kFirewallVariables{
    StateVariable{.name = "FirewallEnabled",
                  .type = DataType::boolean,
                  .is_evented = true,
                  .id = VariableId::firewall_enabled},
    StateVariable{.name = "InboundPinholeAllowed",
                  .type = DataType::boolean,
                  .is_evented = true,
                  .id = VariableId::inbound_pinhole_allowed},
    StateVariable{.name = "A_ARG_TYPE_OutboundPinholeTimeout", .type = DataType::ui4},
    StateVariable{.name = "A_ARG_TYPE_IPv6Address"},
    StateVariable{.name = "A_ARG_TYPE_Port", .type = DataType::ui2},
    StateVariable{.name = "A_ARG_TYPE_Protocol", .type = DataType::ui2},
    StateVariable{.name = "A_ARG_TYPE_LeaseTime",
                  .type = DataType::ui4,
                  .range = Range{1, 86400, /*is_enforced=*/true}},
    StateVariable{.name = "A_ARG_TYPE_UniqueID", .type = DataType::ui2},
    StateVariable{.name = "A_ARG_TYPE_PinholePackets", .type = DataType::ui4},
    StateVariable{.name = "A_ARG_TYPE_Boolean", .type = DataType::boolean},
};

constexpr Argument kRemoteHost6 = in("RemoteHost", "A_ARG_TYPE_IPv6Address", Reading::remote_host);
constexpr Argument kRemotePort6 = in("RemotePort", "A_ARG_TYPE_Port");
constexpr Argument kInternalClient6 = in("InternalClient", "A_ARG_TYPE_IPv6Address");
constexpr Argument kInternalPort6 = in("InternalPort", "A_ARG_TYPE_Port");
constexpr Argument kProtocol6 = in("Protocol", "A_ARG_TYPE_Protocol");
constexpr Argument kInUniqueId = in("UniqueID", "A_ARG_TYPE_UniqueID");

constexpr std::array kGetFirewallStatus{
    out("FirewallEnabled", "FirewallEnabled"),
    out("InboundPinholeAllowed", "InboundPinholeAllowed"),
};
constexpr std::array kGetOutboundPinholeTimeout{
    kRemoteHost6,     kRemotePort6,
    kInternalClient6, kInternalPort6,
    kProtocol6,       out("OutboundPinholeTimeout", "A_ARG_TYPE_OutboundPinholeTimeout"),
};
constexpr std::array kAddPinhole{
    kRemoteHost6,
    kRemotePort6,
    kInternalClient6,
    kInternalPort6,
    kProtocol6,
    in("LeaseTime", "A_ARG_TYPE_LeaseTime"),
    out("UniqueID", "A_ARG_TYPE_UniqueID"),
};
constexpr std::array kUpdatePinhole{kInUniqueId, in("NewLeaseTime", "A_ARG_TYPE_LeaseTime")};
constexpr std::array kDeletePinhole{kInUniqueId};
constexpr std::array kGetPinholePackets{kInUniqueId,
                                        out("PinholePackets", "A_ARG_TYPE_PinholePackets")};
constexpr std::array kCheckPinholeWorking{kInUniqueId, out("IsWorking", "A_ARG_TYPE_Boolean")};
constexpr std::array kFirewallActions{
    Action{ActionId::get_firewall_status, "GetFirewallStatus", 1, kGetFirewallStatus},
    Action{ActionId::get_outbound_pinhole_timeout, "GetOutboundPinholeTimeout", 1,
           kGetOutboundPinholeTimeout},
    Action{ActionId::add_pinhole, "AddPinhole", 1, kAddPinhole},
    Action{ActionId::update_pinhole, "UpdatePinhole", 1, kUpdatePinhole},
    Action{ActionId::delete_pinhole, "DeletePinhole", 1, kDeletePinhole},
    Action{ActionId::get_pinhole_packets, "GetPinholePackets", 1, kGetPinholePackets},
    Action{ActionId::check_pinhole_working, "CheckPinholeWorking", 1, kCheckPinholeWorking},
};

// --- All of them --------------------------------------------------------------------------------

constexpr std::array kServices{
    Service{ServiceId::layer3_forwarding,
            "Layer3Forwarding",
            "L3Forwarding1",
            DeviceLevel::root,
            {1, 1},
            kForwardingActions,
            kForwardingVariables},
    Service{ServiceId::wan_common_interface_config,
            "WANCommonInterfaceConfig",
            "WANCommonIFC1",
            DeviceLevel::wan,
            {1, 1},
            kInterfaceActions,
            kInterfaceVariables},
    Service{ServiceId::wan_ip_connection,
            "WANIPConnection",
            "WANIPConn1",
            DeviceLevel::wan_connection,
            {1, 2},
            kConnectionActions,
            kConnectionVariables},
    Service{ServiceId::wan_ppp_connection,
            "WANPPPConnection",
            "WANPPPConn1",
            DeviceLevel::wan_connection,
            {1, 0},
            kConnectionActions,
            kConnectionVariables},
    Service{ServiceId::wan_ipv6_firewall_control,
            "WANIPv6FirewallControl",
            "WANIPv6Firewall1",
            DeviceLevel::wan_connection,
            {0, 1},
            kFirewallActions,
            kFirewallVariables},
};

/// Every argument has a variable that its action's version knows, IN stands before OUT, and
/// services() is in the order of ServiceId.
[[nodiscard]] constexpr bool is_sound(const Action& action,
                                      std::span<const StateVariable> variables) {
  Direction last = Direction::in;
  for (const auto& argument : action.arguments) {
    if (last == Direction::out && argument.direction == Direction::in) return false;
    last = argument.direction;
    const auto found = std::find_if(variables.begin(), variables.end(), [&](const auto& variable) {
      return variable.name == argument.variable;
    });
    if (found == variables.end() || found->since > action.since) return false;
  }
  return true;
}
[[nodiscard]] constexpr bool is_sound() {
  for (std::size_t i = 0; i < kServices.size(); ++i) {
    if (static_cast<std::size_t>(kServices[i].id) != i) return false;
    for (const auto& action : kServices[i].actions) {
      if (!is_sound(action, kServices[i].variables)) return false;
    }
  }
  return true;
}
static_assert(is_sound());

}  // namespace

std::span<const Service> services() {
  return kServices;
}

}  // namespace postern::upnp
