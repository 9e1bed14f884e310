#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/capabilities.h"
#include "core/client_index.h"
#include "core/creation_order.h"
#include "core/door.h"
#include "core/expiry_queue.h"
#include "core/flat_index.h"
#include "core/grant.h"
#include "core/map_request.h"
#include "core/mapping.h"
#include "core/mapping_keys.h"
#include "core/policy.h"
#include "core/port_allocator.h"
#include "core/random.h"
#include "core/refusal.h"
#include "core/result.h"
#include "core/static_mapping.h"
#include "core/table_event.h"

namespace postern {

/// The only writer of mappings.
///
/// Work is staged: requests change the table at once, so that each sees what those before it did,
/// but the changes stand only when accept() says that the firewall has them. Until then roll_back()
/// undoes them all. A turn is therefore: expire(), requests, staged_changes() to the backend, then
/// accept() or roll_back().
///
/// Every operation on one mapping is O(log n) in the number of mappings.
class MappingTable {
 public:
  /// `can`: what the firewall can do; wishes for more are refused.
  MappingTable(Policy policy, Capabilities can, std::uint64_t random_seed);

  /// Creates a mapping, or renews and keeps the one that the internal endpoint already has, whoever
  /// asked for that (RFC 6886 §3.3); with Placement::suggested_port, the one that it has on that
  /// port; with MapRequest::replaces, that one, which moves when it leads elsewhere. The lease
  /// starts at `now`. One for a remote peer never becomes shorter (RFC 6887 §12.1).
  [[nodiscard]] Result<Grant, MapError> request(const MapRequest& request, Moment now);
  /// What request() would say, without a change to anything. (That the firewall would take it is
  /// assumed.)
  [[nodiscard]] Result<Preview, Denial> preview(const MapRequest& request, Moment now) const;
  /// Notes a refusal that the frontend itself decided, and returns it.
  Result<Grant, MapError> deny(const MapRequest& request, const Denial& denial);
  /// The wish that was refused last is asked otherwise now, so that it is no refusal yet.
  void forget_last_refusal();
  /// What this turn refused, in order; no more than kMostRefusals, the first ones.
  [[nodiscard]] std::vector<Refusal> take_refusals() { return std::exchange(refusals_, {}); }
  static constexpr std::size_t kMostRefusals = 256;

  /// Takes back this claimant's claims on the internal endpoint's mappings, or the recovered ones
  /// of the same client, and with its last claim a mapping. Nothing to take back is success. With a
  /// nonce, claims that have another one stay, and that is wrong_nonce. What the firewall would not
  /// let go stays too, and the others go: backend_refused. One of the administrator stays:
  /// not_authorized.
  [[nodiscard]] Result<void, MapError> release(Protocol protocol, const Endpoint& internal,
                                               const Claimant& claimant,
                                               const std::optional<Nonce>& nonce = {});
  /// The same for one mapping, whatever its nonce. One that is gone is success, too.
  [[nodiscard]] Result<void, MapError> release(MappingId id, const Claimant& claimant);
  /// The same for the claims of several claimants on several mappings: all of them or, when the
  /// firewall would not let one go, none.
  /// O(k log n) for the k mappings of their internal endpoints.
  [[nodiscard]] Result<void, MapError> release(std::span<const MappingId> ids,
                                               std::span<const Claimant> claimants);
  /// The same for all mappings of one protocol that this claimant has. O(m log n) for the m
  /// mappings of the client, which the policy limits.
  [[nodiscard]] Result<void, MapError> release_all(Protocol protocol, const Claimant& claimant);

  /// Ends the claims whose time is up, and prolongs permanent ones. What the firewall refuses is
  /// tried again later, at a moment that next_expiry() tells.
  void expire(Moment now);
  /// When to call expire() next: nothing is due before. After a renewal it may be too early.
  [[nodiscard]] std::optional<Moment> next_expiry() const { return queue_.first(); }

