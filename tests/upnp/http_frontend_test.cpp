#include "protocols/upnp/http_frontend.h"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "tests/support/octets.h"
#include "tests/upnp/http_house.h"

// What a client gets over HTTP.
namespace postern::upnp {
namespace {

using namespace test;
using testing::IsEmpty;

class HttpFrontendTest : public testing::Test {
 protected:
  HttpFrontendTest() { house_.start(); }
  ~HttpFrontendTest() override { EXPECT_TRUE(house_.gateway.is_consistent(house_.now)); }

  HttpHouse house_;
};

[[nodiscard]] std::vector<Resource> all_documents() {
  std::vector<Resource> all;
  for (const auto view : kViews) {
    all.push_back({ResourceKind::description, view, std::nullopt});
    for (const auto& service : services()) {
      if (service.version_in(view) != 0) all.push_back({ResourceKind::scpd, view, service.id});
    }
  }
  return all;
}

// HTTP-02
TEST_F(HttpFrontendTest, GivesDocuments) {
  const Documents documents(sample_identity());
  for (const auto& resource : all_documents()) {
    const auto reply = house_.get(path_of(sample_identity(), resource));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.token, 7U);
    EXPECT_EQ(reply.headers, (Headers{{"Content-Type", "text/xml; charset=\"utf-8\""}}));
    EXPECT_EQ(reply.body, *documents.find(resource));
  }
  EXPECT_EQ(house_.count("document", "success"), all_documents().size());
}

// HTTP-02, 03
TEST_F(HttpFrontendTest, GivesDocumentsToOldClients) {
  auto request = request_of(kHostA, "GET", description_path(sample_identity(), View::igd1), {});
  request.is_http_1_0 = true;
  request.headers.clear();
  EXPECT_EQ(house_.ask(request).status, 200);
  request.method = "HEAD";
  EXPECT_EQ(house_.ask(request).status, 200);
}

// HTTP-11, Q-63
TEST_F(HttpFrontendTest, NamesTheLanguageToWhoAsks) {
  const auto path = description_path(sample_identity(), View::igd2);
  const auto reply = house_.get(path, {{"ACCEPT-LANGUAGE", "de-DE,x;q=;"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header_of(reply, "Content-Language"), "en");
  EXPECT_EQ(header_of(house_.get(path), "Content-Language"), "");
}

//
TEST_F(HttpFrontendTest, NeverCompresses) {
  const auto path = description_path(sample_identity(), View::igd2);
  const auto reply = house_.get(path, {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(reply.body, house_.get(path).body);
  EXPECT_EQ(header_of(reply, "Content-Encoding"), "");
}

// HTTP-01, SEC-01
TEST_F(HttpFrontendTest, ServesTheLanAlone) {
  auto request = request_of(kHostA, "GET", description_path(sample_identity(), View::igd1), {});
  request.interface_index = kWanIndex;
  EXPECT_EQ(house_.ask(request).status, 403);
  request.interface_index = kLanIndex;
  EXPECT_EQ(house_.ask(request).status, 200);
  request.client.address = Address::v4({203, 0, 113, 80});
  EXPECT_EQ(house_.ask(request).status, 403);
}

/// What a client sent to another gateway, sent to ours.
[[nodiscard]] HttpRequest captured(const std::filesystem::path& file) {
  const auto octets = read_octets(file);
  auto request = http_request(std::string(octets.begin(), octets.end()));
  request.interface_index = kLanIndex;
  request.client = {kHostA, 50000};
  request.server = {kGateway, 5351};
  for (auto& header : request.headers) {
    if (equals_ignoring_case(header.name, "Host")) header.value = to_string(request.server);
  }
  return request;
}

[[nodiscard]] std::vector<std::filesystem::path> captures_of(std::string_view kind) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(POSTERN_VECTOR_DIR)) {
    if (entry.path().filename().string().find(kind) != std::string::npos) {
      files.push_back(entry.path());
    }
  }
  return files;
}

//
TEST_F(HttpFrontendTest, GivesDocumentsToRealClients) {
  const auto files = captures_of(".get");
  EXPECT_GE(files.size(), 8U);
  for (const auto& file : files) {
    auto request = captured(file);
    request.target = description_path(sample_identity(), View::igd2);
    EXPECT_EQ(house_.ask(request).status, 200) << file;
  }
}

//
TEST_F(HttpFrontendTest, UnderstandsRealClients) {
  const auto files = captures_of(".soap-");
  EXPECT_GE(files.size(), 70U);
  for (const auto& file : files) {
    auto request = captured(file);
    request.target = target_here(request.target);
    const auto reply = house_.ask(request);
    // They ask for mappings to other addresses than this house has, and for what is not there.
    EXPECT_TRUE(reply.status == 200 || arguments_of(reply).count("errorCode") == 1) << file;
    EXPECT_EQ(house_.count("bad request", "refused"), 0U) << file;
  }
}

TEST_F(HttpFrontendTest, SubscribesARealClient) {
  auto request = captured(std::filesystem::path(POSTERN_VECTOR_DIR) / "gupnp-event.04.subscribe");
  request.target = path_of(sample_identity(), events_of());
  for (auto& header : request.headers) {
    if (header.name == "Callback") header.value = "<http://192.168.1.10:45880/ServiceProxy0>";
  }
  auto turn = house_.serve(request);
  ASSERT_EQ(turn.replies.size(), 1U);
  EXPECT_EQ(turn.replies[0].status, 200);
  house_.now += Eventing::kFirstPause;
  turn = house_.gateway.on_timeout(house_.now);
  ASSERT_EQ(turn.callouts.size(), 1U);
  EXPECT_EQ(turn.callouts[0].to, (Endpoint{kHostA, 45880}));
}

// SOAP-06
TEST_F(HttpFrontendTest, AnswersActions) {
  const auto reply = house_.call("GetExternalIPAddress");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.token, 7U);
  EXPECT_EQ(reply.headers, (Headers{{"Content-Type", "text/xml; charset=\"utf-8\""}, {"EXT", ""}}));
  EXPECT_EQ(arguments_of(reply), (Properties{{"NewExternalIPAddress", kWan.to_string()}}));
  EXPECT_EQ(house_.count("GetExternalIPAddress", "success"), 1U);
}

// SOAP-07, 08
TEST_F(HttpFrontendTest, AnswersWithFaults) {
  const auto reply =
      house_.call("GetGenericPortMappingEntry", "<NewPortMappingIndex>9</NewPortMappingIndex>");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.headers, (Headers{{"Content-Type", "text/xml; charset=\"utf-8\""}, {"EXT", ""}}));
  EXPECT_EQ(arguments_of(reply).at("errorCode"), "713");
  EXPECT_EQ(house_.count("GetGenericPortMappingEntry", "SpecifiedArrayIndexInvalid"), 1U);
}

// SOAP-07, 08
TEST_F(HttpFrontendTest, AnswersWithFaultsToWhatIsNoAction) {
  const auto reply = house_.call("NoSuchAction");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(arguments_of(reply).at("errorCode"), "401");
  EXPECT_EQ(house_.count("bad request", "Invalid Action"), 1U);
}

// SOAP-08
TEST_F(HttpFrontendTest, RefusesWhatIsNoSoap) {
  auto request = HttpHouse::call_request("GetExternalIPAddress", "");
  request.body = "<html/>";
  auto reply = house_.ask(request);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(house_.count("bad request", "no SOAP"), 1U);
  request.body.assign(kLongestSoapBody + 1, ' ');
  EXPECT_EQ(house_.ask(request).status, 413);
  EXPECT_EQ(house_.count("bad request", "too long"), 1U);
}

// HTTP-10
TEST_F(HttpFrontendTest, RefusesForms) {
  auto request = HttpHouse::call_request("GetExternalIPAddress", "");
  request.headers.push_back({"content-type", "text/plain"});
  std::erase(request.headers, HttpHeader{"Content-Type", "text/xml"});
  EXPECT_EQ(house_.ask(request).status, 403);
  EXPECT_EQ(house_.count("bad request", "refused"), 1U);
}

// SOAP-09
TEST_F(HttpFrontendTest, UnderstandsMPost) {
  auto request = HttpHouse::call_request("GetExternalIPAddress", "");
  request.method = "M-POST";
  EXPECT_EQ(house_.ask(request).status, 200) << "with the header of a POST";
  auto& soap_action = request.headers.front();
  ASSERT_EQ(soap_action.name, "SOAPACTION");
  soap_action.name = "42-SoapAction";
  request.headers.push_back({"MAN", "\"http://schemas.xmlsoap.org/soap/envelope/\"; ns=42"});
  EXPECT_EQ(house_.ask(request).status, 200);
  // It is read: another action there than in the body is no action.
  soap_action.value = "\"" + std::string(kIp2) + "#GetStatusInfo\"";
  EXPECT_EQ(house_.ask(request).status, 500);
  soap_action.name = "43-SOAPACTION";
  EXPECT_EQ(house_.ask(request).status, 200) << "not this request's";
}

// SOAP-10
TEST_F(HttpFrontendTest, AnswersQueries) {
  auto request = HttpHouse::call_request("QueryStateVariable", "");
  request.headers.front().value = "\"urn:schemas-upnp-org:control-1-0#QueryStateVariable\"";
  request.body = envelope("urn:schemas-upnp-org:control-1-0", "QueryStateVariable",
                          "<u:varName>ConnectionStatus</u:varName>");
  const auto reply = house_.ask(request);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header_of(reply, "EXT"), "");
  EXPECT_EQ(arguments_of(reply), (Properties{{"return", "Connected"}}));
  EXPECT_EQ(house_.count("query", "success"), 1U);
  request.body = envelope("urn:schemas-upnp-org:control-1-0", "QueryStateVariable",
                          "<u:varName>NoSuchThing</u:varName>");
  EXPECT_EQ(arguments_of(house_.ask(request)).at("errorCode"), "404");
}

