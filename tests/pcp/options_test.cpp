#include "protocols/pcp/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/requests.h"

namespace postern::pcp {
namespace {

using testing::ElementsAre;

/// The options as they are written over octets that are no zeros, so that one that is left out
/// shows.
Octets written(const Options& options) {
  Octets octets(size_of(options), 0xa5);
  ByteWriter writer(octets);
  write_options(writer, options);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.written().size(), octets.size());
  return octets;
}

std::string fault(std::string_view hex, Opcode opcode = Opcode::map) {
  const auto octets = from_hex(hex);
  const auto options = parse_options(octets, opcode);
  return std::string(options ? "none" : to_string(options.error()));
}

Options read(const Octets& octets, Opcode opcode = Opcode::map) {
  const auto options = parse_options(octets, opcode);
  EXPECT_TRUE(options) << to_hex(octets);
  return options ? *options : Options{};
}

/// No shorter form can be divided into options. Each is read from a buffer of exactly that size.
void expect_no_shorter_form(const Option& option) {
  const auto whole = written({option});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto options = parse_options(first(whole, size), Opcode::map);
    ASSERT_FALSE(options) << size;
    EXPECT_EQ(options.error(), ResultCode::malformed_option) << size;
  }
}

// --- THIRD_PARTY
// ----------------------------------------------------------------------------------

TEST(ThirdPartyOption, FromCapture) {
  const auto parsed = parse_request(captured("pcpnatpmpc-third-party.01.pcp"), kClient);
  EXPECT_THAT(std::get<Request>(parsed).options, ElementsAre(Option(ThirdParty{kOtherHost})));
  EXPECT_EQ(std::get<Request>(parsed).internal_address(), kOtherHost);
}

TEST(ThirdPartyOption, RoundTrip) {
  EXPECT_EQ(written({ThirdParty{kOtherHost}}),
            from_hex("01"                                      // Code
                     "00"                                      // Reserved
                     "0010"                                    // Length
                     "00000000 00000000 0000ffff c0a84d03"));  // Internal address
  for (const auto& address : {kOtherHost, kClient6, Address()}) {
    for (const auto opcode : {Opcode::map, Opcode::peer}) {
      EXPECT_THAT(read(written({ThirdParty{address}}), opcode),
                  ElementsAre(Option(ThirdParty{address})));
    }
  }
}

TEST(ThirdPartyOption, EveryTruncation) {
  expect_no_shorter_form(ThirdParty{kOtherHost});
}

// PCP-044
TEST(ThirdPartyOption, OfAnotherLengthIsMalformed) {
  EXPECT_EQ(fault("01 00 0004 c0a84d03"), "MALFORMED_OPTION");
  EXPECT_EQ(fault("01 00 0000"), "MALFORMED_OPTION");
  EXPECT_EQ(fault("01 00 000f 00000000000000000000ffffc0a84d03"), "MALFORMED_OPTION");
  EXPECT_EQ(fault("01 00 0011 00000000000000000000ffffc0a84d0300000000"), "MALFORMED_OPTION");
}

// --- PREFER_FAILURE
// -------------------------------------------------------------------------------

TEST(PreferFailureOption, FromCapture) {
  const auto parsed = parse_request(captured("pcpnatpmpc-prefer-failure.01.pcp"), kOtherHost);
  EXPECT_THAT(std::get<Request>(parsed).options, ElementsAre(Option(PreferFailure{})));
}

TEST(PreferFailureOption, RoundTrip) {
  EXPECT_EQ(written({PreferFailure{}}), from_hex("02 00 0000"));
  EXPECT_THAT(read(from_hex("02 00 0000")), ElementsAre(Option(PreferFailure{})));
}

TEST(PreferFailureOption, EveryTruncation) {
  expect_no_shorter_form(PreferFailure{});
}

