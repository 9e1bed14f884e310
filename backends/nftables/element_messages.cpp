#include "backends/nftables/element_messages.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>
#include <tuple>
#include <utility>

#include <endian.h>

namespace postern::nftables {
namespace {

constexpr std::size_t kElementRoom = 144;

void put_value(nlmsghdr* message, std::uint16_t attribute, std::span<const std::uint8_t> octets) {
  auto* nest = mnl_attr_nest_start(message, attribute);
  mnl_attr_put(message, NFTA_DATA_VALUE, octets.size(), octets.data());
  mnl_attr_nest_end(message, nest);
}

void put_element(nlmsghdr* message, const Element& element, std::optional<Milliseconds> timeout) {
  auto* nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  const auto size = key_size(element.container);
  put_value(message, NFTA_SET_ELEM_KEY, std::span(element.key).first(size));
  if (element.key_end) {
    put_value(message, NFTA_SET_ELEM_KEY_END, std::span(*element.key_end).first(size));
  }
  // A deletion goes by the keys alone.
  if (timeout) {
    if (element.data) put_value(message, NFTA_SET_ELEM_DATA, *element.data);
    const std::uint64_t octets = htobe64(static_cast<std::uint64_t>(timeout->count()));
    mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, octets);
    // The time left as well: the kernel takes the timeout that an element already has for no
    // change.
    mnl_attr_put_u64(message, NFTA_SET_ELEM_EXPIRATION, octets);
  }
  mnl_attr_nest_end(message, nest);
}

[[nodiscard]] nlattr* put_list_head(nlmsghdr* message, const char* table, Container container) {
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, to_string(container));
  return mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
}

/// One message. The timeouts do not matter to a deletion.
void put_elements(netlink::Batch& batch, nf_tables_msg_types kind, const char* table,
                  Container container, std::span<const TimedElement> elements,
                  std::optional<std::size_t> change) {
  assert(elements.size() <= kElementsPerMessage);
  const bool is_addition = kind == NFT_MSG_NEWSETELEM;
  auto* message = batch.start_message(kind, is_addition ? NLM_F_CREATE : 0, change,
                                      (elements.size() + 2) * kElementRoom);
  auto* list = put_list_head(message, table, container);
  for (const auto& [element, timeout] : elements) {
    put_element(message, element, is_addition ? std::optional(timeout) : std::nullopt);
  }
  mnl_attr_nest_end(message, list);
  batch.finish_message();
}

/// Copies the octets of a NFTA_DATA_VALUE when there are exactly as many.
[[nodiscard]] bool read_value(const nlattr* nest, std::span<std::uint8_t> octets) {
  bool is_read = false;
  netlink::for_each_nested(nest, [&](const nlattr* value) {
    if (mnl_attr_get_type(value) != NFTA_DATA_VALUE) return;
    if (mnl_attr_get_payload_len(value) != octets.size()) return;
    std::memcpy(octets.data(), mnl_attr_get_payload(value), octets.size());
    is_read = true;
  });
  return is_read;
}

/// Nothing for an element that somebody else made in another form.
[[nodiscard]] std::optional<TimedElement> read_element(const nlattr* nest, Container container) {
  TimedElement held{{container, {}, std::nullopt, std::nullopt}, Milliseconds{0}};
  const auto size = key_size(container);
  bool has_key = false;
  bool is_plain = true;
  netlink::for_each_nested(nest, [&](const nlattr* attribute) {
    switch (mnl_attr_get_type(attribute)) {
      case NFTA_SET_ELEM_KEY:
        has_key = read_value(attribute, std::span(held.element.key).first(size));
        break;
      case NFTA_SET_ELEM_KEY_END: {
        ElementKey end{};
        if (read_value(attribute, std::span(end).first(size))) held.element.key_end = end;
        break;
      }
      case NFTA_SET_ELEM_DATA: {
        ElementData data{};
        if (read_value(attribute, data)) held.element.data = data;
        break;
      }
      case NFTA_SET_ELEM_EXPIRATION: {
        std::uint64_t left = 0;
        if (mnl_attr_get_payload_len(attribute) != sizeof left) break;
        std::memcpy(&left, mnl_attr_get_payload(attribute), sizeof left);
        held.timeout = Milliseconds(static_cast<Milliseconds::rep>(be64toh(left)));
        break;
      }
      // The end of an interval in a set of single values, or the element for everything else.
      case NFTA_SET_ELEM_FLAGS:
        is_plain = false;
        break;
      default:
        break;
    }
  });
  if (!has_key || !is_plain || held.timeout.count() <= 0) return std::nullopt;
  return held;
}

