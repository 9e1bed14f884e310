#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/foreign_sets.h"
#include "host/packet_match.h"

/// What nf_tables rules compare: octets in registers, which a rule loaded from the packet.
namespace postern::host {

enum class Field : std::uint8_t {
  /// What is not known, or of no interest.
  other,
  /// What fills a register up.
  padding,
  nf_protocol,
  ether_type,
  l4_protocol,
  destination_port,
  mark,
  ct_state,
  ct_status,
  in_name,
  out_name,
  in_index,
  out_index,
};

/// One octet of a field, changed to (octet & mask) ^ flip.
struct Octet {
  Field field = Field::other;
  std::uint8_t index = 0;
  std::uint8_t mask = 0xff;
  std::uint8_t flip = 0;
};

/// The registers of one rule. Positions are octets: NFT_REG_1 is at 0, NFT_REG32_01 at 4.
class Registers {
 public:
  static constexpr std::size_t kSize = 64;

  /// The position of a register; kSize and more for one that does not exist or holds verdicts.
  [[nodiscard]] static std::size_t position(std::uint32_t register_number);

  void load(std::size_t position, std::span<const Octet> octets);
  /// Loads a whole field of `size` octets.
  void load(std::size_t position, Field field, std::size_t size);
  void forget(std::size_t position, std::size_t size);
  void forget_all();
  /// Nothing where the registers end.
  [[nodiscard]] std::span<const Octet> octets(std::size_t position, std::size_t size) const;

 private:
  std::array<Octet, kSize> octets_{};
};

/// Adds to `match` that the octets lie in one of `ranges`, or in none of them when `is_negated`.
/// What cannot be told exactly becomes PacketMatch::has_others, so that `match` then tells more
/// packets than there are.
void narrow(PacketMatch& match, std::span<const Octet> octets, std::span<const KeyRange> ranges,
            bool is_negated);

/// Whether a comparison of these octets tells anything.
[[nodiscard]] bool holds_known_field(std::span<const Octet> octets);

}  // namespace postern::host
