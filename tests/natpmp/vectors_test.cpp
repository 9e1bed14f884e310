#include <filesystem>

#include <gtest/gtest.h>

#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/test_files.h"

// Replays what real clients sent.
namespace postern {
namespace {

using namespace test;

std::vector<std::filesystem::path> captures() {
  return files_in(POSTERN_VECTOR_DIR, {".natpmp", ".pcp"});
}

/// The size that this request's answer must have.
std::size_t answer_size(const Octets& request) {
  if (request.at(0) != 0) return natpmp::kVersionResponseSize;
  return request.at(1) == 0 ? natpmp::kAddressResponseSize : natpmp::kMapResponseSize;
}

class VectorTest : public testing::TestWithParam<std::filesystem::path> {};

// NPMP-18, 27, 92
TEST_P(VectorTest, GetsAnAnswerOfTheRightSize) {
  House house;
  (void)house.start();
  const auto request = read_octets(GetParam());
  const auto answer = house.ask(kHostA, request);
  EXPECT_EQ(answer.size(), answer_size(request)) << to_hex(answer);
  EXPECT_TRUE(house.is_consistent());
}

TEST_P(VectorTest, GetsSuccessFromANatPmpServer) {
  const auto request = read_octets(GetParam());
  House house;
  (void)house.start();
  const auto answer = house.ask(kHostA, request);
  ASSERT_GE(answer.size(), 4U);
  const int result = answer[2] << 8 | answer[3];
  EXPECT_EQ(result, GetParam().extension() == ".natpmp" ? 0 : 1);
}

INSTANTIATE_TEST_SUITE_P(Captures, VectorTest, testing::ValuesIn(captures()),
                         [](const auto& test_case) { return test_name_of(test_case.param); });

TEST(Vectors, AreThere) {
  EXPECT_GE(captures().size(), 30U);
}

// All captures of all clients, one after the other, against one gateway: it stays consistent, and
// what they deleted is gone.
TEST(Vectors, LeaveAConsistentGateway) {
  House house;
  (void)house.start();
  for (const auto& file : captures()) {
    (void)house.ask(kHostA, read_octets(file));
    (void)house.pass(Milliseconds(250));
    ASSERT_TRUE(house.is_consistent()) << file;
  }
  EXPECT_EQ(house.doors(), 3 * house.mappings());
  (void)house.pass(Seconds(3600));
  EXPECT_EQ(house.mappings(), 0U);
}

}  // namespace
}  // namespace postern