/// Calls `visit` with the attribute of each element of an answer.
template <class Visit>
void for_each_element(const nlmsghdr* message, Visit visit) {
  netlink::for_each_attribute(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS) return;
    netlink::for_each_nested(attribute, visit);
  });
}

/// What the counter of an element says; nothing when it has none.
[[nodiscard]] std::optional<std::uint64_t> read_packets(const nlattr* element) {
  std::optional<std::uint64_t> packets;
  const auto read_counter = [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NFTA_COUNTER_PACKETS) return;
    if (mnl_attr_validate(attribute, MNL_TYPE_U64) < 0) return;
    packets = be64toh(mnl_attr_get_u64(attribute));
  };
  const auto read_expression = [&](const nlattr* attribute) {
    // A container of ours that has an expression has a counter.
    if (mnl_attr_get_type(attribute) != NFTA_EXPR_DATA) return;
    netlink::for_each_nested(attribute, read_counter);
  };
  netlink::for_each_nested(element, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_EXPR) return;
    netlink::for_each_nested(attribute, read_expression);
  });
  return packets;
}

/// Room for a question about elements.
struct alignas(nlmsghdr) Question {
  std::array<std::uint8_t, 256> octets{};

  [[nodiscard]] std::span<const std::uint8_t> bytes(const nlmsghdr* message) const {
    return std::span(octets).first(message->nlmsg_len);
  }
};

[[nodiscard]] nlmsghdr* start_question(Question& question, int flags, const char* table,
                                       Container container) {
  auto* message = mnl_nlmsg_put_header(question.octets.data());
  message->nlmsg_type = netlink::message_type(NFT_MSG_GETSETELEM);
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  netlink::put_family(message, NFPROTO_INET);
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, to_string(container));
  return message;
}

/// Nothing when the element is not there as given.
[[nodiscard]] Result<std::optional<std::uint64_t>, netlink::Error> packets_of(
    netlink::Socket& socket, const char* table, const Element& element) {
  Question question;
  auto* message = start_question(question, NLM_F_ACK, table, element.container);
  auto* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
  put_element(message, element, std::nullopt);
  mnl_attr_nest_end(message, list);
  std::optional<std::uint64_t> packets;
  const auto asked = socket.dump(question.bytes(message), [&](const nlmsghdr* answer) {
    for_each_element(answer, [&](const nlattr* attribute) {
      const auto read = read_element(attribute, element.container);
      // Of intervals the kernel gives the one in which the key lies.
      if (read && read->element == element) packets = read_packets(attribute);
    });
  });
  if (!asked && asked.error().code != ENOENT) return fail(asked.error());
  return packets;
}

/// One answer of the kernel to the question for all elements.
struct Reading {
  std::vector<TimedElement> elements;
  /// In how many messages it came.
  std::size_t parts = 0;
  /// The number of the rules' last change, which each message carries; of the first message.
  std::uint16_t generation = 0;
  bool is_steady = true;
};

[[nodiscard]] Result<Reading, netlink::Error> read_once(const char* table, Container container) {
  // A socket of its own: what a broken dump leaves behind is closed with it.
  auto socket = netlink::Socket::open();
  if (!socket) return fail(socket.error());

  Question question;
  const auto* message = start_question(question, NLM_F_DUMP, table, container);
  Reading reading;
  const auto dumped = socket->dump(question.bytes(message), [&](const nlmsghdr* part) {
    for_each_element(part, [&](const nlattr* element) {
      if (const auto read = read_element(element, container)) reading.elements.push_back(*read);
    });
    // For elements the kernel (6.18) does not set NLM_F_DUMP_INTR; this tells as much.
    const auto generation = netlink::generation_of(part);
    if (reading.parts++ == 0) reading.generation = generation;
    reading.is_steady = reading.is_steady && generation == reading.generation;
  });
  if (!dumped) return fail(dumped.error());
  if (!reading.is_steady) return fail(netlink::Error{EINTR, std::nullopt});
  return reading;
}