  /// New mappings get the first of these external addresses, or the one they wish for, and existing
  /// ones whose address is not among them move to the first. Without any, new mappings are refused
  /// and existing ones stay where they are.
  void set_external_addresses(std::vector<Address> addresses);
  /// Of which families all LAN interfaces have addresses, so that who is off link is known.
  struct KnownLinks {
    bool v4 = true;
    bool v6 = true;
  };
  /// Of a family whose links are not known nobody is off link, and no claims are judged anew.
  void set_lan_prefixes(std::vector<Prefix> prefixes, KnownLinks known = {true, true});
  /// How many mappings were ended, of each family.
  struct Ended {
    std::size_t v4 = 0;
    std::size_t pinholes = 0;
  };
  /// Ends the mappings of hosts that no LAN prefix holds and no rule lists, but for the
  /// administrator's, unless the firewall refuses; only of a family whose links are known.
  /// O(size()).
  Ended end_off_link();
  /// Ends the clients' claims on mappings that lead to this host, and those that it made for other
  /// hosts. False when the firewall refused any: they are there still. O(m log n) for the m
  /// mappings of both kinds.
  [[nodiscard]] bool end_host(const Address& host);
  /// The host answers from this MAC address: news only of one that has mappings, and whose MAC
  /// address was not known. Its mappings count for that station now, unless that would have more
  /// than it may.
  void learn_mac(const Address& host, const MacAddress& mac);
  /// Puts this policy in force, with the LAN prefixes of the one before, and see enforce_policy().
  /// roll_back() undoes that, too.
  std::size_t set_policy(Policy policy);
  /// Judges all claims anew, but those that no policy was asked about: ends those that it no longer
  /// allows and cuts leases that it would not grant any more, as of the last expire(). Of a client
  /// whose interface or MAC address is not known now, what one of them might allow stays. Who has
  /// more than the limits on numbers allow keeps it, for there is no saying what he needs least.
  /// Returns on how many mappings the firewall refused that; they are as they were. O(n) in the
  /// number of claims.
  std::size_t enforce_policy();
  /// External ports that somebody else on this machine uses: no new mapping gets one.
  void set_occupied_ports(const OccupiedPorts& occupied);

  /// Makes these the mappings of the configuration, whatever the policy and the limits say: opens
  /// new ones, closes those that are not among them, and those of others that have their ports. A
  /// mapping that others have already gets one more claim. Where there is no external address yet,
  /// they wait for it. What the firewall refuses is left as it was. O(s log n) for the s mappings
  /// of the configuration that are there or wanted.
  void set_static(std::span<const StaticMapping> wanted, Moment now);
  /// Opens one mapping for the administrator: `frontend` is kStatic or kOperator. Only a static one
  /// replaces mappings of others, and claims with other filters: external_port_taken. `earlier`,
  /// when there is one: what it was in an earlier run, whose id it keeps.
  [[nodiscard]] Result<MappingId, MapError> administer(const StaticMapping& wanted,
                                                       std::string_view frontend, Moment now,
                                                       const Mapping* earlier = nullptr);
  /// Closes a mapping, whoever has claims on it, for the administrator wants so; not_authorized for
  /// one of the configuration. One that is gone is success.
  [[nodiscard]] Result<void, MapError> remove(MappingId id);

  /// One that restore() could not put back, and why: not_authorized, the policy forbids it now;
  /// external_port_taken, somebody else has the port; unsupported, the firewall cannot do it.
  struct Unrestored {
    Mapping mapping;
    MapError why = MapError::not_authorized;
  };
  /// A mapping of an earlier run had this id, which is greater than those that were said before:
  /// it may come back, and new mappings get greater ones. Said of all of them, before the table has
  /// any mapping.
  void reserve_id(MappingId id);
  /// Puts back mappings of an earlier run, with their ids and what is left of their leases, without
  /// those of the configuration, which administer() has put there. Their ids were reserved. Claims
  /// that the policy forbids are left out, but for those of hosts of which it cannot be known yet
  /// whether they are on link.
  [[nodiscard]] std::vector<Unrestored> restore(std::span<const Mapping> mappings, Moment now);
  /// Takes over forwards and pinholes that an earlier run left in the firewall, as recovered claims
  /// of their internal hosts. Doors that contradict an earlier one in the list are left out.
  void adopt(std::span<const TimedDoor> doors, Moment now);

