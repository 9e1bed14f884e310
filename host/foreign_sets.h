#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/result.h"
#include "host/foreign_rules.h"
#include "host/rules_dump.h"

namespace postern::host {

/// Keys of a set: from `first` to `last`, both included, of equal length. Of a concatenation, each
/// part lies between its two values.
struct KeyRange {
  std::vector<std::uint8_t> first;
  std::vector<std::uint8_t> last;
};

struct SetElement {
  KeyRange keys;
  /// Of verdict maps only.
  Verdict verdict = Verdict::none;
  std::string target;
};

/// A verdict by its number in the kernel's messages.
[[nodiscard]] Verdict verdict_of(std::uint32_t code);

/// The sets and maps of all tables. Their elements are read when they are first asked for: a list
/// of a hundred thousand blocked addresses is of no interest.
class ForeignSets {
 public:
  /// `dump` must live as long as this.
  explicit ForeignSets(RulesDump& dump) : dump_(dump) {}

  /// Reads which sets there are.
  [[nodiscard]] Result<void, netlink::Error> read();

  /// The size of a set's keys in octets; 0 when there is no such set.
  [[nodiscard]] std::uint32_t key_size(std::uint8_t family, const std::string& table,
                                       const std::string& set) const;
  /// None when there is no such set.
  [[nodiscard]] Result<std::vector<SetElement>, netlink::Error> elements(std::uint8_t family,
                                                                         const std::string& table,
                                                                         const std::string& set);

 private:
  struct Entry {
    std::uint32_t key_size = 0;
    /// NFT_SET_INTERVAL, NFT_SET_CONCAT …
    std::uint32_t flags = 0;
  };
  using Name = std::tuple<std::uint8_t, std::string, std::string>;

  RulesDump& dump_;
  std::map<Name, Entry> entries_;
};

}  // namespace postern::host
