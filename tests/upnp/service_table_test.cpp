#include "protocols/upnp/service_table.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postern::upnp {
namespace {

using Names = std::vector<std::string>;

[[nodiscard]] Names actions_of(ServiceId id, std::uint8_t version) {
  Names names;
  for (const auto& action : service(id).actions) {
    if (action.since <= version) names.emplace_back(action.name);
  }
  return names;
}

[[nodiscard]] Names arguments_of(std::string_view name, Direction direction) {
  Names names;
  for (const auto& service : services()) {
    if (service.id == ServiceId::wan_ppp_connection) continue;
    if (const auto* action = service.find_action(name, 2)) {
      for (const auto& argument : action->arguments) {
        if (argument.direction == direction) names.emplace_back(argument.name);
      }
    }
  }
  return names;
}
[[nodiscard]] Names in(std::string_view name) {
  return arguments_of(name, Direction::in);
}
[[nodiscard]] Names out(std::string_view name) {
  return arguments_of(name, Direction::out);
}

[[nodiscard]] Names evented(ServiceId id, std::uint8_t version) {
  Names names;
  for (const auto& variable : service(id).variables) {
    if (variable.is_evented && variable.since <= version) names.emplace_back(variable.name);
  }
  return names;
}

// IGD-013, 117
TEST(ServiceTable, HasTheActionsOfEachVersion) {
  const Names first{"SetConnectionType",
                    "GetConnectionTypeInfo",
                    "RequestConnection",
                    "ForceTermination",
                    "GetStatusInfo",
                    "GetNATRSIPStatus",
                    "GetGenericPortMappingEntry",
                    "GetSpecificPortMappingEntry",
                    "AddPortMapping",
                    "DeletePortMapping",
                    "GetExternalIPAddress"};
  EXPECT_EQ(actions_of(ServiceId::wan_ip_connection, 1), first);
  EXPECT_EQ(actions_of(ServiceId::wan_ppp_connection, 1), first);
  auto second = actions_of(ServiceId::wan_ip_connection, 2);
  EXPECT_EQ(second.size(), 14U);
  for (const auto* name :
       {"AddAnyPortMapping", "DeletePortMappingRange", "GetListOfPortMappings"}) {
    EXPECT_EQ(std::erase(second, name), 1U) << name;
  }
  EXPECT_EQ(second, first);
}

// IGD-138, 150
TEST(ServiceTable, HasTheActionsOfTheOtherServices) {
  EXPECT_EQ(actions_of(ServiceId::layer3_forwarding, 1),
            (Names{"SetDefaultConnectionService", "GetDefaultConnectionService"}));
  EXPECT_EQ(actions_of(ServiceId::wan_common_interface_config, 1),
            (Names{"GetCommonLinkProperties", "GetTotalBytesSent", "GetTotalBytesReceived",
                   "GetTotalPacketsSent", "GetTotalPacketsReceived"}));
  EXPECT_EQ(actions_of(ServiceId::wan_ipv6_firewall_control, 1),
            (Names{"GetFirewallStatus", "GetOutboundPinholeTimeout", "AddPinhole", "UpdatePinhole",
                   "DeletePinhole", "GetPinholePackets", "CheckPinholeWorking"}));
}

// IGD-060
TEST(ServiceTable, HasTheArgumentsThatMakeMappings) {
  const Names add{"NewRemoteHost",
                  "NewExternalPort",
                  "NewProtocol",
                  "NewInternalPort",
                  "NewInternalClient",
                  "NewEnabled",
                  "NewPortMappingDescription",
                  "NewLeaseDuration"};
  EXPECT_EQ(in("AddPortMapping"), add);
  EXPECT_EQ(out("AddPortMapping"), Names{});
  EXPECT_EQ(in("AddAnyPortMapping"), add);
  //
  EXPECT_EQ(out("AddAnyPortMapping"), Names{"NewReservedPort"});
  EXPECT_EQ(in("DeletePortMapping"), (Names{"NewRemoteHost", "NewExternalPort", "NewProtocol"}));
  EXPECT_EQ(out("DeletePortMapping"), Names{});
  EXPECT_EQ(in("DeletePortMappingRange"),
            (Names{"NewStartPort", "NewEndPort", "NewProtocol", "NewManage"}));
}

TEST(ServiceTable, HasTheArgumentsThatReadMappings) {
  const Names entry{"NewInternalPort", "NewInternalClient", "NewEnabled",
                    "NewPortMappingDescription", "NewLeaseDuration"};
  const Names key{"NewRemoteHost", "NewExternalPort", "NewProtocol"};
  EXPECT_EQ(in("GetGenericPortMappingEntry"), Names{"NewPortMappingIndex"});
  auto whole = key;
  whole.insert(whole.end(), entry.begin(), entry.end());
  EXPECT_EQ(out("GetGenericPortMappingEntry"), whole);
  EXPECT_EQ(in("GetSpecificPortMappingEntry"), key);
  EXPECT_EQ(out("GetSpecificPortMappingEntry"), entry);
  EXPECT_EQ(in("GetListOfPortMappings"),
            (Names{"NewStartPort", "NewEndPort", "NewProtocol", "NewManage", "NewNumberOfPorts"}));
  EXPECT_EQ(out("GetListOfPortMappings"), Names{"NewPortListing"});
}

TEST(ServiceTable, HasTheArgumentsOfTheConnection) {
  EXPECT_EQ(in("SetConnectionType"), Names{"NewConnectionType"});
  EXPECT_EQ(out("GetConnectionTypeInfo"),
            (Names{"NewConnectionType", "NewPossibleConnectionTypes"}));
  EXPECT_EQ(out("GetStatusInfo"),
            (Names{"NewConnectionStatus", "NewLastConnectionError", "NewUptime"}));
  EXPECT_EQ(out("GetNATRSIPStatus"), (Names{"NewRSIPAvailable", "NewNATEnabled"}));
  EXPECT_EQ(out("GetExternalIPAddress"), Names{"NewExternalIPAddress"});
  EXPECT_EQ(in("RequestConnection"), Names{});
  EXPECT_EQ(out("ForceTermination"), Names{});
  EXPECT_EQ(out("GetCommonLinkProperties"),
            (Names{"NewWANAccessType", "NewLayer1UpstreamMaxBitRate",
                   "NewLayer1DownstreamMaxBitRate", "NewPhysicalLinkStatus"}));
  EXPECT_EQ(out("GetTotalBytesSent"), Names{"NewTotalBytesSent"});
  EXPECT_EQ(out("GetTotalPacketsReceived"), Names{"NewTotalPacketsReceived"});
  EXPECT_EQ(in("SetDefaultConnectionService"), Names{"NewDefaultConnectionService"});
  EXPECT_EQ(out("GetDefaultConnectionService"), Names{"NewDefaultConnectionService"});
}

// IGD-150
TEST(ServiceTable, HasTheArgumentsOfPinholes) {
  EXPECT_EQ(out("GetFirewallStatus"), (Names{"FirewallEnabled", "InboundPinholeAllowed"}));
  EXPECT_EQ(in("AddPinhole"), (Names{"RemoteHost", "RemotePort", "InternalClient", "InternalPort",
                                     "Protocol", "LeaseTime"}));
  EXPECT_EQ(out("AddPinhole"), Names{"UniqueID"});
  EXPECT_EQ(in("UpdatePinhole"), (Names{"UniqueID", "NewLeaseTime"}));
  EXPECT_EQ(in("DeletePinhole"), Names{"UniqueID"});
  EXPECT_EQ(in("GetPinholePackets"), Names{"UniqueID"});
  EXPECT_EQ(out("GetPinholePackets"), Names{"PinholePackets"});
  EXPECT_EQ(out("CheckPinholeWorking"), Names{"IsWorking"});
  EXPECT_EQ(in("GetOutboundPinholeTimeout"),
            (Names{"RemoteHost", "RemotePort", "InternalClient", "InternalPort", "Protocol"}));
  EXPECT_EQ(out("GetOutboundPinholeTimeout"), Names{"OutboundPinholeTimeout"});
}

// The variables of events (IGD-130, 139, 140)
TEST(ServiceTable, SaysWhatIsEvented) {
  EXPECT_EQ(evented(ServiceId::wan_ip_connection, 1),
            (Names{"PossibleConnectionTypes", "ConnectionStatus", "ExternalIPAddress",
                   "PortMappingNumberOfEntries"}));
  EXPECT_EQ(evented(ServiceId::wan_ip_connection, 2),
            (Names{"PossibleConnectionTypes", "ConnectionStatus", "ExternalIPAddress",
                   "PortMappingNumberOfEntries", "SystemUpdateID"}));
  EXPECT_EQ(evented(ServiceId::wan_common_interface_config, 1), Names{"PhysicalLinkStatus"});
  EXPECT_EQ(evented(ServiceId::layer3_forwarding, 1), Names{"DefaultConnectionService"});
  EXPECT_EQ(evented(ServiceId::wan_ipv6_firewall_control, 1),
            (Names{"FirewallEnabled", "InboundPinholeAllowed"}));
}

TEST(ServiceTable, GivesEveryEventedVariableAValue) {
  for (const auto& service : services()) {
    std::set<VariableId> seen;
    for (const auto& variable : service.variables) {
      EXPECT_TRUE(variable.id || !variable.is_evented) << variable.name;
      EXPECT_TRUE(!variable.id || seen.insert(*variable.id).second) << variable.name;
    }
  }
}

TEST(ServiceTable, NamesNothingTwice) {
  for (const auto& service : services()) {
    std::set<std::string_view> names;
    for (const auto& action : service.actions) EXPECT_TRUE(names.insert(action.name).second);
    names.clear();
    for (const auto& variable : service.variables) EXPECT_TRUE(names.insert(variable.name).second);
    for (const auto& action : service.actions) {
      names.clear();
      for (const auto& argument : action.arguments) EXPECT_TRUE(names.insert(argument.name).second);
    }
  }
}

TEST(ServiceTable, KnowsTypes) {
  EXPECT_EQ(to_string(ServiceType{ServiceId::wan_ip_connection, 2}),
            "urn:schemas-upnp-org:service:WANIPConnection:2");
  for (const auto& service : services()) {
    for (std::uint8_t version = 1; version <= service.highest_version(); ++version) {
      const ServiceType type{service.id, version};
      EXPECT_EQ(parse_service_type(to_string(type)), type);
    }
    const ServiceType newer{service.id, static_cast<std::uint8_t>(service.highest_version() + 1)};
    EXPECT_EQ(parse_service_type(to_string(newer)), std::nullopt);
  }
  for (const auto* text : {"", "WANIPConnection:1", "urn:schemas-upnp-org:service:WANIPConnection",
                           "urn:schemas-upnp-org:service:WANIPConnection:",
                           "urn:schemas-upnp-org:service:WANIPConnection:0",
                           "urn:schemas-upnp-org:service:WANIPConnection:01",
                           "urn:schemas-upnp-org:service:WANIPConnection:257",
                           "urn:schemas-upnp-org:service:WANPPPConnection:2",
                           "urn:schemas-upnp-org:device:WANDevice:1"}) {
    EXPECT_EQ(parse_service_type(text), std::nullopt) << text;
  }
}

TEST(ServiceTable, HidesVersionTwo) {
  const auto& connection = service(ServiceId::wan_ip_connection);
  EXPECT_EQ(connection.version_in(View::igd1), 1);
  EXPECT_EQ(connection.version_in(View::igd2), 2);
  EXPECT_EQ(connection.find_action("AddAnyPortMapping", 1), nullptr);
  EXPECT_EQ(connection.find_action("AddAnyPortMapping", 2)->id, ActionId::add_any_port_mapping);
  EXPECT_EQ(connection.find_variable("SystemUpdateID", 1), nullptr);
  EXPECT_EQ(connection.find_variable("SystemUpdateID", 2)->id, VariableId::system_update_id);
  EXPECT_EQ(service(ServiceId::wan_ipv6_firewall_control).version_in(View::igd1), 0);
}

}  // namespace
}  // namespace postern::upnp
