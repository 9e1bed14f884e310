#include "protocols/upnp/ssdp_frontend.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocols/upnp/ssdp_presence.h"
#include "protocols/upnp/ssdp_targets.h"

namespace postern::upnp {
namespace {

/// Some clients listen no longer than 250 ms, whatever MX they name (SSDP-34, Q-14).
constexpr Milliseconds kSpread{100};
constexpr Milliseconds kSpreadOfAll{200};
/// An answer is at most so many times as long as its search (SEC-03).
constexpr std::size_t kMostGain = 5;

}  // namespace

SsdpFrontend::SsdpFrontend(const Identity& identity, SsdpOptions options)
    : identity_(identity),
      leniency_(options.leniency),
      random_(options.random_seed),
      device_(identity, options.http_port, std::move(options.server)),
      answers_(random_),
      advertiser_(device_, random_) {}

Handled SsdpFrontend::on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                  Moment now) {
  const auto search = parse_search(datagram.payload, leniency_);
  if (!search) return {std::nullopt, kSsdpName, "other", "silence", /*is_final=*/true};
  const Interface* lan = state.network.lan_by_index(datagram.interface_index);
  const auto outcome = lan ? answer(*search, datagram, *lan, now) : "not_on_link";
  return {std::nullopt, kSsdpName, "search", outcome, /*is_final=*/true};
}

std::string_view SsdpFrontend::answer(const Search& search, const IncomingDatagram& datagram,
                                      const Interface& lan, Moment now) {
  const auto own = find_own_address(lan, datagram.source.address);
  if (!own) return "not_on_link";
  const bool is_unicast = !datagram.destination.address.is_multicast();
  // Our HTTP server on another LAN's address is not reached from here.
  if (is_unicast && !lan.has(datagram.destination.address)) return "not_on_link";
  if (!is_unicast && !search.max_wait && leniency_ == Leniency::strict) return "no_max_wait";
  const auto offers = find_offers(identity_, search.target);
  if (offers.empty()) return "not_ours";
  const auto admission =
      limits_.admit(datagram.interface_index, datagram.source, search.target, now);
  if (admission != Admission::admitted) return to_string(admission);

  const Endpoint source{is_unicast ? datagram.destination.address : *own, kSsdpPort};
  std::vector<OutgoingDatagram> answers;
  for (const auto& offer : offers) {
    auto octets = emit_answer(offer.advertisement, device_.location(offer.view, source.address),
                              device_.facts, kMostGain * datagram.payload.size());
    // Clients take a part of the set for the whole, so it is all or nothing.
    if (!octets) return "too_short";
    answers.push_back({datagram.interface_index, source, datagram.source, std::move(*octets)});
  }
  const auto spread = search.target == kEverything ? kSpreadOfAll : kSpread;
  if (!answers_.add(std::move(answers), is_unicast ? Milliseconds(0) : spread, now)) {
    return "too_many_answers";
  }
  return to_string(admission);
}

void SsdpFrontend::on_event(GatewayEvent event, const GatewayState& state, Moment now) {
  switch (event) {
    case GatewayEvent::started:
      advertiser_.start(state.network, now);
      return;
    case GatewayEvent::lan_changed:
      // They may lead to an address that is gone.
      answers_.clear();
      advertiser_.on_lan_changed(now);
      return;
    case GatewayEvent::external_address_changed:
    case GatewayEvent::wan_link_changed:
    case GatewayEvent::mappings_lost:
    case GatewayEvent::pinholes_lost:
      return;
  }
}

std::vector<OutgoingDatagram> SsdpFrontend::on_timeout(const GatewayState& state, Moment now) {
  auto due = answers_.take_due(now);
  auto more = advertiser_.take_due(state.network, now);
  due.insert(due.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return due;
}

std::optional<Moment> SsdpFrontend::next_timeout() const {
  const auto answer = answers_.next();
  const auto advertisement = advertiser_.next();
  if (!answer || !advertisement) return answer ? answer : advertisement;
  return std::min(*answer, *advertisement);
}

}  // namespace postern::upnp
