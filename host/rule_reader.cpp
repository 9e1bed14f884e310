#include "host/rule_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "host/packet_fields.h"
#include "host/xt_extensions.h"

namespace postern::host {
namespace {

/// Where in the packet's headers they stand: the protocol in IPv4 (RFC 791 §3.1) and IPv6 (RFC 8200
/// §3), the destination port in TCP and UDP alike.
constexpr std::uint32_t kIpv4Protocol = 9;
constexpr std::uint32_t kIpv6NextHeader = 6;
constexpr std::uint32_t kDestinationPort = 2;

/// One expression, without libnftnl's habit of ending the program over a missing attribute.
class Expression {
 public:
  explicit Expression(nftnl_expr* raw) : raw_(raw) {}

  [[nodiscard]] std::string_view name() const {
    const auto text = octets(NFTNL_EXPR_NAME);
    return text.data() == nullptr ? "" : reinterpret_cast<const char*>(text.data());
  }
  [[nodiscard]] bool has(std::uint16_t attribute) const {
    return nftnl_expr_is_set(raw_, attribute);
  }
  [[nodiscard]] std::span<const std::uint8_t> octets(std::uint16_t attribute) const {
    if (!has(attribute)) return {};
    std::uint32_t size = 0;
    const void* data = nftnl_expr_get(raw_, attribute, &size);
    if (data == nullptr) return {};
    return {static_cast<const std::uint8_t*>(data), size};
  }
  /// Of an attribute that is text.
  [[nodiscard]] std::string text(std::uint16_t attribute) const {
    const auto* begin = reinterpret_cast<const char*>(octets(attribute).data());
    return begin == nullptr ? std::string() : std::string(begin);
  }
  /// A number of 32 or 16 or 8 bits; nothing when absent.
  [[nodiscard]] std::optional<std::uint32_t> number(std::uint16_t attribute) const {
    const auto data = octets(attribute);
    if (data.size() == sizeof(std::uint32_t)) return read<std::uint32_t>(data);
    if (data.size() == sizeof(std::uint16_t)) return read<std::uint16_t>(data);
    if (data.size() == sizeof(std::uint8_t)) return data[0];
    return std::nullopt;
  }
  /// The position of the register that the attribute names; Registers::kSize when there is none.
  [[nodiscard]] std::size_t position(std::uint16_t attribute) const {
    const auto number = this->number(attribute);
    return number ? Registers::position(*number) : Registers::kSize;
  }

 private:
  template <class Number>
  [[nodiscard]] static std::uint32_t read(std::span<const std::uint8_t> data) {
    Number value = 0;
    std::memcpy(&value, data.data(), sizeof value);
    return value;
  }

  nftnl_expr* raw_;
};

/// Follows a rule's expressions as the kernel does, with what registers stand for instead of what
/// they hold.
class Reader {
 public:
  Reader(nftnl_rule* rule, ForeignSets& sets)
      : sets_(sets),
        family_(static_cast<std::uint8_t>(nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY))),
        table_(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE)) {}

  void take(const Expression& expression) {
    // Nothing behind a verdict is reached.
    if (is_done_) return;
    static const std::map<std::string_view, void (Reader::*)(const Expression&)> readers = {
        {"meta", &Reader::meta},           {"ct", &Reader::ct},
        {"payload", &Reader::payload},     {"bitwise", &Reader::bitwise},
        {"byteorder", &Reader::byteorder}, {"cmp", &Reader::cmp},
        {"range", &Reader::range},         {"lookup", &Reader::lookup},
        {"immediate", &Reader::immediate}, {"nat", &Reader::nat},
        {"redir", &Reader::redir},         {"masq", &Reader::masq},
        {"reject", &Reader::reject},       {"queue", &Reader::queue},
        {"match", &Reader::match},         {"target", &Reader::target},
        {"objref", &Reader::objref}};
    static constexpr std::string_view kStatements[] = {"counter", "log", "last", "notrack", "dup"};
    const auto name = expression.name();
    if (const auto found = readers.find(name); found != readers.end()) {
      (this->*found->second)(expression);
    } else if (std::find(std::begin(kStatements), std::end(kStatements), name) ==
               std::end(kStatements)) {
      ask_others();
      registers_.forget_all();
    }
  }

