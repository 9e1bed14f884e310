#include "host/own_table.h"

#include <cerrno>
#include <string_view>
#include <system_error>

#include "host/rules_dump.h"
#include "netlink/batch.h"
#include "netlink/headers.h"
#include "netlink/socket.h"

namespace postern::host {
namespace {

constexpr const char* kTable = "postern";

[[nodiscard]] std::string because(std::string_view what, int code) {
  return std::string(what) + ": " + std::generic_category().message(code);
}

[[nodiscard]] bool is_own(const nlmsghdr* message) {
  if (static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family != NFPROTO_INET) {
    return false;
  }
  bool is_named_so = false;
  netlink::for_each_attribute(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == NFTA_TABLE_NAME) {
      is_named_so = std::string_view(mnl_attr_get_str(attribute)) == kTable;
    }
  });
  return is_named_so;
}

}  // namespace

Result<bool, std::string> has_own_table() {
  constexpr int kAttempts = 20;
  netlink::Error last_error{EINTR, std::nullopt};
  for (int attempt = 0; attempt < kAttempts && last_error.code == EINTR; ++attempt) {
    auto dump = RulesDump::open();
    if (!dump) return fail(because("the tables could not be listed", dump.error().code));
    bool found = false;
    const auto read = dump->all(NFT_MSG_GETTABLE,
                                [&](const nlmsghdr* message) { found = found || is_own(message); });
    if (read) return found;
    last_error = read.error();
  }
  return fail(because("the tables could not be listed", last_error.code));
}

/// nft delete table inet postern
Result<bool, std::string> remove_own_table() {
  auto socket = netlink::Socket::open();
  if (!socket) return fail(because("opening a netlink socket", socket.error().code));
  netlink::Batch batch;
  batch.begin();
  auto* message = batch.start_message(NFT_MSG_DELTABLE, 0);
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, kTable);
  batch.finish_message();
  batch.end();
  const auto done = socket->transact(batch);
  if (done) return true;
  if (done.error().code == ENOENT) return false;
  return fail(because("removing table inet postern", done.error().code));
}

}  // namespace postern::host
