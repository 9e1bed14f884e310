#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "core/result.h"
#include "netlink/socket.h"

namespace postern::host {

/// Several questions to the kernel about its rules, whose answers belong together when nobody
/// changed a rule between open() and confirm(). (The generation in the answers themselves does not
/// tell: an empty list has none, and an entry may be older than the number it is sent with.)
class RulesDump {
 public:
  using Take = std::function<void(const nlmsghdr*)>;

  [[nodiscard]] static Result<RulesDump, netlink::Error> open();

  /// All objects of one kind in all tables of all families: NFT_MSG_GETCHAIN and the like.
  [[nodiscard]] Result<void, netlink::Error> all(nf_tables_msg_types kind, const Take& take);
  /// nft list set FAMILY TABLE SET
  [[nodiscard]] Result<void, netlink::Error> elements(std::uint8_t family, const std::string& table,
                                                      const std::string& set, const Take& take);
  /// EINTR when somebody changed a rule: what was read is worth nothing then.
  [[nodiscard]] Result<void, netlink::Error> confirm();

 private:
  explicit RulesDump(netlink::Socket socket) : socket_(std::move(socket)) {}
  [[nodiscard]] Result<void, netlink::Error> ask(const nlmsghdr* request, const Take& take);
  /// The number of the last change to any rules.
  [[nodiscard]] Result<std::uint32_t, netlink::Error> generation();

  netlink::Socket socket_;
  std::uint32_t generation_ = 0;
};

}  // namespace postern::host
