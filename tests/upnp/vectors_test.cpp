#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/octets.h"
#include "tests/upnp/requests.h"

// What real clients sent to another gateway.
namespace postern::upnp {
namespace {

using namespace test;

[[nodiscard]] std::vector<std::filesystem::path> captures() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(POSTERN_VECTOR_DIR)) {
    if (entry.path().filename().string().find(".soap-") != std::string::npos) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

[[nodiscard]] WireRequest read_request(const std::filesystem::path& file) {
  const auto octets = postern::test::read_octets(file);
  auto request = split_request(std::string(octets.begin(), octets.end()));
  request.target = target_here(request.target);
  return request;
}

[[nodiscard]] Control parse(const WireRequest& request) {
  return parse_control(sample_identity(), {request.target, request.soap_action, request.body});
}

class SoapVectorTest : public testing::TestWithParam<std::filesystem::path> {};

// SOAP-01
TEST_P(SoapVectorTest, FromCapture) {
  const auto control = parse(read_request(GetParam()));
  const auto* call = std::get_if<ActionCall>(&control);
  ASSERT_NE(call, nullptr);
  // "<client>.<n>.soap-<Action>" and perhaps ".2seg"
  auto name = GetParam().filename().string();
  name.erase(0, name.find(".soap-") + 6);
  EXPECT_EQ(call->action->name, name.substr(0, name.find('.')));
  EXPECT_EQ(call->view, View::igd2);
}

TEST_P(SoapVectorTest, NoHeader) {
  auto request = read_request(GetParam());
  request.soap_action.reset();
  EXPECT_TRUE(std::holds_alternative<ActionCall>(parse(request)));
}

TEST_P(SoapVectorTest, EveryTruncation) {
  auto request = read_request(GetParam());
  const auto whole = request.body;
  const auto body_end = std::min(whole.find("</s:Body>"), whole.find("</SOAP-ENV:Body>"));
  ASSERT_NE(body_end, std::string::npos);
  for (std::size_t size = 0; size < body_end; ++size) {
    request.body = whole.substr(0, size);
    EXPECT_TRUE(std::holds_alternative<TransportError>(parse(request)) ||
                whole.find_first_not_of(" \t\r\n", size) == body_end)
        << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Captures, SoapVectorTest, testing::ValuesIn(captures()),
                         [](const auto& test_case) {
                           auto name = test_case.param.filename().string();
                           std::replace_if(
                               name.begin(), name.end(),
                               [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST(SoapVectors, AreThere) {
  EXPECT_GE(captures().size(), 70U);
}

[[nodiscard]] std::vector<Value> arguments_in(const std::string& file) {
  const auto control = parse(read_request(std::filesystem::path(POSTERN_VECTOR_DIR) / file));
  const auto* call = std::get_if<ActionCall>(&control);
  return call ? call->arguments : std::vector<Value>();
}

using testing::ElementsAre;

TEST(SoapVectors, FromMiniupnpc) {
  EXPECT_THAT(arguments_in("gupnp-event.09.soap-AddPortMapping"),
              ElementsAre(Value(""), Value(7012U), Value("TCP"), Value(6012U),
                          Value("192.168.77.2"), Value(true), Value("libminiupnpc"), Value(600U)));
  EXPECT_THAT(arguments_in("upnpc-range.07.soap-DeletePortMappingRange"),
              ElementsAre(Value(7020U), Value(7021U), Value("TCP"), Value(false)));
  EXPECT_THAT(arguments_in("upnpc-pinhole.10.soap-AddPinhole"),
              ElementsAre(Value(""), Value(0U), Value("2a02:1234:5678:77::2"), Value(6009U),
                          Value(6U), Value(600U)));
}

TEST(SoapVectors, FromLibtorrent) {
  EXPECT_THAT(
      arguments_in("libtorrent-upnp.04.soap-AddPortMapping"),
      ElementsAre(Value(""), Value(6883U), Value("TCP"), Value(6883U), Value("192.168.77.2"),
                  Value(true), Value("libtorrent/2.0.8.0"), Value(3600U)));
}

TEST(SoapVectors, FromWeupnp) {
  EXPECT_THAT(arguments_in("java-weupnp.06.soap-AddPortMapping.2seg"),
              ElementsAre(Value(""), Value(7161U), Value("TCP"), Value(6161U),
                          Value("192.168.77.2"), Value(true), Value("cl weupnp"), Value(0U)));
}

TEST(SoapVectors, FromSyncthing) {
  EXPECT_THAT(
      arguments_in("syncthing.06.soap-AddPortMapping"),
      ElementsAre(Value(""), Value(29358U), Value("TCP"), Value(22000U), Value("192.168.77.2"),
                  Value(true), Value("syncthing-29358"), Value(3600U)));
}

}  // namespace
}  // namespace postern::upnp