  [[nodiscard]] Result<std::vector<ForeignRule>, netlink::Error> finished() && {
    if (trouble_) return fail(*trouble_);
    if (!has_verdict_map_) told_.push_back(std::move(rule_));
    return std::move(told_);
  }

 private:
  void ask_others() { rule_.match.is_conditional = rule_.match.has_others = true; }

  void finish(Verdict verdict, NatKind nat = NatKind::none) {
    rule_.verdict = verdict;
    rule_.nat = nat;
    is_done_ = true;
  }

  void meta(const Expression& expression) {
    if (!expression.has(NFTNL_EXPR_META_DREG)) return;
    const auto to = expression.position(NFTNL_EXPR_META_DREG);
    switch (expression.number(NFTNL_EXPR_META_KEY).value_or(NFT_META_LEN)) {
      case NFT_META_NFPROTO:
        return registers_.load(to, Field::nf_protocol, 1);
      case NFT_META_PROTOCOL:
        return registers_.load(to, Field::ether_type, 2);
      case NFT_META_L4PROTO:
        return registers_.load(to, Field::l4_protocol, 1);
      case NFT_META_MARK:
        return registers_.load(to, Field::mark, 4);
      case NFT_META_IIFNAME:
        return registers_.load(to, Field::in_name, 16);
      case NFT_META_OIFNAME:
        return registers_.load(to, Field::out_name, 16);
      case NFT_META_IIF:
        return registers_.load(to, Field::in_index, 4);
      case NFT_META_OIF:
        return registers_.load(to, Field::out_index, 4);
      default:
        return registers_.forget(to, NFT_REG_SIZE);
    }
  }

  void ct(const Expression& expression) {
    if (!expression.has(NFTNL_EXPR_CT_DREG)) return;
    const auto to = expression.position(NFTNL_EXPR_CT_DREG);
    const auto key = expression.number(NFTNL_EXPR_CT_KEY);
    if (key == NFT_CT_STATE) return registers_.load(to, Field::ct_state, 4);
    if (key == NFT_CT_STATUS) return registers_.load(to, Field::ct_status, 4);
    registers_.forget(to, 2 * std::size_t{NFT_REG_SIZE});
  }

  void payload(const Expression& expression) {
    if (!expression.has(NFTNL_EXPR_PAYLOAD_DREG)) return;
    const auto base = expression.number(NFTNL_EXPR_PAYLOAD_BASE);
    const auto offset = expression.number(NFTNL_EXPR_PAYLOAD_OFFSET).value_or(0);
    const auto size = expression.number(NFTNL_EXPR_PAYLOAD_LEN).value_or(0);
    std::vector<Octet> octets(std::min<std::size_t>(size, Registers::kSize));
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = octet_of(base, offset + i);
    registers_.load(expression.position(NFTNL_EXPR_PAYLOAD_DREG), octets);
  }

