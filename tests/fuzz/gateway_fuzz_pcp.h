#pragma once

#include <array>
#include <string>

#include "protocols/pcp/wire.h"
#include "tests/fuzz/gateway_fuzz_choices.h"
#include "tests/support/home.h"

// Requests of PCP that are well-formed, with few values for each field, so that they meet.
namespace postern::test {

inline constexpr Address kThirdWan = Address::v4({203, 0, 113, 10});
inline constexpr Address kUla1 = Address::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
inline constexpr Address kUla9 = Address::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9});
/// Of another prefix.
inline constexpr Address kOtherUla1 =
    Address::v6({0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
inline constexpr Address kOtherUla9 =
    Address::v6({0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9});
inline constexpr Address kLinkLocal9 =
    Address::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9});

[[nodiscard]] inline pcp::Option chosen_option(Choices& choices) {
  constexpr std::array kHosts{kHostA, kHostB, kHostC, kGateway, kWan, kUla9, kOtherUla9};
  constexpr std::array kRemotes{kOtherWan, kThirdWan, kUla9, Address::v4(0)};
  constexpr std::array<std::uint8_t, 7> kLengths{0, 96, 120, 127, 128, 64, 95};
  constexpr std::array<std::uint16_t, 3> kPorts{0, 9000, 9001};
  switch (choices.octet() % 4) {
    case 0:
      return pcp::ThirdParty{choices.of(kHosts)};
    case 1:
      return pcp::PreferFailure{};
    case 2: {
      const auto length = choices.of(kLengths);
      const auto port = choices.of(kPorts);
      return pcp::Filter{length, port, choices.of(kRemotes)};
    }
    default:
      return pcp::Description{std::string(choices.octet() % 140, 'd')};
  }
}

[[nodiscard]] inline pcp::RequestBody chosen_body(Choices& choices) {
  constexpr std::array kExternals{Address(), Address::v4(0), kWan,  kOtherWan,
                                  kThirdWan, kUla9,          kHostA};
  constexpr std::array kRemotes{kOtherWan, kThirdWan, kUla1, kHostB, Address::v4({127, 0, 0, 1})};
  constexpr std::array<std::uint8_t, 4> kProtocols{17, 6, 0, 132};
  constexpr std::array<std::uint16_t, 6> kInternals{1024, 1025, 40000, 5351, 9, 0};
  constexpr std::array<std::uint16_t, 7> kSuggested{0, 1024, 1025, 1033, 5351, 80, 40000};
  constexpr std::array<std::uint16_t, 4> kRemotePorts{9000, 9001, 9003, 0};
  const auto opcode = choices.octet() % 8;
  if (opcode == 0) return pcp::AnnounceRequest{};
  const Nonce nonce{{static_cast<std::uint8_t>(choices.octet() % 2)}};
  const auto protocol = choices.of(kProtocols);
  const auto internal = choices.of(kInternals);
  const auto suggested = choices.of(kSuggested);
  const auto external = choices.of(kExternals);
  const pcp::MapFields fields{nonce, protocol, internal, suggested, external};
  if (opcode < 5) return pcp::MapRequest{fields};
  const auto port = choices.of(kRemotePorts);
  return pcp::PeerRequest{fields, {choices.of(kRemotes), port}};
}

/// As a client that sends from this address.
[[nodiscard]] inline Octets chosen_request(Choices& choices, const Address& client) {
  constexpr std::array<std::uint32_t, 6> kLifetimes{600, 0, 1, 130, 90000, 0xffffffff};
  pcp::Request request{chosen_body(choices), choices.of(kLifetimes), client, {}};
  const auto options = choices.octet();
  for (int i = options % 8; i > 3; --i) request.options.push_back(chosen_option(choices));
  if (options == 255) request.client = kHostC;
  return pcp::emit(request);
}

}  // namespace postern::test
