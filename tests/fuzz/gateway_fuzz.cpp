#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/bytes.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/gateway_fuzz_choices.h"
#include "tests/fuzz/gateway_fuzz_pcp.h"
#include "tests/support/gateway_fixture.h"

// NPMP-91, 92. The octets are a story: who asks what of NAT-PMP and PCP, how time passes, how the
// network changes and what the firewall refuses. After each step the table and the firewall agree,
// no deadline is left behind, and answers go to their askers, are small and true.

using namespace postern;
using namespace postern::test;

namespace {

constexpr std::array kSources{kHostA,
                              kHostB,
                              kHostC,
                              kGateway,
                              kWan,
                              kUla9,
                              Address::v4({192, 168, 2, 9}),
                              Address::v4({192, 168, 1, 255}),
                              Address::v4({0, 0, 0, 0}),
                              Address::v4({224, 0, 0, 1}),
                              Address::v4({127, 0, 0, 1}),
                              kOtherUla9,
                              kLinkLocal9};
constexpr std::array kDestinations{
    kGateway, kGateway, kGateway, kUla1, kWan, Address::v4({224, 0, 0, 1}), kOtherUla1};
constexpr std::array kInterfaces{kLanIndex, kLanIndex, kLanIndex, kWanIndex, 77U, 0U};

/// Bounds the work of one input.
constexpr int kMostSteps = 200;

class Story {
 public:
  explicit Story(Bytes octets) : choices_(octets) {
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
    for (int step = 0; step < kMostSteps && !choices_.empty(); ++step) {
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
    switch (const auto kind = choices_.octet(); kind % 16) {
      case 10:
        house_->now += Milliseconds(choices_.octet() * 40);
        break;
      case 11:
        house_->now += Seconds(choices_.octet() * 400);
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
        if (choices_.octet() % 4 == 0) run_daemon(house_->now);
        break;
      default:
        take_turn(1 + kind % 16 / 3, kind >= 128);
    }
  }

  void run_daemon(Moment now) {
    // Host B may ask on behalf of others.
    auto next = std::make_unique<House>(firewall_, options_, now, Serves::both,
                                        pcp::Settings{true, {Prefix::of(kHostB)}, false});
    if (next->gateway.start(network_, now)) {
      house_ = std::move(next);
    } else {
      POSTERN_CHECK(house_);  // The first start finds a firewall that is well.
    }
  }

  /// `is_pcp`: the requests are well-formed ones of PCP, otherwise any octets.
  void take_turn(int count, bool is_pcp) {
    std::vector<Octets> payloads(static_cast<std::size_t>(count));
    if (!is_pcp)
      std::generate(payloads.begin(), payloads.end(), [&] { return choices_.payload(); });
    std::vector<IncomingDatagram> datagrams;
    for (auto& payload : payloads) {
      // Each asks from a port of its own, so that its answer can be told from the others.
      auto datagram = addressed(static_cast<std::uint16_t>(40000 + datagrams.size()));
      if (is_pcp) payload = chosen_request(choices_, datagram.source.address);
      datagram.payload = payload;
      datagrams.push_back(datagram);
    }
    const auto answers = house_->send_all(datagrams).send;
    check_answers(datagrams, answers);
    if (datagrams.size() == 1 && answers.size() == 1) check_promise(datagrams[0], answers[0]);
  }

  [[nodiscard]] IncomingDatagram addressed(std::uint16_t port) {
    const Address source = choices_.of(kSources);
    const auto route = choices_.octet();
    return {kInterfaces[route % 16 % kInterfaces.size()],
            {source, route == 255 ? std::uint16_t{0} : port},
            {kDestinations[route / 16 % kDestinations.size()], natpmp::kServerPort},
            {}};
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
      const std::size_t least = is_natpmp(answer.payload) ? 16 : pcp::kHeaderSize;
      POSTERN_CHECK(answer.payload.size() <= std::max(least, rounded_up));
      POSTERN_CHECK(answer.interface_index == kLanIndex);
      check_message(answer.payload);
      const bool is_over_v4 = answer.source.address.is_v4() && answer.destination.address.is_v4();
      POSTERN_CHECK(is_natpmp(answer.payload) == (is_over_v4 && request->payload[0] == 0));
      ++request;
    }
  }