  /// The net effect of the turn so far, at most one change a key.
  [[nodiscard]] std::vector<DoorChange> staged_changes() const;
  /// The firewall has the staged changes. Returns what happened, oldest mapping first.
  [[nodiscard]] std::vector<TableEvent> accept();
  /// The firewall does not have them: the table is again as after the last accept().
  void roll_back();
  /// Until the next accept(), whatever would change this key fails with backend_refused.
  void refuse(const DoorKey& key);
  /// Until the next accept(), whatever would change any door fails with backend_refused.
  void refuse_all();

  [[nodiscard]] const Mapping* find(MappingId id) const;
  [[nodiscard]] const Mapping* find_by_external(Protocol protocol, const Endpoint& external) const;
  /// The IPv4 mapping that has this port on whatever external address: of one protocol, each port
  /// has one at most.
  [[nodiscard]] const Mapping* find_by_external_port(Protocol protocol, std::uint16_t port) const;
  /// The primary mapping of the internal endpoint, which owns its outbound port.
  [[nodiscard]] const Mapping* find_by_internal(Protocol protocol, const Endpoint& internal) const;
  /// The claimant's own claim on the primary mapping of the internal endpoint.
  [[nodiscard]] const Claim* find_claim(Protocol protocol, const Endpoint& internal,
                                        const Claimant& claimant) const;
  /// The external address of new mappings of this host when it has no wish: that of its oldest one,
  /// so that it is seen under one address (RFC 6887 §10). Nothing while there is none.
  [[nodiscard]] std::optional<Address> external_address_of(const Address& host) const;
  [[nodiscard]] std::size_t size() const { return mappings_.size(); }
  /// Shows every mapping, in no particular order. O(size()).
  template <class Show>
  void for_each(Show show) const {
    for (const auto& [id, entry] : mappings_) show(entry.mapping);
  }
  /// On how many mappings this client has a claim of its own: what the limit counts.
  [[nodiscard]] std::size_t count_of(const Address& client) const {
    return clients_.count_of(client);
  }
  /// Whether a client's claim is of this host, or on a mapping that leads to it.
  [[nodiscard]] bool concerns(const Address& host) const { return clients_.concerns(host); }
  /// The oldest mappings, at most `count`, in the order of their creation. O(size()).
  [[nodiscard]] std::vector<const Mapping*> oldest(std::size_t count) const;
  /// How many mappings are listed (see Mapping::is_listed).
  [[nodiscard]] std::size_t listed_count() const { return order_.count(); }
  /// The listed mapping with `index` older ones before it; null when there are fewer. O(log n).
  [[nodiscard]] const Mapping* listed(std::size_t index) const;
  /// The listed mappings that this client has a claim on, in the order of their creation. O(m log
  /// n) for the m mappings of the client.
  [[nodiscard]] std::vector<MappingId> listed_of(const Address& client) const;
  /// What the firewall must hold.
  [[nodiscard]] std::vector<TimedDoor> doors() const;
  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] const Capabilities& capabilities() const { return can_; }

  /// Checks that every index agrees with the mappings, that each has claims, one of each claimant,
  /// and that no deadline lies before the last expire(). O(n): for tests, fuzzing and debug builds.
  [[nodiscard]] bool is_consistent() const;

 private:
  struct Entry {
    Mapping mapping;
    /// When expire() must look at it.
    Moment due{};
    /// The earliest moment that the queue has for it; never later than `due`.
    Moment queued{};
    /// Whether before_turn_ has it.
    bool is_touched = false;
  };
  using Entries = std::unordered_map<MappingId, Entry>;
  /// While it lives, this is why mappings change.
  class Because {
   public:
    Because(MappingTable& table, TableEvent::Cause cause)
        : table_(table), before_(std::exchange(table.cause_, cause)) {}
    ~Because() { table_.cause_ = before_; }
    Because(const Because&) = delete;
    Because& operator=(const Because&) = delete;

