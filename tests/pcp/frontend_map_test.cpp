#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"
#include "tests/support/table_fixture.h"

// What MAP opens for an IPv4 host, and at which external endpoint.
namespace postern::pcp {
namespace {

using PcpMap = PcpHouse;

// PCP-021, 060, 061, 063, 160, 218, Q-73
TEST_F(PcpMap, IsAnsweredInSixtyOctets) {
  const auto request = from_hex(
      "02 01 0000 00000e10 00000000000000000000ffff c0a8010a"  // MAP for an hour, 192.168.1.10
      "0102030405060708090a0b0c 11 000000 1f90 9c41"           // UDP 8080, suggested 40001
      "00000000000000000000ffff 00000000");
  EXPECT_EQ(to_hex(house_->ask(kHostA, request)),
            to_hex(from_hex("02 81 00 00 00000e10 0000002a 000000000000000000000000"
                            "0102030405060708090a0b0c 11 000000 1f90 9c41"
                            "00000000000000000000ffff c6336407")));  // 198.51.100.7
}

// PCP-061, Q-74: an error is a copy with nonce, protocol, internal port and what was suggested.
TEST_F(PcpMap, IsRefusedInSixtyOctets) {
  const auto request = from_hex(
      "02 01 0000 00000e10 00000000000000000000ffff c0a8010a"
      "0102030405060708090a0b0c 84 000000 1f90 9c41"
      "00000000000000000000ffff 01020304");
  EXPECT_EQ(to_hex(house_->ask(kHostA, request)),
            to_hex(from_hex("02 81 00 09 00000708 0000002a 000000000000000000000000"
                            "0102030405060708090a0b0c 84 000000 1f90 9c41"
                            "00000000000000000000ffff 01020304")));
}

// PCP-062, 067
TEST_F(PcpMap, OpensTheDoorsOfTheAskerAndNothingElse) {
  (void)map({.protocol = kTcp, .suggested_port = 40001});
  EXPECT_EQ(
      sorted(house_->open_doors()),
      sorted(all_doors(Protocol::tcp, {kHostA, 8080}, {kWan, 40001}, house_->now + Seconds(3600))));
}

// PCP-063, 083: SCTP is none of those that can be mapped, and neither are others.
TEST_F(PcpMap, ServesTcpAndUdpOnly) {
  for (int protocol = 1; protocol < 256; ++protocol) {
    const auto number = static_cast<std::uint8_t>(protocol);
    const bool is_served = number == kTcp || number == kUdp;
    EXPECT_EQ(error_of({.protocol = number}), is_served ? kGranted : kUnsuppProtocol) << protocol;
  }
}

// PCP-064, 065
TEST_F(PcpMap, OpensNoWholeHost) {
  EXPECT_EQ(error_of({.protocol = kTcp, .internal_port = 0}), kUnsuppProtocol);
  EXPECT_EQ(error_of({.protocol = kUdp, .internal_port = 0}), kUnsuppProtocol);
  EXPECT_EQ(error_of({.protocol = 132, .internal_port = 0}), kUnsuppProtocol);
  EXPECT_EQ(error_of({.protocol = 0, .internal_port = 0}), kUnsuppProtocol);
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-072
TEST_F(PcpMap, KeepsItsExternalPortWhateverIsSuggestedLater) {
  const auto first = map({.suggested_port = 40001});
  for (const std::uint16_t port : std::vector<std::uint16_t>{0, 40001, 40002, 5351}) {
    const auto again = map({.suggested_port = port, .lifetime = 600});
    EXPECT_EQ(again.external_port, 40001) << port;
    EXPECT_EQ(again.external_address, first.external_address);
    EXPECT_EQ(again.lifetime, 600U);
  }
  EXPECT_EQ(house_->mappings(), 1U);
}

// PCP-024
TEST_F(PcpMap, AnswersEqualRequestsEqually) {
  const auto request = emit(map_of({.suggested_port = 40001, .options = {Description{"game"}}}));
  const auto answer = house_->ask(kHostA, request);
  EXPECT_FALSE(answer.empty());
  EXPECT_EQ(house_->ask(kHostA, request), answer);
  const auto refused =
      emit(map_of({.client = kHostB, .suggested_port = 40001, .options = {PreferFailure{}}}));
  EXPECT_EQ(house_->ask(kHostB, refused), house_->ask(kHostB, refused));
}

// PCP-073
TEST_F(PcpMap, GivesTheSuggestedEndpointWhenItIsFree) {
  const auto granted = map({.suggested_port = 50505, .suggested_address = kWan});
  EXPECT_EQ(granted.external_port, 50505);
  EXPECT_EQ(granted.external_address, kWan);
}

// PCP-008, 074, Q-81
TEST_F(PcpMap, IsNeverRefusedForASuggestion) {
  for (const auto* text : {"0.0.0.0", "::", "127.0.0.1", "224.0.0.1", "255.255.255.255",
                           "203.0.113.200", "192.168.1.10", "192.168.1.1", "::1", "2001:db8::1"}) {
    PcpWish wish{.suggested_port = 40001, .suggested_address = *Address::parse(text)};
    const auto granted = map(wish);
    EXPECT_EQ(granted.external_port, 40001) << text;
    EXPECT_EQ(granted.external_address, kWan) << text;
    (void)map(deletion(wish));
  }
  for (const std::uint16_t port : std::vector<std::uint16_t>{0, 1, 80, 1023, 5350, 5351}) {
    PcpWish wish{.suggested_port = port};
    EXPECT_GE(map(wish).external_port, 1024) << port;
    (void)map(deletion(wish));
  }
}

// PCP-074
TEST_F(PcpMap, GivesAnotherPortWhenTheSuggestedOneIsTaken) {
  (void)map({.suggested_port = 40001});
  const auto other = map({.client = kHostB, .suggested_port = 40001});
  EXPECT_NE(other.external_port, 40001);
  EXPECT_EQ(house_->mappings(), 2U);
}

// PCP-075
TEST_F(PcpMap, NeverGivesAwayTheGatewaysOwnPorts) {
  for (const std::uint16_t port : std::vector<std::uint16_t>{5350, 5351}) {
    EXPECT_NE(map({.internal_port = port, .suggested_port = port}).external_port, port);
    EXPECT_EQ(error_of({.client = kHostB,
                        .internal_port = port,
                        .suggested_port = port,
                        .options = {PreferFailure{}}}),
              kCannotProvide);
  }
  house_->gateway.on_occupied_ports({.tcp = PortSet({{2222, 2222}}), .udp = {}});
  EXPECT_NE(map({.protocol = kTcp, .internal_port = 2222, .suggested_port = 2222}).external_port,
            2222);
}

// PCP-078
TEST_F(PcpMap, TranslatesBetweenNoFamilies) {
  const auto from_v4 = map({.suggested_port = 40001, .suggested_address = kHostB6});
  EXPECT_EQ(from_v4.external_address, kWan);
  const auto from_v6 = map({.client = kHostA6, .suggested_address = kAny4});
  EXPECT_EQ(from_v6.external_address, kHostA6);
  EXPECT_EQ(map({.client = kHostB6, .suggested_address = kWan}).external_address, kHostB6);
}

// PCP-081, 246
TEST_F(PcpMap, EndsAtTheQuotaOfTheHost) {
  for (std::uint16_t i = 0; i < 128; ++i) {
    ASSERT_EQ(error_of({.internal_port = static_cast<std::uint16_t>(2000 + i)}), kGranted);
  }
  EXPECT_EQ(error_of({.internal_port = 3000}), kUserExQuota);
  EXPECT_EQ(error_of({.internal_port = 2000}), kGranted) << "a renewal";
  EXPECT_EQ(error_of({.client = kHostB, .internal_port = 3000}), kGranted);
}

// PCP-081
TEST_F(PcpMap, EndsWhenTheTableIsFull) {
  become_ruled({default_rule()}, limits_of(128, 2));
  (void)map({.internal_port = 2000});
  (void)map({.internal_port = 2001});
  EXPECT_EQ(error_of({.client = kHostB}), kNoResources);
  EXPECT_EQ(error_of({.internal_port = 2001}), kGranted) << "a renewal";
}

Rule with_external(PortSet external_ports) {
  Rule rule = default_rule();
  rule.external_ports = std::move(external_ports);
  return rule;
}

// PCP-081
TEST_F(PcpMap, EndsWhenNoPortIsLeft) {
  become_ruled({with_external(PortSet({{2000, 2000}}))});
  (void)map({});
  EXPECT_EQ(error_of({.client = kHostB}), kNoResources);
}

// PCP-082
TEST_F(PcpMap, NeedsAnExternalAddress) {
  (void)house_->change_network(dual_network(std::nullopt));
  EXPECT_EQ(error_of(PcpWish{}), kNetworkFailure);
  (void)house_->change_network(dual_network());
  EXPECT_EQ(error_of(PcpWish{}), kGranted);
}

// PCP-068, 087
TEST_F(PcpMap, IsServedAsThePolicySays) {
  become_ruled({with_external(PortSet({{2000, 2999}}))});
  const auto granted = map({.suggested_port = 40001});
  EXPECT_GE(granted.external_port, 2000);
  EXPECT_LE(granted.external_port, 2999);
  EXPECT_EQ(error_of({.client = kHostB, .suggested_port = 40001, .options = {PreferFailure{}}}),
            (PcpError{ResultCode::cannot_provide_external, 1800}));
  EXPECT_EQ(error_of({.internal_port = 80}), kNotAuthorized);
  become_ruled({});
  EXPECT_EQ(error_of(PcpWish{}), kNotAuthorized);
}

// PCP-086
TEST_F(PcpMap, SucceedsOnlyWhenTheDoorsAreOpen) {
  house_->backend->fail_next(3);
  EXPECT_EQ(error_of(PcpWish{}), kNoResources);
  EXPECT_EQ(house_->mappings(), 0U);
  house_->backend->heal();
  (void)house_->pass(Seconds(2));
  house_->backend->refuse({DoorKey::Kind::outbound4, Protocol::udp, {kHostA, 8080}});
  EXPECT_EQ(error_of(PcpWish{}), kNoResources);
  house_->backend->heal();
  (void)house_->pass(Seconds(2));
  EXPECT_EQ(error_of(PcpWish{}), kGranted);
}

// PCP-022, 050
TEST_F(PcpMap, WithAFaultyOptionOpensNothing) {
  for (const auto* options : {"63 00 0000", "01 00 0004 c0a8010b", "80 00 0001 61000000 c8 00 0008",
                              "02 00 0000 02 00 0000", "0d 00 0004 00000000"}) {
    auto request = emit(map_of({.suggested_port = 40001}));
    const auto more = from_hex(options);
    request.insert(request.end(), more.begin(), more.end());
    EXPECT_NE(error_of(kHostA, request), kGranted) << options;
    EXPECT_EQ(house_->mappings(), 0U) << options;
  }
}

// PCP-021, 043, 048, 213, 217: nothing that was not understood comes back.
TEST_F(PcpMap, LeavesOutTheOptionsItIgnores) {
  const auto plain = emit(map_of({.suggested_port = 40001}));
  const auto answer = house_->ask(kHostA, plain);
  for (const auto* options :
       {"c8 00 0000", "80 00 0002 fffe 0000", "82 00 0005 0004 1f90 00 000000", "81 00 0000",
        "ff 00 0003 010203 00"}) {
    auto request = plain;
    const auto more = from_hex(options);
    request.insert(request.end(), more.begin(), more.end());
    EXPECT_EQ(to_hex(house_->ask(kHostA, request)), to_hex(answer)) << options;
  }
}

// PCP-210, 211, 212
TEST_F(PcpMap, KeepsTheDescription) {
  const auto description = [&] { return find({})->claims.front().details->description; };
  EXPECT_EQ(map({}).options, Options{});
  const std::string longest(128, 'x');
  const auto granted = map({.options = {Description{longest + "more"}}});
  EXPECT_EQ(granted.options, Options{Description{longest}});
  EXPECT_EQ(description(), longest);
  EXPECT_EQ(map({}).options, Options{});
  EXPECT_EQ(description(), longest) << "as it was";
  EXPECT_EQ(map({.options = {Description{"game"}}}).options, Options{Description{"game"}});
  EXPECT_EQ(description(), "game");
  EXPECT_EQ(map({.options = {Description{}}}).options, Options{Description{}});
  EXPECT_EQ(description(), "");
}

// asking for the discard port only tells the address.
TEST_F(PcpMap, TellsTheAddressOnTheDiscardPort) {
  const auto granted = map({.protocol = kTcp, .internal_port = 9, .lifetime = 1});
  EXPECT_EQ(granted.external_address, kWan);
  EXPECT_EQ(granted.lifetime, 120U);
}

// PCP-061
TEST_F(PcpMap, TellsTheConfiguredAddressBehindAnotherNat) {
  GatewayOptions options;
  options.external_address = kOtherWan;
  become(options);
  const auto granted = map({});
  EXPECT_EQ(granted.external_address, kOtherWan);
  EXPECT_EQ(find({})->external.address, kWan);
  EXPECT_EQ(map({.internal_port = 8081,
                 .suggested_port = 8081,
                 .suggested_address = kOtherWan,
                 .options = {PreferFailure{}}})
                .external_address,
            kOtherWan);
}

}  // namespace
}  // namespace postern::pcp
