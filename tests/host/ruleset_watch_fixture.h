#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

#include "core/time.h"
#include "host/ruleset_watch.h"
#include "netlink/batch.h"
#include "netlink/headers.h"
#include "netlink/socket.h"
#include "tests/support/private_netns.h"
#include "tests/support/shell.h"

namespace postern::test {

/// A watch in a network namespace of its own, with a socket that is ours and one that is not.
class RulesetWatchFixture : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = netns_.why_not()) GTEST_SKIP() << *why;
    ASSERT_EQ(nft("add table inet postern"), "");
    ASSERT_EQ(nft("add set inet postern kept { type ipv4_addr; flags timeout; }"), "");
    ASSERT_EQ(nft("add chain inet postern forward { type filter hook forward priority -10; }"), "");
    ASSERT_EQ(nft("add element inet postern kept { 192.0.2.1 timeout 1h }"), "");
    ASSERT_EQ(nft("add table ip other"), "");
    ASSERT_EQ(nft("add set ip other kept { type ipv4_addr; flags timeout; }"), "");
    ASSERT_EQ(nft("add chain ip other forward"), "");
    auto own = netlink::Socket::open();
    auto stranger = netlink::Socket::open();
    ASSERT_TRUE(own && stranger);
    own_ = std::make_unique<netlink::Socket>(std::move(*own));
    stranger_ = std::make_unique<netlink::Socket>(std::move(*stranger));
    watch_ = watch({own_.get()});
    ASSERT_NE(watch_, nullptr);
  }

  [[nodiscard]] static std::unique_ptr<RulesetWatch> watch(
      const std::vector<const netlink::Socket*>& own) {
    std::vector<netlink::Writer> writers;
    for (const auto* socket : own) {
      writers.push_back({socket->port_id(), [socket] { return socket->commits(); }});
    }
    auto opened = RulesetWatch::open(std::move(writers));
    EXPECT_TRUE(opened) << opened.error();
    return opened ? std::move(*opened) : nullptr;
  }

  static void set_buffer(const RulesetWatch& watch, int size) {
    ASSERT_EQ(::setsockopt(watch.descriptor(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
  }

  /// Whether the descriptor becomes readable within that time.
  [[nodiscard]] static bool is_readable(const RulesetWatch& watch, int milliseconds = 0) {
    pollfd waiting{watch.descriptor(), POLLIN, 0};
    return ::poll(&waiting, 1, milliseconds) != 0;
  }

  /// Everything that is waiting, as one would tell it who reads all.
  [[nodiscard]] static Seen drain_all(RulesetWatch& watch) {
    Seen all;
    while (is_readable(watch)) {
      auto seen = watch.drain();
      all.ours = all.ours || seen.ours;
      all.others = all.others || seen.others;
      all.overrun = all.overrun || seen.overrun;
      if (!seen.reason.empty()) all.reason = seen.reason;
      if (!seen.by.empty()) all.by = seen.by;
    }
    return all;
  }

  /// Adds so many elements to our set.
  [[nodiscard]] static netlink::Batch elements(std::uint32_t first, std::uint32_t count) {
    netlink::Batch batch;
    batch.begin();
    for (std::uint32_t number = first; number < first + count; ++number) {
      auto* message = batch.start_message(NFT_MSG_NEWSETELEM, NLM_F_CREATE);
      mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, "postern");
      mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, "kept");
      auto* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
      auto* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
      auto* key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
      mnl_attr_put_u32(message, NFTA_DATA_VALUE, htonl(0x0a000000 + number));
      mnl_attr_nest_end(message, key);
      mnl_attr_nest_end(message, element);
      mnl_attr_nest_end(message, list);
      batch.finish_message();
    }
    batch.end();
    return batch;
  }

  /// The same, in one transaction.
  static void add_elements(netlink::Socket& socket, std::uint32_t first, std::uint32_t count) {
    const auto done = socket.transact(elements(first, count));
    ASSERT_TRUE(done) << "errno " << done.error().code;
  }

  /// So many own transactions of one new element each. (Adding what is there is no transaction.)
  void commit(std::uint32_t transactions) {
    for (std::uint32_t i = 0; i < transactions; ++i) add_elements(*own_, next_element_++, 1);
  }

  /// Own changes come so fast that the watch does not listen any more; it looks at `next_look_`.
  void be_busy() {
    now_ += Milliseconds(1000);
    EXPECT_FALSE(is_any(watch_->keep_pace(now_)));
    commit(100);
    EXPECT_FALSE(is_any(watch_->keep_pace(now_)));
    ASSERT_TRUE(watch_->next_look());
  }

  /// What the next look, at its time, tells.
  [[nodiscard]] Seen look() {
    EXPECT_TRUE(watch_->next_look());
    now_ = watch_->next_look().value_or(now_);
    return watch_->keep_pace(now_);
  }

  [[nodiscard]] static bool is_any(const Seen& seen) {
    return seen.ours || seen.others || seen.overrun || !seen.reason.empty();
  }

  Moment now_{};
  std::uint32_t next_element_ = 1'000'000;
  PrivateNetns netns_;
  std::unique_ptr<netlink::Socket> own_;
  std::unique_ptr<netlink::Socket> stranger_;
  std::unique_ptr<RulesetWatch> watch_;
};

}  // namespace postern::test
