#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/endpoint.h"
#include "core/protocol.h"
#include "core/remote_filter.h"
#include "core/time.h"

namespace postern {

/// Names one mapping for as long as it lives; never used again by the same process.
using MappingId = std::uint64_t;

/// How long a claim was granted, and when that ends.
struct Lease {
  Seconds granted{0};
  Moment ends{};

  friend bool operator==(const Lease&, const Lease&) = default;
};

/// The frontend of claims that were found in the firewall at start. Any request of the same client
/// takes such a claim over.
inline constexpr std::string_view kRecovered = "recovered";

/// Who asks. One client has at most one claim of each frontend on a mapping.
struct Claimant {
  /// The frontend's own name constant, which lives as long as the program.
  std::string_view frontend;
  /// The address the request came from.
  Address client;

  friend bool operator==(const Claimant&, const Claimant&) = default;
};

/// Who asked for a mapping, and until when. A mapping lives while any claim on it lives.
struct Claim {
  Claimant claimant;
  Lease lease;
  /// Keeps the same external port of the other protocol for this mapping's internal address
  /// (RFC 6886 §3.3).
  bool reserves_companion = false;

  friend bool operator==(const Claim&, const Claim&) = default;
};

/// An external endpoint whose traffic goes to an internal endpoint. Never without a claim.
///
/// An IPv6 mapping is a pinhole: nothing is translated, and both endpoints are the same.
struct Mapping {
  MappingId id = 0;
  Protocol protocol = Protocol::udp;
  Endpoint internal;
  /// The address that packets from outside carry as their destination when they reach this machine.
  Endpoint external;
  Moment created{};
  std::vector<Claim> claims;
  /// Which remote peers may use it; normalized.
  RemoteFilters filters = {};
  /// Of several IPv4 mappings of one internal endpoint, exactly the oldest has this: with its
  /// external endpoint leaves what the internal endpoint sends.
  bool is_oldest_of_internal = false;

  [[nodiscard]] bool is_pinhole() const { return !internal.address.is_v4(); }
  /// When the last claim ends, and with it the mapping.
  [[nodiscard]] Moment ends() const;
  /// When the first claim ends.
  [[nodiscard]] Moment first_claim_ends() const;
  [[nodiscard]] bool reserves_companion() const;

  friend bool operator==(const Mapping&, const Mapping&) = default;
};

}  // namespace postern
