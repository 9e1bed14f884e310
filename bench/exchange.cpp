#include "bench/exchange.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include <poll.h>
#include <sys/socket.h>

namespace postern::bench {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kBatch = 64;
/// How often overdue requests are looked for.
constexpr std::chrono::milliseconds kTick{20};
/// How long a spinning generator waits awake: a server that takes longer does not notice.
constexpr std::chrono::microseconds kSpin{500};

[[nodiscard]] bool is_granted(const natpmp::Response& response) {
  if (const auto* map = std::get_if<natpmp::MapResponse>(&response)) {
    return map->result == natpmp::ResultCode::success && map->protocol == Protocol::udp &&
           map->external_port != 0 && map->lifetime != 0;
  }
  const auto* address = std::get_if<natpmp::AddressResponse>(&response);
  return address != nullptr && address->result == natpmp::ResultCode::success &&
         !address->external_address.is_unspecified();
}

}  // namespace

Exchange::Exchange(const LoadOptions& options)
    : options_(options),
      socket_(udp_socket()),
      requests_(kBatch),
      replies_(kBatch),
      slot_by_port_(65536, kNone) {
  const auto* target = reinterpret_cast<const sockaddr*>(&options.target);
  if (::connect(socket_.get(), target, sizeof options.target) != 0) throw_errno("connect");
}

RunOutcome Exchange::run(const RunOrder& order, std::chrono::milliseconds limit,
                         const std::function<std::uint16_t()>& next_port) {
  operation_ = order.operation;
  sent_ = 0;
  outcome_ = {};
  outcome_.latencies.reserve(order.count);
  slots_.assign(order.window, {});
  free_.clear();
  for (std::size_t i = 0; i < order.window; ++i) free_.push_back(i);

  const auto start = Clock::now();
  auto checked = start;
  while (true) {
    const auto now = Clock::now();
    if (now - start < limit) fill(order, next_port);
    if (free_.size() == slots_.size()) break;
    if (now - checked > kTick) {
      checked = now;
      send_overdue_again(now);
    }
    wait(now);
    take_replies();
  }
  outcome_.elapsed = Clock::now() - start;
  return std::move(outcome_);
}

void Exchange::fill(const RunOrder& order, const std::function<std::uint16_t()>& next_port) {
  const auto now = Clock::now();
  while (!free_.empty() && sent_ < order.count) {
    const auto index = free_.back();
    free_.pop_back();
    const auto port = next_port();
    slots_[index] = {true, port, 0, now, now};
    slot_by_port_[port] = index;
    ++sent_;
    push(slots_[index]);
  }
  flush();
}

void Exchange::push(const Slot& slot) {
  if (requests_.full()) flush();
  if (operation_ == Operation::address) {
    requests_.push(natpmp::emit(natpmp::AddressRequest{}));
  } else {
    requests_.push(
        natpmp::emit(natpmp::MapRequest{Protocol::udp, slot.port, slot.port, options_.lifetime}));
  }
}

void Exchange::flush() {
  if (!requests_.empty()) requests_.send(socket_.get());
}

void Exchange::wait(Clock::time_point now) {
  if (options_.is_spinning && now - last_reply_ < kSpin) return;
  pollfd socket{socket_.get(), POLLIN, 0};
  ::poll(&socket, 1, static_cast<int>(kTick.count()));
}

void Exchange::take_replies() {
  replies_.receive(socket_.get(), MSG_DONTWAIT);
  if (replies_.empty()) return;
  const auto now = Clock::now();
  last_reply_ = now;
  for (std::size_t i = 0; i < replies_.size(); ++i) take_reply(replies_.datagram(i), now);
}

void Exchange::take_reply(Bytes datagram, Clock::time_point now) {
  const auto response = natpmp::parse_response(datagram);
  auto* slot = response ? slot_of(*response) : nullptr;
  if (slot == nullptr) {
    // A second answer, to a request that was sent twice, is nobody's mistake.
    if (outcome_.resends == 0) ++outcome_.errors;
    return;
  }
  if (is_granted(*response)) {
    ++outcome_.answered;
    outcome_.latencies.push_back(now - slot->first_sent);
  } else {
    ++outcome_.errors;
  }
  finish(*slot);
}

Exchange::Slot* Exchange::slot_of(const natpmp::Response& response) {
  if (const auto* map = std::get_if<natpmp::MapResponse>(&response)) {
    const auto index = slot_by_port_[map->internal_port];
    return index == kNone || operation_ == Operation::address ? nullptr : &slots_[index];
  }
  if (operation_ != Operation::address) return nullptr;
  // Answers to address requests look all the same; they come in the order of the requests.
  Slot* oldest = nullptr;
  for (auto& slot : slots_) {
    if (!slot.is_busy) continue;
    if (oldest == nullptr || slot.first_sent < oldest->first_sent) oldest = &slot;
  }
  return oldest;
}

void Exchange::finish(Slot& slot) {
  slot.is_busy = false;
  slot_by_port_[slot.port] = kNone;
  free_.push_back(static_cast<std::size_t>(&slot - slots_.data()));
}

void Exchange::send_overdue_again(Clock::time_point now) {
  for (auto& slot : slots_) {
    if (!slot.is_busy || now - slot.last_sent < options_.reply_timeout) continue;
    if (slot.resends == options_.resends) {
      ++outcome_.lost;
      finish(slot);
      continue;
    }
    ++slot.resends;
    ++outcome_.resends;
    slot.last_sent = now;
    push(slot);
  }
  flush();
}

}  // namespace postern::bench
