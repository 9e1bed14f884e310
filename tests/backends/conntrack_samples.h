#pragma once

#include <vector>

#include "core/door.h"
#include "tests/backends/conntrack_entries.h"

// A LAN with two hosts, its doors, and one connection of each sort.

namespace postern::test {

inline const Address kWan = Address::v4({203, 0, 113, 1});
inline const Endpoint kExternal{kWan, 1000};
inline const Endpoint kInternal{Address::v4({192, 168, 78, 2}), 5000};
inline const Endpoint kNeighbour{Address::v4({192, 168, 78, 3}), 5000};
inline const Endpoint kRemote{Address::v4({198, 51, 100, 7}), 4000};
inline const Endpoint kInternal6{*Address::parse("2001:db8:1::2"), 5000};
inline const Endpoint kNeighbour6{*Address::parse("2001:db8:1::3"), 5000};
inline const Endpoint kRemote6{*Address::parse("2001:db8:f::7"), 4000};
inline const Forward4 kForward{Protocol::udp, kExternal, kInternal};
inline const Forward4 kForwardTcp{Protocol::tcp, kExternal, kInternal};
inline const Outbound4 kOutbound{Protocol::udp, kInternal, kExternal};
inline const Pinhole6 kPinhole{Protocol::udp, kInternal6};

inline const Entry kIn{.source = kRemote, .destination = kExternal, .dnat = kInternal};
inline const Entry kInNotTranslated{.source = {kRemote.address, 4001}, .destination = kExternal};
inline const Entry kInToNeighbour{
    .source = {kRemote.address, 4002}, .destination = kExternal, .dnat = kNeighbour};
inline const Entry kInByOtherPort{
    .source = kRemote, .destination = {kWan, 1001}, .dnat = Endpoint{kInternal.address, 5001}};
inline const Entry kHairpin{.source = kNeighbour,
                            .destination = kExternal,
                            .dnat = kInternal,
                            .snat = Endpoint{kWan, 2000}};
inline const Entry kOut{
    .source = kInternal, .destination = {kRemote.address, 53}, .snat = kExternal};
inline const Entry kOutByOtherPort{
    .source = kInternal, .destination = {kRemote.address, 54}, .snat = Endpoint{kWan, 1001}};
inline const Entry kIn6{.source = kRemote6, .destination = kInternal6};
inline const Entry kOut6{.source = kInternal6, .destination = {kRemote6.address, 53}};
inline const Entry kInToNeighbour6{.source = kRemote6, .destination = kNeighbour6};

inline const std::vector<Entry> kAll{
    kIn,  kInNotTranslated, kInToNeighbour, kInByOtherPort, kHairpin,
    kOut, kOutByOtherPort,  kIn6,           kOut6,          kInToNeighbour6};

}  // namespace postern::test
