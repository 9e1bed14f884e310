#include "daemon/store_contents.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "protocols/pcp/utf8.h"

namespace postern {
namespace {

/// As many as there are ports of two protocols for each of two families; a file that holds more is
/// none of ours.
constexpr std::size_t kMostRows = 4 * 65535;
constexpr std::size_t kLongestDescription = 1024;
/// Further away no clock gets, and sums of two stay in range.
constexpr std::int64_t kFarthestMoment = std::int64_t{1} << 52;
constexpr Seconds kLongestLease{366 * 86400};
/// The clock may be read before what is granted in the same turn.
constexpr Seconds kSlack{60};

/// A mapping whose claims and filters are still to come.
struct Unfinished {
  Mapping mapping;
  std::int64_t filter_count = 0;
};
using Found = std::map<MappingId, Unfinished>;

/// The columns of one row from left to right. What cannot be makes the row bad, and is read as
/// nothing.
class Row {
 public:
  explicit Row(const StoreStatement& statement) : statement_(statement) {}

  [[nodiscard]] bool is_good() const { return is_good_; }
  void expect(bool is_so) { is_good_ = is_good_ && is_so; }

  [[nodiscard]] std::int64_t number(std::int64_t least, std::int64_t most) {
    expect(!statement_.is_null(column_));
    const auto value = statement_.number(column_++);
    expect(value >= least && value <= most);
    return std::clamp(value, least, most);
  }
  [[nodiscard]] bool boolean() { return number(0, 1) == 1; }
  [[nodiscard]] Moment moment() {
    return Moment(Milliseconds(number(-kFarthestMoment, kFarthestMoment)));
  }
  [[nodiscard]] std::string text() { return statement_.text(column_++); }
  [[nodiscard]] Address address() {
    const auto parsed = Address::parse(text());
    expect(parsed.has_value());
    return parsed.value_or(Address());
  }
  /// One that a single host can have.
  [[nodiscard]] Address host() {
    const auto found = address();
    expect(!found.is_unspecified() && !found.is_multicast() && !found.is_limited_broadcast());
    return found;
  }
  [[nodiscard]] std::uint16_t port(std::uint16_t least) {
    return static_cast<std::uint16_t>(number(least, 65535));
  }
  /// Where a mapping leads to.
  [[nodiscard]] Endpoint inside() {
    const auto address = host();
    return {address, port(1)};
  }
  /// Where it leads from: a mapping may wait for an external address.
  [[nodiscard]] Endpoint outside() {
    const auto found = address();
    expect(!found.is_multicast() && !found.is_limited_broadcast());
    return {found, port(1)};
  }
  /// Whether the next column has a value; if not, `columns` are passed over.
  [[nodiscard]] bool has_next(int columns) {
    if (!statement_.is_null(column_)) return true;
    column_ += columns;
    return false;
  }
  [[nodiscard]] std::span<const std::uint8_t> octets() { return statement_.octets(column_++); }

