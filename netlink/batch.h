#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "netlink/headers.h"

namespace postern::netlink {

/// The messages of one kernel transaction, in one buffer that is kept for the next one.
///
/// The kernel names a refused message by its sequence number; the batch knows which change of the
/// caller each message belongs to. Sequence numbers go on from one transaction to the next, so that
/// a late answer is never taken for an answer to something newer.
class Batch {
 public:
  /// Forgets everything and begins a new transaction.
  void begin();

  /// Begins a message of an `inet` table. The caller appends attributes, at most `room` octets of
  /// them, and calls finish_message(). The pointer is good until then.
  /// `change` is the caller's own index, given back by change_of().
  [[nodiscard]] nlmsghdr* start_message(nf_tables_msg_types kind, std::uint16_t flags,
                                        std::optional<std::size_t> change = std::nullopt,
                                        std::size_t room = kRoom);
  void finish_message();

  /// Closes the transaction and asks the kernel to answer the last message also when all is well.
  /// Nothing may be added after it. An empty batch is answered only when it is refused.
  void end();

  /// Gives back the memory of a large transaction that is over.
  void free_buffer() { std::vector<std::uint8_t>().swap(buffer_); }

  /// Whether there is nothing to send.
  [[nodiscard]] bool empty() const { return last_message_ == 0; }
  /// Everything written, ready to send after end().
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {buffer_.data(), size_}; }
  /// The number of the message whose answer ends the transaction.
  [[nodiscard]] std::uint32_t last_sequence() const { return last_sequence_; }
  /// Whether a message of this transaction carries that number.
  [[nodiscard]] bool owns(std::uint32_t sequence) const {
    return sequence - first_sequence_ < changes_.size();
  }
  /// Which change the message belongs to; nothing for those that belong to none.
  [[nodiscard]] std::optional<std::size_t> change_of(std::uint32_t sequence) const;

 private:
  /// More than any rule, set, chain or element of ours needs.
  static constexpr std::size_t kRoom = 2048;

  [[nodiscard]] nlmsghdr* start(std::uint16_t type, std::uint16_t flags,
                                std::optional<std::size_t> change, std::size_t room);
  void mark(std::uint16_t type);

  std::vector<std::uint8_t> buffer_;
  std::size_t size_ = 0;
  std::size_t last_message_ = 0;
  std::uint32_t first_sequence_ = 1;
  std::uint32_t last_sequence_ = 0;
  std::vector<std::optional<std::size_t>> changes_;
};

}  // namespace postern::netlink
