#pragma once

#include <cstdint>
#include <string_view>

namespace postern::upnp {

/// Why an action was not executed: sent with HTTP status 500.
struct Fault {
  std::uint16_t code = 0;
  /// Static text. Clients compare some of them, so they are as the specifications write them.
  std::string_view description;

  friend bool operator==(const Fault&, const Fault&) = default;
};

/// The errors of UPnP Device Architecture and of the services. "IGD:1" and "IGD:2" say which
/// callers may get one.
namespace faults {

inline constexpr Fault kInvalidAction{401, "Invalid Action"};
inline constexpr Fault kInvalidArgs{402, "Invalid Args"};
/// QueryStateVariable only.
inline constexpr Fault kInvalidVar{404, "Invalid Var"};
inline constexpr Fault kActionFailed{501, "Action Failed"};
inline constexpr Fault kArgumentValueInvalid{600, "Argument Value Invalid"};
inline constexpr Fault kArgumentValueOutOfRange{601, "Argument Value Out of Range"};
inline constexpr Fault kOptionalActionNotImplemented{602, "Optional Action Not Implemented"};
inline constexpr Fault kOutOfMemory{603, "Out of Memory"};
inline constexpr Fault kStringArgumentTooLong{605, "String Argument Too Long"};
/// IGD:2; the IPv6 firewall.
inline constexpr Fault kActionNotAuthorized{606, "Action not authorized"};

/// WANIPConnection.
inline constexpr Fault kInactiveConnectionStateRequired{703, "InactiveConnectionStateRequired"};
inline constexpr Fault kConnectionSetupFailed{704, "ConnectionSetupFailed"};
inline constexpr Fault kInvalidConnectionType{710, "InvalidConnectionType"};
inline constexpr Fault kSpecifiedArrayIndexInvalid{713, "SpecifiedArrayIndexInvalid"};
inline constexpr Fault kNoSuchEntryInArray{714, "NoSuchEntryInArray"};
inline constexpr Fault kWildCardNotPermittedInSrcIP{715, "WildCardNotPermittedInSrcIP"};
inline constexpr Fault kWildCardNotPermittedInExtPort{716, "WildCardNotPermittedInExtPort"};
inline constexpr Fault kConflictInMappingEntry{718, "ConflictInMappingEntry"};
/// IGD:2.
inline constexpr Fault kNoPortMapsAvailable{728, "NoPortMapsAvailable"};
inline constexpr Fault kConflictWithOtherMechanisms{729, "ConflictWithOtherMechanisms"};
inline constexpr Fault kPortMappingNotFound{730, "PortMappingNotFound"};
inline constexpr Fault kReadOnly{731, "ReadOnly"};
inline constexpr Fault kWildCardNotPermittedInIntPort{732, "WildCardNotPermittedInIntPort"};
inline constexpr Fault kInconsistentParameters{733, "InconsistentParameters"};

/// Layer3Forwarding.
inline constexpr Fault kInvalidDeviceUuid{720, "InvalidDeviceUUID"};
inline constexpr Fault kInvalidServiceId{721, "InvalidServiceID"};
inline constexpr Fault kInvalidConnServiceSelection{723, "InvalidConnServiceSelection"};

/// WANIPv6FirewallControl: some numbers of WANIPConnection with other meanings.
inline constexpr Fault kPinholeSpaceExhausted{701, "PinholeSpaceExhausted"};
inline constexpr Fault kFirewallDisabled{702, "FirewallDisabled"};
inline constexpr Fault kInboundPinholeNotAllowed{703, "InboundPinholeNotAllowed"};
inline constexpr Fault kNoSuchEntry{704, "NoSuchEntry"};
inline constexpr Fault kProtocolNotSupported{705, "ProtocolNotSupported"};
inline constexpr Fault kInternalPortWildcardingNotAllowed{706, "InternalPortWildcardingNotAllowed"};
inline constexpr Fault kProtocolWildcardingNotAllowed{707, "ProtocolWildcardingNotAllowed"};
inline constexpr Fault kInternalClientWildcardNotAllowed{708, "WildCardNotPermittedInSrcIP"};
inline constexpr Fault kNoTrafficReceived{709, "NoTrafficReceived"};

}  // namespace faults
}  // namespace postern::upnp
