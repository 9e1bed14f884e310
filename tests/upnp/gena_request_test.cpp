#include "protocols/upnp/gena_request.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/support/octets.h"
#include "tests/upnp/gena_requests.h"

namespace postern::upnp {
namespace {

using namespace test;
using namespace postern::test;

[[nodiscard]] HttpRequest subscribe_with(Headers headers) {
  return gena_request(kHostA, "SUBSCRIBE", std::move(headers));
}

[[nodiscard]] int status_of(const Headers& headers) {
  const auto parsed = parse_subscribe(subscribe_with(headers));
  return parsed ? 200 : parsed.error().status;
}

[[nodiscard]] int unsubscribe_status_of(const Headers& headers) {
  const auto parsed = parse_unsubscribe(gena_request(kHostA, "UNSUBSCRIBE", headers));
  return parsed ? 200 : parsed.error().status;
}

const HttpHeader kNt{"NT", "upnp:event"};
const HttpHeader kCallback{"CALLBACK", "<http://192.168.1.10:8000/events>"};
const HttpHeader kSid{"SID", "uuid:1"};

// GENA-01
TEST(GenaSubscribe, IsNew) {
  const auto parsed = parse_subscribe(subscribe_with({kNt, kCallback, {"TIMEOUT", "Second-3600"}}));
  ASSERT_TRUE(parsed);
  const auto* wish = std::get_if<NewSubscription>(&*parsed);
  ASSERT_NE(wish, nullptr);
  EXPECT_EQ(wish->callbacks, (std::vector<CallbackUrl>{{{kHostA, 8000}, "/events"}}));
  EXPECT_EQ(wish->granted, Seconds(3600));
}

TEST(GenaSubscribe, FromCapture) {
  const auto octets =
      read_octets(std::filesystem::path(POSTERN_VECTOR_DIR) / "gupnp-event.04.subscribe");
  auto request = http_request(std::string(octets.begin(), octets.end()));
  request.client = {Address::v4({192, 168, 77, 2}), 50000};
  const auto parsed = parse_subscribe(request);
  ASSERT_TRUE(parsed);
  const auto& wish = std::get<NewSubscription>(*parsed);
  EXPECT_EQ(wish.callbacks,
            (std::vector<CallbackUrl>{{{request.client.address, 45880}, "/ServiceProxy0"}}));
  EXPECT_EQ(wish.granted, Seconds(1800));
}

// GENA-02
TEST(GenaSubscribe, LacksWhatIsNeeded) {
  EXPECT_EQ(status_of({kNt, kCallback}), 200);
  EXPECT_EQ(status_of({kNt}), 412);
  EXPECT_EQ(status_of({kCallback}), 412);
  EXPECT_EQ(status_of({}), 412);
  EXPECT_EQ(status_of({{"NT", "upnp:rootdevice"}, kCallback}), 412);
  EXPECT_EQ(status_of({{"NT", ""}, kCallback}), 412);
  EXPECT_EQ(status_of({kNt, {"CALLBACK", ""}}), 412);
  EXPECT_EQ(status_of({{"nt", " UPnP:Event "}, {"Callback", kCallback.value}}), 200);
}

// GENA-02
TEST(GenaSubscribe, HasSidBesideWhatIsForNewOnes) {
  EXPECT_EQ(status_of({kSid}), 200);
  EXPECT_EQ(status_of({kSid, kNt}), 400);
  EXPECT_EQ(status_of({kSid, kCallback}), 400);
  EXPECT_EQ(status_of({kSid, kNt, kCallback}), 400);
  // What is wrong with the rest does not matter.
  EXPECT_EQ(status_of({{"SID", ""}, {"NT", "x"}}), 400);
}

// GENA-03
TEST(GenaSubscribe, IsARenewal) {
  const auto parsed = parse_subscribe(subscribe_with({{"SID", " uuid:1 "}}));
  ASSERT_TRUE(parsed);
  const auto* renewal = std::get_if<Renewal>(&*parsed);
  ASSERT_NE(renewal, nullptr);
  EXPECT_EQ(renewal->sid, "uuid:1");
  EXPECT_EQ(renewal->granted, Seconds(1800));
}

// GENA-05
TEST(GenaUnsubscribe, NamesASidAlone) {
  EXPECT_EQ(parse_unsubscribe(gena_request(kHostA, "UNSUBSCRIBE", {kSid})), "uuid:1");
  EXPECT_EQ(unsubscribe_status_of({}), 412);
  EXPECT_EQ(unsubscribe_status_of({kSid, kNt}), 400);
  EXPECT_EQ(unsubscribe_status_of({kSid, kCallback}), 400);
}

// GENA-04
TEST(GenaTimeout, IsGrantedWithinLimits) {
  const auto granted = [](std::string_view value) { return granted_timeout(value).count(); };
  EXPECT_EQ(granted("Second-1800"), 1800);
  EXPECT_EQ(granted("Second-1801"), 1801);
  EXPECT_EQ(granted("second-7200"), 7200);
  EXPECT_EQ(granted("Second-86400"), 86400);
  EXPECT_EQ(granted("Second-86401"), 86400);
  EXPECT_EQ(granted("Second-4294967296"), 86400);
  EXPECT_EQ(granted("Second-99999999999999999999"), 86400);
  EXPECT_EQ(granted("Second-1799"), 1800);
  EXPECT_EQ(granted("Second-0"), 1800);
}

// GENA-04
TEST(GenaTimeout, IsTheShortestForWhatSaysNothing) {
  EXPECT_EQ(granted_timeout(std::nullopt), kShortestSubscription);
  for (const auto* value : {"", "infinite", "Second-infinite", "Second-", "Second-+7200",
                            "Second--7200", "Second- 7200", "7200", "Second-7200 x"}) {
    EXPECT_EQ(granted_timeout(value), kShortestSubscription) << value;
  }
}

[[nodiscard]] std::vector<CallbackUrl> callbacks(std::string_view value,
                                                 const Address& subscriber = kHostA) {
  return parse_callbacks(value, subscriber).value_or(std::vector<CallbackUrl>());
}

TEST(GenaCallbacks, HaveManyForms) {
  using Urls = std::vector<CallbackUrl>;
  EXPECT_EQ(callbacks("<http://192.168.1.10>"), (Urls{{{kHostA, 80}, "/"}}));
  EXPECT_EQ(callbacks("<http://192.168.1.10/>"), (Urls{{{kHostA, 80}, "/"}}));
  EXPECT_EQ(callbacks("<HTTP://192.168.1.10:1/a/b?c=d#e>"), (Urls{{{kHostA, 1}, "/a/b?c=d"}}));
  EXPECT_EQ(callbacks("<http://192.168.1.10:65535?c>"), (Urls{{{kHostA, 65535}, "/?c"}}));
  EXPECT_EQ(callbacks(" < http://192.168.1.10:80/ > "), (Urls{{{kHostA, 80}, "/"}}));
}

//
TEST(GenaCallbacks, HaveIPv6LiteralsInAnySpelling) {
  for (const auto* literal :
       {"2001:db8:77::a", "2001:0db8:0077:0000:0000:0000:0000:000a", "2001:DB8:77:0::A"}) {
    EXPECT_EQ(callbacks("<http://[" + std::string(literal) + "]:49152/>", kHostA6),
              (std::vector<CallbackUrl>{{{kHostA6, 49152}, "/"}}))
        << literal;
  }
  for (const auto* literal : {"fe80::a", "fe80::a%eth0", "fe80::a%253"}) {
    EXPECT_EQ(callbacks("<http://[" + std::string(literal) + "]/x>", kHostALinkLocal),
              (std::vector<CallbackUrl>{{{kHostALinkLocal, 80}, "/x"}}))
        << literal;
  }
}

// GENA-12
TEST(GenaCallbacks, KeepTheirOrder) {
  const std::string all =
      "<http://192.168.1.10:3/><http://192.168.1.10:1/> <http://192.168.1.10:2/>";
  EXPECT_EQ(callbacks(all),
            (std::vector<CallbackUrl>{{{kHostA, 3}, "/"}, {{kHostA, 1}, "/"}, {{kHostA, 2}, "/"}}));
  // GENA-14
  EXPECT_TRUE(callbacks(all + "<http://192.168.1.10:4/>").empty());
}

// GENA-13: CallStranger
TEST(GenaCallbacks, LeadToTheSubscriberAlone) {
  for (const auto* host : {"192.168.1.11",
                           "192.168.1.1",
                           "127.0.0.1",
                           "0.0.0.0",
                           "239.255.255.250",
                           "198.51.100.7",
                           "203.0.113.80",
                           "255.255.255.255",
                           "localhost",
                           "host.lan",
                           "192.168.1.10.example.org",
                           "",
                           "192.168.1",
                           "3232235786",
                           "0xc0a8010a",
                           "192.168.001.010",
                           "user@192.168.1.10",
                           "192.168.1.10@203.0.113.80",
                           "[192.168.1.10]",
                           "[::1]",
                           "[2001:db8:77::a]",
                           "2001:db8:77::a"}) {
    EXPECT_TRUE(callbacks("<http://" + std::string(host) + ":80/>").empty()) << host;
  }
  EXPECT_TRUE(callbacks("<http://[2001:db8:77::b]/>", kHostA6).empty());
  EXPECT_TRUE(callbacks("<http://[2001:db8:77::a/>", kHostA6).empty());
  EXPECT_TRUE(callbacks("<http://2001:db8:77::a/>", kHostA6).empty());
  // A good one does not help a bad one.
  EXPECT_TRUE(callbacks("<http://192.168.1.10/><http://203.0.113.80/>").empty());
}

// GENA-14
TEST(GenaCallbacks, AreHttpToARealPort) {
  for (const auto* url :
       {"<https://192.168.1.10/>", "<ftp://192.168.1.10/>", "<192.168.1.10/>", "<//192.168.1.10/>",
        "<http:192.168.1.10/>", "<http://192.168.1.10:0/>", "<http://192.168.1.10:65536/>",
        "<http://192.168.1.10:/>", "<http://192.168.1.10:-1/>", "<http://192.168.1.10:+1/>",
        "<http://192.168.1.10:80x/>", "<http://192.168.1.10 :80/>"}) {
    EXPECT_TRUE(callbacks(url).empty()) << url;
  }
}

TEST(GenaCallbacks, StandInAngleBrackets) {
  for (const auto* value :
       {"http://192.168.1.10/", "<http://192.168.1.10/", "http://192.168.1.10/>", "<>", "<", ">",
        "<http://192.168.1.10/>,<http://192.168.1.10/>", "<http://192.168.1.10/>x", "<<>>"}) {
    EXPECT_TRUE(callbacks(value).empty()) << value;
  }
}

// GENA-14
TEST(GenaCallbacks, HaveShortPaths) {
  const auto with_path = [](std::size_t size) {
    return callbacks("<http://192.168.1.10/" + std::string(size - 1, 'a') + ">");
  };
  EXPECT_EQ(with_path(kLongestCallbackPath).size(), 1U);
  EXPECT_TRUE(with_path(kLongestCallbackPath + 1).empty());
}

TEST(GenaCallbacks, CannotAddToOurRequest) {
  for (const auto* path : {"a b", "a\r\nX: y", "a\nb", "a\tb", "\x7f", "\xc3\xa4"}) {
    EXPECT_TRUE(callbacks("<http://192.168.1.10/" + std::string(path) + ">").empty()) << path;
  }
}

}  // namespace
}  // namespace postern::upnp
