#include "core/port_set.h"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace postern {
namespace {

[[nodiscard]] std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

[[nodiscard]] std::optional<PortRange> parse_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_port(trimmed(text.substr(0, dash)));
  const auto last =
      dash == std::string_view::npos ? first : parse_port(trimmed(text.substr(dash + 1)));
  if (!first || !last || *first > *last) return std::nullopt;
  return PortRange{*first, *last};
}

}  // namespace

PortSet::PortSet(std::vector<PortRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
  for (const auto& range : ranges) {
    assert(range.first > 0 && range.first <= range.last);
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1U) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

PortSet PortSet::all() {
  return PortSet({{1, 65535}});
}

std::optional<PortSet> PortSet::parse(std::string_view text) {
  std::vector<PortRange> ranges;
  while (true) {
    const auto comma = text.find(',');
    const auto range = parse_range(trimmed(text.substr(0, comma)));
    if (!range) return std::nullopt;
    ranges.push_back(*range);
    if (comma == std::string_view::npos) return PortSet(std::move(ranges));
    text.remove_prefix(comma + 1);
  }
}

bool PortSet::contains(std::uint16_t port) const {
  const auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), port,
                       [](std::uint16_t p, const PortRange& range) { return p < range.first; });
  return after != ranges_.begin() && port <= std::prev(after)->last;
}

std::uint32_t PortSet::size() const {
  std::uint32_t count = 0;
  for (const auto& range : ranges_) count += range.last - range.first + 1U;
  return count;
}

std::uint16_t PortSet::at(std::uint32_t index) const {
  for (const auto& range : ranges_) {
    const std::uint32_t count = range.last - range.first + 1U;
    if (index < count) return static_cast<std::uint16_t>(range.first + index);
    index -= count;
  }
  assert(false && "index beyond the set");
  return 0;
}

PortSet PortSet::united_with(const PortSet& other) const {
  auto ranges = ranges_;
  ranges.insert(ranges.end(), other.ranges_.begin(), other.ranges_.end());
  return PortSet(std::move(ranges));
}

PortSet PortSet::without(const PortSet& other) const {
  PortSet left;
  for (const auto& range : ranges_) {
    std::uint32_t next = range.first;
    for (const auto& hole : other.ranges_) {
      if (hole.last < next || hole.first > range.last) continue;
      if (hole.first > next) {
        left.ranges_.push_back(
            {static_cast<std::uint16_t>(next), static_cast<std::uint16_t>(hole.first - 1)});
      }
      next = hole.last + 1U;
    }
    if (next <= range.last) {
      left.ranges_.push_back({static_cast<std::uint16_t>(next), range.last});
    }
  }
  return left;
}

PortSet PortSet::intersected_with(const PortSet& other) const {
  PortSet common;
  for (const auto& ours : ranges_) {
    for (const auto& theirs : other.ranges_) {
      const auto first = std::max(ours.first, theirs.first);
      const auto last = std::min(ours.last, theirs.last);
      if (first <= last) common.ranges_.push_back({first, last});
    }
  }
  return common;
}

std::string PortSet::to_string() const {
  std::string text;
  for (const auto& range : ranges_) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.first);
    if (range.last != range.first) text += "-" + std::to_string(range.last);
  }
  return text;
}

PortSet united(std::span<const PortSet> sets) {
  PortSet all;
  for (const auto& set : sets) all = all.united_with(set);
  return all;
}

}  // namespace postern
