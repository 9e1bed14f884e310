#include "daemon/http_reader.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

using Progress = HttpReader::Progress;

const std::string kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

/// What became of octets: the status of a refusal, 200 for a request, 0 when more is needed.
struct Outcome {
  int status = 0;
  HttpRequest request;
  bool keeps_alive = false;
};

[[nodiscard]] Outcome read(HttpReader& reader) {
  while (true) {
    switch (reader.read()) {
      case Progress::needs_more:
        return {};
      case Progress::has_header:
        break;
      case Progress::is_complete:
        return {200, reader.request(), reader.keeps_alive()};
      case Progress::is_refused:
        return {reader.refusal(), {}, reader.keeps_alive()};
    }
  }
}

[[nodiscard]] Outcome read(const std::string& octets) {
  HttpReader reader{HttpSizes{}};
  reader.add(octets);
  return read(reader);
}

/// As `read`, octet by octet.
[[nodiscard]] Outcome read_slowly(const std::string& octets) {
  HttpReader reader{HttpSizes{}};
  Outcome outcome;
  for (const char octet : octets) {
    EXPECT_EQ(outcome.status, 0) << "before the last octet of\n" << octets;
    reader.add({&octet, 1});
    outcome = read(reader);
  }
  return outcome;
}

[[nodiscard]] std::string post(const std::string& headers, const std::string& body) {
  return "POST /c HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body;
}