 private:
  const StoreStatement& statement_;
  int column_ = 0;
  bool is_good_ = true;
};

[[nodiscard]] bool is_printable(const std::string& text) {
  return pcp::is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

void read_meta(StoreDatabase& database, StoreMeta& meta) {
  StoreStatement statement(database,
                           "SELECT boot_id, moment, wall_ms, mark, external_addresses, epoch,"
                           " pinhole_epoch FROM meta");
  if (!statement.next()) return;
  Row row(statement);
  meta.boot_id = row.text();
  meta.written = {row.moment(), row.number(0, kFarthestMoment)};
  meta.mark = static_cast<StoreMark>(row.number(0, 2));
  EpochStarts epochs;
  const auto addresses = row.text();
  std::string_view rest = addresses;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    const auto address = Address::parse(rest.substr(0, end));
    row.expect(address.has_value());
    if (address) epochs.external_addresses.push_back(*address);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (row.has_next(2)) {
    epochs.epoch = row.moment();
    epochs.pinhole_epoch = row.moment();
    meta.epochs = std::move(epochs);
  }
  // Without it nothing is known of then.
  if (!row.is_good()) meta = {};
}

void read_mappings(StoreDatabase& database, Found& found, std::size_t& left_out) {
  StoreStatement statement(database,
                           "SELECT id, protocol, internal_address, internal_port,"
                           " external_address, external_port, created, is_primary, filters"
                           " FROM mapping ORDER BY id");
  std::set<std::tuple<Protocol, Endpoint>> taken;
  while (found.size() < kMostRows && statement.next()) {
    Row row(statement);
    Unfinished unfinished;
    auto& mapping = unfinished.mapping;
    mapping.id = static_cast<MappingId>(row.number(1, kFarthestMoment));
    mapping.protocol = static_cast<Protocol>(row.number(6, 17));
    row.expect(mapping.protocol == Protocol::tcp || mapping.protocol == Protocol::udp);
    mapping.internal = row.inside();
    mapping.external = row.outside();
    row.expect(mapping.internal.address.is_v4() == mapping.external.address.is_v4());
    row.expect(!mapping.is_pinhole() || mapping.internal == mapping.external);
    mapping.created = row.moment();
    mapping.is_primary = row.boolean();
    unfinished.filter_count = row.number(0, kMostNormalizedFilters);
    if (row.is_good() && taken.emplace(mapping.protocol, mapping.external).second) {
      found.emplace(mapping.id, std::move(unfinished));
    } else {
      ++left_out;
    }
  }
}

[[nodiscard]] Claimant read_claimant(Row& row, std::span<const std::string_view> frontends) {
  Claimant claimant;
  const auto name = row.text();
  const auto known = std::find(frontends.begin(), frontends.end(), name);
  claimant.frontend = known == frontends.end() ? kRecovered : *known;
  claimant.client = row.host();
  const bool has_remote = row.has_next(2);
  if (has_remote) {
    const auto remote = row.address();
    claimant.remote = Endpoint{remote, row.port(0)};
  }
  claimant.admits_remote = row.boolean();
  row.expect(has_remote || !claimant.admits_remote);
  // Whom the inside speaks to has an address and a port.
  const bool is_outbound = has_remote && !claimant.admits_remote;
  row.expect(!is_outbound ||
             (!claimant.remote->address.is_unspecified() && claimant.remote->port != 0));
  return claimant;
}

[[nodiscard]] ClaimDetails read_details(Row& row) {
  ClaimDetails details;
  if (row.has_next(1)) {
    const auto octets = row.octets();
    Nonce nonce;
    row.expect(octets.size() == nonce.octets.size());
    std::copy_n(octets.begin(), std::min(octets.size(), nonce.octets.size()), nonce.octets.begin());
    details.nonce = nonce;
  }
  details.description = row.text();
  if (details.description.size() > kLongestDescription || !is_printable(details.description)) {
    details.description.clear();
  }
  if (row.has_next(1)) details.tag = row.port(0);
  if (row.has_next(6)) {
    Contact contact;
    contact.interface_index = static_cast<std::uint32_t>(row.number(0, 0x7fffffff));
    contact.gateway.address = row.address();
    contact.gateway.port = row.port(0);
    contact.asker.address = row.address();
    contact.asker.port = row.port(0);
    contact.answered = row.moment();
    details.contact = contact;
  }
  return details;
}

/// Whether the mapping may have this claim beside those that it has. No lease ends later than it
/// could have been granted when all this was written.
[[nodiscard]] bool can_have(const Mapping& mapping, const Claim& claim, Moment written) {
  const auto& [claimant, lease] = std::tie(claim.claimant, claim.lease);
  const bool is_of_family =
      !claimant.remote || claimant.remote->address.is_v4() == mapping.internal.address.is_v4();
  const bool is_inbound = claimant.is_inbound();
  const auto longest =
      claimant.frontend == kRecovered ? kLongestLease : std::max(lease.granted, kPermanentHold);
  return is_of_family && !mapping.claim_of(claimant) &&
         (is_inbound || (claim.is_enabled && !claim.is_filtering && !lease.is_permanent)) &&
         lease.ends <= written + longest + kSlack;
}

void read_claims(StoreDatabase& database, std::span<const std::string_view> frontends,
                 Moment written, Found& found, std::size_t& left_out) {
  StoreStatement statement(
      database,
      "SELECT mapping, frontend, client, remote_address, remote_port, admits_remote, granted,"
      " ends, is_permanent, reserves_companion, is_filtering, is_enabled, nonce, description, tag,"
      " contact_interface, contact_gateway_address, contact_gateway_port, contact_asker_address,"
      " contact_asker_port, contact_answered FROM claim ORDER BY mapping, position");
  while (statement.next()) {
    Row row(statement);
    const auto mapping = found.find(static_cast<MappingId>(row.number(1, kFarthestMoment)));
    Claim claim;
    claim.claimant = read_claimant(row, frontends);
    claim.lease.granted = Seconds(row.number(0, kLongestLease.count()));
    claim.lease.ends = row.moment();
    claim.lease.is_permanent = row.boolean();
    claim.reserves_companion = row.boolean();
    claim.is_filtering = row.boolean();
    claim.is_enabled = row.boolean();
    claim.details = SharedDetails(read_details(row));
    if (row.is_good() && mapping != found.end() &&
        can_have(mapping->second.mapping, claim, written)) {
      mapping->second.mapping.claims.push_back(std::move(claim));
    } else {
      ++left_out;
    }
  }
}

void read_filters(StoreDatabase& database, Found& found, std::size_t& left_out) {
  StoreStatement statement(database,
                           "SELECT mapping, remote, first_port, last_port FROM filter"
                           " ORDER BY mapping, position");
  while (statement.next()) {
    Row row(statement);
    const auto mapping = found.find(static_cast<MappingId>(row.number(1, kFarthestMoment)));
    const auto remote = Prefix::parse(row.text());
    const auto first = row.port(0);
    const auto last = row.port(first);
    if (!row.is_good() || !remote || mapping == found.end() ||
        remote->network().is_v4() != mapping->second.mapping.internal.address.is_v4()) {
      ++left_out;
      continue;
    }
    mapping->second.mapping.filters.push_back({*remote, first, last});
  }
}

}  // namespace

StoreContents read_contents(StoreDatabase& database, std::span<const std::string_view> frontends) {
  StoreContents contents;
  read_meta(database, contents.meta);
  Found found;
  read_mappings(database, found, contents.left_out);
  read_claims(database, frontends, contents.meta.written.moment, found, contents.left_out);
  read_filters(database, found, contents.left_out);
  for (auto& [id, unfinished] : found) {
    auto& mapping = unfinished.mapping;
    // One filter less may be all the difference between some and everybody.
    const auto filter_count = static_cast<std::int64_t>(mapping.filters.size());
    const bool may_filter = mapping.filters.empty() || mapping.has_filtering_claim();
    if (mapping.claims.empty() || filter_count != unfinished.filter_count || !may_filter) {
      ++contents.left_out;
      continue;
    }
    contents.mappings.push_back(std::move(mapping));
  }
  return contents;
}

void shift_moments(StoreContents& contents, Milliseconds added) {
  if (added == Milliseconds(0)) return;
  if (auto& epochs = contents.meta.epochs) {
    epochs->epoch += added;
    epochs->pinhole_epoch += added;
  }
  for (auto& mapping : contents.mappings) {
    mapping.created += added;
    for (auto& claim : mapping.claims) {
      claim.lease.ends += added;
      if (!claim.details->contact) continue;
      auto details = *claim.details;
      details.contact->answered += added;
      claim.details = SharedDetails(std::move(details));
    }
  }
}

}  // namespace postern