TEST_F(HttpFrontendTest, OpensAPort) {
  const auto arguments = with(kAddArguments, "192.168.77.2", kHostA.to_string());
  EXPECT_EQ(house_.call("AddPortMapping", arguments).status, 200);
  EXPECT_EQ(house_.gateway.state().table.size(), 1U);
  EXPECT_NE(house_.gateway.state().table.find_by_external(Protocol::tcp, {kWan, 7000}), nullptr);
}

// IGD-152, 161
TEST_F(HttpFrontendTest, KnowsThePinholesThatItOpened) {
  house_.neighbours.link(kHostA, kHostA6);
  const Call firewall{View::igd2, ServiceId::wan_ipv6_firewall_control, kFirewall};
  const auto added = house_.call("AddPinhole",
                                 element("RemoteHost", "") + element("RemotePort", 0) +
                                     element("InternalClient", kHostA6.to_string()) +
                                     element("InternalPort", 6000) + element("Protocol", 17) +
                                     element("LeaseTime", 600),
                                 firewall);
  ASSERT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(house_.gateway.state().table.size(), 1U);
  const auto id = element("UniqueID", arguments_of(added).at("UniqueID"));
  EXPECT_EQ(house_.call("UpdatePinhole", id + element("NewLeaseTime", 60), firewall).status, 200);
  EXPECT_EQ(house_.call("DeletePinhole", id, firewall).status, 200);
  EXPECT_EQ(house_.gateway.state().table.size(), 0U);
  EXPECT_EQ(arguments_of(house_.call("DeletePinhole", id, firewall)).at("errorCode"), "704");
}

