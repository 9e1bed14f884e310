#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <variant>

#include "backends/iptables/chains.h"
#include "backends/iptables/rules.h"

namespace postern::iptables {
namespace {

template <class Number>
[[nodiscard]] std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

/// "postern 3603600.250"
[[nodiscard]] std::optional<Moment> end_in(std::string_view comment) {
  if (!comment.starts_with(kCommentPrefix)) return std::nullopt;
  comment.remove_prefix(std::string_view(kCommentPrefix).size());
  const auto point = comment.find('.');
  if (point == std::string_view::npos || comment.size() != point + 4) return std::nullopt;
  const auto seconds = number_in<std::uint64_t>(comment.substr(0, point));
  const auto thousandths = number_in<std::uint16_t>(comment.substr(point + 1));
  if (!seconds || !thousandths) return std::nullopt;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (*seconds > (kMost - *thousandths) / 1000) return std::nullopt;
  return Moment(Milliseconds(static_cast<std::int64_t>(*seconds * 1000 + *thousandths)));
}

/// "192.0.2.1:80"
[[nodiscard]] std::optional<Endpoint> endpoint_in(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto address = Address::parse(text.substr(0, colon));
  const auto port = number_in<std::uint16_t>(text.substr(colon + 1));
  if (!address || !port) return std::nullopt;
  return Endpoint{*address, *port};
}

/// The options of one rule, by name. We write none twice but "-m", which is not asked for.
class Options {
 public:
  explicit Options(std::string_view rule) {
    const auto words = words_of(rule);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i].starts_with('-')) values_.emplace(words[i], words[i + 1]);
    }
  }

  [[nodiscard]] std::string_view text(const char* name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string_view() : found->second;
  }
  [[nodiscard]] bool has(const char* name) const { return values_.contains(name); }

  [[nodiscard]] std::optional<Protocol> protocol() const {
    for (const auto known : {Protocol::tcp, Protocol::udp}) {
      if (text("-p") == to_string(known)) return known;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<Endpoint> endpoint(const char* address, const char* port) const {
    const auto prefix = Prefix::parse(text(address));
    const auto number = number_in<std::uint16_t>(text(port));
    if (!prefix || !prefix->is_one_host() || !number) return std::nullopt;
    return Endpoint{prefix->network(), *number};
  }
  /// The remote peers that it is for, all others being excluded; false when it cannot be read.
  [[nodiscard]] bool read_filter(bool is_v4, std::optional<RemoteFilter>& filter) const {
    if (!has("-s") && !has("--sport")) return true;
    const auto everybody = is_v4 ? "0.0.0.0/0" : "::/0";
    const auto remote = Prefix::parse(has("-s") ? text("-s") : everybody);
    if (!remote) return false;
    filter = RemoteFilter{*remote};
    if (!has("--sport")) return true;
    const auto ports = text("--sport");
    const auto colon = ports.find(':');
    const auto first = number_in<std::uint16_t>(ports.substr(0, colon));
    const auto last =
        colon == std::string_view::npos ? first : number_in<std::uint16_t>(ports.substr(colon + 1));
    if (!first || !last) return false;
    filter->first_port = *first;
    filter->last_port = *last;
    return true;
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// One rule's part of a door: all of it but the other filters.
struct Part {
  TimedDoor timed;
  std::optional<RemoteFilter> filter;
};

[[nodiscard]] std::optional<Part> forward_in(const Options& rule) {
  const auto protocol = rule.protocol();
  const auto external = rule.endpoint("-d", "--dport");
  const auto internal = endpoint_in(rule.text("--to-destination"));
  Part part;
  if (!protocol || !external || !internal || !rule.read_filter(true, part.filter)) return {};
  part.timed.door = Forward4{*protocol, *external, *internal};
  return part;
}

[[nodiscard]] std::optional<Part> outbound_in(const Options& rule) {
  const auto protocol = rule.protocol();
  const auto internal = rule.endpoint("-s", "--sport");
  const auto external = endpoint_in(rule.text("--to-source"));
  if (!protocol || !internal || !external) return {};
  return Part{{Outbound4{*protocol, *internal, *external}, {}}, {}};
}

[[nodiscard]] std::optional<Part> pinhole_in(const Options& rule) {
  const auto protocol = rule.protocol();
  const auto internal = rule.endpoint("-d", "--dport");
  Part part;
  if (!protocol || !internal || !rule.read_filter(false, part.filter)) return {};
  part.timed.door = Pinhole6{*protocol, *internal};
  return part;
}

[[nodiscard]] RemoteFilters* filters_of(Door& door) {
  if (auto* forward = std::get_if<Forward4>(&door)) return &forward->filters;
  if (auto* pinhole = std::get_if<Pinhole6>(&door)) return &pinhole->filters;
  return nullptr;
}

/// The doors in the rules of one chain.
class Reader {
 public:
  void read(const Ruleset& rules, std::string_view table, std::string_view chain,
            std::optional<Part> (*door_in)(const Options&));
  [[nodiscard]] std::vector<TimedDoor> take() const;

 private:
  std::map<DoorKey, TimedDoor> doors_;
};

void Reader::read(const Ruleset& rules, std::string_view table, std::string_view chain,
                  std::optional<Part> (*door_in)(const Options&)) {
  for (const auto& own : rules) {
    for (const auto& candidate : own.chains) {
      if (own.name != table || candidate.name != chain) continue;
      for (const auto& rule : candidate.rules) {
        const Options options(rule.text);
        const auto ends = end_in(options.text("--comment"));
        auto part = ends ? door_in(options) : std::nullopt;
        if (!part) continue;
        part->timed.ends = *ends;
        // A door with several filters has as many rules.
        auto& timed = doors_.try_emplace(key_of(part->timed.door), part->timed).first->second;
        if (part->filter) filters_of(timed.door)->push_back(*part->filter);
      }
    }
  }
}

std::vector<TimedDoor> Reader::take() const {
  std::vector<TimedDoor> doors;
  for (const auto& [key, timed] : doors_) {
    doors.push_back(timed);
    if (auto* filters = filters_of(doors.back().door)) *filters = normalized(std::move(*filters));
  }
  return doors;
}

}  // namespace

std::vector<TimedDoor> doors_of_v4(const Ruleset& rules) {
  Reader reader;
  reader.read(rules, "nat", kPrerouting, forward_in);
  reader.read(rules, "nat", kPostrouting, outbound_in);
  return reader.take();
}

std::vector<TimedDoor> doors_of_v6(const Ruleset& rules) {
  Reader reader;
  reader.read(rules, "filter", kForward, pinhole_in);
  return reader.take();
}

}  // namespace postern::iptables
