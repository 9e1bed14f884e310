#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/endpoint.h"

namespace postern {

/// A UDP datagram as it arrived. The payload belongs to whoever received it and stays valid until
/// the turn ends.
struct IncomingDatagram {
  /// The kernel's number of the interface it came in on.
  std::uint32_t interface_index = 0;
  Endpoint source;
  /// The address it was sent to, which is the one to answer from.
  Endpoint destination;
  Bytes payload;
};

/// A UDP datagram to send.
struct OutgoingDatagram {
  /// The interface it must leave through.
  std::uint32_t interface_index = 0;
  Endpoint source;
  Endpoint destination;
  std::vector<std::uint8_t> payload;
};

/// Where an answer to `request` goes: back to its source, from the address that was asked.
[[nodiscard]] inline OutgoingDatagram reply_to(const IncomingDatagram& request,
                                               std::vector<std::uint8_t> payload) {
  return {request.interface_index, request.destination, request.source, std::move(payload)};
}

}  // namespace postern
