#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/result.h"
#include "netlink/socket.h"

namespace postern::host {

/// Several questions to the kernel about its rules, whose answers belong together only as long as
/// nobody changed a rule in between.
class RulesDump {
 public:
  using Take = std::function<void(const nlmsghdr*)>;

  [[nodiscard]] static Result<RulesDump, netlink::Error> open();

  /// All objects of one kind in all tables of all families: NFT_MSG_GETCHAIN and the like.
  [[nodiscard]] Result<void, netlink::Error> all(nf_tables_msg_types kind, const Take& take);
  /// nft list set FAMILY TABLE SET
  [[nodiscard]] Result<void, netlink::Error> elements(std::uint8_t family, const std::string& table,
                                                      const std::string& set, const Take& take);

 private:
  explicit RulesDump(netlink::Socket socket) : socket_(std::move(socket)) {}
  [[nodiscard]] Result<void, netlink::Error> ask(const nlmsghdr* request, const Take& take);

  netlink::Socket socket_;
  /// Of the first answer; see netlink::generation_of.
  std::optional<std::uint16_t> generation_;
};

}  // namespace postern::host
