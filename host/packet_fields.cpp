#include "host/packet_fields.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <linux/netfilter/nf_conntrack_common.h>
#include <net/if.h>

#include "netlink/headers.h"

namespace postern::host {
namespace {

/// IFNAMSIZ octets are compared for a whole name, fewer for a beginning.
constexpr std::size_t kNameSize = 16;
constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;

/// A field within the octets that are compared.
struct FieldAt {
  Field field = Field::other;
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// In octets; a name may be compared in part.
[[nodiscard]] std::size_t size_of(Field field) {
  switch (field) {
    case Field::other:
    case Field::padding:
    case Field::nf_protocol:
    case Field::l4_protocol:
      return 1;
    case Field::ether_type:
    case Field::destination_port:
      return 2;
    case Field::mark:
    case Field::ct_state:
    case Field::ct_status:
    case Field::in_index:
    case Field::out_index:
      return 4;
    case Field::in_name:
    case Field::out_name:
      return kNameSize;
  }
  return 1;
}

[[nodiscard]] bool is_name(Field field) {
  return field == Field::in_name || field == Field::out_name;
}

/// The fields among some octets, each once.
struct Fields {
  std::vector<FieldAt> known;
  bool has_others = false;

  [[nodiscard]] const FieldAt* find(Field field) const {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const FieldAt& at) { return at.field == field; });
    return found == known.end() ? nullptr : &*found;
  }
  /// The only one, when nothing else is compared with it.
  [[nodiscard]] const FieldAt* single() const {
    return known.size() == 1 && !has_others ? &known.front() : nullptr;
  }
};

[[nodiscard]] Fields fields_among(std::span<const Octet> octets) {
  Fields fields;
  for (std::size_t i = 0; i < octets.size();) {
    const Field field = octets[i].field;
    // A mask leaves out what is not compared.
    if (field == Field::padding || octets[i].mask == 0) {
      // Unless it begins a field whose other octets are compared.
      const bool begins = octets[i].index == 0 && size_of(field) > 1 && i + 1 < octets.size() &&
                          octets[i + 1].field == field && octets[i + 1].index == 1;
      if (!begins) {
        ++i;
        continue;
      }
    }
    std::size_t size = 1;
    while (size < size_of(field) && i + size < octets.size() && octets[i + size].field == field &&
           octets[i + size].index == size) {
      ++size;
    }
    const bool is_whole =
        field != Field::other && octets[i].index == 0 && (size == size_of(field) || is_name(field));
    if (!is_whole || fields.find(field) != nullptr) {
      fields.has_others = true;
    } else {
      fields.known.push_back({field, i, size});
    }
    i += size;
  }
  return fields;
}

/// What one comparison says, for all the fields it compares.
class Narrowing {
 public:
  Narrowing(PacketMatch& match, std::span<const Octet> octets, std::span<const KeyRange> ranges,
            bool is_negated)
      : match_(match),
        octets_(octets),
        ranges_(ranges),
        is_negated_(is_negated),
        fields_(fields_among(octets)) {}

  void run() {
    match_.is_conditional = true;
    // "Not both" cannot be told as two things that must be true.
    const bool is_mixed = is_negated_ && fields_.single() == nullptr;
    if (fields_.has_others || fields_.known.empty() || is_mixed) match_.has_others = true;
    if (is_mixed) return;
    narrow_ports();
    for (const auto& at : fields_.known) narrow_one(at);
  }

 private:
  void narrow_one(const FieldAt& at) {
    switch (at.field) {
      case Field::other:
      case Field::padding:
      case Field::l4_protocol:
      case Field::destination_port:
        return;
      case Field::nf_protocol:
        return narrow_version(at, NFPROTO_IPV4, NFPROTO_IPV6);
      case Field::ether_type:
        return narrow_version(at, kEtherIpv4, kEtherIpv6);
      case Field::mark:
        return narrow_mark(at);
      case Field::ct_state:
        return narrow_state(at);
      case Field::ct_status:
        return narrow_status(at);
      case Field::in_name:
      case Field::in_index:
        return narrow_interface(at, match_.in);
      case Field::out_name:
      case Field::out_index:
        return narrow_interface(at, match_.out);
    }
  }

