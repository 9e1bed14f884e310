#include "core/http.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

const Endpoint kServer4{Address::v4({192, 168, 1, 1}), 5351};
const Endpoint kServer6{*Address::parse("fe80::1"), 5351};

[[nodiscard]] bool is_ours(const Endpoint& server, const std::string& host) {
  HttpRequest request;
  request.target = "/";
  request.headers = {{"User-Agent", "x"}, {"hOST", host}};
  request.server = server;
  return is_host_ours(request);
}

TEST(HttpRequest, FindsHeadersInAnyCase) {  // HTTP-07, Q-51
  HttpRequest request;
  request.headers = {{"SOAPACTION", "a"}, {"Soapaction", "b"}, {"X", ""}};
  EXPECT_EQ(request.find("SOAPAction"), "a");
  EXPECT_EQ(request.find("x"), "");
  EXPECT_EQ(request.find("SOAPActio"), std::nullopt);
  EXPECT_EQ(request.find("SOAPAction "), std::nullopt);
}

TEST(HttpHost, NamesTheAddressThatWasConnectedTo) {  // HTTP-09, 15, Q-64
  EXPECT_TRUE(is_ours(kServer4, "192.168.1.1"));
  EXPECT_TRUE(is_ours(kServer4, "192.168.1.1:5351"));
  EXPECT_TRUE(is_ours(kServer4, "[::ffff:192.168.1.1]:5351"));
  EXPECT_TRUE(is_ours(kServer6, "[fe80::1]"));
  EXPECT_TRUE(is_ours(kServer6, "[FE80:0::1]:5351"));
  EXPECT_TRUE(is_ours(kServer6, "[fe80::1%eth0]"));
  EXPECT_TRUE(is_ours(kServer6, "[fe80::1%25eth0]:5351"));
}

TEST(HttpHost, OfOthersIsRefused) {  // HTTP-09
  for (const auto* host :
       {"", "evil.com", "localhost", "192.168.1.1.evil.com", "192.168.1.2", "192.168.1.1:80",
        "192.168.1.1:", "192.168.1.1:5351x", "192.168.1.1:05351:1", "192.168.1.1:+5351",
        "192.168.1.1:70887", "192.168.1.1 ", "[192.168.1.1]", "3232235777", "0300.0250.1.1",
        "user@192.168.1.1", "::ffff:192.168.1.1"}) {
    EXPECT_FALSE(is_ours(kServer4, host)) << host;
  }
  for (const auto* host : {"fe80::1", "[fe80::1", "[fe80::1]5351", "[fe80::1]:80", "[fe80::2]",
                           "[]", "[", "[%eth0]", "[fe80::1]]", "192.168.1.1"}) {
    EXPECT_FALSE(is_ours(kServer6, host)) << host;
  }
}

TEST(HttpHost, MayBeMissingAndIsAlsoReadFromTheTarget) {  // HTTP-07, 09
  HttpRequest request;
  request.server = kServer4;
  request.target = "/";
  EXPECT_TRUE(is_host_ours(request));
  request.target = "HTTP://192.168.1.1:5351/a";
  EXPECT_TRUE(is_host_ours(request));
  request.target = "http://evil.com/a";
  EXPECT_FALSE(is_host_ours(request));
  request.headers = {{"Host", "192.168.1.1"}};
  EXPECT_FALSE(is_host_ours(request));
}

TEST(HttpPath, IsReadyForComparison) {  // HTTP-07, 14, Q-61
  const auto path = [](const std::string& target) {
    HttpRequest request;
    request.target = target;
    return path_of(request);
  };
  EXPECT_EQ(path("/CTL//IPConn?a=/b//c"), "/ctl/ipconn");
  EXPECT_EQ(path("//a///b/"), "/a/b/");
  EXPECT_EQ(path("http://192.168.1.1:5351//a#x"), "/a");
  EXPECT_EQ(path("HTTP://h"), "/");
  EXPECT_EQ(path("http://h?x"), "/");
  EXPECT_EQ(path("*"), "*");
  EXPECT_EQ(path(""), "/");
  EXPECT_EQ(path("ftp://h/a"), "ftp:/h/a");
}

TEST(HttpBrowser, IsKnownByItsHeadersAndForms) {  // HTTP-10, Q-60
  const auto is_browser = [](std::vector<HttpHeader> headers, std::string body) {
    HttpRequest request;
    request.headers = std::move(headers);
    request.body = std::move(body);
    return is_from_browser(request);
  };
  EXPECT_TRUE(is_browser({{"origin", "null"}}, ""));
  EXPECT_TRUE(is_browser({{"SEC-FETCH-SITE", "cross-site"}}, ""));
  EXPECT_FALSE(is_browser({{"Sec-Fetch-Mode", "cors"}}, "<xml/>"));
  EXPECT_TRUE(is_browser({{"Content-Type", "text/plain"}}, "<xml/>"));
  EXPECT_TRUE(is_browser({{"Content-Type", "TEXT/plain;charset=UTF-8"}}, "<xml/>"));
  EXPECT_TRUE(is_browser({{"Content-Type", "application/x-www-form-urlencoded"}}, "a=b"));
  EXPECT_TRUE(is_browser({{"Content-Type", "multipart/form-data; boundary=x"}}, "--x"));
  EXPECT_FALSE(is_browser({{"Content-Type", "text/plain"}}, ""));
  for (const auto* type : {"text/xml", "text/xml; charset=\"utf-8\"", "application/xml", "",
                           "text/plainer", "application/soap+xml"}) {
    EXPECT_FALSE(is_browser({{"Content-Type", type}}, "<xml/>")) << type;
  }
  EXPECT_FALSE(is_browser({{"User-Agent", "Mozilla/5.0"}}, "<xml/>"));
}

}  // namespace
}  // namespace postern
