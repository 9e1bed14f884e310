#include "protocols/upnp/soap_values.h"

#include <gtest/gtest.h>

#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using Read = Result<Value, Fault>;

[[nodiscard]] Read read(const StateVariable& variable, std::string_view text,
                        Reading reading = Reading::plain) {
  return read_value(Argument{"Any", Direction::in, variable.name, reading}, variable, text);
}

constexpr StateVariable kText{.name = "text"};
constexpr StateVariable kPort{.name = "port", .type = DataType::ui2};
constexpr StateVariable kSeconds{.name = "seconds", .type = DataType::ui4};
constexpr StateVariable kFlag{.name = "flag", .type = DataType::boolean};

// IGD-020
TEST(ReadValue, RefusesWhatIsNoNumber) {
  for (const auto* text : {"", " ", "80abc", "abc", "0x50", "8 0", "80.0", "+80", "-", "--1", "1e3",
                           "８０", "80,", "1\n2"}) {
    EXPECT_EQ(read(kPort, text), Read(fail(faults::kInvalidArgs))) << text;
    EXPECT_EQ(read(kSeconds, text), Read(fail(faults::kInvalidArgs))) << text;
  }
}

// IGD-022
TEST(ReadValue, NeverWraps) {
  const Read refused = fail(faults::kArgumentValueOutOfRange);
  for (const auto* text : {"65536", "131152", "99999999999", "-1", "-0", "-80",
                           "18446744073709551616", "18446744073709551696"}) {
    EXPECT_EQ(read(kPort, text), refused) << text;
  }
  for (const auto* text : {"4294967296", "4294967376", "99999999999", "-1"}) {
    EXPECT_EQ(read(kSeconds, text), refused) << text;
  }
  EXPECT_EQ(read(kPort, std::string(400, '9')), refused);
}

// numbers that mean no time of day are numbers all the same.
TEST(ReadValue, ReadsNumbers) {
  EXPECT_EQ(read(kPort, "65535"), Read(65535U));
  EXPECT_EQ(read(kPort, " \t80\r\n"), Read(80U));
  EXPECT_EQ(read(kPort, "0080"), Read(80U));
  EXPECT_EQ(read(kPort, std::string(400, '0') + "7"), Read(7U));
  for (const std::uint32_t number : {0U, 538705920U, 2147483647U, 4294967295U}) {
    EXPECT_EQ(read(kSeconds, std::to_string(number)), Read(number));
  }
}

// IGD-155
TEST(ReadValue, EnforcesTheRangeOfPinholeLeases) {
  const auto* lease =
      service(ServiceId::wan_ipv6_firewall_control).find_variable("A_ARG_TYPE_LeaseTime", 1);
  EXPECT_EQ(read(*lease, "0"), Read(fail(faults::kInvalidArgs)));
  EXPECT_EQ(read(*lease, "86401"), Read(fail(faults::kInvalidArgs)));
  EXPECT_EQ(read(*lease, "1"), Read(1U));
  EXPECT_EQ(read(*lease, "86400"), Read(86400U));
}

//
TEST(ReadValue, TakesEveryLeaseOfAPortMapping) {
  const auto* lease =
      service(ServiceId::wan_ip_connection).find_variable("PortMappingLeaseDuration", 2);
  for (const std::uint32_t number : {0U, 1U, 3600U, 604800U, 604801U, 2592000U, 4294967295U}) {
    EXPECT_EQ(read(*lease, std::to_string(number)), Read(number));
  }
}

// IGD-023
TEST(ReadValue, ReadsBooleans) {
  for (const auto* text : {"1", "true", "yes", "TRUE", "Yes", " 1 "}) {
    EXPECT_EQ(read(kFlag, text), Read(true)) << text;
  }
  for (const auto* text : {"0", "false", "no", "False", "NO", "\n0"}) {
    EXPECT_EQ(read(kFlag, text), Read(false)) << text;
  }
  for (const auto* text : {"", "2", "-1", "on", "truee", "01", "y"}) {
    EXPECT_EQ(read(kFlag, text), Read(fail(faults::kInvalidArgs))) << text;
  }
}

// IGD-021, Q-23
TEST(ReadValue, ReadsProtocolsInAnyCase) {
  const auto* protocol =
      service(ServiceId::wan_ip_connection).find_variable("PortMappingProtocol", 1);
  for (const auto* text : {"TCP", "tcp", "Tcp", " tcp\n"}) {
    EXPECT_EQ(read(*protocol, text), Read("TCP")) << text;
  }
  EXPECT_EQ(read(*protocol, "udp"), Read("UDP"));
  for (const auto* text : {"ICMP", "", "TCPX", "TCP,UDP", "6"}) {
    EXPECT_EQ(read(*protocol, text), Read(fail(faults::kArgumentValueOutOfRange))) << text;
  }
}

//
TEST(ReadValue, MakesOneWildcardOfAll) {
  for (const auto* text : {"", "*", "0.0.0.0", "::", "0", "  ", " * "}) {
    EXPECT_EQ(read(kText, text, Reading::remote_host), Read("")) << text;
    EXPECT_EQ(read(kText, text, Reading::optional_remote_host), Read("")) << text;
  }
  for (const auto* text : {"192.0.2.1", "0.0.0.1", "::1", "**", "00"}) {
    EXPECT_EQ(read(kText, text, Reading::remote_host), Read(text));
  }
  EXPECT_EQ(read(kText, "*"), Read("*"));
}

// SEC-05
TEST(ReadValue, BoundsAndCleansText) {
  EXPECT_EQ(read(kText, " a\x01 b "), Read("a  b"));
  EXPECT_EQ(read(kText, std::string(kLongestText, 'x')), Read(std::string(kLongestText, 'x')));
  EXPECT_EQ(read(kText, std::string(kLongestText + 1, 'x')),
            Read(fail(faults::kStringArgumentTooLong)));
  // IGD-078
  EXPECT_EQ(read(kText, std::string(1000, 'x'), Reading::free_text),
            Read(std::string(kLongestText, 'x')));
}

TEST(Values, KnowTheirTypes) {
  EXPECT_TRUE(has_type(Value(std::string()), DataType::string));
  EXPECT_TRUE(has_type(Value(65535U), DataType::ui2));
  EXPECT_FALSE(has_type(Value(65536U), DataType::ui2));
  EXPECT_TRUE(has_type(Value(65536U), DataType::ui4));
  EXPECT_TRUE(has_type(Value(true), DataType::boolean));
  EXPECT_FALSE(has_type(Value(true), DataType::ui4));
  EXPECT_FALSE(has_type(Value(1U), DataType::boolean));
  EXPECT_FALSE(has_type(Value(1U), DataType::string));
}

TEST(Values, AreWrittenAsUpnpWritesThem) {
  EXPECT_EQ(to_string(Value("a<b")), "a<b");
  EXPECT_EQ(to_string(Value(4294967295U)), "4294967295");
  EXPECT_EQ(to_string(Value(true)), "1");
  EXPECT_EQ(to_string(Value(false)), "0");
}

}  // namespace
}  // namespace postern::upnp