// PCP-044
TEST(PreferFailureOption, OfAnotherLengthIsMalformed) {
  EXPECT_EQ(fault("02 00 0001 00000000"), "MALFORMED_OPTION");
  EXPECT_EQ(fault("02 00 0004 00000000"), "MALFORMED_OPTION");
}

// --- FILTER
// ---------------------------------------------------------------------------------------

TEST(FilterOption, FromCapture) {
  // This client writes the length of an IPv4 prefix as if it were of the IPv4 address.
  const auto octets = captured("pcpnatpmpc-filter.01.pcp");
  EXPECT_THAT(read({octets.begin() + 60, octets.end()}),
              ElementsAre(Option(Filter{32, 0, kRemote})));
}

TEST(FilterOption, RoundTrip) {
  EXPECT_EQ(written({Filter{120, 0x0102, kRemote}}),
            from_hex("03"                                      // Code
                     "00"                                      // Reserved
                     "0014"                                    // Length
                     "00"                                      // Reserved
                     "78"                                      // Prefix length
                     "0102"                                    // Remote port
                     "00000000 00000000 0000ffff c6330763"));  // Remote address
  for (const auto& filter :
       {Filter{120, 0x0102, kRemote}, Filter{0, 0, Address()}, Filter{255, 65535, kRemote6}}) {
    EXPECT_THAT(read(written({filter})), ElementsAre(Option(filter)));
  }
}

TEST(FilterOption, EveryTruncation) {
  expect_no_shorter_form(Filter{120, 0x0102, kRemote});
}

// PCP-023
TEST(FilterOption, IgnoresTheReservedFields) {
  EXPECT_THAT(read(from_hex("03 ff 0014 ff 78 0102 00000000000000000000ffffc6330763")),
              ElementsAre(Option(Filter{120, 0x0102, kRemote})));
}

// PCP-044
TEST(FilterOption, OfAnotherLengthIsMalformed) {
  EXPECT_EQ(fault("03 00 0010 00780102 00000000 00000000 00000000"), "MALFORMED_OPTION");
  EXPECT_EQ(fault("03 00 0018 00780102 00000000 00000000 0000ffff c6330763 00000000"),
            "MALFORMED_OPTION");
}

// PCP-149
TEST(FilterOption, GivesThePrefixInItsOwnFamily) {
  EXPECT_EQ((Filter{128, 0, kRemote}.peers().remote.to_string()), "198.51.7.99/32");
  EXPECT_EQ((Filter{120, 0, kRemote}.peers().remote.to_string()), "198.51.7.0/24");
  EXPECT_EQ((Filter{96, 0, kRemote}.peers().remote.to_string()), "0.0.0.0/0");
  EXPECT_EQ((Filter{128, 0, kRemote6}.peers().remote.to_string()), "2001:db8:1:2::3/128");
  EXPECT_EQ((Filter{48, 0, kRemote6}.peers().remote.to_string()), "2001:db8:1::/48");
  EXPECT_EQ((Filter{1, 0, kRemote6}.peers().remote.to_string()), "::/1");
}

TEST(FilterOption, IsWhatAClientWouldSendForItsPeers) {
  EXPECT_EQ((Filter{120, 443, kRemote}.peers()),
            (RemoteFilter{*Prefix::parse("198.51.7.0/24"), 443, 443}));
  for (const auto& filter : {Filter{128, 0, kRemote}, Filter{128, 443, kRemote6}}) {
    EXPECT_EQ(Filter::of(filter.peers()), filter);
  }
}

// PCP-149
TEST(FilterOption, KnowsWhichLengthsFitTheFamily) {
  for (unsigned length = 0; length < 256; ++length) {
    EXPECT_EQ((Filter{length, 0, kRemote}.has_valid_length()),
              length == 0 || (length >= 96 && length <= 128))
        << length;
    EXPECT_EQ((Filter{length, 0, kRemote6}.has_valid_length()), length <= 128) << length;
  }
}

// --- DESCRIPTION
// ----------------------------------------------------------------------------------

