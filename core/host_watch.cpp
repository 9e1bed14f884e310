#include "core/host_watch.h"

namespace postern {
namespace {

/// How long the answer to the last question may take: the kernel asks three times, a second apart.
constexpr Seconds kAnswerTime{10};
/// How long a host has to object when another one answers from its address. Its own packets make
/// the kernel hear of it again; a forged answer thus closes nothing while the host is there.
constexpr Seconds kObjectionTime{5};

}  // namespace

bool HostWatch::watch(const Address& host) {
  return hosts_.try_emplace(host).second;
}

void HostWatch::hear(const Neighbour& neighbour, Moment now) {
  const auto found = hosts_.find(neighbour.address);
  if (found == hosts_.end()) return;
  auto& known = found->second;
  known.interface_index = neighbour.interface_index;
  if (neighbour.state == Neighbour::State::silent) {
    if (known.doubt == Doubt::none && grace_ > Seconds(0)) {
      doubt(neighbour.address, known, Doubt::silent, now + grace_);
    }
    return;
  }
  if (neighbour.link_address.empty()) return;
  if (known.link_address.empty()) known.link_address = neighbour.link_address;
  if (known.link_address == neighbour.link_address) {
    trust(neighbour.address, known);
  } else if (neighbour.state == Neighbour::State::reachable && known.doubt != Doubt::replaced) {
    doubt(neighbour.address, known, Doubt::replaced, now + kObjectionTime);
  }
}

void HostWatch::forget(const Address& host) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return;
  trust(host, found->second);
  hosts_.erase(found);
}

HostWatch::Due HostWatch::take_due(Moment now) {
  Due due;
  while (!queue_.empty() && queue_.begin()->first <= now) {
    const Address host = queue_.begin()->second;
    auto& known = hosts_.at(host);
    if (known.doubt == Doubt::silent) {
      due.questions.push_back({known.interface_index, host, true});
      doubt(host, known, Doubt::asked, now + kAnswerTime);
    } else {
      due.gone.push_back(host);
      forget(host);
    }
  }
  return due;
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
