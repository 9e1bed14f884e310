#include "protocols/upnp/ssdp_advertiser.h"

#include <algorithm>
#include <utility>

namespace postern::upnp {
namespace {

constexpr std::size_t kMostAtOnce = 8;
constexpr Milliseconds kMessageGap{10};
/// Copies of a set are to survive what swallows one of them.
constexpr Milliseconds kSetGap{200};
constexpr Milliseconds kMostWait{100};
/// An alive set comes again after 450 to 880 s, so before half of its life is over, and nobody
/// misses the device who misses one set (SSDP-05).
constexpr Milliseconds kShortestRefresh = kMaxAge / 4;
constexpr Milliseconds kLongestRefresh = kMaxAge / 2 - Seconds(20);
constexpr Seconds kFollowPause{1};
constexpr std::uint32_t kLargestBootId = 0x7fffffff;

[[nodiscard]] Milliseconds random_below(Random& random, Milliseconds bound) {
  return Milliseconds(random.below(static_cast<std::uint32_t>(bound.count())));
}

}  // namespace

void SsdpAdvertiser::start(const Network& network, Moment now) {
  old_boot_id_ = device_.facts.boot_id;
  next_follow_ = now + kFollowPause;
  show_at(find_presences(network), now);
}

void SsdpAdvertiser::on_lan_changed(Moment now) {
  if (!follow_at_) follow_at_ = std::max(now, next_follow_);
}

std::vector<OutgoingDatagram> SsdpAdvertiser::take_due(const Network& network, Moment now) {
  std::vector<OutgoingDatagram> out;
  if (follow_at_ && *follow_at_ <= now) follow(network, now);
  for (auto& shown : shown_) {
    if (shown.due <= now) send_some(shown, now, out);
  }
  return out;
}

std::optional<Moment> SsdpAdvertiser::next() const {
  std::optional<Moment> next = follow_at_;
  for (const auto& shown : shown_) {
    if (!next || shown.due < *next) next = shown.due;
  }
  return next;
}

std::vector<OutgoingDatagram> SsdpAdvertiser::farewell(const Network& network) const {
  std::vector<OutgoingDatagram> out;
  for (const auto& presence : find_presences(network)) {
    for (const auto& offer : device_.offers) {
      out.push_back(message(Notice::byebye, presence, offer, device_.facts.boot_id));
    }
  }
  return out;
}

void SsdpAdvertiser::follow(const Network& network, Moment now) {
  follow_at_.reset();
  next_follow_ = now + kFollowPause;
  const auto presences = find_presences(network);
  const bool is_same = std::equal(
      shown_.begin(), shown_.end(), presences.begin(), presences.end(),
      [](const Shown& shown, const Presence& presence) { return shown.presence == presence; });
  if (is_same) return;
  old_boot_id_ = device_.facts.boot_id;
  device_.facts.boot_id = (old_boot_id_ + 1) & kLargestBootId;
  show_at(presences, now);
}

void SsdpAdvertiser::show_at(const std::vector<Presence>& presences, Moment now) {
  const auto before = std::exchange(shown_, {});
  for (const auto& presence : presences) {
    const bool stays = std::any_of(before.begin(), before.end(),
                                   [&](const Shown& shown) { return shown.presence == presence; });
    shown_.push_back(
        stays
            ? begin(presence, {Notice::update, Notice::alive, Notice::alive}, now)
            : begin(presence, {Notice::byebye, Notice::alive, Notice::alive, Notice::alive}, now));
  }
}

SsdpAdvertiser::Shown SsdpAdvertiser::begin(const Presence& presence, std::vector<Notice> sets,
                                            Moment now) {
  return {presence, std::move(sets), now + random_below(random_, kMostWait)};
}

void SsdpAdvertiser::send_some(Shown& shown, Moment now, std::vector<OutgoingDatagram>& out) {
  const auto& offers = device_.offers;
  const auto end = std::min(offers.size(), shown.messages_done + kMostAtOnce);
  for (; shown.messages_done < end; ++shown.messages_done) {
    out.push_back(message(shown.sets[shown.sets_done], shown.presence, offers[shown.messages_done],
                          old_boot_id_));
  }
  // Counted from now, so that what was missed in a long sleep is not sent all at once.
  if (shown.messages_done < offers.size()) {
    shown.due = now + kMessageGap;
  } else {
    end_set(shown, now);
  }
}

void SsdpAdvertiser::end_set(Shown& shown, Moment now) {
  shown.messages_done = 0;
  ++shown.sets_done;
  if (shown.sets_done < shown.sets.size()) {
    shown.due = now + kSetGap;
    return;
  }
  shown.sets = {Notice::alive};
  shown.sets_done = 0;
  shown.due = now + kShortestRefresh + random_below(random_, kLongestRefresh - kShortestRefresh);
}

OutgoingDatagram SsdpAdvertiser::message(Notice notice, const Presence& presence,
                                         const Offer& offer, std::uint32_t old_boot_id) const {
  const auto& [interface_index, group, address] = presence;
  const auto& facts = device_.facts;
  const SsdpFacts old_facts{facts.server, old_boot_id, facts.config_id};
  const auto location = device_.location(offer.view, address);
  OutgoingDatagram datagram{interface_index, {address, kSsdpPort}, group, {}};
  switch (notice) {
    case Notice::byebye:
      datagram.payload = emit_byebye(offer.advertisement, group, old_facts);
      break;
    case Notice::alive:
      datagram.payload = emit_alive(offer.advertisement, group, location, facts);
      break;
    case Notice::update:
      datagram.payload =
          emit_update(offer.advertisement, group, location, old_facts, facts.boot_id);
      break;
  }
  return datagram;
}

}  // namespace postern::upnp