  /// A field in network order, of at most two octets.
  [[nodiscard]] static std::uint32_t number(const FieldAt& at,
                                            const std::vector<std::uint8_t>& key) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < at.size; ++i) value = value << 8 | key[at.offset + i];
    return value;
  }
  [[nodiscard]] std::uint32_t changed(const FieldAt& at, std::uint32_t value) const {
    std::uint32_t mask = 0;
    std::uint32_t flip = 0;
    for (std::size_t i = 0; i < at.size; ++i) {
      mask = mask << 8 | octets_[at.offset + i].mask;
      flip = flip << 8 | octets_[at.offset + i].flip;
    }
    return (value & mask) ^ flip;
  }
  [[nodiscard]] bool admits(const FieldAt& at, const KeyRange& range, std::uint32_t value) const {
    const auto seen = changed(at, value);
    return number(at, range.first) <= seen && seen <= number(at, range.last);
  }
  [[nodiscard]] bool is_plain(const FieldAt& at) const {
    const auto octets = octets_.subspan(at.offset, at.size);
    return std::all_of(octets.begin(), octets.end(),
                       [](const Octet& octet) { return octet.mask == 0xff && octet.flip == 0; });
  }

  void add_ports(const FieldAt& at, const KeyRange& range, std::vector<PortRange>& ports) const {
    if (is_plain(at)) {
      const auto first = std::max(number(at, range.first), 1U);
      const auto last = number(at, range.last);
      if (first > last) return;
      ports.push_back({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)});
      return;
    }
    for (std::uint32_t port = 1; port <= 0xffff; ++port) {
      if (!admits(at, range, port)) continue;
      const auto number = static_cast<std::uint16_t>(port);
      ports.push_back({number, number});
    }
  }

  void narrow_ports() {
    const auto* protocol = fields_.find(Field::l4_protocol);
    const auto* port = fields_.find(Field::destination_port);
    if (protocol == nullptr && port == nullptr) return;
    narrow_ports(Protocol::tcp, match_.tcp, protocol, port);
    narrow_ports(Protocol::udp, match_.udp, protocol, port);
  }

  void narrow_ports(Protocol which, PortMatch& match, const FieldAt* protocol,
                    const FieldAt* port) const {
    std::vector<PortRange> ports;
    for (const auto& range : ranges_) {
      const auto number = static_cast<std::uint32_t>(which);
      if (protocol != nullptr && !admits(*protocol, range, number)) continue;
      if (port == nullptr) {
        ports.push_back({1, 0xffff});
      } else {
        add_ports(*port, range, ports);
      }
    }
    PortMatch asked{PortSet(std::move(ports)), port != nullptr && !is_negated_};
    if (is_negated_) asked.ports = PortMatch{}.ports.without(asked.ports);
    match.narrow(asked);
  }

  void narrow_version(const FieldAt& at, std::uint32_t ipv4, std::uint32_t ipv6) {
    const auto is_admitted = [&](std::uint32_t version) {
      const bool is_listed =
          std::any_of(ranges_.begin(), ranges_.end(),
                      [&](const KeyRange& range) { return admits(at, range, version); });
      return is_listed != is_negated_;
    };
    match_.ipv4 = match_.ipv4 && is_admitted(ipv4);
    match_.ipv6 = match_.ipv6 && is_admitted(ipv6);
  }

  /// Of fields in the machine's own order.
  struct Word {
    std::uint32_t mask = 0;
    /// What (field & mask) must be, or must not be.
    std::uint32_t value = 0;
  };
  [[nodiscard]] static std::uint32_t word(const std::uint8_t* octets) {
    std::uint32_t value = 0;
    std::memcpy(&value, octets, sizeof value);
    return value;
  }
  /// When a single value is compared.
  [[nodiscard]] std::optional<Word> single_word(const FieldAt& at) const {
    if (ranges_.size() != 1 || ranges_[0].first != ranges_[0].last) return std::nullopt;
    std::array<std::uint8_t, 4> mask{};
    std::array<std::uint8_t, 4> flip{};
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask[i] = octets_[at.offset + i].mask;
      flip[i] = octets_[at.offset + i].flip;
    }
    return Word{word(mask.data()), word(ranges_[0].first.data() + at.offset) ^ word(flip.data())};
  }

  void narrow_mark(const FieldAt& at) {
    const auto asked = single_word(at);
    // "Not 0" of a single bit is that bit.
    const bool is_bit =
        asked && is_negated_ && asked->value == 0 && std::has_single_bit(asked->mask);
    if (!asked || match_.mark || (is_negated_ && !is_bit)) {
      match_.has_others = true;
    } else {
      match_.mark = MarkMatch{asked->mask, is_bit ? asked->mask : asked->value};
    }
  }

  void narrow_state(const FieldAt& at) {
    std::uint32_t states = 0;
    const auto asked = single_word(at);
    if (is_negated_) {
      // ct state established,related: (state & 6) != 0.
      if (asked && asked->value == 0) states = asked->mask;
    } else if (is_plain(at)) {
      for (const auto& range : ranges_) states |= word(range.first.data() + at.offset);
    }
    if (states == 0) {
      match_.has_others = true;
    } else {
      match_.ct_states = match_.ct_states.value_or(states) & states;
    }
  }

  void narrow_status(const FieldAt& at) {
    const auto asked = single_word(at);
    const bool is_any_of_mask = asked && is_negated_ && asked->value == 0;
    const bool is_that_bit =
        asked && !is_negated_ && asked->mask == IPS_DST_NAT && asked->value == IPS_DST_NAT;
    if (is_that_bit || (is_any_of_mask && (asked->mask & IPS_DST_NAT) != 0)) {
      match_.is_dnat = true;
    } else {
      match_.has_others = true;
    }
  }

  [[nodiscard]] std::string interface_name(const FieldAt& at, const KeyRange& range) const {
    if (!is_name(at.field)) {
      const auto index = word(range.first.data() + at.offset);
      std::array<char, IF_NAMESIZE> name{};
      if (::if_indextoname(index, name.data()) != nullptr) return name.data();
      return "#" + std::to_string(index);
    }
    const auto offset = static_cast<std::ptrdiff_t>(at.offset);
    const auto begin = range.first.begin() + offset;
    const auto end = begin + static_cast<std::ptrdiff_t>(at.size);
    const auto zero = std::find(begin, end, std::uint8_t{0});
    std::string name(begin, zero);
    // Without the zero at its end only the beginning is compared.
    const bool is_beginning = zero == end && at.size < kNameSize;
    const bool is_interval = !std::equal(begin, end, range.last.begin() + offset);
    if (is_beginning || is_interval) name += '*';
    return name;
  }

  void narrow_interface(const FieldAt& at, std::optional<InterfaceMatch>& match) {
    if (!is_plain(at)) {
      match_.has_others = true;
      return;
    }
    InterfaceMatch asked{{}, is_negated_};
    for (const auto& range : ranges_) asked.names.push_back(interface_name(at, range));
    // The kernel tells a set in an order that changes from time to time.
    std::sort(asked.names.begin(), asked.names.end());
    if (!match) {
      match = std::move(asked);
    } else if (match->is_negated && asked.is_negated) {
      match->names.insert(match->names.end(), asked.names.begin(), asked.names.end());
    } else if (has_beginning(*match) || has_beginning(asked)) {
      match_.has_others = true;
    } else {
      if (match->is_negated) std::swap(*match, asked);
      std::erase_if(match->names, [&](const std::string& name) { return !asked.admits(name); });
    }
  }

  [[nodiscard]] static bool has_beginning(const InterfaceMatch& match) {
    return std::any_of(match.names.begin(), match.names.end(),
                       [](const std::string& name) { return name.ends_with('*'); });
  }

  PacketMatch& match_;
  std::span<const Octet> octets_;
  std::span<const KeyRange> ranges_;
  bool is_negated_;
  Fields fields_;
};

}  // namespace

