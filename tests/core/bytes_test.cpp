#include "core/bytes.h"

#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using testing::ElementsAre;

TEST(ByteReader, ReadsBigEndianFieldsInOrder) {
  const std::array<std::uint8_t, 9> octets{0x01, 0x02, 0x03, 0xaa, 0x04, 0x05, 0x06, 0x07, 0xbb};
  ByteReader reader(octets);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  reader.skip(1);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.remaining(), 1U);
  EXPECT_TRUE(reader.ok());
}

TEST(ByteReader, YieldsZerosPastTheEndAndStaysBroken) {
  const std::array<std::uint8_t, 3> octets{0xff, 0xff, 0xff};
  ByteReader reader(octets);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, IsOkAtTheExactEnd) {
  const std::array<std::uint8_t, 2> octets{0x12, 0x34};
  ByteReader reader(octets);
  EXPECT_EQ(reader.u16(), 0x1234);
  EXPECT_TRUE(reader.ok());
  reader.skip(0);
  EXPECT_TRUE(reader.ok());
  reader.skip(1);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, ReadsOctetsAsTheyAre) {
  const std::array<std::uint8_t, 5> octets{1, 2, 3, 4, 5};
  ByteReader reader(octets);
  EXPECT_THAT(reader.bytes(2), ElementsAre(1, 2));
  EXPECT_THAT(reader.array<2>(), ElementsAre(3, 4));
  EXPECT_THAT(reader.bytes(0), ElementsAre());
  EXPECT_TRUE(reader.ok());
  EXPECT_THAT(reader.bytes(2), ElementsAre());
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, ReadsNoneOfTheOctetsWhenNotAllAreThere) {
  const std::array<std::uint8_t, 3> octets{1, 2, 3};
  ByteReader reader(octets);
  EXPECT_THAT(reader.array<4>(), ElementsAre(0, 0, 0, 0));
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, ReadsNothingFromNothing) {
  ByteReader reader({});
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.u16(), 0);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteWriter, WritesBigEndianFieldsInOrder) {
  std::vector<std::uint8_t> buffer(9, 0xa5);
  const std::array<std::uint8_t, 2> tail{0x08, 0x09};
  ByteWriter writer(buffer);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.bytes(tail);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.written().size(), 9U);
  EXPECT_THAT(buffer, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(ByteWriter, WritesNothingOfAFieldThatDoesNotFit) {
  std::vector<std::uint8_t> buffer(3, 0xa5);
  ByteWriter writer(buffer);
  writer.u16(0x0102);
  writer.u16(0x0304);
  EXPECT_FALSE(writer.ok());
  writer.u8(0x05);  // It would fit, but what comes after a gap is worth nothing.
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.written().size(), 2U);
  EXPECT_THAT(buffer, ElementsAre(0x01, 0x02, 0xa5));
}

TEST(ByteWriter, WritesZerosOverWhatWasThere) {
  std::vector<std::uint8_t> buffer(4, 0xa5);
  ByteWriter writer(buffer);
  writer.u8(1);
  writer.zeros(2);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.written().size(), 3U);
  writer.zeros(2);
  EXPECT_FALSE(writer.ok());
  EXPECT_THAT(buffer, ElementsAre(1, 0, 0, 0xa5));
}

TEST(ByteWriter, WritesNoneOfTheBytesWhenNotAllFit) {
  std::vector<std::uint8_t> buffer(1, 0xa5);
  const std::array<std::uint8_t, 2> two{1, 2};
  ByteWriter writer(buffer);
  writer.bytes(two);
  EXPECT_FALSE(writer.ok());
  EXPECT_THAT(buffer, ElementsAre(0xa5));
}

}  // namespace
}  // namespace postern
