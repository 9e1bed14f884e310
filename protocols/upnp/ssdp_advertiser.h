#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/datagram.h"
#include "core/network.h"
#include "core/random.h"
#include "core/time.h"
#include "protocols/upnp/ssdp_device.h"
#include "protocols/upnp/ssdp_presence.h"

namespace postern::upnp {

/// What the device says of itself unasked (UDA 2.0 §1.2), on each presence: a byebye set and three
/// alive sets at first; an alive set well before the last one is outdated; and when a presence
/// comes, goes or changes, an update set and two alive sets on those that stay. A set has a message
/// for each offer. Eight leave at a time, for switches and radios drop longer bursts.
class SsdpAdvertiser {
 public:
  /// Both outlive this object, which changes the device's boot id when the LAN changes.
  SsdpAdvertiser(SsdpDevice& device, Random& random) : device_(device), random_(random) {}

  void start(const Network& network, Moment now);
  /// The LAN may have changed. It is followed at most once a second, so that the boot id does not
  /// outrun the clock that it comes from at the next start.
  void on_lan_changed(Moment now);
  [[nodiscard]] std::vector<OutgoingDatagram> take_due(const Network& network, Moment now);
  [[nodiscard]] std::optional<Moment> next() const;
  /// A byebye set for each presence, to be sent at once: the end.
  [[nodiscard]] std::vector<OutgoingDatagram> farewell(const Network& network) const;

 private:
  enum class Notice : std::uint8_t { byebye, alive, update };
  /// A presence and what is yet to be sent there.
  struct Shown {
    Presence presence;
    /// One set after the other.
    std::vector<Notice> sets;
    Moment due;
    /// Sets done, and messages of the next one.
    std::size_t sets_done = 0;
    std::size_t messages_done = 0;
  };

  void follow(const Network& network, Moment now);
  /// Begins on each of these: anew, or with an update where the device is shown already.
  void show_at(const std::vector<Presence>& presences, Moment now);
  [[nodiscard]] Shown begin(const Presence& presence, std::vector<Notice> sets, Moment now);
  void send_some(Shown& shown, Moment now, std::vector<OutgoingDatagram>& out);
  void end_set(Shown& shown, Moment now);
  [[nodiscard]] OutgoingDatagram message(Notice notice, const Presence& presence,
                                         const Offer& offer, std::uint32_t old_boot_id) const;

  SsdpDevice& device_;
  Random& random_;
  std::vector<Shown> shown_;
  /// Before the last change of the LAN.
  std::uint32_t old_boot_id_ = 0;
  std::optional<Moment> follow_at_;
  Moment next_follow_{};
};

}  // namespace postern::upnp
