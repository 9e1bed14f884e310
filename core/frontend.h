#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/datagram.h"
#include "core/gateway_state.h"
#include "core/http.h"
#include "core/refusal.h"
#include "core/table_event.h"
#include "core/time.h"

namespace postern {

/// What a frontend made of one datagram. The words are constants that live as long as the program;
/// their number is bounded, for they become counters.
struct Handled {
  /// Nothing: silence.
  std::optional<OutgoingDatagram> reply;
  /// Which protocol, which of its requests, and how it ended.
  std::string_view frontend;
  std::string_view request;
  std::string_view outcome;
  /// It asked nothing of the mapping table, and stands whatever becomes of the turn's changes.
  bool is_final = false;
  /// A wish that this frontend refused without the table.
  std::optional<Refusal> refusal = {};
};

/// What all clients must hear of.
enum class GatewayEvent : std::uint8_t {
  /// The daemon serves from now on; what clients had may be lost.
  started,
  /// The external address came, went or changed, or another one that clients know is gone.
  external_address_changed,
  /// IPv4 mappings were closed because their hosts left the LAN, or got other addresses.
  mappings_lost,
  /// The same of pinholes.
  pinholes_lost,
  /// A LAN interface, or an address on one, came, went or changed.
  lan_changed,
  /// The WAN interface's link came or went.
  wan_link_changed,
};

/// What every frontend hears, whoever asked for it.
class Frontend {
 public:
  virtual ~Frontend() = default;

  virtual void on_event(GatewayEvent event, const GatewayState& state, Moment now) = 0;
  /// What became of mappings in a turn, once it stands.
  virtual void on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                               Moment now) = 0;
  [[nodiscard]] virtual std::optional<Moment> next_timeout() const = 0;
};

/// One protocol that clients speak over UDP. Pure: bytes and time in, bytes out.
class DatagramFrontend : public Frontend {
 public:
  /// Decides about one datagram. The answer is sent only when the turn's changes stand. Called
  /// again for the same datagram when they do not, with the table rolled back, so it must keep
  /// nothing of its own of a datagram unless what it made of it is final.
  [[nodiscard]] virtual Handled on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                            Moment now) = 0;
  /// What is to be sent unasked, now.
  [[nodiscard]] virtual std::vector<OutgoingDatagram> on_timeout(const GatewayState& state,
                                                                 Moment now) = 0;
};

/// What a frontend made of one HTTP request. See Handled.
struct HttpHandled {
  HttpReply reply;
  std::string_view frontend;
  std::string_view request;
  std::string_view outcome;
  bool is_final = false;
};

/// How a request of our own to a host of the LAN ended.
enum class CalloutOutcome : std::uint8_t {
  /// It answered, whatever it said.
  answered,
  /// No connection came about.
  unreachable,
  /// The connection ended, or the time was up, before an answer came.
  unanswered,
};

/// One protocol that clients speak over HTTP. Pure, too.
class HttpFrontend : public Frontend {
 public:
  /// Looks at a request whose body is not there yet; a reply refuses it.
  [[nodiscard]] virtual std::optional<HttpReply> on_header(const HttpRequest& request) const = 0;
  /// Decides about one request; see DatagramFrontend::on_datagram().
  [[nodiscard]] virtual HttpHandled on_request(const HttpRequest& request, GatewayState& state,
                                               Moment now) = 0;
  /// What is to be asked of hosts unasked, now. The replies of the turn are sent before.
  [[nodiscard]] virtual std::vector<HttpCallout> on_timeout(const GatewayState& state,
                                                            Moment now) = 0;
  virtual void on_callout_done(std::uint64_t id, CalloutOutcome outcome, Moment now) = 0;
};

}  // namespace postern
