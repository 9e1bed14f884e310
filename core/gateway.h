#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/counters.h"
#include "core/datagram.h"
#include "core/endpoint.h"
#include "core/firewall_backend.h"
#include "core/flow_table.h"
#include "core/frontend.h"
#include "core/gateway_state.h"
#include "core/host_watch.h"
#include "core/network.h"
#include "core/policy.h"
#include "core/refusal.h"
#include "core/request_limiter.h"
#include "core/restoration.h"
#include "core/result.h"
#include "core/store.h"
#include "core/table_event.h"
#include "core/time.h"

namespace postern {

struct GatewayOptions {
  Policy policy;
  /// The configuration's own mappings, of which no two have one external port, or one pinhole.
  std::vector<StaticMapping> static_mappings;
  /// Replaces the WAN interface's address in answers (1:1 NAT before this machine).
  std::optional<Address> external_address;
  /// Multicast groups, each with its port, that LAN hosts may ask as they ask a LAN address.
  std::vector<Endpoint> multicast_groups;
  /// Established TCP connections outlive a lease that ends by itself.
  bool keeps_established_tcp = false;
  /// How long a host may be silent before its mappings are closed; 0: as long as it likes.
  Seconds host_grace{0};
  /// Of each client, over all protocols; 0: as many as it likes.
  std::uint32_t requests_per_second = 0;
  std::uint64_t random_seed = 0;
};

/// What one call wants done by the shell.
struct Turn {
  /// What became of mappings; for the log.
  std::vector<TableEvent> events;
  /// What start() could not put back; for the log.
  std::vector<MappingTable::Unrestored> unrestored;
  /// Wishes that were not granted, and why; for the history. At most MappingTable::kMostRefusals.
  std::vector<Refusal> refusals;
  /// Why the firewall refused something, or connections could not be ended; for the log.
  std::vector<std::string> backend_errors;
  std::vector<OutgoingDatagram> send;
  /// To be sent before the callouts.
  std::vector<HttpReply> replies;
  std::vector<HttpCallout> callouts;
  /// on_neighbours() is to be told what comes of them.
  std::vector<NeighbourQuestion> questions;
};

/// The daemon without its IO: packets, network changes and time go in, packets and the next
/// deadline come out. Replies leave only after the firewall has what they promise.
class Gateway {
 public:
  /// Backend, flow table and frontends outlive the gateway. Without `http` there is nothing to be
  /// asked over HTTP.
  Gateway(GatewayOptions options, FirewallBackend& backend, FlowTable& flows,
          DatagramFrontend& frontend, Moment now, HttpFrontend* http = nullptr);

  /// Takes over what an earlier run left in the store and in the firewall (see reconcile()), puts
  /// our rules there, ends connections of doors that have gone meanwhile, and announces. The turn's
  /// events bring the store up to date. The epochs go on when nothing was lost.
  /// Called once, before everything else. After an error nothing is served.
  [[nodiscard]] Result<Turn, BackendError> start(const Network& network, const StoredState& stored,
                                                 Moment now);
  /// The same without a store.
  [[nodiscard]] Result<Turn, BackendError> start(const Network& network, Moment now) {
    return start(network, StoredState(), now);
  }

  /// Answers datagrams, all of one turn with one transaction. Their number is the caller's bound.
  /// Those that come too fast get silence, before any protocol sees them.
  [[nodiscard]] Turn on_datagrams(std::span<const IncomingDatagram> datagrams, Moment now);
  /// Only with `http`. Looks at a request whose body is not there yet: the reply to one that will
  /// not be served.
  [[nodiscard]] std::optional<HttpReply> on_http_header(const HttpRequest& request, Moment now);
  /// Answers a request that on_http_header() did not refuse.
  [[nodiscard]] Turn on_http_request(const HttpRequest& request, Moment now);
  /// Tells how one of a turn's callouts ended.
  [[nodiscard]] Turn on_callout_done(std::uint64_t id, CalloutOutcome outcome, Moment now);
  /// Follows the interfaces: O(n) in the number of mappings when the WAN or the LAN's names change.
  [[nodiscard]] Turn on_network(const Network& network, Moment now);
  /// What became known of hosts on the LAN's links, in the order in which it did. O(log n) for
  /// each; what comes of it is due at next_timeout().
  void on_neighbours(std::span<const Neighbour> neighbours, Moment now);
  /// Somebody else changed what we rely on, or may have: puts everything of ours back, at once but
  /// at most ten times a second. `reason` is a constant word, for the counters.
  [[nodiscard]] Turn on_firewall_changed(std::string_view reason, Moment now);
  void on_occupied_ports(const OccupiedPorts& occupied);
  /// So many datagrams were thrown away because too many waited.
  void on_overflow(std::size_t count);
  /// A flow table that purges in the background has ended so many connections.
  void on_flows_purged(std::size_t count);
  /// The administrator has changed his mind: other rules, other mappings of his own. What the rules
  /// no longer allow is closed, and what is in the way of his mappings.
  [[nodiscard]] Turn reload(Policy policy, std::vector<StaticMapping> static_mappings, Moment now);
  /// See GatewayOptions. What the firewall holds of the first is made anew in one transaction.
  [[nodiscard]] Turn set_requests_per_second(std::uint32_t requests, Moment now);
  void set_host_grace(Seconds grace) { hosts_.set_grace(grace); }
  /// Opens a mapping by the administrator's command, until remove() closes it.
  [[nodiscard]] Result<MappingId, MapError> add(const StaticMapping& wanted, Moment now,
                                                Turn& turn);
  /// Closes a mapping by his command; see MappingTable::remove().
  [[nodiscard]] Result<void, MapError> remove(MappingId id, Moment now, Turn& turn);
  /// The configuration's mappings that the firewall does not have, or cannot.
  [[nodiscard]] std::vector<StaticMapping> unopened_static() const;
  [[nodiscard]] Turn on_timeout(Moment now);
  /// When to call on_timeout() next; nothing: not before something else happens.
  [[nodiscard]] std::optional<Moment> next_timeout() const;