   private:
    MappingTable& table_;
    TableEvent::Cause before_;
  };
  /// What a request would do.
  struct Decision {
    Mapping after;
    Grant grant;
    RuleIndex rule = kNoRule;
    std::optional<MappingId> existing;
    /// For whom the client counts; nothing: as it did, or for nobody.
    std::optional<Station> station;
  };
  /// A mapping as it stood.
  struct Standing {
    Mapping mapping;
    Moment due;
  };

  /// The one way in which mappings change on purpose: stages it, and that the mappings of one
  /// internal endpoint agree which of them is primary. False, and nothing changed, when the
  /// firewall refuses. O(k log n) for the k mappings of the internal endpoint.
  [[nodiscard]] bool change(MappingId id, std::optional<Mapping> after);
  /// Who follows as primary; nothing when nobody can.
  [[nodiscard]] std::optional<MappingId> heir_of(const Mapping& primary,
                                                 bool only_with_doors) const;
  /// Must not be refused.
  void make_primary(MappingId id, bool is_primary);
  /// Changes one mapping and no other: replaces, adds (nothing there yet) or removes (nothing
  /// to put), remembers how it was before the turn, and keeps the indexes. False, and nothing done,
  /// when a refused door would change.
  [[nodiscard]] bool stage(MappingId id, std::optional<Mapping> after);
  [[nodiscard]] bool is_refused(const Mapping* before, const Mapping* after) const;
  void note_cause(MappingId id);
  [[nodiscard]] TableEvent::Cause cause_of(MappingId id) const;
  /// As they stand now: a mapping and the others of its internal endpoint, one of which may follow
  /// it as primary.
  void remember(const Mapping& mapping, std::map<MappingId, Entry>& entries) const;
  /// Makes those mappings what they were when so many had been touched.
  void put_back(std::map<MappingId, Entry> entries, std::size_t touched);
  /// `place`: where the mapping is, or the end. Returns what stood there.
  std::optional<Standing> put(MappingId id, Entries::iterator place,
                              std::optional<Standing> standing);
  void link(Entry& entry, Moment due);
  void unlink(const Entry& entry);
  void link_internal(const Mapping& mapping);
  void unlink_internal(const Mapping& mapping);
  void schedule(Entry& entry, Moment due);
  /// Leaves out of the queue what is gone, when that is most of it.
  void tidy_queue();
  /// Forgets the order of mappings that are gone, when they are most.
  void tidy_order();
  /// When expire() must look at the mapping: when its first claim is due, or a while from now when
  /// the firewall refused that.
  [[nodiscard]] Moment due_of(const Mapping& mapping) const;

