#include "daemon/store_history.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "core/endpoint.h"
#include "daemon/event_cause.h"

namespace postern {
namespace {

constexpr std::size_t kMostWaiting = 2000;
constexpr std::size_t kMostRefusalsWaiting = 500;
constexpr Seconds kPauseOfARefusal{3600};
constexpr std::size_t kMostRefusals = 1024;
constexpr std::size_t kMostClients = 1024;
constexpr std::string_view kRefused = "refused";

/// The claim that was made or renewed last. There is one.
[[nodiscard]] const Claim& youngest_lease(const std::vector<Claim>& claims) {
  return *std::max_element(
      claims.rbegin(), claims.rend(), [](const Claim& left, const Claim& right) {
        return left.lease.ends - left.lease.granted < right.lease.ends - right.lease.granted;
      });
}

}  // namespace

bool StoreHistory::Bucket::has_room(const Rate& rate, Moment now) const {
  return std::max(paid, now) - now + rate.pause <= rate.burst * rate.pause;
}

void StoreHistory::Bucket::take(const Rate& rate, Moment now) {
  paid = std::max(paid, now) + rate.pause;
}

void StoreHistory::note(const TableEvent& event, std::string_view rule, Moment now,
                        std::int64_t wall_ms) {
  using Kind = TableEvent::Kind;
  if (!is_kept_) return;
  const auto& mapping = event.mapping;
  const auto admit = [&](Kind kind, const Claimant& claimant, std::string_view its_rule) {
    const bool is_renewal = kind == Kind::renewed;
    auto& bucket = is_renewal ? renewals_ : events_;
    const auto& rate = is_renewal ? kRenewals : kEvents;
    if (!bucket.has_room(rate, now)) {
      ++left_out_;
      return;
    }
    bucket.take(rate, now);
    HistoryEntry entry;
    entry.wall_ms = wall_ms;
    entry.event = to_string(kind);
    entry.why = to_string(event.cause);
    entry.frontend = claimant.frontend;
    entry.client = claimant.client.to_string();
    entry.protocol = to_string(mapping.protocol);
    entry.internal = to_string(mapping.internal);
    entry.external = to_string(mapping.external);
    entry.rule = its_rule;
    add(std::move(entry));
  };
  if (!goes_without_saying(event.cause)) {
    for (const auto& claim : event.dropped) admit(Kind::closed, claim.claimant, "");
  }
  const bool is_again_there =
      event.kind == Kind::opened && event.cause == TableEvent::Cause::restored;
  if (is_again_there) return;
  const auto& claims = mapping.claims;
  if (event.kind == Kind::renewed) {
    // Who gave a claim back has renewed nothing, nor has who changed the mapping for a client.
    const bool is_renewal = event.cause == TableEvent::Cause::asked && event.dropped.empty();
    if (!is_renewal || claims.empty()) return;
    const auto& renewed = youngest_lease(claims);
    admit(event.kind, renewed.claimant, &renewed == &claims.back() ? rule : "");
    return;
  }
  for (auto claim = claims.begin(); claim != claims.end(); ++claim) {
    const auto is_of_client = [&](const Claim& one) {
      return one.claimant.client == claim->claimant.client;
    };
    const auto younger = std::next(claim);
    if (std::any_of(younger, claims.end(), is_of_client)) continue;
    admit(event.kind, claim->claimant, younger == claims.end() ? rule : "");
  }
}

void StoreHistory::note(const Refusal& refusal, Moment now, std::int64_t wall_ms) {
  if (!is_kept_) return;
  HistoryEntry entry;
  entry.wall_ms = wall_ms;
  entry.event = kRefused;
  entry.why = refusal.why();
  entry.frontend = refusal.claimant.frontend;
  entry.client = refusal.claimant.client.to_string();
  if (refusal.protocol) entry.protocol = to_string(*refusal.protocol);
  entry.internal = to_string(refusal.internal);
  if (refusal.suggested_external_port != 0) {
    entry.external = std::to_string(refusal.suggested_external_port);
  }
  entry.rule = refusal.rule;
  const std::string same = entry.why + ' ' + entry.frontend + ' ' + entry.client + ' ' +
                           entry.protocol + ' ' + entry.internal + ' ' + entry.rule;
  if (was_noted(same, now)) return;
  if (!admit_refusal(entry.client, now)) {
    ++left_out_;
    return;
  }
  add(std::move(entry));
}

bool StoreHistory::admit_refusal(const std::string& client, Moment now) {
  // First, so that without room in it nothing is remembered and nothing looked for.
  if (!all_refusals_.has_room(kRefusals, now)) return false;
  auto found = refusals_of_.find(client);
  if (found == refusals_of_.end()) {
    if (refusals_of_.size() >= kMostClients) {
      std::erase_if(refusals_of_, [now](const auto& one) { return one.second.paid <= now; });
    }
    const bool is_full = refusals_of_.size() >= kMostClients;
    found = refusals_of_.try_emplace(is_full ? std::string() : client).first;
  }
  if (!found->second.has_room(kRefusalsOfOne, now)) return false;
  found->second.take(kRefusalsOfOne, now);
  all_refusals_.take(kRefusals, now);
  return true;
}

bool StoreHistory::was_noted(const std::string& refusal, Moment now) {
  const auto noted = refusals_.find(refusal);
  if (noted != refusals_.end()) {
    if (now - noted->second < kPauseOfARefusal) return true;
    noted->second = now;
    return false;
  }
  // Whoever is refused a thousand different things gets more rows; the burst bounds them, too.
  if (refusals_.size() >= kMostRefusals) refusals_.clear();
  refusals_.emplace(refusal, now);
  return false;
}

void StoreHistory::add(HistoryEntry entry) {
  const bool is_refusal = entry.event == kRefused;
  const bool is_too_much = is_refusal ? waiting_refusals_ >= kMostRefusalsWaiting
                                      : waiting_.size() - waiting_refusals_ >= kMostWaiting;
  if (is_too_much) {
    ++left_out_;
    return;
  }
  if (is_refusal) ++waiting_refusals_;
  waiting_.push_back(std::move(entry));
}

std::vector<HistoryEntry> StoreHistory::take() {
  waiting_refusals_ = 0;
  return std::exchange(waiting_, {});
}

void StoreHistory::give_back(std::vector<HistoryEntry> entries) {
  auto younger = take();
  for (auto* rows : {&entries, &younger}) {
    for (auto& entry : *rows) add(std::move(entry));
  }
}

}  // namespace postern
