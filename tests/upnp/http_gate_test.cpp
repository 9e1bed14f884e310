#include "protocols/upnp/http_gate.h"

#include <gtest/gtest.h>

#include "tests/upnp/gena_requests.h"

namespace postern::upnp {
namespace {

using namespace test;
using namespace postern::test;

const std::string kDescription = description_path(sample_identity(), View::igd1);
const std::string kScpd =
    path_of(sample_identity(), {ResourceKind::scpd, View::igd2, ServiceId::wan_ip_connection});
const std::string kControl = control_url(View::igd2, ServiceId::wan_ip_connection);
const std::string kEvents = path_of(sample_identity(), events_of());

/// 200: it gets in.
[[nodiscard]] int status_of(const HttpRequest& request) {
  const auto refusal = refusal_of(request, sample_identity());
  return refusal ? refusal->status : 200;
}
[[nodiscard]] int status_of(std::string_view method, const std::string& target,
                            const Headers& headers = {}) {
  return status_of(request_of(kHostA, method, target, headers));
}
/// With this Host alone.
[[nodiscard]] int host_status(std::string_view host, const Address& client = kHostA) {
  auto request = request_of(client, "GET", kDescription, {});
  request.headers = {{"Host", std::string(host)}};
  return status_of(request);
}

// HTTP-02
TEST(HttpGate, KnowsTheMethodsOfEachResource) {
  for (const auto* method : {"GET", "HEAD"}) {
    EXPECT_EQ(status_of(method, kDescription), 200);
    EXPECT_EQ(status_of(method, kScpd), 200);
    EXPECT_EQ(status_of(method, kControl), 405);
    EXPECT_EQ(status_of(method, kEvents), 405);
  }
  for (const auto* method : {"POST", "M-POST"}) {
    EXPECT_EQ(status_of(method, kControl), 200);
    EXPECT_EQ(status_of(method, kDescription), 405);
    EXPECT_EQ(status_of(method, kEvents), 405);
  }
  for (const auto* method : {"SUBSCRIBE", "UNSUBSCRIBE"}) {
    EXPECT_EQ(status_of(method, kEvents), 200);
    EXPECT_EQ(status_of(method, kScpd), 405);
    EXPECT_EQ(status_of(method, kControl), 405);
  }
}

// HTTP-02
TEST(HttpGate, NamesTheMethodsThatAResourceHas) {
  const auto allowed = [](const std::string& target) {
    // Each resource lacks one of these.
    auto refusal = refusal_of(request_of(kHostA, "GET", target, {}), sample_identity());
    if (!refusal) refusal = refusal_of(request_of(kHostA, "POST", target, {}), sample_identity());
    return header_of(*refusal, "Allow");
  };
  EXPECT_EQ(allowed(kDescription), "GET, HEAD");
  EXPECT_EQ(allowed(kScpd), "GET, HEAD");
  EXPECT_EQ(allowed(kControl), "POST, M-POST");
  EXPECT_EQ(allowed(kEvents), "SUBSCRIBE, UNSUBSCRIBE");
}

// HTTP-02
TEST(HttpGate, KnowsNoOtherMethods) {
  for (const auto* method : {"PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "NOTIFY", "get", ""}) {
    EXPECT_EQ(status_of(method, kDescription), 501) << method;
    EXPECT_EQ(status_of(method, "/"), 501) << method;
  }
}

// HTTP-02, 10
TEST(HttpGate, KnowsNoOtherPaths) {
  for (const auto* path : {"/", "*", "", "/rootDesc.xml", "/ctl/IPConn", "/0123456789abcdef",
                           "/fedcba9876543210/igd1/desc.xml", "/igd1/desc.xml"}) {
    EXPECT_EQ(status_of("GET", path), 404) << path;
    EXPECT_EQ(status_of("POST", path), 404) << path;
  }
}

// HTTP-14, Q-61
TEST(HttpGate, FindsPathsOfAnySpelling) {
  EXPECT_EQ(status_of("GET", "/" + kDescription + "?x"), 200);
  EXPECT_EQ(status_of("GET", "http://192.168.1.1:5351" + kDescription), 200);
  EXPECT_EQ(status_of("POST", "//0123456789ABCDEF//IGD2/Control/wanipconn1"), 200);
}

// HTTP-09, Q-64
TEST(HttpGate, WantsItsOwnAddressAsHost) {
  EXPECT_EQ(host_status("192.168.1.1"), 200);
  EXPECT_EQ(host_status("192.168.1.1:5351"), 200);
  EXPECT_EQ(host_status("[2001:db8:77::1]:5351", kHostA6), 200);
  EXPECT_EQ(host_status("[fe80::1%25eth0]", kHostALinkLocal), 200);
  for (const auto* host : {"evil.example", "evil.example:5351", "192.168.1.1:80", "192.168.1.2",
                           "localhost", "127.0.0.1", "", "192.168.1.1.evil.example"}) {
    EXPECT_EQ(host_status(host), 403) << host;
  }
  EXPECT_EQ(status_of("GET", "http://evil.example" + kDescription), 403);
}

// HTTP-09
TEST(HttpGate, WantsAHostSinceHttp11) {
  auto request = request_of(kHostA, "GET", kDescription, {});
  request.headers.clear();
  EXPECT_EQ(status_of(request), 400);
  request.is_http_1_0 = true;
  EXPECT_EQ(status_of(request), 200);
  request.headers = {{"Host", "evil.example"}};
  EXPECT_EQ(status_of(request), 403);
}

// HTTP-10
TEST(HttpGate, RefusesWebPages) {
  for (const HttpHeader& header :
       {HttpHeader{"Origin", "http://192.168.1.1:5351"}, HttpHeader{"origin", "null"},
        HttpHeader{"Sec-Fetch-Site", "none"}}) {
    EXPECT_EQ(status_of("GET", kDescription, {header}), 403);
    EXPECT_EQ(status_of("POST", kControl, {header}), 403);
    EXPECT_EQ(status_of("SUBSCRIBE", kEvents, {header}), 403);
  }
  EXPECT_EQ(status_of("POST", kControl, {{"Sec-Fetch-Mode", "cors"}}), 200);
}

// HTTP-10, Q-60
TEST(HttpGate, RefusesForms) {
  const auto status = [](std::string_view type) {
    auto request = request_of(kHostA, "POST", kControl, {{"Content-Type", std::string(type)}});
    request.body = "x";
    return status_of(request);
  };
  EXPECT_EQ(status("text/plain"), 403);
  EXPECT_EQ(status("Multipart/Form-Data; boundary=x"), 403);
  EXPECT_EQ(status("application/x-www-form-urlencoded;charset=utf-8"), 403);
  for (const auto* type :
       {"text/xml", "text/xml; charset=\"utf-8\"", "application/xml", "application/soap+xml", ""}) {
    EXPECT_EQ(status(type), 200) << type;
  }
}

// HTTP-09, 10: nobody learns whether a path is right before he may ask.
TEST(HttpGate, LooksAtTheAskerFirst) {
  EXPECT_EQ(status_of("GET", "/nothing", {{"Origin", "x"}}), 403);
  EXPECT_EQ(status_of("PUT", "/nothing", {{"Origin", "x"}}), 403);
  EXPECT_EQ(status_of("GET", "http://evil.example/nothing"), 403);
}

}  // namespace
}  // namespace postern::upnp
