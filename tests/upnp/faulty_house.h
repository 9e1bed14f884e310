#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/faulty_backend.h"
#include "tests/support/pcp_client.h"
#include "tests/upnp/http_house.h"

/// A gateway that serves all protocols on a firewall whose calls fail, and what may be asked of it.
namespace postern::upnp::test {

using postern::test::BackendFaults;
using postern::test::FaultyBackend;
using postern::test::kUdp;
using postern::test::PcpWish;

/// Asks for something; "success", or the error as its protocol names it.
using Ask = std::function<std::string(HttpHouse&)>;

[[nodiscard]] inline std::string answer_to(HttpHouse& house, const Address& client,
                                           const Octets& request) {
  const auto turn = house.gateway.on_datagrams({{postern::test::from(client, request)}}, house.now);
  if (turn.send.size() != 1) return "not one answer";
  const auto& octets = turn.send.front().payload;
  if (request.at(0) == 0) {
    const auto result = postern::test::read_as<natpmp::MapResponse>(octets).result;
    if (result == natpmp::ResultCode::success) return "success";
    return "NAT-PMP " + std::to_string(static_cast<int>(result));
  }
  const auto response = postern::test::read_pcp(octets);
  if (response.result == pcp::ResultCode::success) return "success";
  postern::test::expect_proper_error(request, octets);
  return std::string("PCP ").append(to_string(response.result));
}

[[nodiscard]] inline Ask natpmp(Protocol protocol, std::uint16_t inside, std::uint16_t outside,
                                std::uint32_t lifetime) {
  return [=](HttpHouse& house) {
    return answer_to(house, kHostA,
                     postern::test::map_request(protocol, inside, outside, lifetime));
  };
}
[[nodiscard]] inline Ask pcp_map(PcpWish wish) {
  return [wish = std::move(wish)](HttpHouse& house) {
    return answer_to(house, wish.client, pcp::emit(postern::test::map_of(wish)));
  };
}
[[nodiscard]] inline Ask pcp_peer(PcpWish wish, const Endpoint& remote) {
  return [wish = std::move(wish), remote](HttpHouse& house) {
    return answer_to(house, wish.client, pcp::emit(postern::test::peer_of(wish, remote)));
  };
}

[[nodiscard]] inline std::string outcome_of(const HttpReply& reply) {
  if (reply.status == 200) return "success";
  return "UPnP " + arguments_of(reply)["errorCode"];
}
[[nodiscard]] inline Ask upnp(std::string action, std::string arguments, Call to = {}) {
  return [=](HttpHouse& house) { return outcome_of(house.call(action, arguments, to)); };
}
[[nodiscard]] inline Ask add_port(const Add& add, std::string action = "AddPortMapping") {
  return upnp(std::move(action),
              element("NewRemoteHost", add.remote) + element("NewExternalPort", add.external) +
                  element("NewProtocol", add.protocol) + element("NewInternalPort", add.internal) +
                  element("NewInternalClient", kHostA.to_string()) +
                  element("NewEnabled", add.is_enabled) +
                  element("NewPortMappingDescription", add.description) +
                  element("NewLeaseDuration", add.lease));
}
/// The UniqueID of the oldest pinhole; nothing without any.
[[nodiscard]] inline std::string first_pinhole_of(const HttpHouse& house) {
  const auto& table = house.gateway.state().table;
  for (const Mapping* mapping : table.oldest(table.size())) {
    const auto tag = mapping->claims.front().details->tag;
    if (tag) return element("UniqueID", *tag);
  }
  return "";
}
/// About the oldest pinhole, or a new one of A, from its IPv4 address.
[[nodiscard]] inline Ask pinhole(std::string action, std::string arguments) {
  return [=](HttpHouse& house) {
    house.neighbours.link(kHostA, kHostA6);
    const auto id = action == "AddPinhole" ? "" : first_pinhole_of(house);
    return outcome_of(house.call(action, id + arguments,
                                 {View::igd2, ServiceId::wan_ipv6_firewall_control, kFirewall}));
  };
}
[[nodiscard]] inline Ask add_pinhole(const std::string& remote, std::uint16_t port = 6000) {
  return pinhole("AddPinhole", element("RemoteHost", remote) + element("RemotePort", 0) +
                                   element("InternalClient", kHostA6.to_string()) +
                                   element("InternalPort", port) + element("Protocol", 17) +
                                   element("LeaseTime", 3600));
}

/// What matters of the mappings, one line each, in a fixed order.
[[nodiscard]] inline std::vector<std::string> lines_of(const HttpHouse& house) {
  const auto& table = house.gateway.state().table;
  std::vector<std::string> lines;
  for (const Mapping* mapping : table.oldest(table.size())) {
    std::string line(to_string(mapping->protocol));
    line += ' ' + to_string(mapping->internal) + " at " + to_string(mapping->external);
    for (const auto& filter : mapping->filters) {
      line += " from " + filter.remote.to_string() + ':' + std::to_string(filter.first_port);
    }
    for (const auto& claim : mapping->claims) {
      line.append(" for ").append(claim.claimant.frontend) += ' ';
      line += claim.claimant.client.to_string();
      if (claim.claimant.remote) line += " and " + to_string(*claim.claimant.remote);
      if (!claim.is_enabled) line += " shut";
      if (!claim.lease.is_permanent)
        line += " until " + std::to_string(claim.lease.ends.time_since_epoch().count());
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Such a house, and the firewall that it stands on.
class FaultyHouse {
 public:
  explicit FaultyHouse(GatewayOptions options = {}) : house(std::move(options), {}, &firewall) {
    house.start();
  }

  void ask_all(const std::vector<Ask>& asks) {
    for (const auto& ask : asks) {
      const auto outcome = ask(house);
      if (outcome != "success") throw std::runtime_error(outcome);
    }
  }
  [[nodiscard]] std::vector<std::string> lines() const { return lines_of(house); }
  /// Also while calls fail.
  [[nodiscard]] bool is_consistent() {
    return firewall.undisturbed([&] { return house.gateway.is_consistent(house.now); });
  }

  FaultyBackend firewall;
  HttpHouse house;
};

/// Calls `run` with each way in which calls may fail, once for each call of which it says that it
/// comes so far: it returns whether any call failed.
template <class Run>
void for_each_fault(Run run) {
  using Kind = BackendFaults::Kind;
  for (const auto kind : {Kind::whole, Kind::first_change, Kind::last_change}) {
    for (const int count : {1, 2, 3, 100000}) {
      for (int first = 1;; ++first) {
        SCOPED_TRACE("call " + std::to_string(first) + ", so many: " + std::to_string(count) +
                     ", kind " + std::to_string(static_cast<int>(kind)));
        if (!run(BackendFaults{first, count, kind}) || testing::Test::HasFailure()) break;
        ASSERT_LT(first, 100) << "it never ends";
      }
    }
  }
}

}  // namespace postern::upnp::test
