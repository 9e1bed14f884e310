#include "core/host_watch.h"

#include <algorithm>
#include <utility>

namespace postern {
namespace {

/// How long the answer to the last question may take: the kernel asks three times, a second apart.
constexpr Seconds kAnswerTime{10};
/// Another one answers from a host's address: so often everybody is asked whose it is, and so long
/// an answer may take each time. Of two answers the kernel takes the first, so the host itself wins
/// one of them sooner or later.
constexpr int kMostAsked = 4;
constexpr Seconds kObjectionTime{2};

}  // namespace

void HostWatch::set_grace(Seconds grace) {
  const auto before = std::exchange(grace_, grace);
  for (auto& [host, known] : hosts_) {
    if (known.doubt != Doubt::silent) continue;
    const Moment silent_since = known.due - before;
    if (grace == Seconds(0)) {
      trust(host, known);
    } else {
      doubt(host, known, Doubt::silent, silent_since + grace);
    }
  }
}

bool HostWatch::watch(const Address& host) {
  return hosts_.try_emplace(host).second;
}

void HostWatch::hear(const Neighbour& neighbour, Moment now) {
  const auto found = hosts_.find(neighbour.address);
  if (found == hosts_.end()) return;
  auto& known = found->second;
  if (neighbour.state == Neighbour::State::silent) {
    if (known.doubt == Doubt::none && grace_ > Seconds(0)) {
      doubt(neighbour.address, known, Doubt::silent, now + grace_);
    }
    return;
  }
  if (neighbour.link_address.empty()) return;
  const bool has_answered = neighbour.state == Neighbour::State::reachable;
  // What was merely heard anybody may have said.
  if (known.link_address.empty() && has_answered) known.link_address = neighbour.link_address;
  if (known.link_address.empty() || known.link_address == neighbour.link_address) {
    trust(neighbour.address, known);
  } else if (has_answered && known.doubt != Doubt::replaced) {
    known.asked = 0;
    doubt(neighbour.address, known, Doubt::replaced, now);
  }
}

void HostWatch::put_off(const Address& host, Moment until) {
  doubt(host, hosts_[host], Doubt::asked, until);
}

void HostWatch::forget(const Address& host) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return;
  trust(host, found->second);
  hosts_.erase(found);
}

HostWatch::Due HostWatch::take_due(const Network& network, Moment now) {
  Due due;
  while (!queue_.empty() && queue_.begin()->first <= now) {
    const Address host = queue_.begin()->second;
    auto& known = hosts_.at(host);
    const auto* lan = network.lan_of(host);
    if (lan == nullptr) {
      doubt(host, known, Doubt::silent, now + std::max(grace_, kAnswerTime));
    } else if (go_on(host, known, lan->index, now, due)) {
      due.gone.push_back(host);
      forget(host);
    }
  }
  return due;
}

bool HostWatch::go_on(const Address& host, Known& known, std::uint32_t interface_index, Moment now,
                      Due& due) {
  if (known.doubt == Doubt::silent) {
    due.questions.push_back({interface_index, host, NeighbourQuestion::Whom::host});
    doubt(host, known, Doubt::asked, now + kAnswerTime);
    return false;
  }
  if (known.doubt != Doubt::replaced || known.asked == kMostAsked) return true;
  ++known.asked;
  due.questions.push_back({interface_index, host, NeighbourQuestion::Whom::link});
  doubt(host, known, Doubt::replaced, now + kObjectionTime);
  return false;
}

std::optional<Moment> HostWatch::next() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

void HostWatch::doubt(const Address& host, Known& known, Doubt doubt, Moment due) {
  trust(host, known);
  known.doubt = doubt;
  known.due = due;
  queue_.emplace(due, host);
}

void HostWatch::trust(const Address& host, Known& known) {
  if (known.doubt == Doubt::none) return;
  known.doubt = Doubt::none;
  queue_.erase({known.due, host});
}

}  // namespace postern