  [[nodiscard]] static bool is_natpmp(Bytes message) { return message[0] == 0; }

  static void check_message(Bytes message) {
    POSTERN_CHECK(message.size() >= 8 && message.size() <= pcp::kLongestMessage);
    if (is_natpmp(message)) {
      POSTERN_CHECK(natpmp::is_response_or_runt(message));
    } else {
      POSTERN_CHECK(pcp::parse_response(message));
    }
  }

  /// What PCP has granted is in the table, for as long as the answer says.
  void check_promise(const IncomingDatagram& asked, const OutgoingDatagram& answer) const {
    const auto response = pcp::parse_response(answer.payload);
    if (!response || response->result != pcp::ResultCode::success || response->lifetime == 0)
      return;
    const auto check = [&](const auto& body, std::optional<Endpoint> remote) {
      const auto* third = pcp::find_option<pcp::ThirdParty>(body.options);
      const Address& host = third ? third->internal : asked.source.address;
      const Endpoint internal{host, body.internal_port};
      const auto protocol = static_cast<Protocol>(body.protocol);
      const auto& table = house_->gateway.state().table;
      const Claim* claim = table.find_claim(protocol, internal, {"pcp", host, remote});
      POSTERN_CHECK(claim && claim->details->nonce == body.nonce);
      const auto left = std::chrono::floor<Seconds>(claim->lease.ends - house_->now);
      POSTERN_CHECK(left == Seconds(body.lifetime));
      const Endpoint external{body.external_address, body.external_port};
      POSTERN_CHECK(table.find_by_internal(protocol, internal)->external == external);
    };
    if (const auto* map = std::get_if<pcp::MapResponse>(&response->body)) {
      check(*map, std::nullopt);
    } else if (const auto* peer = std::get_if<pcp::PeerResponse>(&response->body)) {
      check(*peer, peer->remote);
    }
  }

  void change_network() {
    const auto what = choices_.octet();
    network_ = home_network(what % 4 == 0   ? std::nullopt
                            : what % 4 == 1 ? std::optional(kOtherWan)
                                            : std::optional(kWan));
    if (what & 8) network_.wan->addresses.push_back({kThirdWan, 24});
    if (what & 16) network_.wan.reset();
    if (what & 32) network_.lan[0].index = 0;
    if (what & 64) {
      network_.lan[0].addresses.push_back({kUla1, 64});
      if (what & 4) network_.lan[0].addresses.back().address = kOtherUla1;
      network_.lan[0].addresses.push_back({Address::v6({0xfe, 0x80}), 64});
    }
    if (what & 128) network_.lan.push_back({"guest", 9, {}});
    (void)house_->change_network(network_);
  }

  void refuse() {
    const auto what = choices_.octet();
    if (what % 8 == 0) {
      firewall_->fail_next(choices_.octet() % 8);
      return;
    }
    const auto doors = house_->gateway.state().table.doors();
    if (what % 2 == 0 && !doors.empty()) {
      firewall_->refuse(key_of(doors[choices_.octet() % doors.size()].door));
    } else {
      const auto port = static_cast<std::uint16_t>(1024 + choices_.octet() % 10);
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
        // Announcements, and mapping updates to whoever asked.
        const bool is_to_asker = sent.destination.port >= 40000 && !is_natpmp(sent.payload);
        POSTERN_CHECK(is_to_asker || sent.destination.address.is_multicast());
        POSTERN_CHECK(sent.source.port == pcp::kServerPort && sent.interface_index == kLanIndex);
        check_message(sent.payload);
      }
    }
  }

  [[nodiscard]] bool is_due() const {
    const auto next = house_->gateway.next_timeout();
    return next && *next <= house_->now;
  }

  Choices choices_;
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
