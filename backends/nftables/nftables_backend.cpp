#include "backends/nftables/nftables_backend.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <variant>

#include "backends/nftables/element_changes.h"
#include "backends/nftables/element_messages.h"
#include "backends/nftables/elements.h"
#include "backends/nftables/probe.h"
#include "backends/nftables/ruleset.h"
#include "netlink/batch.h"
#include "netlink/socket.h"

namespace postern {
namespace {

using namespace nftables;

constexpr const char* kTable = "postern";
/// IFNAMSIZ without its final zero.
constexpr std::size_t kLongestInterfaceName = 15;

/// After a turn with more changes, such as the end of thousands of leases, its memory is given
/// back.
constexpr std::size_t kManyChanges = 4096;

[[nodiscard]] BackendError error_of(std::string_view action, const netlink::Error& error) {
  BackendError result;
  result.reason = "nftables: cannot " + std::string(action) + ": ";
  result.permission_denied = error.code == EPERM || error.code == EACCES;
  if (result.permission_denied) {
    result.reason += "not permitted (CAP_NET_ADMIN is needed)";
  } else {
    result.reason += std::generic_category().message(error.code);
  }
  return result;
}

/// Whether the kernel's refusal of an element's message is about that element. It is not when the
/// table is gone (ENOENT: our deletions make sure of their element first) or memory is short.
[[nodiscard]] bool is_about_one_element(int code) {
  return code != ENOENT && code != ENOMEM && code != ENOBUFS && code != EPERM && code != EACCES;
}

/// At most 16, for each is a rule.
[[nodiscard]] std::vector<Address> external_addresses(const Interface& wan) {
  constexpr std::size_t kMost = 16;
  std::vector<Address> addresses;
  for (const auto& own : wan.addresses) {
    if (own.address.is_v4() && addresses.size() < kMost) addresses.push_back(own.address);
  }
  return addresses;
}

/// Doors that the elements of several containers stand for in part, put together by their key.
class DoorCollector {
 public:
  void add(Door door, Moment ends) {
    const auto [found, is_new] = by_key_.try_emplace(postern::key_of(door), doors_.size());
    if (is_new) {
      doors_.push_back({std::move(door), ends});
      return;
    }
    auto& known = doors_[found->second];
    known.ends = std::min(known.ends, ends);
    if (auto* forward = std::get_if<Forward4>(&known.door)) {
      join(forward->filters, std::get<Forward4>(door).filters);
    } else if (auto* pinhole = std::get_if<Pinhole6>(&known.door)) {
      join(pinhole->filters, std::get<Pinhole6>(door).filters);
    }
  }

  [[nodiscard]] std::vector<TimedDoor> take() {
    for (auto& timed : doors_) {
      if (auto* forward = std::get_if<Forward4>(&timed.door)) {
        std::sort(forward->filters.begin(), forward->filters.end());
      } else if (auto* pinhole = std::get_if<Pinhole6>(&timed.door)) {
        std::sort(pinhole->filters.begin(), pinhole->filters.end());
      }
    }
    return std::move(doors_);
  }

 private:
  /// No filters let everybody through, whatever others say.
  static void join(RemoteFilters& filters, const RemoteFilters& more) {
    if (filters.empty() || more.empty()) {
      filters.clear();
    } else {
      filters.insert(filters.end(), more.begin(), more.end());
    }
  }

  std::vector<TimedDoor> doors_;
  std::unordered_map<DoorKey, std::size_t> by_key_;
};

}  // namespace

class NftablesBackend::Impl {
 public:
  Impl(BackendOptions options, netlink::Socket socket, bool renews_in_place)
      : options_(std::move(options)),
        socket_(std::move(socket)),
        renews_in_place_(renews_in_place) {}

  [[nodiscard]] bool renews_in_place() const { return renews_in_place_; }
  [[nodiscard]] netlink::Writer writer() const {
    return {socket_.port_id(), [this] { return socket_.commits(); }};
  }
  void set_requests_per_second(std::uint32_t requests) { options_.requests_per_second = requests; }
  [[nodiscard]] bool holds_pace() const { return holds_pace_; }
  [[nodiscard]] Result<void, BackendError> reset(const Network& network,
                                                 std::span<const TimedDoor> doors, Moment now);
  [[nodiscard]] Result<void, BackendError> commit(std::span<const DoorChange> changes, Moment now);

 private:
  void note(const DoorChange& change, std::size_t index, Moment now);
  [[nodiscard]] Result<void, netlink::Error> transact(ElementChanges::Messages messages);
  [[nodiscard]] BackendError commit_error(const netlink::Error& error) const;

