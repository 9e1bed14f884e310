#include "core/gateway.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/append.h"
#include "core/ingress.h"

namespace postern {
namespace {

/// A rebuild costs time for every door there is, so clients must not be able to cause many.
constexpr Seconds kRebuildPause{1};
/// Somebody who keeps changing our table must not keep us from the clients.
constexpr Milliseconds kRepairPause{100};
/// Looking for connections costs time for each there is, so doors of a short while share one look.
/// Half of the 50 ms within which a closed door is to be quiet.
constexpr Milliseconds kPurgeDelay{25};

}  // namespace

Gateway::Gateway(GatewayOptions options, FirewallBackend& backend, FlowTable& flows,
                 DatagramFrontend& frontend, Moment now, HttpFrontend* http)
    : backend_(backend),
      flows_(flows),
      frontend_(frontend),
      http_(http),
      multicast_groups_(std::move(options.multicast_groups)),
      keeps_established_tcp_(options.keeps_established_tcp),
      limiter_(options.requests_per_second),
      static_mappings_(std::move(options.static_mappings)),
      state_{{},
             ExternalAddress(options.external_address),
             Epoch(now),
             Epoch(now),
             MappingTable(std::move(options.policy), backend.capabilities(), options.random_seed)},
      hosts_(options.host_grace) {}

Result<Turn, BackendError> Gateway::start(const Network& network, const StoredState& stored,
                                          Moment now) {
  const auto is_set_up = backend_.is_set_up();
  if (!is_set_up) return fail(is_set_up.error());
  auto doors = backend_.open_doors(now);
  if (!doors) return fail(doors.error());
  const FoundDoors found{*is_set_up, std::move(*doors)};
  adopt_network(network);
  Turn turn;
  const auto restored = restore(stored, found, now, turn);
  continue_epochs(stored, found, restored.is_whole);
  if (const auto rebuilt = rebuild(now, turn); !rebuilt) return fail(rebuilt.error());
  note_gone(stored, restored.found_closed, turn);
  purge_strays(turn);
  tell_frontends(GatewayEvent::started, now);
  send_due_announcements(now, turn);
  return turn;
}

Turn Gateway::on_datagrams(std::span<const IncomingDatagram> datagrams, Moment now) {
  std::vector<const IncomingDatagram*> accepted;
  for (const auto& datagram : datagrams) {
    const auto ingress =
        check_ingress(datagram, state_.network, state_.table.policy(), multicast_groups_);
    if (ingress != Ingress::accepted) {
      ++counters_.dropped[to_string(ingress)];
    } else if (!limiter_.admit(datagram.interface_index, datagram.source.address, now)) {
      ++counters_.dropped[kTooFast];
    } else {
      accepted.push_back(&datagram);
    }
  }

  Turn turn;
  std::vector<Handled> handled(accepted.size());
  const auto decide = [&] {
    for (std::size_t i = 0; i < accepted.size(); ++i) {
      if (!handled[i].is_final) handled[i] = frontend_.on_datagram(*accepted[i], state_, now);
    }
  };
  run_turn(decide, now, turn);
  for (auto& one : handled) {
    ++counters_.requests[{one.frontend, one.request, one.outcome}];
    if (one.reply) turn.send.push_back(std::move(*one.reply));
    const bool is_room = turn.refusals.size() < MappingTable::kMostRefusals;
    if (one.refusal && is_room) turn.refusals.push_back(std::move(*one.refusal));
  }
  return turn;
}

Turn Gateway::on_firewall_changed(std::string_view reason, Moment now) {
  Turn turn;
  repair_reason_ = reason;
  doors_were_shut_ = true;
  if (now < next_repair_) {
    if (!rebuild_at_ || *rebuild_at_ > next_repair_) rebuild_at_ = next_repair_;
  } else {
    (void)rebuild(now, turn);
  }
  return turn;
}

void Gateway::on_occupied_ports(const OccupiedPorts& occupied) {
  state_.table.set_occupied_ports(occupied);
}

Turn Gateway::on_timeout(Moment now) {
  Turn turn;
  if (purge_at_ && *purge_at_ <= now) purge_flows(turn);
  if (rebuild_at_ && *rebuild_at_ <= now) (void)rebuild(now, turn);
  run_turn([] {}, now, turn);
  end_hosts_that_went(now, turn);
  send_due_announcements(now, turn);
  return turn;
}

std::optional<Moment> Gateway::next_timeout() const {
  std::optional<Moment> next;
  for (const auto& due :
       {state_.table.next_expiry(), frontend_.next_timeout(),
        http_ ? http_->next_timeout() : std::nullopt, rebuild_at_, purge_at_, hosts_.next()}) {
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

void Gateway::run_turn(const std::function<void()>& work, Moment now, Turn& turn) {
  for (int refusals = 0;; ++refusals) {
    state_.table.expire(now);
    work();
    const auto changes = state_.table.staged_changes();
    if (changes.empty()) break;
    const auto committed = backend_.commit(changes, now);
    if (committed) {
      ++counters_.commits;
      note_flows(changes, now);
      break;
    }
    note_refusal(committed.error(), turn);
    state_.table.roll_back();
    const auto refused = committed.error().refused_change;
    // Our table may be gone. Put everything back and decide again, as if it had been there.
    doors_were_shut_ = doors_were_shut_ || !refused;
    if (!refused && refusals == 0 && now >= next_rebuild_ && rebuild(now, turn)) continue;
    if (refused && refusals == 0) {
      state_.table.refuse(changes[*refused].key());
    } else {
      state_.table.refuse_all();
    }
    // The firewall is not as we left it. Put everything back as soon as the replies are out.
    if (!rebuild_at_) rebuild_at_ = std::max(now, next_rebuild_);
  }
  conclude(turn, now);
}

void Gateway::conclude(Turn& turn, Moment now) {
  auto events = state_.table.accept();
  assert(state_.table.is_consistent());
  append(turn.refusals, state_.table.take_refusals());
  if (events.empty()) return;
  follow_hosts(events, turn);
  frontend_.on_table_events(events, state_, now);
  if (http_) http_->on_table_events(events, state_, now);
  append(turn.events, std::move(events));
}

void Gateway::note_refusal(const BackendError& error, Turn& turn) {
  ++counters_.refused_commits;
  turn.backend_errors.push_back(error.reason);
}

void Gateway::note_flows(std::span<const DoorChange> changes, Moment now) {
  for (const auto& change : changes) {
    // A pin lets through what a forward, which has a change of its own, has translated.
    if (change.is_renewal() || change.key().kind == DoorKey::Kind::pin4) continue;
    if (change.before && !change.spares_flows && !change.only_widens()) {
      const bool ended_by_itself = change.before->ends <= now;
      purges_.push_back({FlowPurge::Which::through_door, change.before->door,
                         ended_by_itself && keeps_established_tcp_});
    }
    if (change.after && std::holds_alternative<Forward4>(change.after->door)) {
      purges_.push_back({FlowPurge::Which::past_door, change.after->door, false});
    }
  }
  schedule_purge(now);
}

void Gateway::note_all_past_doors(Moment now) {
  for (const auto& timed : state_.table.doors()) {
    if (std::holds_alternative<Forward4>(timed.door)) {
      purges_.push_back({FlowPurge::Which::past_door, timed.door, false});
    }
  }
  schedule_purge(now);
}

void Gateway::schedule_purge(Moment now) {
  if (!purges_.empty() && !purge_at_) purge_at_ = now + kPurgeDelay;
}

void Gateway::on_overflow(std::size_t count) {
  if (count > 0) counters_.dropped["too_many_waiting"] += count;
}

void Gateway::on_flows_purged(std::size_t count) {
  counters_.purged_flows += count;
}

void Gateway::purge_flows(Turn& turn) {
  purge_at_.reset();
  const auto purges = std::exchange(purges_, {});
  note_purge(flows_.purge(purges), turn);
}

void Gateway::purge_strays(Turn& turn) {
  note_purge(flows_.purge_strays(state_.table.doors(), keeps_established_tcp_), turn);
}

void Gateway::note_purge(const Result<std::size_t, std::string>& purged, Turn& turn) {
  if (purged) {
    counters_.purged_flows += *purged;
  } else {
    turn.backend_errors.push_back(purged.error());
  }
}

Result<void, BackendError> Gateway::rebuild(Moment now, Turn& turn) {
  next_rebuild_ = now + kRebuildPause;
  next_repair_ = now + kRepairPause;
  const auto before = state_.external_address.local();
  const auto external = state_.network.external_addresses();
  state_.table.expire(now);
  state_.table.set_external_addresses(external);
  // Those that the firewall refused are tried again.
  state_.table.set_static(static_mappings_, now);
  // Those of an earlier run are among them, and those that could not be closed before.
  const auto lost = state_.table.end_off_link();
  const std::size_t forbidden = must_enforce_ ? state_.table.enforce_policy() : 0;
  const auto changes = state_.table.staged_changes();
  auto done = backend_.reset(state_.network, state_.table.doors(), now);
  if (done) {
    ++counters_.commits;
    rebuild_at_.reset();
    must_enforce_ = forbidden > 0;
    note_flows(changes, now);
    if (std::exchange(doors_were_shut_, false)) note_all_past_doors(now);
    if (const auto reason = std::exchange(repair_reason_, {}); !reason.empty()) {
      ++counters_.repairs[reason];
    }
    state_.external_address.set_locals(external);
  } else {
    note_refusal(done.error(), turn);
    state_.table.roll_back();
    // What was due to end is back, as it is in the firewall: postpone it.
    state_.table.refuse_all();
    state_.table.expire(now);
    rebuild_at_ = next_rebuild_;
    doors_were_shut_ = true;
    if (external != state_.external_address.locals()) {
      state_.table.set_external_addresses({});
      state_.external_address.set_locals({});
    }
  }
  follow_external_address(before, now);
  conclude(turn, now);
  note_lost(done ? lost : MappingTable::Ended(), now);
  return done;
}

void Gateway::send_due_announcements(Moment now, Turn& turn) {
  append(turn.send, frontend_.on_timeout(state_, now));
  if (http_) append(turn.callouts, http_->on_timeout(state_, now));
}

void Gateway::tell_frontends(GatewayEvent event, Moment now) {
  frontend_.on_event(event, state_, now);
  if (http_) http_->on_event(event, state_, now);
}

bool Gateway::is_consistent(Moment now) const {
  const auto held = backend_.open_doors(now);
  if (!held || !state_.table.is_consistent()) return false;
  auto by_key = [](const TimedDoor& left, const TimedDoor& right) {
    return key_of(left.door) < key_of(right.door);
  };
  auto actual = *held;
  auto expected = state_.table.doors();
  // A door whose close was refused is still ours, but the firewall has ended it by itself.
  std::erase_if(expected, [&](const TimedDoor& timed) { return timed.ends <= now; });
  std::sort(actual.begin(), actual.end(), by_key);
  std::sort(expected.begin(), expected.end(), by_key);
  return actual == expected;
}

}  // namespace postern