  /// The mapping that a wish is about; nothing when there is none yet.
  [[nodiscard]] const Mapping* existing_for(const MapRequest& request) const;
  /// What request() would do.
  [[nodiscard]] Result<Decision, Denial> decide(const MapRequest& request, Moment now,
                                                Random& random) const;
  /// Leaves of the permission what its rules' quotas, and the limit of a client, let this client
  /// have of new mappings. An error when what the wish needs is not among it.
  [[nodiscard]] Result<void, Denial> find_room(Permission& permission, const MapRequest& request,
                                               const Mapping* existing) const;
  /// With whom the client of a new claim counts, if they all together may have one more. Asks for
  /// the MAC address of who has none yet.
  [[nodiscard]] Result<std::optional<Station>, MapError> find_room_at_station(
      const MapRequest& request, const Mapping* existing) const;
  /// Takes out the shares of rules of which the client has as many mappings as it may have. Returns
  /// the ports that went, and the first such rule.
  [[nodiscard]] std::pair<PortSet, RuleIndex> take_full_shares(Permission& permission,
                                                               const Address& client,
                                                               const Mapping* existing) const;
  /// On how many mappings the client has a claim by this rule. O(m) for its m mappings.
  [[nodiscard]] std::size_t count_by(RuleIndex rule, const Address& client) const;
  /// The error with the rule that decided it, if one did.
  [[nodiscard]] Denial blame(MapError error, const MapRequest& request) const;
  /// The mapping's claims as the policy has them now: fewer, or with shorter leases, or by another
  /// rule.
  [[nodiscard]] Mapping judged_anew(const Mapping& mapping, Moment now) const;
  /// The same for one of its claims; nothing when the policy does not allow it any more.
  [[nodiscard]] std::optional<Claim> judged_anew(const Mapping& mapping, Claim claim,
                                                 Moment now) const;
  [[nodiscard]] Result<Mapping, MapError> new_mapping(const MapRequest& request,
                                                      const PortSet& permitted, Moment now,
                                                      Random& random) const;
  /// Of an IPv4 mapping.
  [[nodiscard]] Result<Endpoint, MapError> choose_external(const MapRequest& request,
                                                           const PortSet& permitted, Moment now,
                                                           Random& random) const;
  [[nodiscard]] Result<Address, MapError> choose_address(const MapRequest& request) const;
  [[nodiscard]] bool has_external_address(const Address& address) const;
  /// Whether filters and remote peers are few enough, now that the mapping has these. O(m) for the
  /// m mappings of the client.
  [[nodiscard]] Result<void, MapError> find_room_for_filters(const Mapping* before,
                                                             const Mapping& after) const;
  [[nodiscard]] Mapping new_static(const StaticMapping& wanted, const Mapping* earlier,
                                   Moment now) const;
  [[nodiscard]] Result<void, MapError> restore(Mapping mapping, Moment now);
  /// The one that was primary in the earlier run is again, also before one of the configuration,
  /// which was put there first: what its inside sends keeps its port. Must not be refused.
  void prefer(MappingId id);
  [[nodiscard]] bool is_known(const Address& host) const {
    return host.is_v4() ? known_links_.v4 : known_links_.v6;
  }
  [[nodiscard]] Result<void, MapError> drop_claim(const Mapping& mapping, const Claimant& claimant,
                                                  const std::optional<Nonce>& nonce = {});
  void adopt(Mapping mapping, Moment ends, Moment now);
  [[nodiscard]] bool is_linked(const Entry& entry) const;
  [[nodiscard]] bool is_linked_internally(const Mapping& mapping) const;
  [[nodiscard]] bool is_listing_consistent() const;
  [[nodiscard]] bool holds_its_port(const Mapping& mapping) const;

  Policy policy_;
  Capabilities can_;
  Random random_;
  PortAllocator ports_;
  std::vector<Address> external_addresses_;
  KnownLinks known_links_;

  Entries mappings_;
  /// IPv4 mappings.
  FlatIndex<Mapping, ExternalPortOf, PortHash> by_external_port_;
  /// Of each internal endpoint the primary mapping …
  FlatIndex<Mapping, InternalOf, PortKeyHash> by_internal_;
  /// … and the others, if it has any.
  std::unordered_map<PortKey, std::set<MappingId>, PortKeyHash> others_of_internal_;
  ClientIndex clients_;
  /// Those that the configuration wants.
  std::set<MappingId> static_;
  ExpiryQueue queue_;
  /// IPv4 mappings.
  CreationOrder order_;
  /// Filters and remote peers on all mappings together.
  std::size_t filters_ = 0;
  std::size_t pinholes_ = 0;
  MappingId next_id_ = 1;
  /// The moment of the last expire(), and of the last one before this turn.
  Moment expired_until_{};
  Moment expired_before_turn_{};

  /// Why mappings change just now.
  TableEvent::Cause cause_ = TableEvent::Cause::asked;
  /// Of the mappings that this turn touched, the last cause; those that are missing here were asked
  /// for.
  std::unordered_map<MappingId, TableEvent::Cause> causes_;
  /// The mappings that this turn touched, as they were before it; each once.
  std::vector<std::pair<MappingId, std::optional<Standing>>> before_turn_;
  std::unordered_set<DoorKey> refused_;
  bool refuse_all_ = false;
  /// The policy that this turn has put out of force.
  std::optional<Policy> policy_before_turn_;
  std::vector<Refusal> refusals_;
};

}  // namespace postern