// PCP-042, 212
TEST(DescriptionOption, RoundTrip) {
  EXPECT_EQ(written({Description{"games"}}), from_hex("80"          // Code
                                                      "00"          // Reserved
                                                      "0005"        // Length
                                                      "67616d6573"  // Text
                                                      "000000"));   // Padding
  for (const auto* text : {"", "a", "ab", "abc", "abcd",
                           "Gr\xc3\xbc\xc3\x9f"
                           "e \xf0\x9f\x8e\xae"}) {
    for (const auto opcode : {Opcode::map, Opcode::peer}) {
      EXPECT_THAT(read(written({Description{text}}), opcode),
                  ElementsAre(Option(Description{text})));
    }
  }
}

TEST(DescriptionOption, EveryTruncation) {
  expect_no_shorter_form(Description{"games"});
}

// PCP-042
TEST(DescriptionOption, IgnoresWhatThePaddingHolds) {
  EXPECT_THAT(read(from_hex("80 00 0005 67616d6573 ffffff")),
              ElementsAre(Option(Description{"games"})));
}

// PCP-211
TEST(DescriptionOption, IsCutAtACharacter) {
  const auto cut = [](const std::string& text) {
    const auto options = read(written({Description{text}}));
    return options.empty() ? "none" : std::get<Description>(options.front()).text;
  };
  EXPECT_EQ(cut(std::string(128, 'a')), std::string(128, 'a'));
  EXPECT_EQ(cut(std::string(300, 'a')), std::string(128, 'a'));
  EXPECT_EQ(cut(std::string(127, 'a') + "\xc3\xbc"), std::string(127, 'a'));
  EXPECT_EQ(cut(std::string(126, 'a') + "\xc3\xbc"
                                        "b"),
            std::string(126, 'a') + "\xc3\xbc");
  EXPECT_EQ(cut(std::string(125, 'a') + "\xf0\x9f\x8e\xae"), std::string(125, 'a'));
}

// PCP-048, 212
TEST(DescriptionOption, IsLeftOutWhenItIsNoText) {
  for (const auto* option : {"80 00 0002 fffe 0000", "80 00 0004 61006200", "80 00 0001 00 000000",
                             "80 00 0002 c080 0000", "80 00 0001 c3 000000"}) {
    EXPECT_THAT(read(with(from_hex(option), "02 00 0000")), ElementsAre(Option(PreferFailure{})))
        << option;
  }
  // The cut does not mend what is wrong behind it.
  EXPECT_THAT(read(written({Description{std::string(200, 'a') + "\xff"}})), ElementsAre());
}

// --- Several options
// ------------------------------------------------------------------------------

// PCP-040
TEST(PcpOptions, AnyOrderIsKept) {
  const Filter one{128, 1, kRemote};
  const Filter two{128, 2, kRemote};
  const Options options{Description{"d"}, two, ThirdParty{kOtherHost}, one, PreferFailure{}, two};
  EXPECT_EQ(read(written(options)), options);
  const Options reversed(options.rbegin(), options.rend());
  EXPECT_EQ(read(written(reversed)), reversed);
}

// PCP-041
TEST(PcpOptions, AreMalformedWhenTheyDoNotDivide) {
  for (const auto* octets :
       {"02", "02 00", "02 00 00", "02 00 ffff", "c8 00 ffff", "80 00 0001", "80 00 0001 61",
        "c8 00 0005 01020304", "02 00 0000 01", "02 00 0000 c8 00 0001"}) {
    EXPECT_EQ(fault(octets), "MALFORMED_OPTION") << octets;
  }
}

// PCP-042
TEST(PcpOptions, AdvanceByTheLengthWithItsPadding) {
  for (const auto* unknown :
       {"c8 00 0000", "c8 00 0001 ffffffff", "c8 00 0003 ffffffff", "c8 00 0004 ffffffff",
        "c8 00 0005 ffffffff ffffffff", "c8 ff 0008 ffffffff ffffffff"}) {
    EXPECT_THAT(read(with(from_hex(unknown), "02 00 0000")), ElementsAre(Option(PreferFailure{})))
        << unknown;
  }
}

