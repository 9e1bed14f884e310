#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/endpoint.h"
#include "core/map_request.h"
#include "core/mapping.h"
#include "core/protocol.h"
#include "core/result.h"
#include "core/static_mapping.h"
#include "core/time.h"
#include "daemon/store_history.h"

/// What an administrator may ask of the running daemon, in values, whatever carries it.
namespace postern {

/// Why it was not done.
struct ControlError {
  /// Of HTTP, from 400 on.
  int status = 400;
  /// A word for programs: "external_port_taken".
  std::string code;
  /// A sentence for people, perhaps several lines.
  std::string text;

  friend bool operator==(const ControlError&, const ControlError&) = default;
};

struct AddedMapping {
  MappingId id = 0;
  Endpoint external;
};

/// Which mappings are listed: in the order of their ids, those after one of them.
struct MappingsQuery {
  static constexpr std::size_t kMost = 1000;

  MappingId after = 0;
  std::size_t limit = kMost;
};

/// What if this client asked for that? NAT-PMP knows neither IPv6 nor other hosts than the client.
struct Question {
  Address client;
  /// One of frontend_names().
  std::string_view frontend;
  Protocol protocol = Protocol::tcp;
  Endpoint internal;
  /// 0: no wish.
  std::uint16_t external_port = 0;
  /// 0 only over UPnP, where it means what it means there.
  Seconds lifetime{3600};
};

struct Answer {
  /// What one rule has to do with it.
  struct Rule {
    std::string name;
    bool is_allow = true;
    /// Its verdict is the one that counts.
    bool decides = false;
    /// A constant word for the first condition that does not hold ("other_client"); empty: the rule
    /// matches.
    std::string mismatch;
    /// Of a rule that matches, the external ports about which no rule before it decides:
    /// "80, 1024-65535".
    std::string external_ports;
  };

  /// The constant word for why not: the name of a MapError, or a frontend's own. Nothing: it would
  /// be granted.
  std::optional<std::string_view> refusal;
  // What would be granted.
  std::uint16_t external_port = 0;
  Seconds lifetime{0};
  /// It would have no end; the lifetime is 0 then.
  bool is_permanent = false;
  /// The mapping that would be renewed or joined; nothing: a new one would be made.
  std::optional<MappingId> existing;
  /// In their order. When none decides, none matches.
  std::vector<Rule> rules;
};

struct Reloaded {
  /// What of the new configuration needs a restart, a sentence each.
  std::vector<std::string> warnings;
};

/// Whether what was done outlives the daemon.
enum class Kept : std::uint8_t {
  /// As far as the configuration wants it (store_delay).
  on_disk,
  /// The disk had not taken it when the time for an answer was up, and may still.
  not_yet,
  /// The disk takes nothing at the moment.
  in_memory_only,
  /// Nothing is kept: store = "none", or a store that cannot be used.
  not_kept,
};

/// Tells what came of it, at once or later.
template <class Outcome>
using Told = std::function<void(Result<Outcome, ControlError>)>;

/// What the daemon does about it. One that is empty cannot be done by this daemon. Called from the
/// io_context, one at a time; what they answer is true already, in the firewall, too. What
/// is told later comes from there as well.
struct ControlActions {
  /// The JSON document of GET /api/v1/status.
  std::function<std::string()> status;
  /// The text of GET /metrics.
  std::function<std::string()> metrics;
  /// The JSON document of GET /api/v1/mappings.
  std::function<std::string(const MappingsQuery&)> mappings;
  std::function<Result<AddedMapping, ControlError>(const StaticMapping&)> add;
  std::function<Result<void, ControlError>(MappingId)> remove;
  /// Calls back when what was done so far may be told: where nothing may be lost, once the disk has
  /// it. Empty: at once, as if it were there.
  std::function<void(std::function<void(Kept)>)> when_kept;
  /// The youngest first.
  std::function<void(const HistoryQuery&, Told<std::vector<HistoryEntry>>)> history;
  /// Changes nothing.
  std::function<Result<Answer, ControlError>(const Question&)> explain;
  /// Reads the configuration anew; a bad one changes nothing.
  std::function<Result<Reloaded, ControlError>()> reload;
};

/// The names of frontends that a question may be about.
[[nodiscard]] std::vector<std::string_view> frontend_names();

/// For the administrator: why the table did not take a mapping of his.
[[nodiscard]] ControlError control_error(MapError error);

/// What he named is not there.
[[nodiscard]] ControlError no_such_mapping(MappingId id);

}  // namespace postern
