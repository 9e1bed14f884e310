#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "protocols/natpmp/wire.h"
#include "tests/fuzz/check.h"

// NPMP-92. Any octets: reading them stays within them, and what was read is written back the same.

using namespace postern;
using namespace postern::natpmp;

namespace {

void check_request(Bytes datagram) {
  const auto request = parse_request(datagram);
  if (!request) return;
  POSTERN_CHECK(!is_response_or_runt(datagram));
  if (const auto* unknown = std::get_if<UnknownRequest>(&*request)) {
    const auto answer = emit(UnknownResponse{unknown->octets, 7});
    POSTERN_CHECK(answer.size() == std::clamp<std::size_t>(datagram.size(), 8, 1100));
    POSTERN_CHECK(is_response_or_runt(answer));
  } else if (const auto* map = std::get_if<MapRequest>(&*request)) {
    POSTERN_CHECK(parse_request(emit(*map)) == request);
  } else {
    POSTERN_CHECK(parse_request(emit(AddressRequest{})) == request);
  }
}

void check_response(Bytes datagram) {
  const auto response = parse_response(datagram);
  if (!response) return;
  const auto octets = std::visit([](const auto& one) { return emit(one); }, *response);
  POSTERN_CHECK(std::equal(octets.begin(), octets.end(), datagram.begin(), datagram.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_request({data, size});
  check_response({data, size});
  return 0;
}
