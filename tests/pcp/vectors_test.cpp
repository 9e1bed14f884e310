#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"
#include "tests/support/test_files.h"

// Replays what real clients sent, as on the network where they sent it.
namespace postern::pcp {
namespace {

const Address kClientsHost = Address::v4({192, 168, 77, 2});

Network clients_network() {
  auto network = home_network(Address::v4({198, 51, 7, 1}));
  network.lan.front().addresses = {{Address::v4({192, 168, 77, 1}), 24}};
  return network;
}

std::vector<std::filesystem::path> captures() {
  return files_in(POSTERN_VECTOR_DIR, {".pcp"});
}

Response answer(House& house, const std::filesystem::path& file) {
  const auto request = read_octets(file);
  auto datagram = from(kClientsHost, request);
  datagram.destination.address = Address::v4({192, 168, 77, 1});
  const auto sent = house.send_all({datagram}).send;
  if (sent.size() != 1) throw std::runtime_error("not one answer");
  return read_pcp(sent.front().payload);
}

class PcpVector : public testing::TestWithParam<std::filesystem::path> {};

INSTANTIATE_TEST_SUITE_P(Captures, PcpVector, testing::ValuesIn(captures()),
                         [](const auto& test_case) { return test_name_of(test_case.param); });

// PCP-024, Q-73, Q-78
TEST_P(PcpVector, GetsTheAnswerThatItsClientReads) {
  static const std::map<std::string, ResultCode> kRefused{
      // An IPv4 prefix of 32 bits is 128 on the wire.
      {"pcpnatpmpc-filter.01.pcp", ResultCode::malformed_option},
      {"pcpnatpmpc-natpmp.02.pcp", ResultCode::unsupp_version},
      {"pcpnatpmpc-prefer-failure.01.pcp", ResultCode::address_mismatch},
      {"pcpnatpmpc-third-party.01.pcp", ResultCode::unsupp_option},
  };
  House house({}, Serves::pcp);
  (void)house.start(clients_network());
  const auto expected = kRefused.find(GetParam().filename().string());
  EXPECT_EQ(answer(house, GetParam()).result,
            expected == kRefused.end() ? ResultCode::success : expected->second);
  EXPECT_TRUE(house.is_consistent());
}

TEST(PcpVectors, AreThere) {
  EXPECT_GE(captures().size(), 10U);
}

}  // namespace
}  // namespace postern::pcp
