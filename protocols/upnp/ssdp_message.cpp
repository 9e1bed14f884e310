#include "protocols/upnp/ssdp_message.h"

#include <algorithm>
#include <string_view>

#include "core/text.h"
#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

constexpr unsigned kLongestWait = 5;
/// Small clients have fixed buffers (SSDP-03).
constexpr std::size_t kNotifySize = 512;

[[nodiscard]] bool is_control(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return (octet < 0x20 && c != '\t') || octet == 0x7f;
}

/// Takes the first line, without its end, off the front of `rest`.
[[nodiscard]] std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  auto line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// The headers that a search is made of.
struct SearchHeaders {
  std::optional<std::string_view> man;
  std::optional<std::string_view> mx;
  std::optional<std::string_view> st;

  /// Where a header of this name belongs; null when nobody asks for it.
  [[nodiscard]] std::optional<std::string_view>* find(std::string_view name) {
    if (equals_ignoring_case(name, "MAN")) return &man;
    if (equals_ignoring_case(name, "MX")) return &mx;
    if (equals_ignoring_case(name, "ST")) return &st;
    return nullptr;
  }
};

/// Nothing when a line is no header, or says again what was said.
[[nodiscard]] std::optional<SearchHeaders> parse_headers(std::string_view rest) {
  SearchHeaders headers;
  while (!rest.empty()) {
    const auto line = take_line(rest);
    if (line.empty()) break;
    if (std::any_of(line.begin(), line.end(), is_control)) return std::nullopt;
    const auto colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
    // A line that goes on with the header above it is obsolete, and hides things.
    if (line.front() == ' ' || line.front() == '\t') return std::nullopt;
    auto* header = headers.find(line.substr(0, colon));
    if (!header) continue;
    if (*header) return std::nullopt;
    *header = trimmed(line.substr(colon + 1));
  }
  return headers;
}

[[nodiscard]] bool is_discover(std::optional<std::string_view> man, Leniency leniency) {
  if (!man) return leniency == Leniency::lenient;
  return *man == "\"ssdp:discover\"" || *man == "ssdp:discover";
}

[[nodiscard]] std::optional<Seconds> parse_wait(std::optional<std::string_view> mx) {
  if (!mx || mx->empty()) return std::nullopt;
  unsigned value = 0;
  for (const char c : *mx) {
    if (c < '0' || c > '9') return std::nullopt;
    value = std::min(kLongestWait, value * 10 + static_cast<unsigned>(c - '0'));
  }
  return Seconds(std::max(1U, value));
}

/// Builds a message line by line.
class Text {
 public:
  explicit Text(std::string_view start_line) { (text_ += start_line) += "\r\n"; }

  Text& add(std::string_view name, std::string_view value) {
    ((text_ += name) += ": ") += value;
    text_ += "\r\n";
    return *this;
  }
  Text& add(std::string_view name, std::uint32_t value) { return add(name, std::to_string(value)); }
  /// A header without a value.
  Text& add(std::string_view name) {
    (text_ += name) += ":\r\n";
    return *this;
  }
  Text& add_ids(const SsdpFacts& facts) {
    return add("BOOTID.UPNP.ORG", facts.boot_id).add("CONFIGID.UPNP.ORG", facts.config_id);
  }
  Text& add_max_age() { return add("CACHE-CONTROL", "max-age=" + std::to_string(kMaxAge.count())); }
  /// What UDA 1.0 says in the place of BOOTID over IPv6 (its annex A); left out when the message
  /// would be longer than `most`.
  Text& add_optional(const SsdpFacts& facts, std::size_t most) {
    const auto without = text_.size();
    add("OPT", "\"http://schemas.upnp.org/upnp/1/0/\"; ns=01").add("01-NLS", facts.boot_id);
    if (text_.size() + kEnd.size() > most) text_.resize(without);
    return *this;
  }

  [[nodiscard]] std::vector<std::uint8_t> end() {
    text_ += kEnd;
    return {text_.begin(), text_.end()};
  }

 private:
  static constexpr std::string_view kEnd = "\r\n";
  std::string text_;
};

[[nodiscard]] Text notify(const Advertisement& offer, const Endpoint& group, std::string_view nts) {
  auto host = to_string(group);
  std::transform(host.begin(), host.end(), host.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  Text text("NOTIFY * HTTP/1.1");
  text.add("HOST", host).add("NT", offer.target).add("NTS", nts).add("USN", offer.usn);
  return text;
}

}  // namespace

std::optional<Search> parse_search(Bytes datagram, Leniency leniency) {
  if (datagram.size() > kLongestSearch) return std::nullopt;
  const std::string text(datagram.begin(), datagram.end());
  std::string_view rest = text;
  if (take_line(rest) != "M-SEARCH * HTTP/1.1") return std::nullopt;
  const auto headers = parse_headers(rest);
  if (!headers || !is_discover(headers->man, leniency)) return std::nullopt;
  if (!headers->st || headers->st->empty()) return std::nullopt;
  return Search{std::string(*headers->st), parse_wait(headers->mx)};
}

std::optional<std::vector<std::uint8_t>> emit_answer(const Advertisement& offer,
                                                     const std::string& location,
                                                     const SsdpFacts& facts, std::size_t most) {
  auto octets = Text("HTTP/1.1 200 OK")
                    .add_max_age()
                    .add("EXT")
                    .add("LOCATION", location)
                    .add("SERVER", facts.server)
                    .add("ST", offer.target)
                    .add("USN", offer.usn)
                    .add_ids(facts)
                    .add_optional(facts, most)
                    .end();
  if (octets.size() > most) return std::nullopt;
  return octets;
}

std::vector<std::uint8_t> emit_alive(const Advertisement& offer, const Endpoint& group,
                                     const std::string& location, const SsdpFacts& facts) {
  return notify(offer, group, "ssdp:alive")
      .add_max_age()
      .add("LOCATION", location)
      .add("SERVER", facts.server)
      .add_ids(facts)
      .add_optional(facts, kNotifySize)
      .end();
}

std::vector<std::uint8_t> emit_byebye(const Advertisement& offer, const Endpoint& group,
                                      const SsdpFacts& facts) {
  return notify(offer, group, "ssdp:byebye").add_ids(facts).add_optional(facts, kNotifySize).end();
}

std::vector<std::uint8_t> emit_update(const Advertisement& offer, const Endpoint& group,
                                      const std::string& location, const SsdpFacts& facts,
                                      std::uint32_t next_boot_id) {
  return notify(offer, group, "ssdp:update")
      .add("LOCATION", location)
      .add_ids(facts)
      .add("NEXTBOOTID.UPNP.ORG", next_boot_id)
      .add_optional(facts, kNotifySize)
      .end();
}

}  // namespace postern::upnp