  BackendOptions options_;
  netlink::Socket socket_;
  bool renews_in_place_;
  bool holds_pace_ = false;
  netlink::Batch batch_;
  ElementChanges elements_;
};

Result<void, BackendError> NftablesBackend::Impl::reset(const Network& network,
                                                        std::span<const TimedDoor> doors,
                                                        Moment now) {
  RulesetOptions rules;
  if (network.wan) {
    rules.wan = network.wan->name;
    rules.external_addresses = external_addresses(*network.wan);
  }
  for (const auto& lan : network.lan) rules.lan.push_back(lan.name);
  rules.forward_mark = options_.forward_mark;
  rules.own_ports = options_.own_ports;
  rules.pace.rate = options_.requests_per_second;
  rules.owns_table = options_.owns_table;
  for (const auto& name : rules.lan) {
    if (name.size() > kLongestInterfaceName) return fail(error_of("use " + name, {EINVAL, {}}));
  }
  if (rules.wan.size() > kLongestInterfaceName) {
    return fail(error_of("use " + rules.wan, {EINVAL, {}}));
  }

  ElementChanges elements;
  for (const auto& [door, ends] : doors) {
    if (const auto timeout = timeout_until(ends, now)) elements.add(door, *timeout, 0);
  }

  batch_.begin();
  put_ruleset(batch_, kTable, rules);
  elements.put(batch_, kTable, ElementChanges::Messages::large);
  batch_.end();
  const auto done = socket_.transact(batch_);
  batch_.free_buffer();  // It may be ten megabytes, and is not needed again.
  if (!done) {
    const int code = done.error().code;
    const bool is_about_owner = options_.owns_table && (code == EOPNOTSUPP || code == EINVAL);
    return fail(error_of(is_about_owner
                             ? "set up the table inet postern (table_owner needs Linux 6.9)"
                             : "set up the table inet postern",
                         done.error()));
  }
  holds_pace_ = rules.pace.rate > 0;
  return {};
}

Result<void, BackendError> NftablesBackend::Impl::commit(std::span<const DoorChange> changes,
                                                         Moment now) {
  using Messages = ElementChanges::Messages;
  elements_.clear();
  for (std::size_t index = 0; index < changes.size(); ++index) note(changes[index], index, now);
  auto done = transact(Messages::large);
  if (!done && done.error().sequence && is_about_one_element(done.error().code) &&
      !batch_.change_of(*done.error().sequence)) {
    // About which of them? That is seldom, and worth asking again.
    done = transact(Messages::one_element_each);
  }
  if (changes.size() > kManyChanges) {
    batch_.free_buffer();
    elements_ = {};
  }
  if (!done) return fail(commit_error(done.error()));
  return {};
}

void NftablesBackend::Impl::note(const DoorChange& change, std::size_t index, Moment now) {
  const auto timeout = change.after ? timeout_until(change.after->ends, now) : std::nullopt;
  const bool stays = timeout && change.is_renewal() && renews_in_place_;
  if (change.before && !stays) elements_.remove(change.before->door, index);
  if (timeout) elements_.add(change.after->door, *timeout, index);
}

Result<void, netlink::Error> NftablesBackend::Impl::transact(ElementChanges::Messages messages) {
  batch_.begin();
  elements_.put(batch_, kTable, messages);
  if (batch_.empty()) return {};
  batch_.end();
  return socket_.transact(batch_);
}

BackendError NftablesBackend::Impl::commit_error(const netlink::Error& error) const {
  auto result = error_of("change the doors", error);
  if (error.sequence && is_about_one_element(error.code)) {
    result.refused_change = batch_.change_of(*error.sequence);
  }
  return result;
}

Result<std::unique_ptr<NftablesBackend>, BackendError> NftablesBackend::open(
    const BackendOptions& options) {
  auto socket = netlink::Socket::open();
  if (!socket) return fail(error_of("open a netlink socket", socket.error()));
  const auto renews = nftables::renews_in_place(*socket);
  if (!renews) return fail(error_of("use the packet filter", renews.error()));
  auto impl = std::make_unique<Impl>(options, std::move(*socket),
                                     *renews && options.allow_renewal_in_place);
  return std::unique_ptr<NftablesBackend>(new NftablesBackend(std::move(impl)));
}

NftablesBackend::NftablesBackend(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

NftablesBackend::~NftablesBackend() = default;

Capabilities NftablesBackend::capabilities() const {
  return {.ends_leases = true, .renews_in_place = impl_->renews_in_place(), .pinholes = true};
}

netlink::Writer NftablesBackend::writer() const {
  return impl_->writer();
}

void NftablesBackend::set_requests_per_second(std::uint32_t requests) {
  impl_->set_requests_per_second(requests);
}

FirewallBackend::Pacing NftablesBackend::pacing() const {
  return {.is_on = impl_->holds_pace()};
}

Result<bool, BackendError> NftablesBackend::is_set_up() {
  const auto is_there = table_exists(kTable);
  if (!is_there) return fail(error_of("look for the table", is_there.error()));
  return *is_there;
}

Result<std::vector<TimedDoor>, BackendError> NftablesBackend::open_doors(Moment now) {
  DoorCollector doors;
  for (const auto container : kContainers) {
    const auto held = held_elements(kTable, container);
    if (!held) return fail(error_of("list the doors", held.error()));
    for (const auto& [element, left] : *held) {
      if (auto door = door_of(element)) doors.add(std::move(*door), now + left);
    }
  }
  return doors.take();
}

Result<std::optional<std::uint64_t>, BackendError> NftablesBackend::packets_through(
    const Door& door) {
  if (!std::holds_alternative<Pinhole6>(door)) return std::optional<std::uint64_t>();
  std::vector<Element> elements;
  append_elements(door, elements);
  auto packets = packets_counted(kTable, elements);
  if (!packets) return fail(error_of("read a counter", packets.error()));
  return *packets;
}

Result<void, BackendError> NftablesBackend::reset(const Network& network,
                                                  std::span<const TimedDoor> doors, Moment now) {
  return impl_->reset(network, doors, now);
}

Result<void, BackendError> NftablesBackend::commit(std::span<const DoorChange> changes,
                                                   Moment now) {
  return impl_->commit(changes, now);
}

}  // namespace postern
