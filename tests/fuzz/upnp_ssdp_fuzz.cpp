#include <cstddef>
#include <cstdint>
#include <string>

#include "protocols/upnp/ssdp_frontend.h"
#include "protocols/upnp/ssdp_presence.h"
#include "tests/fuzz/check.h"
#include "tests/upnp/ssdp_fixture.h"

// SSDP-44. Any octets: reading them stays within them, and what answers them is well-formed, goes
// to the asker, repeats the target and is short.

using namespace postern;
using namespace postern::upnp;
using namespace postern::upnp::test;

namespace {

void check_search(Bytes datagram, Leniency leniency) {
  const auto search = parse_search(datagram, leniency);
  if (!search) return;
  POSTERN_CHECK(datagram.size() <= kLongestSearch);
  POSTERN_CHECK(!search->target.empty() && search->target.size() < datagram.size());
  for (const char c : search->target)
    POSTERN_CHECK(c == '\t' || static_cast<unsigned char>(c) > 31);
  POSTERN_CHECK(!search->max_wait ||
                (*search->max_wait >= Seconds(1) && *search->max_wait <= Seconds(5)));
}

void check_answers(const Octets& datagram, const Endpoint& destination) {
  static const Network kNetwork = home_network();
  const Identity identity = test_identity(true);
  SsdpFrontend frontend(identity, {kHttpPort, kServer, 1, Leniency::lenient});
  GatewayState state{kNetwork, ExternalAddress(std::nullopt), Epoch(kStart), Epoch(kStart),
                     MappingTable({}, {}, 1)};
  const IncomingDatagram search{kLanIndex, {kHostA, 40000}, destination, datagram};
  const auto handled = frontend.on_datagram(search, state, kStart);
  POSTERN_CHECK(!handled.reply && handled.is_final);
  const auto answers = frontend.on_timeout(state, kStart + Milliseconds(200));
  POSTERN_CHECK(answers.empty() == (handled.outcome != "answered"));
  POSTERN_CHECK(!frontend.next_timeout());
  for (const auto& answer : answers) {
    POSTERN_CHECK(answer.destination == search.source);
    POSTERN_CHECK(answer.source == (Endpoint{kGateway, kSsdpPort}));
    POSTERN_CHECK(answer.payload.size() <= 5 * datagram.size());
    const auto target = parse_search(datagram, Leniency::lenient)->target;
    const Message message(answer.payload);
    POSTERN_CHECK(target == kEverything || message.at("ST") == target);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Octets datagram(data, data + size);
  check_search(datagram, Leniency::strict);
  check_search(datagram, Leniency::lenient);
  check_answers(datagram, ssdp_groups()[0]);
  check_answers(datagram, {kGateway, kSsdpPort});
  return 0;
}
