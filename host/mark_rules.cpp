#include "host/mark_rules.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "netlink/batch.h"
#include "netlink/headers.h"
#include "netlink/socket.h"
// These need what the headers above include.
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter_ipv4.h>

namespace postern {
namespace {

constexpr const char* kTable = "filter";
constexpr const char* kComment = "postern";
constexpr std::uint32_t kMarkMatchRevision = 1;
/// How often a change is tried while others change the same rules.
constexpr int kAttempts = 4;

struct ChainPlace {
  std::uint8_t family;
  const char* chain;
  nf_inet_hooks hook;
  std::string_view name;
};
constexpr std::array<ChainPlace, 4> kPlaces{{
    {NFPROTO_IPV4, "FORWARD", NF_INET_FORWARD, "ip filter FORWARD"},
    {NFPROTO_IPV4, "INPUT", NF_INET_LOCAL_IN, "ip filter INPUT"},
    {NFPROTO_IPV6, "FORWARD", NF_INET_FORWARD, "ip6 filter FORWARD"},
    {NFPROTO_IPV6, "INPUT", NF_INET_LOCAL_IN, "ip6 filter INPUT"},
}};

struct Free {
  void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
  void operator()(nftnl_chain* chain) const { nftnl_chain_free(chain); }
};
using Rule = std::unique_ptr<nftnl_rule, Free>;
using Chain = std::unique_ptr<nftnl_chain, Free>;

[[nodiscard]] Rule new_rule(const ChainPlace& place) {
  Rule rule(nftnl_rule_alloc());
  if (!rule) throw std::bad_alloc();
  nftnl_rule_set_u32(rule.get(), NFTNL_RULE_FAMILY, place.family);
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, kTable);
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, place.chain);
  return rule;
}

// --- Reading
// --------------------------------------------------------------------------------------

/// One rule of a chain, as far as we care.
struct Held {
  std::uint64_t handle = 0;
  /// The mark that it accepts, if the rule is ours.
  std::optional<std::uint32_t> mark;
};

/// Collects what a rule is made of, expression by expression.
struct Traits {
  std::optional<std::uint32_t> value;
  std::optional<std::uint32_t> mask;
  bool tests_mark = false;
  bool has_comment = false;
  bool accepts = false;
  bool has_more = false;

  /// The mark, when there is nothing but what our rule consists of.
  [[nodiscard]] std::optional<std::uint32_t> mark() const {
    const bool is_ours = has_comment && accepts && !has_more && value && value == mask;
    return is_ours ? value : std::nullopt;
  }
};

/// Copies a fixed structure out of an expression's attribute.
template <class T>
[[nodiscard]] std::optional<T> read(const nftnl_expr* expression, std::uint16_t attribute) {
  std::uint32_t size = 0;
  const void* data = nftnl_expr_get(expression, attribute, &size);
  if (data == nullptr || size < sizeof(T)) return std::nullopt;
  T copy;
  std::memcpy(&copy, data, sizeof copy);
  return copy;
}

/// -m mark, -m comment
void read_match(const nftnl_expr* match, Traits& traits) {
  const std::string_view name = nftnl_expr_get_str(match, NFTNL_EXPR_MT_NAME);
  const auto revision = nftnl_expr_get_u32(match, NFTNL_EXPR_MT_REV);
  const auto mark = read<xt_mark_mtinfo1>(match, NFTNL_EXPR_MT_INFO);
  const auto comment = read<xt_comment_info>(match, NFTNL_EXPR_MT_INFO);
  if (name == "mark" && revision == kMarkMatchRevision && mark && mark->invert == 0 &&
      !traits.tests_mark) {
    traits.tests_mark = true;
    traits.value = mark->mark;
    traits.mask = mark->mask;
  } else if (name == "comment" && comment &&
             std::strncmp(comment->comment, kComment, sizeof comment->comment) == 0) {
    traits.has_comment = true;
  } else {
    traits.has_more = true;
  }
}

/// iptables 1.8.8 and later write "-m mark" as nft does: load, mask, compare.
[[nodiscard]] bool read_native_mark(const nftnl_expr* expression, std::string_view name,
                                    Traits& traits) {
  if (name == "meta") {
    if (traits.tests_mark) return false;
    traits.tests_mark = true;
    return nftnl_expr_is_set(expression, NFTNL_EXPR_META_DREG) &&
           nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY) == NFT_META_MARK;
  }
  if (name == "bitwise") {
    traits.mask = read<std::uint32_t>(expression, NFTNL_EXPR_BITWISE_MASK);
    return read<std::uint32_t>(expression, NFTNL_EXPR_BITWISE_XOR) == 0U;
  }
  if (name != "cmp") return false;
  traits.value = read<std::uint32_t>(expression, NFTNL_EXPR_CMP_DATA);
  return nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP) == NFT_CMP_EQ;
}