TEST_F(HttpFrontendTest, SaysWhenTheFirewallRefuses) {
  house_.backend.refuse({DoorKey::Kind::forward4, Protocol::tcp, {kWan, 7000}});
  const auto arguments = with(kAddArguments, "192.168.77.2", kHostA.to_string());
  const auto reply = house_.call("AddPortMapping", arguments);
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(house_.gateway.state().table.size(), 0U);
  EXPECT_EQ(house_.count("AddPortMapping", "success"), 0U);
  house_.backend.heal();
}

// A turn may be decided again, but a subscription is made once.
TEST_F(HttpFrontendTest, SubscribesOnceWhenATurnIsDecidedAgain) {
  house_.map(kHostB, 4000, 120);
  house_.now += Seconds(120);
  house_.backend.fail_next(1);
  const auto refused = house_.gateway.counters().refused_commits;
  const auto first = house_.subscribe();
  EXPECT_EQ(house_.gateway.counters().refused_commits, refused + 1);
  EXPECT_EQ(house_.upnp.subscriptions(), 1U);
  EXPECT_EQ(house_.renew(first.sid()).status, 200);
  (void)house_.pass(Seconds(5));
}

// IGD-111
TEST_F(HttpFrontendTest, CountsTheTimeOfAConnection) {
  const auto uptime = [&] { return arguments_of(house_.call("GetStatusInfo")).at("NewUptime"); };
  house_.now += Seconds(100);
  EXPECT_EQ(uptime(), "100");
  (void)house_.change_network(dual_network(kOtherWan));
  house_.now += Seconds(7);
  EXPECT_EQ(uptime(), "7");
  // Another address comes and goes, which clients are told of.
  auto network = dual_network(kOtherWan);
  network.wan->addresses.push_back({kWan, 24});
  (void)house_.change_network(network);
  (void)house_.change_network(dual_network(kOtherWan));
  house_.now += Seconds(7);
  EXPECT_EQ(uptime(), "14");
  (void)house_.change_network(dual_network(std::nullopt));
  house_.now += Seconds(7);
  EXPECT_EQ(uptime(), "0");
  (void)house_.change_network(dual_network(kOtherWan));
  house_.now += Seconds(3);
  EXPECT_EQ(uptime(), "3");
  // The cable is out for a while; the address stays.
  auto unplugged = dual_network(kOtherWan);
  unplugged.wan->is_running = false;
  (void)house_.change_network(unplugged);
  house_.now += Seconds(60);
  EXPECT_EQ(uptime(), "0");
  (void)house_.change_network(dual_network(kOtherWan));
  house_.now += Seconds(2);
  EXPECT_EQ(uptime(), "2");
}

// PCP-246 speaks of every protocol.
TEST(HttpLimits, RefusesWhoAsksTooFast) {
  GatewayOptions options;
  options.requests_per_second = 10;
  HttpHouse house(options);
  house.start();
  const auto path = description_path(sample_identity(), View::igd1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(house.get(path).status, 200) << i;
  const auto refused = house.get(path);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers, (Headers{{"Retry-After", "1"}}));
  EXPECT_EQ(house.gateway.counters().dropped.at("too_fast"), 1U);
  EXPECT_EQ(house.ask(request_of(kHostB, "GET", path, {})).status, 200);
  house.now += Seconds(1);
  EXPECT_EQ(house.get(path).status, 200);
}

}  // namespace
}  // namespace postern::upnp