  [[nodiscard]] Octet octet_of(std::optional<std::uint32_t> base, std::size_t offset) const {
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER) {
      if (offset == kDestinationPort) return {Field::destination_port, 0};
      if (offset == kDestinationPort + 1) return {Field::destination_port, 1};
    }
    if (base == NFT_PAYLOAD_NETWORK_HEADER) {
      const bool is_ipv6 = family_ == NFPROTO_IPV6 || !rule_.match.ipv4;
      if (offset == (is_ipv6 ? kIpv6NextHeader : kIpv4Protocol)) return {Field::l4_protocol, 0};
    }
    return {};
  }

  void bitwise(const Expression& expression) {
    const auto size = expression.number(NFTNL_EXPR_BITWISE_LEN).value_or(0);
    const auto from = registers_.octets(expression.position(NFTNL_EXPR_BITWISE_SREG), size);
    const auto mask = expression.octets(NFTNL_EXPR_BITWISE_MASK);
    const auto flip = expression.octets(NFTNL_EXPR_BITWISE_XOR);
    const auto to = expression.position(NFTNL_EXPR_BITWISE_DREG);
    const bool is_known =
        expression.number(NFTNL_EXPR_BITWISE_OP).value_or(NFT_BITWISE_BOOL) == NFT_BITWISE_BOOL &&
        mask.size() >= from.size() && flip.size() >= from.size();
    if (!is_known) return registers_.forget(to, std::max<std::size_t>(size, NFT_REG_SIZE));
    std::vector<Octet> octets(from.begin(), from.end());
    for (std::size_t i = 0; i < octets.size(); ++i) {
      octets[i].mask &= mask[i];
      octets[i].flip = static_cast<std::uint8_t>((octets[i].flip & mask[i]) ^ flip[i]);
    }
    registers_.load(to, octets);
  }

  void byteorder(const Expression& expression) {
    const auto size = expression.number(NFTNL_EXPR_BYTEORDER_LEN).value_or(0);
    const auto unit = expression.number(NFTNL_EXPR_BYTEORDER_SIZE).value_or(1);
    const auto from = registers_.octets(expression.position(NFTNL_EXPR_BYTEORDER_SREG), size);
    std::vector<Octet> octets(from.begin(), from.end());
    if (std::endian::native == std::endian::little && unit > 0) {
      for (auto begin = octets.begin(); octets.end() - begin >= static_cast<std::ptrdiff_t>(unit);
           begin += unit) {
        std::reverse(begin, begin + unit);
      }
    }
    registers_.load(expression.position(NFTNL_EXPR_BYTEORDER_DREG), octets);
  }

  void cmp(const Expression& expression) {
    const auto data = expression.octets(NFTNL_EXPR_CMP_DATA);
    const auto octets = registers_.octets(expression.position(NFTNL_EXPR_CMP_SREG), data.size());
    const std::vector<std::uint8_t> value(data.begin(), data.end());
    const std::vector<std::uint8_t> least(data.size(), 0);
    const std::vector<std::uint8_t> most(data.size(), 0xff);
    const auto operation = expression.number(NFTNL_EXPR_CMP_OP);
    if (operation == NFT_CMP_EQ) return compare(octets, {value, value}, false);
    if (operation == NFT_CMP_NEQ) return compare(octets, {value, value}, true);
    // Several fields in one number: what is greater tells nothing about each.
    if (!is_one_number(octets)) return ask_others();
    if (operation == NFT_CMP_LTE) return compare(octets, {least, value}, false);
    if (operation == NFT_CMP_GTE) return compare(octets, {value, most}, false);
    // Less than nothing, more than all: nobody asks that, and the number would turn over.
    if (value == (operation == NFT_CMP_LT ? least : most)) return ask_others();
    if (operation == NFT_CMP_LT) return compare(octets, {least, moved(value, -1)}, false);
    if (operation == NFT_CMP_GT) return compare(octets, {moved(value, +1), most}, false);
    ask_others();
  }

  void range(const Expression& expression) {
    const auto first = expression.octets(NFTNL_EXPR_RANGE_FROM_DATA);
    const auto last = expression.octets(NFTNL_EXPR_RANGE_TO_DATA);
    const auto octets = registers_.octets(expression.position(NFTNL_EXPR_RANGE_SREG), first.size());
    if (first.size() != last.size() || !is_one_number(octets)) return ask_others();
    compare(octets, {{first.begin(), first.end()}, {last.begin(), last.end()}},
            expression.number(NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ);
  }

  /// The ports and protocols, whose order is that of their numbers.
  [[nodiscard]] static bool is_one_number(std::span<const Octet> octets) {
    const auto is_all = [&](Field field, std::size_t size) {
      return octets.size() == size &&
             std::all_of(octets.begin(), octets.end(),
                         [&](const Octet& octet) { return octet.field == field; });
    };
    return is_all(Field::destination_port, 2) || is_all(Field::l4_protocol, 1);
  }

  /// The number before or behind this one.
  [[nodiscard]] static std::vector<std::uint8_t> moved(std::vector<std::uint8_t> number, int by) {
    int carry = by;
    for (auto octet = number.rbegin(); octet != number.rend(); ++octet) {
      const int sum = *octet + carry;
      *octet = static_cast<std::uint8_t>(sum);
      carry = sum >> 8;
    }
    return number;
  }

  void compare(std::span<const Octet> octets, KeyRange range, bool is_negated) {
    narrow(rule_.match, octets, std::span<const KeyRange>(&range, 1), is_negated);
  }

  void lookup(const Expression& expression) {
    const auto set = expression.text(NFTNL_EXPR_LOOKUP_SET);
    const auto key_size = sets_.key_size(family_, table_, set);
    const auto octets = registers_.octets(expression.position(NFTNL_EXPR_LOOKUP_SREG), key_size);
    const bool is_negated =
        (expression.number(NFTNL_EXPR_LOOKUP_FLAGS).value_or(0) & NFT_LOOKUP_F_INV) != 0;
    const bool is_verdict_map = expression.number(NFTNL_EXPR_LOOKUP_DREG) == NFT_REG_VERDICT;
    const bool is_told = octets.size() == key_size && holds_known_field(octets);

    if (!is_told && !is_verdict_map) {
      ask_others();
    } else {
      auto elements = sets_.elements(family_, table_, set);
      if (!elements) {
        trouble_ = trouble_.value_or(elements.error());
        is_done_ = true;
      } else if (is_verdict_map) {
        tell_verdicts(octets, std::move(*elements));
      } else {
        std::vector<KeyRange> keys;
        for (auto& element : *elements) keys.push_back(std::move(element.keys));
        narrow(rule_.match, octets, keys, is_negated);
      }
    }
    if (expression.has(NFTNL_EXPR_LOOKUP_DREG)) {
      registers_.forget(expression.position(NFTNL_EXPR_LOOKUP_DREG), Registers::kSize);
    }
  }

  void tell_verdicts(std::span<const Octet> octets, std::vector<SetElement> elements) {
    std::map<std::pair<Verdict, std::string>, std::vector<KeyRange>> keys;
    for (auto& element : elements) {
      keys[{element.verdict, element.target}].push_back(std::move(element.keys));
    }
    for (const auto& [outcome, ranges] : keys) {
      auto told = rule_;
      std::tie(told.verdict, told.target) = outcome;
      narrow(told.match, octets, ranges, false);
      told_.push_back(std::move(told));
    }
    has_verdict_map_ = is_done_ = true;
  }

  void immediate(const Expression& expression) {
    if (expression.number(NFTNL_EXPR_IMM_DREG) != NFT_REG_VERDICT) {
      const auto size = expression.octets(NFTNL_EXPR_IMM_DATA).size();
      return registers_.forget(expression.position(NFTNL_EXPR_IMM_DREG), size);
    }
    rule_.target = expression.text(NFTNL_EXPR_IMM_CHAIN);
    finish(verdict_of(expression.number(NFTNL_EXPR_IMM_VERDICT).value_or(0)));
  }

  void nat(const Expression& expression) {
    const bool is_dnat = expression.number(NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT;
    finish(Verdict::accept, is_dnat ? NatKind::dnat : NatKind::snat);
  }
  void redir(const Expression&) { finish(Verdict::accept, NatKind::redirect); }
  void masq(const Expression&) { finish(Verdict::accept, NatKind::masquerade); }
  void reject(const Expression&) { finish(Verdict::reject); }
  void queue(const Expression&) { finish(Verdict::queue); }

  void match(const Expression& expression) {
    read_xt_match(expression.text(NFTNL_EXPR_MT_NAME),
                  expression.number(NFTNL_EXPR_MT_REV).value_or(0),
                  expression.octets(NFTNL_EXPR_MT_INFO), rule_.match);
  }

  void target(const Expression& expression) {
    read_xt_target(expression.text(NFTNL_EXPR_TG_NAME), rule_);
    is_done_ = rule_.verdict != Verdict::none;
  }

  void objref(const Expression& expression) {
    // A named counter asks nothing; a named limit or quota does.
    if (expression.number(NFTNL_EXPR_OBJREF_IMM_TYPE) != NFT_OBJECT_COUNTER) ask_others();
  }

  ForeignSets& sets_;
  std::uint8_t family_;
  std::string table_;
  Registers registers_;
  ForeignRule rule_;
  /// One for each verdict of a verdict map, when there is one.
  std::vector<ForeignRule> told_;
  bool has_verdict_map_ = false;
  bool is_done_ = false;
  std::optional<netlink::Error> trouble_;
};

int take_expression(nftnl_expr* expression, void* reader) {
  static_cast<Reader*>(reader)->take(Expression(expression));
  return 0;
}

}  // namespace

Result<std::vector<ForeignRule>, netlink::Error> read_rule(nftnl_rule* rule, ForeignSets& sets) {
  Reader reader(rule, sets);
  nftnl_expr_foreach(rule, take_expression, &reader);
  return std::move(reader).finished();
}

}  // namespace postern::host