TEST(HttpReader, ReadsARequest) {  // HTTP-03, 07
  const auto [status, request, keeps_alive] = read(
      "POST http://h/a?b HTTP/1.1\r\nhOsT:h\r\nX:  a b \t\r\nY:\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(status, 200);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "http://h/a?b");
  EXPECT_FALSE(request.is_http_1_0);
  EXPECT_EQ(request.headers, (std::vector<HttpHeader>{
                                 {"hOsT", "h"}, {"X", "a b"}, {"Y", ""}, {"Content-Length", "2"}}));
  EXPECT_EQ(request.body, "hi");
  EXPECT_TRUE(keeps_alive);
}

TEST(HttpReader, KnowsWhoKeepsTheConnection) {  // HTTP-03, Q-58
  const auto keeps = [](const std::string& version, const std::string& connection) {
    const auto outcome = read("GET / " + version + "\r\nHost: h\r\n" + connection + "\r\n");
    EXPECT_EQ(outcome.status, 200);
    EXPECT_EQ(outcome.request.is_http_1_0, version == "HTTP/1.0");
    return outcome.keeps_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_TRUE(keeps("HTTP/1.0", "connection: Keep-Alive\r\n"));
}

TEST(HttpReader, ReadsAnySplit) {  // HTTP-05, Q-55
  for (const auto& octets :
       {kGet, post("Content-Length: 5\r\n", "hello"), post("Content-Length: 0\r\n", ""),
        post("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: u\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        std::string("\r\n\nGET / HTTP/1.0\n\n")}) {
    const auto whole = read(octets);
    const auto slow = read_slowly(octets);
    EXPECT_EQ(whole.status, 200) << octets;
    EXPECT_EQ(slow.status, 200) << octets;
    EXPECT_EQ(whole.request.body, slow.request.body);
    EXPECT_EQ(whole.request.headers, slow.request.headers);
  }
}

TEST(HttpReader, ReadsChunks) {  // HTTP-05, Q-57
  const auto outcome = read(post("Transfer-Encoding: Chunked\r\n",
                                 "2\r\nhe\r\n00003;x=y\r\nllo\r\n0\r\nHost: evil\r\n\r\n"));
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.request.body, "hello");
  EXPECT_EQ(outcome.request.find("Host"), "h");
}

TEST(HttpReader, ReadsRealClients) {  // the requests in tests/vectors come with UPnP
  const std::string octets =
      "POST /ctl/IPConn HTTP/1.1\r\nContent-Type: text/xml\r\nSOAPAction: \"urn:x#GetA\"\r\n"
      "Connection: Close\r\nUser-Agent: Java/17.0.15\r\nHost: 192.168.77.1:5000\r\n"
      "Accept: text/html, image/gif, image/jpeg, */*; q=0.2\r\nContent-Length: 4\r\n\r\n<a/>";
  EXPECT_EQ(read(octets).request.body, "<a/>");
  EXPECT_EQ(read(octets).request.find("soapaction"), "\"urn:x#GetA\"");
}

TEST(HttpReader, ToleratesOldLineEndsAndFolding) {  // HTTP-07
  const auto outcome = read("\n\r\nGET /a HTTP/1.1\nHost: h\nX: a\r\n\tb\n\r\n");
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.request.target, "/a");
  EXPECT_EQ(outcome.request.find("X"), "a b");
}

TEST(HttpReader, RefusesJunk) {  // HTTP-07
  for (const auto* octets :
       {"GET /\r\n\r\n", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", " GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX : x\r\n\r\n", "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n"}) {
    EXPECT_EQ(read(octets).status, 400) << octets;
  }
  EXPECT_EQ(read(std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28)).status, 400);
}

TEST(HttpReader, AsksForOneHost) {  // HTTP-09
  EXPECT_EQ(read("GET / HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n").status, 400);
  EXPECT_EQ(read("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n").status, 400);
  EXPECT_EQ(read("GET / HTTP/1.0\r\n\r\n").status, 200);
}

TEST(HttpReader, KnowsMethods) {  // HTTP-02, SOAP-09
  const auto status = [](const std::string& method) {
    return read(method + " / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").status;
  };
  for (const auto* method : {"GET", "HEAD", "POST", "M-POST", "SUBSCRIBE", "UNSUBSCRIBE", "PUT"}) {
    EXPECT_EQ(status(method), 200) << method;
  }
  EXPECT_EQ(status("FETCH"), 501);
  EXPECT_EQ(status("get"), 501);
}

TEST(HttpReader, RefusesLengthsInDoubt) {  // HTTP-05
  const std::string chunks = "2\r\nhi\r\n0\r\n\r\n";
  EXPECT_EQ(read(post("", "")).status, 411);
  EXPECT_EQ(read("M-POST / HTTP/1.1\r\nHost: h\r\n\r\n").status, 411);
  EXPECT_EQ(read("POST / HTTP/1.0\r\n\r\nhi").status, 411);
  EXPECT_EQ(read("SUBSCRIBE / HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
  EXPECT_EQ(read("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks).status, 400);
  for (const auto* headers :
       {"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2, 3\r\n",
        "Content-Length: -2\r\n", "Content-Length: +2\r\n", "Content-Length: 0x2\r\n",
        "Content-Length: 2 2\r\n", "Content-Length:\r\n", "Content-Length: ,\r\n",
        "Content-Length: 99999999999999999999999\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding:\r\n"}) {
    EXPECT_EQ(read(post(headers, chunks)).status, 400) << headers;
  }
}

TEST(HttpReader, RefusesBadChunks) {  // HTTP-05
  for (const auto* body : {"x\r\nhi\r\n0\r\n\r\n", "2\r\nhi0\r\n\r\n", "-2\r\nhi\r\n0\r\n\r\n",
                           "11111111111111111\r\nhi\r\n", "2;\x01\r\nhi\r\n0\r\n\r\n",
                           "0\r\nContent-Length: 5\r\n\r\n", "0\r\nbad\r\n\r\n"}) {
    EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", body)).status, 400) << body;
  }
}

TEST(HttpReader, BoundsTheRequestLine) {  // HTTP-08
  const auto line = [](std::size_t size) {
    const std::string around = "GET / HTTP/1.1";
    return "GET /" + std::string(size - around.size(), 'a') + " HTTP/1.1";
  };
  EXPECT_EQ(read(line(2048) + "\r\nHost: h\r\n\r\n").status, 200);
  EXPECT_EQ(read_slowly(line(2048) + "\r\nHost: h\r\n\r\n").status, 200);
  EXPECT_EQ(read(line(2049) + "\r\nHost: h\r\n\r\n").status, 414);
  EXPECT_EQ(read(std::string(2050, 'G')).status, 414);
  EXPECT_EQ(read(std::string(2049, 'G')).status, 0);
}

TEST(HttpReader, BoundsTheHeaders) {  // HTTP-08
  const auto headers = [](std::size_t size) {
    const std::string around = "Host: h\r\nX: \r\n\r\n";
    return "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(size - around.size(), 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(read(headers(8192)).status, 200);
  EXPECT_EQ(read_slowly(headers(8192)).status, 200);
  EXPECT_EQ(read(headers(8193)).status, 431);
  EXPECT_EQ(read("GET / HTTP/1.1\r\n" + std::string(8193, 'x')).status, 431);
  EXPECT_EQ(read("GET / HTTP/1.1\r\n" + std::string(8192, 'x')).status, 0);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 3000; ++i) many += "a:\r\n";
  EXPECT_EQ(read(many).status, 431);
}

TEST(HttpReader, BoundsTheBody) {  // HTTP-08
  const std::string most(16384, 'x');
  EXPECT_EQ(read(post("Content-Length: 16384\r\n", most)).request.body, most);
  EXPECT_EQ(read(post("Content-Length: 16385\r\n", "")).status, 413);
  EXPECT_EQ(read(post("Content-Length: 18446744073709551615\r\n", "")).status, 413);
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  EXPECT_EQ(read(post(chunked, "4000\r\n" + most + "\r\n0\r\n\r\n")).request.body, most);
  EXPECT_EQ(read(post(chunked, "4001\r\n" + most + "x")).status, 413);
  EXPECT_EQ(read(post(chunked, "4000\r\n" + most + "\r\n1\r\nx\r\n0\r\n\r\n")).status, 413);
  // Neither may what surrounds the body be endless.
  EXPECT_EQ(read(post(chunked, "1;" + std::string(5000, 'x'))).status, 400);
  EXPECT_EQ(read(post(chunked, "0\r\nX: " + std::string(5000, 'x'))).status, 400);
}

TEST(HttpReader, TellsTheHeaderBeforeTheBody) {
  HttpReader reader{HttpSizes{}};
  reader.add(post("Content-Length: 99999\r\n", "hi"));
  ASSERT_EQ(reader.read(), Progress::has_header);
  EXPECT_EQ(reader.request().method, "POST");
  EXPECT_EQ(reader.request().body, "");
  EXPECT_EQ(reader.read(), Progress::is_refused);
  EXPECT_EQ(reader.refusal(), 413);
  EXPECT_EQ(reader.read(), Progress::is_refused);
}

TEST(HttpReader, KnowsWhoAwaitsContinue) {  // HTTP-06
  const auto awaits = [](const std::string& octets) {
    HttpReader reader{HttpSizes{}};
    reader.add(octets);
    (void)read(reader);
    return reader.awaits_continue();
  };
  const std::string headers = "Expect: 100-Continue\r\nContent-Length: 2\r\n";
  EXPECT_TRUE(awaits(post(headers, "")));
  EXPECT_FALSE(awaits(post(headers, "hi")));
  EXPECT_FALSE(awaits(post("Content-Length: 2\r\n", "")));
  EXPECT_FALSE(awaits(post("Expect: 100-continue\r\nContent-Length: 99999\r\n", "")));
  EXPECT_FALSE(awaits("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
}

TEST(HttpReader, ReadsOneRequestAfterAnother) {  // HTTP-03, Q-54
  HttpReader reader{HttpSizes{}};
  reader.add(post("Content-Length: 2\r\n", "hi\r\n") + kGet + kGet);
  EXPECT_EQ(read(reader).request.body, "hi");
  EXPECT_EQ(read(reader).status, 200);  // Still the same.
  for (int i = 0; i < 2; ++i) {
    reader.next();
    const auto [status, request, keeps_alive] = read(reader);
    EXPECT_EQ(status, 200);
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.body, "");
    EXPECT_EQ(request.headers.size(), 1U);
  }
  reader.next();
  EXPECT_EQ(read(reader).status, 0);
}

}  // namespace
}  // namespace postern
