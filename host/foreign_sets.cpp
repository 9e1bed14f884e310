#include "host/foreign_sets.h"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include <libnftnl/set.h>

namespace postern::host {
namespace {

struct FreeSet {
  void operator()(nftnl_set* set) const { nftnl_set_free(set); }
};
using SetPointer = std::unique_ptr<nftnl_set, FreeSet>;

[[nodiscard]] SetPointer make_set() {
  SetPointer set(nftnl_set_alloc());
  if (set == nullptr) throw std::bad_alloc();
  return set;
}

/// An element as the kernel tells it.
struct RawElement {
  SetElement element;
  std::uint32_t flags = 0;
};

[[nodiscard]] std::vector<std::uint8_t> octets_of(nftnl_set_elem* element, std::uint16_t attribute,
                                                  std::uint32_t size) {
  std::vector<std::uint8_t> octets;
  if (nftnl_set_elem_is_set(element, attribute)) {
    std::uint32_t length = 0;
    const void* data = nftnl_set_elem_get(element, attribute, &length);
    const auto* begin = static_cast<const std::uint8_t*>(data);
    if (begin != nullptr) octets.assign(begin, begin + length);
  }
  octets.resize(size);
  return octets;
}

[[nodiscard]] RawElement raw_element(nftnl_set_elem* element, std::uint32_t key_size) {
  RawElement raw;
  if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS)) {
    raw.flags = nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS);
  }
  const bool has_last = nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_KEY_END);
  auto& [keys, verdict, target] = raw.element;
  keys.first = octets_of(element, NFTNL_SET_ELEM_KEY, key_size);
  keys.last = has_last ? octets_of(element, NFTNL_SET_ELEM_KEY_END, key_size) : keys.first;
  if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_VERDICT)) {
    verdict = verdict_of(nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_VERDICT));
  }
  if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_CHAIN)) {
    target = nftnl_set_elem_get_str(element, NFTNL_SET_ELEM_CHAIN);
  }
  return raw;
}

struct Taken {
  std::uint32_t key_size = 0;
  std::vector<RawElement> elements;
};

int take_element(nftnl_set_elem* element, void* data) {
  auto* taken = static_cast<Taken*>(data);
  taken->elements.push_back(raw_element(element, taken->key_size));
  return 0;
}

/// The number before this one, which is not zero.
void decrement(std::vector<std::uint8_t>& number) {
  for (auto octet = number.rbegin(); octet != number.rend(); ++octet) {
    if ((*octet)-- != 0) return;
  }
}

/// Intervals of a single field come as a list of places where something begins or ends. Each lasts
/// until the next place.
void close_intervals(std::vector<RawElement>& raw) {
  const auto is_end = [](const RawElement& e) {
    return (e.flags & NFT_SET_ELEM_INTERVAL_END) != 0;
  };
  std::sort(raw.begin(), raw.end(), [&](const RawElement& left, const RawElement& right) {
    if (left.element.keys.first != right.element.keys.first) {
      return left.element.keys.first < right.element.keys.first;
    }
    return is_end(left) && !is_end(right);
  });
  for (std::size_t i = 0; i < raw.size(); ++i) {
    auto& keys = raw[i].element.keys;
    if (i + 1 < raw.size()) {
      keys.last = raw[i + 1].element.keys.first;
      decrement(keys.last);
    } else {
      std::fill(keys.last.begin(), keys.last.end(), std::uint8_t{0xff});
    }
  }
  std::erase_if(raw, is_end);
}

[[nodiscard]] std::vector<SetElement> finished(std::vector<RawElement> raw, std::uint32_t flags) {
  std::vector<SetElement> elements;
  std::erase_if(raw, [&](RawElement& one) {
    if ((one.flags & NFT_SET_ELEM_CATCHALL) == 0) return false;
    auto& keys = one.element.keys;
    std::fill(keys.first.begin(), keys.first.end(), std::uint8_t{0});
    std::fill(keys.last.begin(), keys.last.end(), std::uint8_t{0xff});
    elements.push_back(std::move(one.element));
    return true;
  });
  // In a concatenation, each element has an end of its own.
  const bool is_single_field = (flags & NFT_SET_CONCAT) == 0;
  if ((flags & NFT_SET_INTERVAL) != 0 && is_single_field) close_intervals(raw);
  for (auto& one : raw) elements.push_back(std::move(one.element));
  return elements;
}

}  // namespace

Verdict verdict_of(std::uint32_t code) {
  switch (static_cast<std::int32_t>(code)) {
    case NF_ACCEPT:
      return Verdict::accept;
    case NF_DROP:
      return Verdict::drop;
    case NF_QUEUE:
      return Verdict::queue;
    case NFT_JUMP:
      return Verdict::jump;
    case NFT_GOTO:
      return Verdict::go_to;
    case NFT_RETURN:
      return Verdict::leave_chain;
    default:
      return Verdict::none;
  }
}

Result<void, netlink::Error> ForeignSets::read() {
  return dump_.all(NFT_MSG_GETSET, [&](const nlmsghdr* message) {
    const auto set = make_set();
    if (nftnl_set_nlmsg_parse(message, set.get()) < 0) return;
    const char* table = nftnl_set_get_str(set.get(), NFTNL_SET_TABLE);
    const char* name = nftnl_set_get_str(set.get(), NFTNL_SET_NAME);
    if (table == nullptr || name == nullptr) return;
    const auto family = static_cast<std::uint8_t>(nftnl_set_get_u32(set.get(), NFTNL_SET_FAMILY));
    entries_[{family, table, name}] = {nftnl_set_get_u32(set.get(), NFTNL_SET_KEY_LEN),
                                       nftnl_set_get_u32(set.get(), NFTNL_SET_FLAGS)};
  });
}

std::uint32_t ForeignSets::key_size(std::uint8_t family, const std::string& table,
                                    const std::string& set) const {
  const auto found = entries_.find({family, table, set});
  return found == entries_.end() ? 0 : found->second.key_size;
}

Result<std::vector<SetElement>, netlink::Error> ForeignSets::elements(std::uint8_t family,
                                                                      const std::string& table,
                                                                      const std::string& set) {
  const auto found = entries_.find({family, table, set});
  if (found == entries_.end()) return std::vector<SetElement>{};
  const auto& entry = found->second;
  Taken taken{entry.key_size, {}};
  const auto dumped = dump_.elements(family, table, set, [&](const nlmsghdr* message) {
    const auto part = make_set();
    if (nftnl_set_elems_nlmsg_parse(message, part.get()) < 0) return;
    nftnl_set_elem_foreach(part.get(), take_element, &taken);
  });
  if (!dumped) return fail(dumped.error());
  return finished(std::move(taken.elements), entry.flags);
}

}  // namespace postern::host