int read_expression(nftnl_expr* expression, void* into) {
  auto& traits = *static_cast<Traits*>(into);
  const std::string_view name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
  if (name == "match") {
    read_match(expression, traits);
  } else if (name == "immediate") {
    traits.accepts = nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT) &&
                     nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_VERDICT) == NF_ACCEPT;
  } else if (name != "counter" && !read_native_mark(expression, name, traits)) {
    traits.has_more = true;
  }
  return 0;
}

[[nodiscard]] Held read_rule(const nlmsghdr* message) {
  Rule rule(nftnl_rule_alloc());
  if (!rule) throw std::bad_alloc();
  Traits traits;
  // What cannot be read is not ours, but it has its place in the chain.
  if (nftnl_rule_nlmsg_parse(message, rule.get()) != 0) return {};
  nftnl_expr_foreach(rule.get(), read_expression, &traits);
  return {nftnl_rule_get_u64(rule.get(), NFTNL_RULE_HANDLE), traits.mark()};
}

/// What is asked about a chain. The attribute for its name differs; that for its table is the same.
struct Question {
  nf_tables_msg_types kind;
  std::uint16_t flags;
  std::uint16_t chain_attribute;
};
constexpr Question kChainItself{NFT_MSG_GETCHAIN, NLM_F_REQUEST | NLM_F_ACK, NFTA_CHAIN_NAME};
constexpr Question kItsRules{NFT_MSG_GETRULE, NLM_F_REQUEST | NLM_F_DUMP, NFTA_RULE_CHAIN};
static_assert(int{NFTA_CHAIN_TABLE} == int{NFTA_RULE_TABLE});

[[nodiscard]] Result<void, netlink::Error> ask(
    netlink::Socket& socket, const Question& question, const ChainPlace& place,
    const std::function<void(const nlmsghdr*)>& on_answer) {
  alignas(nlmsghdr) std::array<std::uint8_t, 256> request{};
  auto* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = netlink::message_type(question.kind);
  message->nlmsg_flags = question.flags;
  netlink::put_family(message, place.family);
  mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, kTable);
  mnl_attr_put_strz(message, question.chain_attribute, place.chain);
  const std::span<const std::uint8_t> bytes(request);
  return socket.dump(bytes.first(message->nlmsg_len), on_answer);
}

/// Whether this is the chain that iptables takes for its own: by its place, its kind and its
/// priority. Nothing tells who made it.
[[nodiscard]] bool is_iptables_own(const nftnl_chain* chain, const ChainPlace& place) {
  // All of these are there, or none.
  if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM)) return false;
  const std::string_view type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
  return nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) ==
             static_cast<std::uint32_t>(place.hook) &&
         type == "filter" && nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO) == NF_IP_PRI_FILTER;
}

/// Whether iptables' own chain of that name is there. ENOENT is no error, but a no.
[[nodiscard]] Result<bool, netlink::Error> exists(netlink::Socket& socket,
                                                  const ChainPlace& place) {
  bool found = false;
  const auto done = ask(socket, kChainItself, place, [&](const nlmsghdr* answer) {
    const Chain chain(nftnl_chain_alloc());
    if (!chain) throw std::bad_alloc();
    if (nftnl_chain_nlmsg_parse(answer, chain.get()) != 0) return;
    found = is_iptables_own(chain.get(), place);
  });
  if (!done && done.error().code != ENOENT) return fail(done.error());
  return found;
}

/// The rules of a chain in their order.
[[nodiscard]] Result<std::vector<Held>, netlink::Error> rules_of(netlink::Socket& socket,
                                                                 const ChainPlace& place) {
  std::vector<Held> rules;
  const auto done = ask(socket, kItsRules, place,
                        [&](const nlmsghdr* answer) { rules.push_back(read_rule(answer)); });
  if (!done) return fail(done.error());
  return rules;
}

// --- Writing
// --------------------------------------------------------------------------------------

void put(netlink::Batch& batch, nf_tables_msg_types kind, std::uint16_t flags,
         const ChainPlace& place, nftnl_rule* rule) {
  auto* message = batch.start_message(kind, flags);
  static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family = place.family;
  nftnl_rule_nlmsg_build_payload(message, rule);
  batch.finish_message();
}

/// nft delete rule ip filter CHAIN handle HANDLE
void put_delete(netlink::Batch& batch, const ChainPlace& place, std::uint64_t handle) {
  const auto rule = new_rule(place);
  nftnl_rule_set_u64(rule.get(), NFTNL_RULE_HANDLE, handle);
  put(batch, NFT_MSG_DELRULE, 0, place, rule.get());
}

nftnl_expr* append(nftnl_rule* rule, const char* kind) {
  auto* expression = nftnl_expr_alloc(kind);
  if (expression == nullptr) throw std::bad_alloc();
  nftnl_rule_add_expr(rule, expression);
  return expression;
}