std::size_t Registers::position(std::uint32_t register_number) {
  if (register_number >= NFT_REG_1 && register_number <= NFT_REG_4) {
    return (register_number - NFT_REG_1) * std::size_t{NFT_REG_SIZE};
  }
  if (register_number >= NFT_REG32_00 && register_number <= NFT_REG32_15) {
    return (register_number - NFT_REG32_00) * std::size_t{NFT_REG32_SIZE};
  }
  return kSize;
}

void Registers::load(std::size_t position, std::span<const Octet> octets) {
  for (std::size_t i = 0; i < octets.size() && position + i < kSize; ++i) {
    octets_[position + i] = octets[i];
  }
  // The kernel fills the last word with zeros.
  for (std::size_t i = octets.size(); i % NFT_REG32_SIZE != 0 && position + i < kSize; ++i) {
    octets_[position + i] = {Field::padding};
  }
}

void Registers::load(std::size_t position, Field field, std::size_t size) {
  std::vector<Octet> octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = {field, static_cast<std::uint8_t>(i)};
  load(position, octets);
}

void Registers::forget(std::size_t position, std::size_t size) {
  for (std::size_t i = position; i < std::min(position + size, kSize); ++i) octets_[i] = {};
}

void Registers::forget_all() {
  octets_ = {};
}

std::span<const Octet> Registers::octets(std::size_t position, std::size_t size) const {
  if (position >= kSize) return {};
  return std::span<const Octet>(octets_).subspan(position, std::min(size, kSize - position));
}

void narrow(PacketMatch& match, std::span<const Octet> octets, std::span<const KeyRange> ranges,
            bool is_negated) {
  Narrowing(match, octets, ranges, is_negated).run();
}

bool holds_known_field(std::span<const Octet> octets) {
  return !fields_among(octets).known.empty();
}

}  // namespace postern::host