  [[nodiscard]] const GatewayState& state() const { return state_; }
  /// What the store must know to continue the epochs.
  [[nodiscard]] EpochStarts epoch_starts() const;
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const FirewallBackend& backend() const { return backend_; }

  /// The table is consistent and the firewall holds exactly its doors. Dumps the firewall: for
  /// tests and fuzzing.
  [[nodiscard]] bool is_consistent(Moment now) const;

 private:
  struct Restored {
    /// Stored, but closed as the firewall tells.
    std::vector<Mapping> found_closed;
    /// No client has to ask again for what it was told: each stored claim that has not ended is
    /// there, with its renewals.
    bool is_whole = false;
  };
  /// Fills the table from the store, the firewall and the configuration.
  [[nodiscard]] Restored restore(const StoredState& stored, const FoundDoors& found, Moment now,
                                 Turn& turn);
  /// Puts the configuration's mappings first, under the ids that they had.
  void restore_static(const StoredState& stored, Moment now);
  /// Tells the store of mappings that it has and that are no more.
  void note_gone(const StoredState& stored, std::span<const Mapping> found_closed,
                 Turn& turn) const;
  void continue_epochs(const StoredState& stored, const FoundDoors& found, bool is_whole);
  /// Runs `work` on the table and commits what it staged. When the firewall refuses one change,
  /// `work` runs once more without it; when it refuses all, once more after a rebuild; when it
  /// refuses again, once more with no change allowed.
  void run_turn(const std::function<void()>& work, Moment now, Turn& turn);
  /// What the turn staged stands, or was rolled back.
  void conclude(Turn& turn, Moment now);
  /// Who is on the LAN may be known better, or be somebody else, than before.
  void judge_lan_anew(Moment now, Turn& turn);
  /// So many mappings of hosts that left the LAN have been closed.
  void note_lost(const MappingTable::Ended& lost, Moment now);
  void end_hosts_that_went(Moment now, Turn& turn);
  /// Watches the hosts that have mappings now, and no longer those that have none.
  void follow_hosts(std::span<const TableEvent> events, Turn& turn);
  /// The same of those that asked for a mapping to another host.
  void follow_askers(const Mapping& mapping, Turn& turn);
  void follow_host(const Address& host, Turn& turn);
  void note_refusal(const BackendError& error, Turn& turn);
  /// Remembers which connections these changes, now done, put an end to.
  void note_flows(std::span<const DoorChange> changes, Moment now);
  /// The doors were shut for a while without our doing: who sent meanwhile went past them.
  void note_all_past_doors(Moment now);
  void schedule_purge(Moment now);
  void purge_flows(Turn& turn);
  void purge_strays(Turn& turn);
  void note_purge(const Result<std::size_t, std::string>& purged, Turn& turn);

  void adopt_network(const Network& network);
  /// Puts the rules for the network as it is, and all doors, into the firewall anew, and tells the
  /// frontend when external addresses or pinholes are lost. When that fails it is tried again
  /// after a second; until the doors stand at a new external address, there is none.
  [[nodiscard]] Result<void, BackendError> rebuild(Moment now, Turn& turn);
  void follow_external_address(std::optional<Address> before, Moment now);
  void send_due_announcements(Moment now, Turn& turn);
  void tell_frontends(GatewayEvent event, Moment now);

  FirewallBackend& backend_;
  FlowTable& flows_;
  DatagramFrontend& frontend_;
  /// May be null.
  HttpFrontend* http_;
  std::vector<Endpoint> multicast_groups_;
  bool keeps_established_tcp_;
  RequestLimiter limiter_;
  std::vector<StaticMapping> static_mappings_;
  GatewayState state_;
  Counters counters_;
  /// The last external addresses there were, also while there are none.
  std::vector<Address> last_external_addresses_;
  /// By the name of each LAN interface its prefixes of each family, or those it had before it was
  /// left without one.
  struct Links {
    std::vector<Prefix> v4;
    std::vector<Prefix> v6;
  };
  std::map<std::string, Links> links_;
  /// Since when all LAN interfaces had addresses of a family. Before, as at the start of the
  /// machine, nobody can be said to have left the LAN.
  MappingTable::KnownLinks known_links_{false, false};
  /// The firewall refused to close what the policy forbids.
  bool must_enforce_ = false;
  HostWatch hosts_;
  /// When to rebuild; nothing while the firewall is as it should be.
  std::optional<Moment> rebuild_at_;
  /// No rebuild before this because of a refused commit, or of a change by somebody else.
  Moment next_rebuild_{};
  Moment next_repair_{};
  /// The firewall did not hold our doors at some time since the last rebuild.
  bool doors_were_shut_ = false;
  /// Why somebody else's change has to be mended by the next rebuild; empty: it has not.
  std::string_view repair_reason_;
  /// Connections to end, and when.
  std::vector<FlowPurge> purges_;
  std::optional<Moment> purge_at_;
};

}  // namespace postern
