#include "protocols/upnp/ssdp_message.h"

#include <gtest/gtest.h>

#include "tests/upnp/ssdp_fixture.h"

namespace postern::upnp {
namespace {

using namespace test;

std::optional<Search> parse(std::string_view text, Leniency leniency = Leniency::strict) {
  return parse_search(octets_of(text), leniency);
}

/// A good search with these header lines in the place of MAN, MX and ST.
std::optional<Search> parse_with(std::string_view headers) {
  return parse("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n" + std::string(headers) +
               "\r\n");
}

const std::string kMan = "MAN: \"ssdp:discover\"\r\n";
const Search kSearchForAll{"ssdp:all", Seconds(3)};

Octets vector(std::string_view name) {
  return read_octets(std::string(POSTERN_VECTOR_DIR) + "/" + std::string(name) + ".msearch");
}

//
TEST(ParseSearch, FromCapture) {
  EXPECT_EQ(parse_search(vector("upnpc.01")), (Search{kIgd + "1", Seconds(2)}));
  EXPECT_EQ(parse_search(vector("gupnp-event.01")), (Search{kWanIp + "1", Seconds(3)}));
  EXPECT_EQ(parse_search(vector("libtorrent-upnp.01")), (Search{"upnp:rootdevice", Seconds(3)}));
  EXPECT_EQ(parse_search(vector("nmap-upnp.01")), (Search{"ssdp:all", Seconds(5)}));
  EXPECT_EQ(parse_search(vector("nmap-upnp.02")), (Search{"upnp:rootdevice", Seconds(3)}));
  EXPECT_EQ(parse_search(vector("syncthing.03")), (Search{kIgd + "2", Seconds(5)}));
  EXPECT_EQ(parse_search(vector("upnpc-pinhole.01")), (Search{kIgd + "1", Seconds(2)}));
}

// SSDP-31
TEST(ParseSearch, TakesNamesInAnyCaseAndAnyBlanksAfterTheColon) {
  EXPECT_EQ(parse_with("mAn:\"ssdp:discover\"\r\nmx:\t 3 \t\r\nsT:   ssdp:all\t\r\n"),
            kSearchForAll);
}

// SSDP-31, 45
TEST(ParseSearch, SkipsHeadersItDoesNotKnow) {
  EXPECT_EQ(
      parse_with(kMan + "MX: 3\r\nTCPPORT.UPNP.ORG: 5000\r\nCPFN.UPNP.ORG: K\xc3\xbc"
                        "che\r\n"
                        "CPUUID.UPNP.ORG: 00000000-0000-0000-0000-000000000000\r\nX-Empty:\r\n"
                        "ST: ssdp:all\r\n"),
      kSearchForAll);
}

// SSDP-31
TEST(ParseSearch, IgnoresABody) {
  EXPECT_EQ(parse_with(kMan + "MX: 3\r\nST: ssdp:all\r\n\r\nST: other\r\n\x01"), kSearchForAll);
}

// SSDP-31, 44, Q-89
TEST(ParseSearch, ForgivesLineEnds) {
  EXPECT_EQ(parse_with(kMan + "MX: 3\r\nST: ssdp:all"), kSearchForAll);
  EXPECT_EQ(parse("M-SEARCH * HTTP/1.1\nMAN: ssdp:discover\nMX: 3\nST: ssdp:all"), kSearchForAll);
}

// SSDP-31
TEST(ParseSearch, HearsNothingElse) {
  const std::string headers = "\r\n" + kMan + "MX: 3\r\nST: ssdp:all\r\n\r\n";
  ASSERT_EQ(parse("M-SEARCH * HTTP/1.1" + headers), kSearchForAll);
  for (const auto* start :
       {"NOTIFY * HTTP/1.1", "m-search * HTTP/1.1", "M-SEARCH * HTTP/1.0", "M-SEARCH / HTTP/1.1",
        "M-SEARCH  * HTTP/1.1", "M-SEARCH * HTTP/1.1 ", " M-SEARCH * HTTP/1.1", "M-SEARCH *",
        "HTTP/1.1 200 OK", "GET / HTTP/1.1", ""}) {
    EXPECT_FALSE(parse(start + headers)) << start;
  }
}

// SSDP-31, 44
TEST(ParseSearch, HearsNothingMalformed) {
  const std::string good = kMan + "MX: 3\r\nST: ssdp:all\r\n";
  ASSERT_TRUE(parse_with(good));
  for (const auto& bad : {"no colon\r\n" + good, ": no name\r\n" + good, " ST: folded\r\n" + good,
                          "\tST: folded\r\n" + good, good + "ST: upnp:rootdevice\r\n",
                          good + "mx: 2\r\n", good + kMan, good + "X: a\rb\r\n",
                          good + "X: a" + std::string(1, '\0') + "b\r\n", good + "X: \x7f\r\n"}) {
    EXPECT_FALSE(parse_with(bad)) << bad;
  }
}

// SSDP-32, Q-89
TEST(ParseSearch, WantsManWithItsValue) {
  const std::string rest = "MX: 3\r\nST: ssdp:all\r\n";
  EXPECT_TRUE(parse_with("MAN: ssdp:discover\r\n" + rest));
  for (const auto* man : {"", "MAN:\r\n", "MAN: \"\"\r\n", "MAN: \"ssdp:other\"\r\n",
                          "MAN: \"ssdp:discover\r\n", "MAN: \"ssdp:discover\"; ns=01\r\n"}) {
    EXPECT_FALSE(parse_with(man + rest)) << man;
  }
}

// SSDP-32
TEST(ParseSearch, DoesWithoutManWhenLenient) {
  const std::string rest = "MX: 3\r\nST: ssdp:all\r\n\r\n";
  EXPECT_EQ(parse("M-SEARCH * HTTP/1.1\r\n" + rest, Leniency::lenient), kSearchForAll);
  EXPECT_FALSE(parse("M-SEARCH * HTTP/1.1\r\nMAN: \"other\"\r\n" + rest, Leniency::lenient));
}

// SSDP-33
TEST(ParseSearch, BoundsTheWait) {
  const auto wait = [](std::string_view mx) {
    const auto search = parse_with(kMan + std::string(mx) + "ST: ssdp:all\r\n");
    return search.value().max_wait;
  };
  EXPECT_EQ(wait("MX: 0\r\n"), Seconds(1));
  EXPECT_EQ(wait("MX: 1\r\n"), Seconds(1));
  EXPECT_EQ(wait("MX: 05\r\n"), Seconds(5));
  EXPECT_EQ(wait("MX: 6\r\n"), Seconds(5));
  EXPECT_EQ(wait("MX: 120\r\n"), Seconds(5));
  EXPECT_EQ(wait("MX: 99999999999999999999999\r\n"), Seconds(5));
  for (const auto* mx : {"", "MX:\r\n", "MX: two\r\n", "MX: -1\r\n", "MX: 2.5\r\n", "MX: 2s\r\n"}) {
    EXPECT_EQ(wait(mx), std::nullopt) << mx;
  }
}

TEST(ParseSearch, WantsATarget) {
  EXPECT_FALSE(parse_with(kMan + "MX: 3\r\n"));
  EXPECT_FALSE(parse_with(kMan + "MX: 3\r\nST:\r\n"));
  EXPECT_FALSE(parse_with(kMan + "MX: 3\r\nST: \t \r\n"));
}

// SSDP-44
TEST(ParseSearch, DropsWhatIsTooLong) {
  auto octets = search_for("ssdp:all");
  octets.resize(1500, 'x');
  EXPECT_TRUE(parse_search(octets));
  octets.resize(1501, 'x');
  EXPECT_FALSE(parse_search(octets));
}

// Whatever is cut off, it is the same search, an unfinished one, or none.
TEST(ParseSearch, EveryTruncation) {
  const auto whole = vector("upnpc.01");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto search = parse_search(Bytes(whole).first(size));
    if (search) {
      EXPECT_TRUE((kIgd + "1").starts_with(search->target)) << size;
    }
  }
  EXPECT_FALSE(parse_search({}));
}

class EmitTest : public testing::Test {
 protected:
  const Advertisement offer_{kIgd + "1",
                             "uuid:3d1f1f6a-0000-4000-8000-00000000000a::" + kIgd + "1"};
  const SsdpFacts facts_{kServer, 1700000000, 4711};
  const std::string location_ = "http://192.168.1.1:5351/0123456789abcdef/igd1/desc.xml";
};

// SSDP-38, 16, 17
TEST_F(EmitTest, Answer) {
  const Message answer(emit_answer(offer_, location_, facts_, 1000).value());
  EXPECT_EQ(answer.start_line, "HTTP/1.1 200 OK");
  EXPECT_EQ(answer.headers, (std::map<std::string, std::string>{
                                {"CACHE-CONTROL", "max-age=1800"},
                                {"EXT", ""},
                                {"LOCATION", location_},
                                {"SERVER", kServer},
                                {"ST", kIgd + "1"},
                                {"USN", "uuid:3d1f1f6a-0000-4000-8000-00000000000a::" + kIgd + "1"},
                                {"OPT", "\"http://schemas.upnp.org/upnp/1/0/\"; ns=01"},
                                {"01-NLS", "1700000000"},
                                {"BOOTID.UPNP.ORG", "1700000000"},
                                {"CONFIGID.UPNP.ORG", "4711"}}));
}

// SEC-03
TEST_F(EmitTest, AnswerKeepsToItsBound) {
  const auto full = emit_answer(offer_, location_, facts_, 1000).value();
  EXPECT_EQ(emit_answer(offer_, location_, facts_, full.size()), full);
  const auto lean = emit_answer(offer_, location_, facts_, full.size() - 1).value();
  EXPECT_LT(lean.size(), full.size());
  EXPECT_FALSE(Message(lean).has("OPT"));
  EXPECT_FALSE(Message(lean).has("01-NLS"));
  EXPECT_TRUE(Message(lean).has("BOOTID.UPNP.ORG"));
  EXPECT_EQ(emit_answer(offer_, location_, facts_, lean.size()), lean);
  EXPECT_FALSE(emit_answer(offer_, location_, facts_, lean.size() - 1));
}

// SSDP-02, 04, 19
TEST_F(EmitTest, Alive) {
  const Message alive(emit_alive(offer_, ssdp_groups()[0], location_, facts_));
  EXPECT_EQ(alive.start_line, "NOTIFY * HTTP/1.1");
  EXPECT_EQ(alive.headers, (std::map<std::string, std::string>{
                               {"HOST", "239.255.255.250:1900"},
                               {"CACHE-CONTROL", "max-age=1800"},
                               {"LOCATION", location_},
                               {"SERVER", kServer},
                               {"NT", offer_.target},
                               {"NTS", "ssdp:alive"},
                               {"USN", offer_.usn},
                               {"OPT", "\"http://schemas.upnp.org/upnp/1/0/\"; ns=01"},
                               {"01-NLS", "1700000000"},
                               {"BOOTID.UPNP.ORG", "1700000000"},
                               {"CONFIGID.UPNP.ORG", "4711"}}));
}

// SSDP-18
TEST_F(EmitTest, NamesTheGroup) {
  EXPECT_EQ(Message(emit_byebye(offer_, ssdp_groups()[1], facts_)).at("HOST"), "[FF02::C]:1900");
  EXPECT_EQ(Message(emit_byebye(offer_, ssdp_groups()[2], facts_)).at("HOST"), "[FF05::C]:1900");
}

// SSDP-09
TEST_F(EmitTest, Byebye) {
  const Message byebye(emit_byebye(offer_, ssdp_groups()[0], facts_));
  EXPECT_EQ(byebye.start_line, "NOTIFY * HTTP/1.1");
  EXPECT_EQ(byebye.at("NTS"), "ssdp:byebye");
  EXPECT_EQ(byebye.at("NT"), offer_.target);
  EXPECT_EQ(byebye.at("USN"), offer_.usn);
  EXPECT_EQ(byebye.at("BOOTID.UPNP.ORG"), "1700000000");
  EXPECT_EQ(byebye.at("CONFIGID.UPNP.ORG"), "4711");
  EXPECT_FALSE(byebye.has("LOCATION"));
  EXPECT_FALSE(byebye.has("CACHE-CONTROL"));
}

// SSDP-13
TEST_F(EmitTest, Update) {
  const Message update(emit_update(offer_, ssdp_groups()[0], location_, facts_, 1700000001));
  EXPECT_EQ(update.at("NTS"), "ssdp:update");
  EXPECT_EQ(update.at("LOCATION"), location_);
  EXPECT_EQ(update.at("BOOTID.UPNP.ORG"), "1700000000");
  EXPECT_EQ(update.at("NEXTBOOTID.UPNP.ORG"), "1700000001");
  EXPECT_FALSE(update.has("CACHE-CONTROL"));
}

// SSDP-03, Q-19: the longest address, port and type that there are.
TEST_F(EmitTest, KeepsNoticesShort) {
  const auto type = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1";
  const Advertisement longest{type,
                              "uuid:3d1f1f6a-0000-4000-8000-00000000000a::" + std::string(type)};
  const SsdpFacts facts{"Linux/6.12 UPnP/1.1 Postern/10.10.10", 0x7fffffff, 16777215};
  const std::string location =
      "http://[2a02:1234:5678:9abc:1234:5678:9abc:def0]:65535/0123456789abcdef/igd1/desc.xml";
  for (const auto& group : ssdp_groups()) {
    EXPECT_LE(emit_alive(longest, group, location, facts).size(), 512U);
    EXPECT_LE(emit_byebye(longest, group, facts).size(), 512U);
    EXPECT_LE(emit_update(longest, group, location, facts, 0x7ffffffe).size(), 512U);
  }
}

}  // namespace
}  // namespace postern::upnp