[[nodiscard]] bool by_key(const TimedElement& left, const TimedElement& right) {
  // Intervals that begin alike may end differently.
  return std::tie(left.element.key, left.element.key_end) <
         std::tie(right.element.key, right.element.key_end);
}

/// Sorts by key, and tells whether each key is there once.
[[nodiscard]] bool sort_unique(std::vector<TimedElement>& elements) {
  std::sort(elements.begin(), elements.end(), by_key);
  // Sorted, so neighbours that are not in strict order are equal.
  return std::adjacent_find(elements.begin(), elements.end(),
                            [](const auto& left, const auto& right) {
                              return !by_key(left, right);
                            }) == elements.end();
}

}  // namespace

void put_add(netlink::Batch& batch, const char* table, Container container,
             std::span<const TimedElement> elements, std::optional<std::size_t> change) {
  put_elements(batch, NFT_MSG_NEWSETELEM, table, container, elements, change);
}

void put_delete(netlink::Batch& batch, const char* table, Container container,
                std::span<const TimedElement> elements, std::optional<std::size_t> change) {
  put_elements(batch, NFT_MSG_DELSETELEM, table, container, elements, change);
}

Result<bool, netlink::Error> table_exists(const char* table) {
  auto socket = netlink::Socket::open();
  if (!socket) return fail(socket.error());
  Question question;
  auto* message = mnl_nlmsg_put_header(question.octets.data());
  message->nlmsg_type = netlink::message_type(NFT_MSG_GETTABLE);
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  netlink::put_family(message, NFPROTO_INET);
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, table);
  const auto asked = socket->dump(question.bytes(message), [](const nlmsghdr*) {});
  if (asked) return true;
  if (asked.error().code == ENOENT) return false;
  return fail(asked.error());
}

Result<std::vector<TimedElement>, netlink::Error> held_elements(const char* table,
                                                                Container container) {
  // For each part of a long answer the kernel walks its hash table anew and skips as many elements
  // as it sent before. So an element is left out when the order changed meanwhile (the table grew:
  // then another comes twice) or when an expired one before it was swept away (then nothing shows
  // it). Hence two good readings of a long answer, and everything that is in either.
  constexpr int kAttempts = 50;
  std::vector<TimedElement> earlier;
  int good_readings = 0;
  netlink::Error last_error{EINTR, std::nullopt};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto reading = read_once(table, container);
    if (!reading) {
      last_error = reading.error();
      if (last_error.code == ENOENT) return std::vector<TimedElement>{};
      // Somebody changed a rule (any change to any table counts), or answers were lost.
      if (last_error.code == EINTR || last_error.code == ENOBUFS) continue;
      break;
    }
    if (!sort_unique(reading->elements)) continue;
    if (reading->parts <= 1) return std::move(reading->elements);
    std::vector<TimedElement> both;
    std::set_union(reading->elements.begin(), reading->elements.end(), earlier.begin(),
                   earlier.end(), std::back_inserter(both), by_key);
    if (++good_readings == 2) return both;
    earlier = std::move(both);
  }
  return fail(last_error);
}

Result<std::optional<std::uint64_t>, netlink::Error> packets_counted(
    const char* table, std::span<const Element> elements) {
  auto socket = netlink::Socket::open();
  if (!socket) return fail(socket.error());
  std::uint64_t sum = 0;
  for (const auto& element : elements) {
    const auto packets = packets_of(*socket, table, element);
    if (!packets || !*packets) return packets;
    sum += **packets;
  }
  return std::optional(sum);
}

}  // namespace postern::nftables
