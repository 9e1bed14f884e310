#include "netlink/socket.h"

#include <cstdint>
#include <limits>
#include <optional>

#include <gtest/gtest.h>

#include "netlink/batch.h"
#include "netlink/generation.h"
#include "netlink/headers.h"
#include "tests/support/private_netns.h"
#include "tests/support/shell.h"

namespace postern::netlink {
namespace {

using test::nft;

static_assert(generation_after(7, 0) == 7);
static_assert(generation_after(7, 3) == 10);
// The kernel leaves out 0.
constexpr auto kLast = std::numeric_limits<std::uint32_t>::max();
static_assert(generation_after(kLast - 1, 1) == kLast);
static_assert(generation_after(kLast, 0) == kLast);
static_assert(generation_after(kLast, 1) == 1);
static_assert(generation_after(kLast - 1, 3) == 2);

class SocketTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = netns_.why_not()) GTEST_SKIP() << *why;
    auto opened = Socket::open();
    ASSERT_TRUE(opened);
    socket_.emplace(std::move(*opened));
  }

  [[nodiscard]] std::uint32_t generation() {
    const auto answer = socket_->generation();
    EXPECT_TRUE(answer) << "errno " << answer.error().code;
    return answer.value_or(0);
  }

  /// nft add|delete table inet there, so many times in one transaction.
  [[nodiscard]] bool change_table(nf_tables_msg_types kind, int times = 1) {
    Batch batch;
    batch.begin();
    for (int time = 0; time < times; ++time) {
      auto* message = batch.start_message(kind, kind == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
      mnl_attr_put_strz(message, NFTA_TABLE_NAME, "there");
      batch.finish_message();
    }
    batch.end();
    return socket_->transact(batch).has_value();
  }

  test::PrivateNetns netns_;
  std::optional<Socket> socket_;
};

TEST_F(SocketTest, EachTransactionRaisesTheGenerationByOne) {
  const auto before = generation();
  EXPECT_NE(before, 0U);
  EXPECT_EQ(generation(), before);
  ASSERT_TRUE(change_table(NFT_MSG_NEWTABLE, 3));
  EXPECT_EQ(generation(), generation_after(before, 1));
  EXPECT_EQ(socket_->commits(), 1U);
  ASSERT_TRUE(change_table(NFT_MSG_DELTABLE));
  EXPECT_EQ(generation(), generation_after(before, 2));
  EXPECT_EQ(socket_->commits(), 2U);
}

TEST_F(SocketTest, ARefusedTransactionDoesNot) {
  const auto before = generation();
  EXPECT_FALSE(change_table(NFT_MSG_DELTABLE));
  EXPECT_EQ(generation(), before);
  EXPECT_EQ(socket_->commits(), 0U);
}

TEST_F(SocketTest, OthersRaiseItToo) {
  const auto before = generation();
  ASSERT_EQ(nft("add table ip other"), "");
  EXPECT_EQ(generation(), generation_after(before, 1));
  ASSERT_EQ(test::output_of("iptables-nft -A FORWARD -j DROP"), "");
  EXPECT_NE(generation(), generation_after(before, 1));
  EXPECT_EQ(socket_->commits(), 0U);
}

TEST_F(SocketTest, WaitingForOthersChangesNothing) {
  const auto before = generation();
  EXPECT_TRUE(socket_->wait_for_running_transaction());
  EXPECT_EQ(generation(), before);
  EXPECT_TRUE(change_table(NFT_MSG_NEWTABLE));
  EXPECT_EQ(socket_->commits(), 1U);
}

}  // namespace
}  // namespace postern::netlink
