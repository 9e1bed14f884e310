#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/endpoint.h"
#include "core/nonce.h"
#include "core/protocol.h"
#include "core/remote_filter.h"
#include "core/time.h"

namespace postern {

/// Names one mapping for as long as it lives; never used again by the same process.
using MappingId = std::uint64_t;

/// Names one rule of the policy that is in force.
using RuleIndex = std::uint16_t;
inline constexpr RuleIndex kNoRule = 0xffff;

/// Which of the configured limits a lifetime is cut to: see Limits.
enum class LifetimeLimit : std::uint8_t { max_lifetime, max_lease };

/// For how long the firewall is told to hold a permanent claim's doors; they are prolonged when
/// half of it is over. So those doors end, too, when the daemon is dead.
inline constexpr Seconds kPermanentHold{3600};

/// How long a claim was granted, and when that ends.
struct Lease {
  /// 0 for a permanent one.
  Seconds granted{0};
  /// Of a permanent one: when it ends unless it is prolonged, which the table does.
  Moment ends{};
  /// Has no end of its own (UPnP IGD:1, lease 0).
  bool is_permanent = false;

  /// When the table must do something about it: end or prolong it.
  [[nodiscard]] Moment due() const { return is_permanent ? ends - kPermanentHold / 2 : ends; }
  friend bool operator==(const Lease&, const Lease&) = default;
};

/// The frontend of claims that were found in the firewall at start. Any request of the same client
/// takes such a claim over.
inline constexpr std::string_view kRecovered = "recovered";

/// The frontends of claims of the administrator, which have no end and which no client can take
/// back: from the configuration, and by command.
inline constexpr std::string_view kStatic = "static";
inline constexpr std::string_view kOperator = "operator";

/// Who asks, and for whose sake. A mapping has at most one claim of each claimant.
struct Claimant {
  /// The frontend's own name constant, which lives as long as the program.
  std::string_view frontend;
  /// The host that the mapping is for, which is the one that asked unless it let another one ask.
  Address client;
  /// The one remote peer that the claim is for (RFC 6887 §12, PEER). Nothing: it is for whoever
  /// comes from outside, as far as the mapping's filters let him in.
  std::optional<Endpoint> remote = {};
  /// Whether `remote` is who may come in, and not whom the inside speaks to (UPnP IGD, AddPinhole).
  /// Then :: and port 0 stand for any, and the mapping's filters do not matter to the claim.
  bool admits_remote = false;

  /// Whether the mapping shall let in whom the inside does not speak to.
  [[nodiscard]] bool is_inbound() const { return !remote || admits_remote; }
  [[nodiscard]] bool is_administrator() const {
    return frontend == kStatic || frontend == kOperator;
  }
  /// Whom `remote` names.
  [[nodiscard]] std::optional<RemoteFilter> remote_filter() const;
  friend bool operator==(const Claimant&, const Claimant&) = default;
};

/// Between which endpoints the last answer about a claim went, for news about it goes the same way
/// (RFC 6887 §14.2).
struct Contact {
  /// The LAN interface's number.
  std::uint32_t interface_index = 0;
  Endpoint gateway;
  Endpoint asker;
  Moment answered{};

  friend bool operator==(const Contact&, const Contact&) = default;
};

/// What claims of some protocols have, and NAT-PMP's never.
struct ClaimDetails {
  /// Only who knows it may renew the claim or take it back.
  std::optional<Nonce> nonce = {};
  /// The client's own words, for whoever looks at the mapping. UTF-8.
  std::string description = {};
  std::optional<Contact> contact = {};
  /// A number of the frontend's own, by which it knows the claim.
  std::optional<std::uint16_t> tag = {};

  friend bool operator==(const ClaimDetails&, const ClaimDetails&) = default;
};

/// Details that copies of a claim share. Renewals copy claims several times, and most have none.
class SharedDetails {
 public:
  /// Details of which each is empty. They take no room.
  SharedDetails() = default;
  explicit SharedDetails(ClaimDetails details);

  [[nodiscard]] const ClaimDetails& operator*() const;
  [[nodiscard]] const ClaimDetails* operator->() const { return &**this; }
  friend bool operator==(const SharedDetails& left, const SharedDetails& right) {
    return left.details_ == right.details_ || *left == *right;
  }

