#include "daemon/http_response.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

constexpr std::time_t kDate = 784111777;

[[nodiscard]] HttpReply reply() {
  return {1, 412, {{"EXT", ""}, {"SID", "uuid:1"}}, "hello"};
}

TEST(HttpResponse, IsWhole) {  // HTTP-02, 04
  EXPECT_EQ(octets_of(reply(), {.server = "Linux/6.1 UPnP/1.1 Postern/1", .date = kDate}),
            "HTTP/1.1 412 Precondition Failed\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Server: Linux/6.1 UPnP/1.1 Postern/1\r\nEXT: \r\nSID: uuid:1\r\n"
            "Content-Length: 5\r\n\r\nhello");
}

TEST(HttpResponse, SaysWhetherTheConnectionStays) {  // HTTP-03
  const std::string begin =
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n";
  EXPECT_EQ(octets_of({}, {.date = kDate, .closes = true}), begin + "Connection: close\r\n\r\n");
  EXPECT_EQ(octets_of({}, {.date = kDate, .is_http_1_0 = true}),
            begin + "Connection: keep-alive\r\n\r\n");
  EXPECT_EQ(octets_of({}, {.date = kDate, .closes = true, .is_http_1_0 = true}),
            begin + "Connection: close\r\n\r\n");
}

TEST(HttpResponse, ToHeadHasNoBody) {  // HTTP-02
  auto whole = octets_of(reply(), {.date = kDate});
  ASSERT_TRUE(whole.ends_with("hello"));
  whole.resize(whole.size() - 5);
  EXPECT_EQ(octets_of(reply(), {.date = kDate, .is_head = true}), whole);
}

TEST(HttpResponse, NamesEveryStatusThatIsUsed) {
  EXPECT_EQ(status_text(414), "414 URI Too Long");
  EXPECT_EQ(status_text(431), "431 Request Header Fields Too Large");
  EXPECT_EQ(status_text(500), "500 Internal Server Error");
  EXPECT_EQ(status_text(501), "501 Not Implemented");
}

}  // namespace
}  // namespace postern
