#include "netlink/batch.h"

#include <algorithm>

namespace postern::netlink {

void Batch::begin() {
  first_sequence_ += static_cast<std::uint32_t>(changes_.size());
  changes_.clear();
  size_ = 0;
  mark(NFNL_MSG_BATCH_BEGIN);
  last_message_ = 0;
}

nlmsghdr* Batch::start_message(nf_tables_msg_types kind, std::uint16_t flags,
                               std::optional<std::size_t> change, std::size_t room) {
  last_message_ = size_;
  last_sequence_ = first_sequence_ + static_cast<std::uint32_t>(changes_.size());
  auto* message = start(message_type(kind), flags, change, room);
  put_family(message, NFPROTO_INET);
  return message;
}

void Batch::finish_message() {
  // Attributes are padded to four octets as they are put, so the next header is aligned.
  const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data() + size_);
  size_ += message->nlmsg_len;
}

void Batch::end() {
  if (!empty()) {
    auto* last = reinterpret_cast<nlmsghdr*>(buffer_.data() + last_message_);
    last->nlmsg_flags = static_cast<std::uint16_t>(last->nlmsg_flags | NLM_F_ACK);
  }
  mark(NFNL_MSG_BATCH_END);
}

std::optional<std::size_t> Batch::change_of(std::uint32_t sequence) const {
  return owns(sequence) ? changes_[sequence - first_sequence_] : std::nullopt;
}

nlmsghdr* Batch::start(std::uint16_t type, std::uint16_t flags, std::optional<std::size_t> change,
                       std::size_t room) {
  const std::size_t needed = size_ + room + kRoom;
  if (needed > buffer_.size()) buffer_.resize(std::max(needed, 2 * buffer_.size()));
  auto* message = mnl_nlmsg_put_header(buffer_.data() + size_);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = first_sequence_ + static_cast<std::uint32_t>(changes_.size());
  changes_.push_back(change);
  return message;
}

void Batch::mark(std::uint16_t type) {
  auto* message = start(type, 0, std::nullopt, 0);
  put_family(message, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  finish_message();
}

}  // namespace postern::netlink
