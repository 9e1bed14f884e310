#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/result.h"

namespace postern {

/// Reads the keys of one JSON object and keeps the first thing that is wrong: a value of another
/// type or out of range, a key that lacks, or one that nobody read.
class JsonObject {
 public:
  explicit JsonObject(std::string_view text);

  // Each reads one key; nothing when it is absent or wrong.
  [[nodiscard]] std::optional<std::string> text(const std::string& key);
  [[nodiscard]] std::optional<std::vector<std::string>> texts(const std::string& key);
  /// A whole number from `least` to `most`.
  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& key, std::uint64_t least,
                                                    std::uint64_t most);

  /// The value that was read turned out to be wrong.
  void reject(const std::string& key, const std::string& problem);
  /// The key must be there.
  void require(const std::string& key);
  /// "internal is missing"; nothing when all is well. Called last: now unread keys are wrong.
  [[nodiscard]] const std::optional<std::string>& trouble();

 private:
  [[nodiscard]] const nlohmann::json* find(const std::string& key);

  nlohmann::json object_;
  std::set<std::string> read_;
  std::optional<std::string> trouble_;
};

}  // namespace postern