/// An iptables match. The kernel wants its data padded.
template <class Info>
void append_match(nftnl_rule* rule, const char* name, std::uint32_t revision, const Info& info) {
  constexpr std::size_t kSize = XT_ALIGN(sizeof(Info));
  auto* match = append(rule, "match");
  nftnl_expr_set_str(match, NFTNL_EXPR_MT_NAME, name);
  nftnl_expr_set_u32(match, NFTNL_EXPR_MT_REV, revision);
  auto* data = std::calloc(1, kSize);
  if (data == nullptr) throw std::bad_alloc();
  std::memcpy(data, &info, sizeof info);
  // libnftnl keeps this pointer and frees it, which its header does not say.
  nftnl_expr_set(match, NFTNL_EXPR_MT_INFO, data, kSize);
}  // NOLINT(clang-analyzer-unix.Malloc)

/// iptables -I CHAIN -m mark --mark MARK/MARK -m comment --comment postern -j ACCEPT
///
/// Both matches as iptables' own: 1.8.7 (Debian 11, Ubuntu 22.04) saves a mark that is compared as
/// nft does it as a bare "-j ACCEPT", which would open everything when it is restored.
void put_insert(netlink::Batch& batch, const ChainPlace& place, std::uint32_t mark) {
  const auto rule = new_rule(place);
  xt_mark_mtinfo1 bit{};
  bit.mark = mark;
  bit.mask = mark;
  append_match(rule.get(), "mark", kMarkMatchRevision, bit);
  xt_comment_info comment{};
  std::strncpy(comment.comment, kComment, sizeof comment.comment - 1);
  append_match(rule.get(), "comment", 0, comment);
  append(rule.get(), "counter");
  auto* accept = append(rule.get(), "immediate");
  nftnl_expr_set_u32(accept, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(accept, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
  // Without NLM_F_APPEND it becomes the first.
  put(batch, NFT_MSG_NEWRULE, NLM_F_CREATE, place, rule.get());
}

/// Puts into the batch what brings one chain in order. Without a mark, no rule is wanted.
void put_chain(netlink::Batch& batch, const ChainPlace& place, const std::vector<Held>& rules,
               std::optional<std::uint32_t> mark, MarkRulesReport& report) {
  const bool is_there = mark && !rules.empty() && rules.front().mark == mark;
  bool clears = false;
  for (const auto& rule : std::span(rules).subspan(is_there ? 1 : 0)) {
    if (!rule.mark) continue;
    put_delete(batch, place, rule.handle);
    clears = true;
  }
  if (clears) report.cleared.push_back(place.name);
  if (!mark || is_there) return;
  put_insert(batch, place, *mark);
  report.put_back.push_back(place.name);
}

/// One reading of the chains and one transaction.
[[nodiscard]] Result<MarkRulesReport, netlink::Error> try_change(
    netlink::Socket& writer, std::optional<std::uint32_t> mark) {
  // A socket of its own for reading: what a broken dump leaves behind is closed with it.
  auto reader = netlink::Socket::open();
  if (!reader) return fail(reader.error());
  MarkRulesReport report;
  netlink::Batch batch;
  batch.begin();
  for (const auto& place : kPlaces) {
    const auto found = exists(*reader, place);
    if (!found) return fail(found.error());
    if (!*found) continue;
    const auto rules = rules_of(*reader, place);
    if (!rules) return fail(rules.error());
    put_chain(batch, place, *rules, mark, report);
  }
  if (batch.empty()) return report;
  batch.end();
  if (const auto done = writer.transact(batch); !done) return fail(done.error());
  return report;
}

[[nodiscard]] std::string because(std::string_view action, int code) {
  return std::string(action) + ": " + std::generic_category().message(code);
}

}  // namespace

MarkRules::MarkRules(std::unique_ptr<netlink::Socket> socket) : socket_(std::move(socket)) {}

MarkRules::~MarkRules() = default;

Result<std::unique_ptr<MarkRules>, std::string> MarkRules::open() {
  auto socket = netlink::Socket::open();
  if (!socket) return fail(because("opening a netlink socket", socket.error().code));
  return std::unique_ptr<MarkRules>(
      new MarkRules(std::make_unique<netlink::Socket>(std::move(*socket))));
}

Result<MarkRulesReport, std::string> MarkRules::ensure(std::uint32_t mark) {
  return change(mark);
}

Result<MarkRulesReport, std::string> MarkRules::remove() {
  return change(std::nullopt);
}

netlink::Writer MarkRules::writer() const {
  return {socket_->port_id(), [socket = socket_.get()] { return socket->commits(); }};
}

Result<MarkRulesReport, std::string> MarkRules::change(std::optional<std::uint32_t> mark) {
  int code = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto done = try_change(*socket_, mark);
    if (done) return std::move(*done);
    code = done.error().code;
    // Somebody changed these rules, or deleted their table, between our looking and our writing.
    if (code != EINTR && code != ENOENT) break;
  }
  return fail(because("the rule in the host's iptables chains", code));
}

}  // namespace postern
