#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/address.h"
#include "core/client_directory.h"
#include "core/mapping.h"

namespace postern {

/// Which mappings concern a host: those that it asked for, and those that others let lead to it.
/// Adding and removing are O(log n) in the number of a host's mappings, for each of their claims.
class ClientIndex {
 public:
  using Ids = std::set<MappingId>;

  void add(const Mapping& mapping);
  /// It must be as it was added.
  void remove(const Mapping& mapping);

  /// On which this client has a claim, or the administrator for it. Until the next change.
  [[nodiscard]] const Ids& of(const Address& client) const;
  /// Those that lead to this host, while only others have claims on them, and not only the
  /// administrator. Until the next change.
  [[nodiscard]] const Ids& led_to(const Address& host) const;
  /// On how many mappings this client has a claim of its own.
  [[nodiscard]] std::size_t count_of(const Address& client) const;
  /// Whether a client's claim made by this host, or on a mapping that leads to it, is there.
  [[nodiscard]] bool concerns(const Address& host) const;

  /// The client's mappings, also those to come, count for this station from now on, until a tidy()
  /// that finds none of its own.
  void place(const Address& client, const Station& station);
  /// Nothing: it was not placed.
  [[nodiscard]] std::optional<Station> station_of(const Address& client) const;
  /// The counts of all clients of this station together.
  [[nodiscard]] std::size_t count_of(const Station& station) const;

  /// Forgets hosts that no mapping concerns, and where those are placed that have none of their
  /// own; before, one that is added again is still placed.
  void tidy();
  /// Whether it knows the same mappings of the same hosts as another index, and its counts are
  /// right. O(n): for tests and debug builds.
  [[nodiscard]] bool agrees_with(const ClientIndex& other) const;

 private:
  struct Host {
    Ids ids;
    Ids led;
    /// Of `ids`, those with a claim of its own.
    std::size_t own = 0;
    std::optional<Station> station = {};

    [[nodiscard]] bool is_empty() const { return ids.empty() && led.empty(); }
  };
  [[nodiscard]] const Host* find(const Address& host) const;
  void count(Host& host, bool comes);
  void add_to(const Station& station, std::size_t mappings);
  void take_from(const Station& station, std::size_t mappings);

  std::unordered_map<Address, Host> hosts_;
  /// Only those that have mappings.
  std::map<Station, std::size_t> stations_;
  /// Those that may have been left without mappings of their own since the last tidy().
  std::vector<Address> emptied_;
};

}  // namespace postern
