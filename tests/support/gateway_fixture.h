#pragma once

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <vector>

#include "backends/memory/memory_backend.h"
#include "core/gateway.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/frontend.h"
#include "protocols/version_demux.h"
#include "tests/support/home.h"
#include "tests/support/octets.h"
#include "tests/support/recording_flow_table.h"

namespace postern::test {

/// A request of `client` to the gateway's LAN address of its family. `payload` must outlive the
/// result.
[[nodiscard]] inline IncomingDatagram from(const Address& client, const Octets& payload,
                                           std::uint16_t source_port = 40123) {
  return {kLanIndex, {client, source_port}, {gateway_of(client), natpmp::kServerPort}, payload};
}

/// Which protocols a house has in front.
enum class Serves { natpmp, pcp, both };

/// A gateway with a memory backend behind, and the clock that drives it.
class House {
 public:
  explicit House(GatewayOptions options = {}, Serves serves = Serves::natpmp,
                 pcp::Settings settings = {})
      : House(std::make_shared<MemoryBackend>(), std::move(options), kStart, serves,
              std::move(settings)) {}
  /// On a firewall that may hold something already.
  House(std::shared_ptr<MemoryBackend> firewall, GatewayOptions options, Moment at = kStart,
        Serves serves = Serves::natpmp, pcp::Settings settings = {})
      : now(at),
        backend(std::move(firewall)),
        pcp_(std::move(settings), flows),
        demux_(serves == Serves::pcp ? nullptr : &natpmp_,
               serves == Serves::natpmp ? nullptr : &pcp_),
        gateway(std::move(options), *backend, flows, demux_, now) {}

  /// Starts, and fails the test by throwing when that does not succeed.
  Turn start(const Network& network = home_network(), const StoredState& stored = {}) {
    auto turn = gateway.start(network, stored, now);
    if (!turn) throw std::runtime_error("start: " + turn.error().reason);
    return std::move(*turn);
  }

  /// Hands in one datagram as a turn of its own.
  Turn send(const Address& client, const Octets& payload) {
    return send_all({from(client, payload)});
  }
  Turn send_all(const std::vector<IncomingDatagram>& datagrams) {
    return gateway.on_datagrams(datagrams, now);
  }

  /// The answer's octets; empty for silence.
  Octets ask(const Address& client, const Octets& payload) {
    auto turn = send(client, payload);
    if (turn.send.size() > 1) throw std::runtime_error("more than one answer");
    return turn.send.empty() ? Octets() : std::move(turn.send.front().payload);
  }

  Turn change_network(const Network& network) { return gateway.on_network(network, now); }

  /// Lets time pass and runs every deadline at its moment, as the daemon does.
  Turn pass(Milliseconds time) {
    const Moment end = now + time;
    Turn all;
    while (const auto next = gateway.next_timeout()) {
      if (*next > end) break;
      now = std::max(now, *next);
      add(all, gateway.on_timeout(now));
    }
    now = end;
    return all;
  }

  [[nodiscard]] std::vector<TimedDoor> open_doors() const { return *backend->open_doors(now); }
  [[nodiscard]] std::size_t doors() const { return open_doors().size(); }
  [[nodiscard]] std::size_t mappings() const { return gateway.state().table.size(); }
  [[nodiscard]] bool is_consistent() const { return gateway.is_consistent(now); }

  Moment now;
  std::shared_ptr<MemoryBackend> backend;
  RecordingFlowTable flows;

 private:
  static void add(Turn& all, Turn more) {
    all.events.insert(all.events.end(), more.events.begin(), more.events.end());
    all.backend_errors.insert(all.backend_errors.end(), more.backend_errors.begin(),
                              more.backend_errors.end());
    all.send.insert(all.send.end(), more.send.begin(), more.send.end());
    all.questions.insert(all.questions.end(), more.questions.begin(), more.questions.end());
  }

  natpmp::Frontend natpmp_;
  pcp::Frontend pcp_;
  VersionDemux demux_;

 public:
  Gateway gateway;
};

/// Runs every deadline until there is none, adds what is sent to `sent`, and returns when that was,
/// in milliseconds since the start.
[[nodiscard]] inline std::vector<int> run_series(House& house,
                                                 std::vector<OutgoingDatagram>& sent) {
  std::vector<int> moments;
  while (const auto next = house.gateway.next_timeout()) {
    house.now = *next;
    for (auto& datagram : house.gateway.on_timeout(house.now).send) {
      moments.push_back(static_cast<int>((house.now - kStart).count()));
      sent.push_back(std::move(datagram));
    }
  }
  return moments;
}

}  // namespace postern::test