// PCP-043, 219, 220
TEST(PcpOptions, UnknownOnesBelow128AreUnsupported) {
  for (int code = 0; code < 128; ++code) {
    if (code >= 1 && code <= 3) continue;
    Octets octets{static_cast<std::uint8_t>(code), 0, 0, 0};
    for (const auto opcode : {Opcode::announce, Opcode::map, Opcode::peer}) {
      const auto options = parse_options(octets, opcode);
      ASSERT_FALSE(options) << code;
      EXPECT_EQ(options.error(), ResultCode::unsupp_option) << code;
    }
  }
}

// PCP-043, 048, 213, 217
TEST(PcpOptions, UnknownOnesFrom128AreLeftOut) {
  for (int code = 129; code < 256; ++code) {
    const Octets octets{static_cast<std::uint8_t>(code), 0, 0, 1, 1, 0, 0, 0};
    EXPECT_TRUE(read(with(octets, to_hex(octets))).empty()) << code;
  }
}

// PCP-045. A second description is an error although a bad one is none: it is understood, and
// which of the two should stand cannot be told.
TEST(PcpOptions, MayNotBeRepeated) {
  const Options once{ThirdParty{kOtherHost}, PreferFailure{}, Description{"d"}};
  for (const auto& option : once) {
    for (const auto& options : {Options{option, option}, Options{option, Filter{}, option}}) {
      const auto parsed = parse_options(written(options), Opcode::map);
      ASSERT_FALSE(parsed) << option.index();
      EXPECT_EQ(parsed.error(), ResultCode::malformed_option) << option.index();
    }
  }
  EXPECT_EQ(read(written({Filter{}, Filter{}})), (Options{Filter{}, Filter{}}));
}

// PCP-048
TEST(PcpOptions, WhatIsLeftOutIsNoRepetition) {
  EXPECT_THAT(read(from_hex("80 00 0002 fffe 0000 80 00 0001 61 000000")),
              ElementsAre(Option(Description{"a"})));
}

// PCP-046
TEST(PcpOptions, BelongToTheirOpcode) {
  const auto in = [](const Option& option, Opcode opcode) {
    return fault(to_hex(written({option})), opcode);
  };
  EXPECT_EQ(in(ThirdParty{kOtherHost}, Opcode::announce), "MALFORMED_OPTION");
  EXPECT_EQ(in(PreferFailure{}, Opcode::announce), "MALFORMED_OPTION");
  EXPECT_EQ(in(Filter{128, 0, kRemote}, Opcode::announce), "MALFORMED_OPTION");
  EXPECT_EQ(in(Filter{128, 0, kRemote}, Opcode::peer), "MALFORMED_OPTION");
  EXPECT_TRUE(read(written({Description{"d"}}), Opcode::announce).empty());
}

// PCP-018
TEST(PcpOptions, TellTheMostSpecificFault) {
  const std::string no_length = "c8 00 ffff";
  const std::string unknown = "63 00 0000";
  const std::string bad = "02 00 0004 00000000";
  EXPECT_EQ(fault(unknown + no_length), "MALFORMED_OPTION");
  EXPECT_EQ(fault(bad + unknown), "UNSUPP_OPTION");
  EXPECT_EQ(fault(unknown + bad), "UNSUPP_OPTION");
}

TEST(PcpOptions, AreFoundByKind) {
  const Options options{Filter{128, 1, kRemote}, Filter{128, 2, kRemote}, Description{"d"}};
  ASSERT_TRUE(find_option<Filter>(options));
  EXPECT_EQ(find_option<Filter>(options)->port, 1);
  EXPECT_EQ(find_option<ThirdParty>(options), nullptr);
}

}  // namespace
}  // namespace postern::pcp
