#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/bytes.h"
#include "tests/fuzz/check.h"
#include "tests/support/gateway_fixture.h"

// NPMP-91, 92. The octets are a story: who asks what, how time passes, how the network changes and
// what the firewall refuses. After each step the table and the firewall agree, no deadline is
// left behind, and answers go to their askers and are small.

using namespace postern;
using namespace postern::test;

namespace {

constexpr Address kGatewayV6 = Address::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
constexpr Address kHostV6 = Address::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9});

constexpr std::array kSources{kHostA,
                              kHostB,
                              kHostC,
                              kGateway,
                              kWan,
                              kHostV6,
                              Address::v4({192, 168, 2, 9}),
                              Address::v4({192, 168, 1, 255}),
                              Address::v4({0, 0, 0, 0}),
                              Address::v4({224, 0, 0, 1}),
                              Address::v4({127, 0, 0, 1})};
constexpr std::array kDestinations{kGateway,   kGateway, kGateway,
                                   kGatewayV6, kWan,     Address::v4({224, 0, 0, 1})};
constexpr std::array kInterfaces{kLanIndex, kLanIndex, kLanIndex, kWanIndex, 77U, 0U};

/// Bounds the work of one input.
constexpr int kMostSteps = 200;

template <std::size_t size, class T>
[[nodiscard]] const T& pick(const std::array<T, size>& choices, std::uint8_t which) {
  return choices[which % size];
}

class Story {
 public:
  explicit Story(Bytes octets) : rest_(octets) {
    GatewayOptions options;
    Limits limits;
    limits.mappings_per_client = 5;
    limits.mappings = 8;
    Rule rule = default_rule();
    rule.external_ports = PortSet({{1024, 1033}, {5345, 5355}, {40000, 65535}});
    options.policy = Policy({rule}, limits);
    options_ = options;
    run_daemon(kStart);
  }

  void play() {
    for (int step = 0; step < kMostSteps && !rest_.empty(); ++step) {
      take_step();
      POSTERN_CHECK(house_->is_consistent());
      serve_deadlines();
      POSTERN_CHECK(house_->is_consistent());
    }
    // Whatever happened: once the firewall is well again, all leases end.
    firewall_->heal();
    (void)house_->pass(Seconds(2 * 86400));
    POSTERN_CHECK(house_->mappings() == 0);
    POSTERN_CHECK(house_->doors() == 0);
  }

 private:
  void take_step() {
    switch (const auto kind = octet(); kind % 16) {
      case 10:
        house_->now += Milliseconds(octet() * 40);
        break;
      case 11:
        house_->now += Seconds(octet() * 400);
        break;
      case 12:
        change_network();
        break;
      case 13:
        refuse();
        break;
      case 14:
        firewall_->heal();
        break;
      case 15:
        if (octet() % 4 == 0) run_daemon(house_->now);
        break;
      default:
        take_turn(1 + kind % 16 / 3);
    }
  }

  void run_daemon(Moment now) {
    auto next = std::make_unique<House>(firewall_, options_, now);
    if (next->gateway.start(network_, now)) {
      house_ = std::move(next);
    } else {
      POSTERN_CHECK(house_);  // The first start finds a firewall that is well.
    }
  }

  void take_turn(int count) {
    std::vector<Octets> payloads;
    std::vector<IncomingDatagram> datagrams;
    for (int i = 0; i < count; ++i) payloads.push_back(payload());
    for (const auto& one : payloads) {
      // Each asks from a port of its own, so that its answer can be told from the others.
      const auto port = static_cast<std::uint16_t>(40000 + datagrams.size());
      datagrams.push_back(datagram(one, port));
    }
    check_answers(datagrams, house_->send_all(datagrams).send);
  }

  [[nodiscard]] IncomingDatagram datagram(const Octets& payload, std::uint16_t port) {
    const Address source = pick(kSources, octet());
    const auto route = octet();
    return {pick(kInterfaces, route % 16),
            {source, route == 255 ? std::uint16_t{0} : port},
            {pick(kDestinations, route / 16), natpmp::kServerPort},
            payload};
  }

  /// Answers come in the order of the requests, at most one for each.
  static void check_answers(const std::vector<IncomingDatagram>& asked,
                            const std::vector<OutgoingDatagram>& answers) {
    auto request = asked.begin();
    for (const auto& answer : answers) {
      request = std::find_if(request, asked.end(), [&](const IncomingDatagram& one) {
        return one.source == answer.destination && one.destination == answer.source &&
               one.interface_index == answer.interface_index;
      });
      POSTERN_CHECK(request != asked.end());
      const std::size_t rounded_up = (request->payload.size() + 3) / 4 * 4;
      POSTERN_CHECK(answer.payload.size() <= std::max<std::size_t>(16, rounded_up));
      POSTERN_CHECK(answer.payload.size() >= 8);
      POSTERN_CHECK(answer.interface_index == kLanIndex);
      POSTERN_CHECK(natpmp::is_response_or_runt(answer.payload) || request->payload[0] != 0);
      ++request;
    }
  }

  void change_network() {
    const auto what = octet();
    network_ = home_network(what % 4 == 0   ? std::nullopt
                            : what % 4 == 1 ? std::optional(kOtherWan)
                                            : std::optional(kWan));
    if (what & 16) network_.wan.reset();
    if (what & 32) network_.lan[0].index = 0;
    if (what & 64) network_.lan[0].addresses.push_back({kGatewayV6, 64});
    if (what & 128) network_.lan.push_back({"guest", 9, {}});
    (void)house_->change_network(network_);
  }

  void refuse() {
    const auto what = octet();
    if (what % 8 == 0) {
      firewall_->fail_next(octet() % 8);
      return;
    }
    const auto doors = house_->gateway.state().table.doors();
    if (what % 2 == 0 && !doors.empty()) {
      firewall_->refuse(key_of(doors[octet() % doors.size()].door));
    } else {
      const auto port = static_cast<std::uint16_t>(1024 + octet() % 10);
      firewall_->refuse({DoorKey::Kind::forward4,
                         what & 16 ? Protocol::udp : Protocol::tcp,
                         {what & 32 ? kOtherWan : kWan, port}});
    }
  }

  /// As the daemon does: a deadline that is due is served, and never comes back for the same moment
  /// for ever.
  void serve_deadlines() {
    for (int rounds = 0; is_due(); ++rounds) {
      POSTERN_CHECK(rounds < 4);
      for (const auto& sent : house_->gateway.on_timeout(house_->now).send) {
        POSTERN_CHECK(sent.destination.address.is_multicast());
      }
    }
  }

  [[nodiscard]] bool is_due() const {
    const auto next = house_->gateway.next_timeout();
    return next && *next <= house_->now;
  }

  [[nodiscard]] std::uint8_t octet() {
    if (rest_.empty()) return 0;
    const auto first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  /// Its length comes first; 255 stands for a long one, to which nothing in the input corresponds.
  [[nodiscard]] Octets payload() {
    const std::size_t length = octet();
    const auto taken = rest_.first(std::min(length, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    Octets octets(taken.begin(), taken.end());
    if (length == 255) octets.resize(1400);
    return octets;
  }

  Bytes rest_;
  GatewayOptions options_;
  Network network_ = home_network();
  std::shared_ptr<MemoryBackend> firewall_ = std::make_shared<MemoryBackend>();
  std::unique_ptr<House> house_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Story(Bytes(data, size)).play();
  return 0;
}
