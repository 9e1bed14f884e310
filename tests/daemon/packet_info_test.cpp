#include "daemon/packet_info.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

[[nodiscard]] Endpoint endpoint(std::string_view address, std::uint16_t port) {
  return {*Address::parse(address), port};
}

TEST(PacketInfo, AddressesOfBothFamiliesSurviveTheKernelsForm) {
  for (const auto& one : {endpoint("192.0.2.1", 5351), endpoint("2001:db8::7", 1),
                          endpoint("fe80::1", 65535), endpoint("ff02::1", 5350)}) {
    sockaddr_storage storage;
    EXPECT_EQ(put_address(one, 3, storage),
              one.address.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    EXPECT_EQ(endpoint_of(storage), one) << to_string(one);
  }
}

// What leaves by these words would have arrived by them: the kernel uses one form for both.
TEST(PacketInfo, DeparturesReadBackAsArrivals) {
  for (const auto& source : {endpoint("192.0.2.1", 5351), endpoint("fe80::1", 5351)}) {
    msghdr message{};
    PacketControl control;
    put_departure({7, source, source, {}}, message, control);
    const auto read = arrival_of(message);
    ASSERT_TRUE(read) << to_string(source);
    EXPECT_EQ(read->interface_index, 7U);
    // ipi_spec_dst names the source of what is sent, ipi_addr the destination of what came.
    if (!source.address.is_v4()) EXPECT_EQ(read->destination, source.address);
  }
}

TEST(PacketInfo, AMessageWithoutControlSaysNothing) {
  msghdr message{};
  EXPECT_FALSE(arrival_of(message));
}

}  // namespace
}  // namespace postern