 private:
  /// Null: all empty.
  std::shared_ptr<const ClaimDetails> details_;
};

/// Who asked for a mapping, and until when. A mapping lives while any claim on it lives.
struct Claim {
  Claimant claimant;
  Lease lease;
  /// Keeps the same external port of the other protocol for this mapping's internal address
  /// (RFC 6886 §3.3).
  bool reserves_companion = false;
  /// The mapping's filters are there for its sake, and go with the last such claim. Only of inbound
  /// claims.
  bool is_filtering = false;
  /// Whether the mapping shall work for its sake (UPnP IGD, NewEnabled). Only an inbound claim may
  /// be without.
  bool is_enabled = true;
  SharedDetails details = {};
  /// What its lease is cut to. (The laxer one where that is not known, of an earlier run's.)
  LifetimeLimit lifetime_limit = LifetimeLimit::max_lease;
  /// The rule that allows it; kNoRule: none was asked, or who the client is was not known then.
  RuleIndex rule = kNoRule;

  /// Whatever the policy made of them: that another rule allows the same is no news about a claim.
  friend bool operator==(const Claim& left, const Claim& right) {
    const auto told = [](const Claim& claim) {
      return std::tie(claim.claimant, claim.lease, claim.reserves_companion, claim.is_filtering,
                      claim.is_enabled, claim.details);
    };
    return told(left) == told(right);
  }
};

/// An external endpoint whose traffic goes to an internal endpoint, and the other way round. Never
/// without a claim.
///
/// An IPv6 mapping is a pinhole: nothing is translated, and both endpoints are the same.
struct Mapping {
  MappingId id = 0;
  Protocol protocol = Protocol::udp;
  Endpoint internal;
  /// The address that packets from outside carry as their destination when they reach this machine.
  /// 0.0.0.0 for one of the administrator's that came while there was none.
  Endpoint external;
  Moment created{};
  std::vector<Claim> claims;
  /// Which remote peers may use it, as they were asked for. Empty: everybody, if there is an
  /// inbound claim. The peers of other claims may use it besides.
  RemoteFilters filters = {};
  /// Of the IPv4 mappings of one internal endpoint, exactly one has this: with its external
  /// endpoint leaves what the internal endpoint sends. It is the one that came first and keeps this
  /// while it has doors; then the oldest of the others that have doors follows. It is without doors
  /// only when all are.
  bool is_primary = false;

  [[nodiscard]] bool is_pinhole() const { return !internal.address.is_v4(); }
  /// When the last claim ends, and with it the mapping.
  [[nodiscard]] Moment ends() const;
  /// When the first claim ends, or a permanent one is to be prolonged.
  [[nodiscard]] Moment first_due() const;
  /// Whether any claim is enabled and there is an external address: otherwise the mapping keeps its
  /// port and lets nothing through.
  [[nodiscard]] bool has_doors() const;
  /// When the last enabled claim ends. Only of a mapping that has doors.
  [[nodiscard]] Moment doors_end() const;
  [[nodiscard]] bool reserves_companion() const;
  [[nodiscard]] bool has_inbound_claim() const;
  [[nodiscard]] bool has_enabled_inbound_claim() const;
  /// Whether lists of port mappings name it (UPnP IGD): no pinholes, nothing that is only there for
  /// remote peers.
  [[nodiscard]] bool is_listed() const { return !is_pinhole() && has_inbound_claim(); }
  [[nodiscard]] bool has_filtering_claim() const;
  /// Whether the administrator wants it, so that clients cannot change it.
  [[nodiscard]] bool is_administered() const;
  /// Whether the client asked for it, or let another one ask.
  [[nodiscard]] bool has_claim_of(const Address& client) const;
  /// Nothing when this claimant has none.
  [[nodiscard]] const Claim* claim_of(const Claimant& claimant) const;
  /// How many claims name a remote peer.
  [[nodiscard]] std::size_t remote_count() const;
  /// Who may come in: what its doors let through. Normalized. Only of a mapping that has doors.
  [[nodiscard]] RemoteFilters admitted() const;

  friend bool operator==(const Mapping&, const Mapping&) = default;
};

/// Ends the claims that have an end of their own and have reached it, and prolongs those that have
/// none and are due.
void end_or_prolong(std::vector<Claim>& claims, Moment now);

}  // namespace postern
