#include "backends/nftables/nftables_backend.h"

#include <array>
#include <chrono>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink/socket.h"
#include "tests/support/backend_conformance.h"
#include "tests/support/nftables_fixture.h"
#include "tests/support/private_netns.h"

namespace postern::test {
namespace {

/// Another target, from the range for documentation, that none of our doors has.
[[nodiscard]] std::string foreign_element(const DoorKey& key) {
  const std::string address = key.endpoint.address.to_string();
  const std::string protocol(to_string(key.protocol));
  const std::string port = std::to_string(key.endpoint.port);
  if (key.kind == DoorKey::Kind::forward4) {
    return "dnat4 { " + address + " . " + protocol + " . " + port + " : 192.0.2.99 . 9 }";
  }
  return "snat4 { " + protocol + " . " + address + " . " + port + " : 192.0.2.99 . 9 }";
}

template <bool kInPlace>
class NftablesSubject {
 public:
  NftablesSubject() {
    if (netns_.why_not()) return;
    auto opened = NftablesBackend::open({.allow_renewal_in_place = kInPlace});
    if (opened) {
      backend_ = std::move(*opened);
    } else {
      ADD_FAILURE() << opened.error().reason;
    }
  }

  [[nodiscard]] std::optional<std::string> why_not() const {
    if (netns_.why_not()) return netns_.why_not();
    if (!backend_) return "the backend did not open";
    if (kInPlace && !backend_->capabilities().renews_in_place) {
      return "this kernel does not renew in place";
    }
    return std::nullopt;
  }
  [[nodiscard]] FirewallBackend& backend() { return *backend_; }
  // An element with another target, put there behind the backend's back, is in the way.
  void refuse(const DoorKey& key) {
    EXPECT_EQ(nft("add element inet postern " + foreign_element(key)), "");
  }
  void heal(const DoorKey& key) {
    EXPECT_EQ(nft("delete element inet postern " + foreign_element(key)), "");
  }

 private:
  PrivateNetns netns_;
  std::unique_ptr<NftablesBackend> backend_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(NftablesInPlace, BackendConformance, NftablesSubject<true>);
INSTANTIATE_TYPED_TEST_SUITE_P(NftablesDeleteAndAdd, BackendConformance, NftablesSubject<false>);

class NftablesBackendTest : public NftablesFixture {};

INSTANTIATE_TEST_SUITE_P(InPlace, NftablesBackendTest, testing::Values(true));
INSTANTIATE_TEST_SUITE_P(DeleteAndAdd, NftablesBackendTest, testing::Values(false));

TEST_P(NftablesBackendTest, TheProbeTellsWhatNftSees) {
  EXPECT_EQ(nft("list ruleset"), "") << "the probe left something behind";

  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  const auto renewed = forward(1000, 5000, in(std::chrono::hours(3)));
  EXPECT_EQ(nft("add element inet postern dnat4 "
                "{ 203.0.113.1 . udp . 1000 timeout 3h : 192.168.78.2 . 5000 }"),
            "");
  const bool works = static_cast<bool>(holds(*backend_, {renewed}));
  EXPECT_EQ(backend_->capabilities().renews_in_place, works && GetParam());
  EXPECT_TRUE(backend_->capabilities().ends_leases);
}

TEST_P(NftablesBackendTest, TellsWhetherItsTableIsThere) {
  EXPECT_EQ(backend_->is_set_up(), false);
  ASSERT_TRUE(ok(reset()));
  EXPECT_EQ(backend_->is_set_up(), true);
  ASSERT_EQ(nft("delete table inet postern"), "");
  EXPECT_EQ(backend_->is_set_up(), false);
}

TEST_P(NftablesBackendTest, OnlyRenewalInPlaceKeepsTheCounter) {
  ASSERT_TRUE(ok(reset()));
  ASSERT_EQ(nft("add element inet postern dnat4 { 203.0.113.1 . udp . 1000 "
                "counter packets 7 bytes 420 timeout 1h : 192.168.78.2 . 5000 }"),
            "");
  const auto later = in(std::chrono::hours(3));
  ASSERT_TRUE(ok(commit({changed(forward(1000, 5000), forward(1000, 5000, later))})));
  const std::string counted =
      backend_->capabilities().renews_in_place ? "packets 7 bytes 420" : "packets 0 bytes 0";
  EXPECT_NE(table_text().find("counter " + counted + " timeout 3h expires"), std::string::npos)
      << table_text();
}

// Whoever watches the rules takes what is not counted for changes by others.
TEST_P(NftablesBackendTest, EveryTransactionIsCounted) {
  auto socket = netlink::Socket::open();
  ASSERT_TRUE(socket);
  const auto writer = backend_->writer();
  const auto uncounted = [&] { return socket->generation().value_or(0) - writer.commits(); };
  const auto before = uncounted();
  const auto door = forward(1000, 5000);
  const auto longer = forward(1000, 5000, in(std::chrono::hours(3)));
  const auto elsewhere = forward(1000, 5001);
  ASSERT_TRUE(ok(reset({door})));
  ASSERT_TRUE(ok(reset({door})));
  ASSERT_TRUE(ok(commit({})));
  ASSERT_TRUE(ok(commit({changed(door, longer)})));
  ASSERT_TRUE(ok(commit({changed(door, longer)})));
  ASSERT_TRUE(ok(commit({changed(longer, elsewhere), opened(outbound(5001, 1000))})));
  ASSERT_TRUE(ok(commit({closed(elsewhere)})));
  ASSERT_TRUE(ok(commit({closed(elsewhere)})));
  const auto commits = writer.commits();
  EXPECT_FALSE(commit({opened(outbound(5001, 1001))}));
  EXPECT_EQ(writer.commits(), commits);
  EXPECT_EQ(uncounted(), before);
}

// NPMP-48: a client renews with the same lifetime again and again. The kernel takes a timeout that
// the element already has for no change at all, unless it is told the time left as well.
TEST_P(NftablesBackendTest, RenewingWithTheSameLifetimeStartsItAnew) {
  const auto door = forward(1000, 5000);
  const auto back = outbound(5000, 1000);
  const auto through = pin(5000);
  ASSERT_TRUE(ok(reset({door, back, through})));
  // Most of the hour has gone by, as far as the kernel knows.
  for (const std::string element :
       {"dnat4 { 203.0.113.1 . udp . 1000 timeout 1h expires 10m : 192.168.78.2 . 5000 }",
        "snat4 { udp . 192.168.78.2 . 5000 timeout 1h expires 10m : 203.0.113.1 . 1000 }",
        "pin4 { 192.168.78.2 . udp . 5000 timeout 1h expires 10m }"}) {
    const auto key = element.substr(0, element.find(" timeout")) + " }";
    ASSERT_EQ(nft("delete element inet postern " + key), "");
    ASSERT_EQ(nft("add element inet postern " + element), "");
  }
  const Moment later = in(std::chrono::minutes(50));
  const auto renewed = [&](TimedDoor timed) {
    timed.ends = later + std::chrono::hours(1);
    return timed;
  };
  const std::vector changes{changed(door, renewed(door)), changed(back, renewed(back)),
                            changed(through, renewed(through))};
  ASSERT_TRUE(ok(backend_->commit(changes, later)));
  const auto text = nft("list table inet postern");
  EXPECT_EQ(text.find("expires 9m"), std::string::npos) << text;
  const auto held = backend_->open_doors(later);
  ASSERT_TRUE(held);
  ASSERT_EQ(held->size(), 3U);
  for (const auto& timed : *held) EXPECT_GT(timed.ends, later + std::chrono::minutes(58));
}

TEST_P(NftablesBackendTest, TheKernelEndsADoorByItself) {
  ASSERT_TRUE(ok(reset()));
  std::vector<TimedDoor> short_lived;
  // A machine that is busy elsewhere may let the time pass before we look: then more of it.
  for (Milliseconds lease(200); short_lived.empty() && lease < std::chrono::seconds(10);
       lease *= 2) {
    const std::vector doors{forward(1000, 5000, in(lease)), outbound(5000, 1000, in(lease))};
    ASSERT_TRUE(ok(commit({opened(doors[0]), opened(doors[1])})));
    if (holds(*backend_, doors)) short_lived = doors;
  }
  ASSERT_FALSE(short_lived.empty());

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds(*backend_, {}) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(Milliseconds(10));
  }
  EXPECT_TRUE(holds(*backend_, {}));
  EXPECT_TRUE(ok(commit({closed(short_lived[0]), closed(short_lived[1])})));
  EXPECT_TRUE(ok(commit({opened(forward(1000, 5001))})));
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5001)}));
}

TEST_P(NftablesBackendTest, AMomentIsNotTakenForForever) {
  ASSERT_TRUE(ok(reset()));
  ASSERT_TRUE(ok(commit({opened(forward(1000, 5000, in(Milliseconds(1))))})));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const std::string element = "get element inet postern dnat4 { 203.0.113.1 . udp . 1000 }";
  while (nft(element).find("No such file") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(Milliseconds(10));
  }
}

TEST_P(NftablesBackendTest, NamesTheRenewalThatSomebodyElsesTargetRefuses) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000), forward(1001, 5001)})));
  const auto edited = key_of(forward(1001, 5001).door);
  ASSERT_EQ(nft("delete element inet postern " + foreign_element(edited)), "");
  ASSERT_EQ(nft("add element inet postern " + foreign_element(edited)), "");
  const auto later = in(std::chrono::hours(3));
  const auto refused = commit({changed(forward(1000, 5000), forward(1000, 5000, later)),
                               changed(forward(1001, 5001), forward(1001, 5001, later))});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, 1U);
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000)}));
}

TEST_P(NftablesBackendTest, MoreRefusalsThanTheSocketHoldsAreStillNamed) {
  ASSERT_TRUE(ok(reset()));
  std::vector<DoorChange> changes;
  std::vector<DoorChange> in_the_way;
  for (std::uint16_t port = 1; port <= 30'000; ++port) {
    changes.push_back(opened(forward(port, 5000)));
    if (port > 500) in_the_way.push_back(opened(forward(port, 6000)));
  }
  auto somebody_else = NftablesBackend::open({});
  ASSERT_TRUE(somebody_else) << somebody_else.error().reason;
  ASSERT_TRUE(ok((*somebody_else)->commit(in_the_way, kNow)));
  const auto refused = commit(changes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, 500U) << refused.error().reason;
  // Nothing of the many answers is left to be taken for the answer to what comes next.
  EXPECT_TRUE(ok(commit({changes[0]})));
}

TEST_P(NftablesBackendTest, ShowsTheDoorsOfAnEarlierRunBeforeReset) {
  EXPECT_TRUE(holds(*backend_, {})) << "no table yet";
  const std::vector doors{forward(1000, 5000), outbound(5000, 1000)};
  ASSERT_TRUE(ok(reset(doors)));
  auto next_run = NftablesBackend::open({.allow_renewal_in_place = GetParam()});
  ASSERT_TRUE(next_run) << next_run.error().reason;
  EXPECT_TRUE(holds(**next_run, doors));
}

TEST_P(NftablesBackendTest, MissesNoDoorWhileOthersComeAndGo) {
  std::vector<TimedDoor> doors;
  std::vector<DoorChange> come;
  std::vector<DoorChange> go;
  for (std::uint16_t port = 1; port <= 10'000; ++port) doors.push_back(forward(port, port));
  for (std::uint16_t port = 20'001; port <= 20'100; ++port) {
    come.push_back(opened(forward(port, port)));
    go.push_back(closed(forward(port, port)));
  }
  ASSERT_TRUE(ok(reset(doors)));
  auto somebody_else = NftablesBackend::open({});
  ASSERT_TRUE(somebody_else) << somebody_else.error().reason;

  std::thread changing([&] {
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(ok((*somebody_else)->commit(come, kNow)));
      EXPECT_TRUE(ok((*somebody_else)->commit(go, kNow)));
    }
  });
  const auto held = backend_->open_doors(kNow);
  changing.join();
  ASSERT_TRUE(held) << held.error().reason;
  std::set<std::uint16_t> ports;
  for (const auto& timed : *held) ports.insert(std::get<Forward4>(timed.door).external.port);
  for (std::uint16_t port = 1; port <= 10'000; ++port) EXPECT_TRUE(ports.contains(port)) << port;
}

TEST_P(NftablesBackendTest, LeavesOutElementsThatAreNotOurs) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  for (const std::string element :
       {"dnat4 { 203.0.113.1 . udp . 1001 : 192.168.78.2 . 5001 }",
        "dnat4 { 203.0.113.1 . sctp . 1002 timeout 1h : 192.168.78.2 . 5002 }",
        "dnat4 { 203.0.113.1 . udp . 0 timeout 1h : 192.168.78.2 . 5003 }",
        "snat4 { udp . 192.168.78.2 . 5004 : 203.0.113.1 . 1004 }"}) {
    ASSERT_EQ(nft("add element inet postern " + element), "");
  }
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000)}));
}

TEST_P(NftablesBackendTest, LeavesOutMapsOfAnotherForm) {
  ASSERT_EQ(nft("add table inet postern; add map inet postern dnat4 "
                "{ type inet_service : ipv4_addr; flags timeout; }; "
                "add element inet postern dnat4 { 1000 timeout 1h : 192.168.78.2 }; "
                "add set inet postern snat4 "
                "{ type inet_proto . ipv4_addr . inet_service; flags timeout, interval; }; "
                "add element inet postern snat4 { udp . 192.168.78.0/24 . 1-9 timeout 1h }"),
            "");
  EXPECT_TRUE(holds(*backend_, {}));
  EXPECT_TRUE(ok(reset({forward(1000, 5000), outbound(5000, 1000)})));
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000), outbound(5000, 1000)}));
}

TEST_P(NftablesBackendTest, AVanishedTableIsNoSingleChangesFault) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  ASSERT_EQ(nft("delete table inet postern"), "");
  const auto refused = commit({opened(forward(1001, 5001)), closed(forward(1000, 5000))});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, std::nullopt);
  EXPECT_FALSE(refused.error().permission_denied);
  EXPECT_TRUE(holds(*backend_, {}));
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  EXPECT_TRUE(ok(commit({opened(forward(1001, 5001))})));
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000), forward(1001, 5001)}));
}

/// Gives up every right for good: only in a child process.
void drop_all_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) ::_exit(3);
}

/// Ends the child: zero when the call was refused for want of a right, and said so.
template <class T>
[[noreturn]] void exit_with_verdict(const Result<T, BackendError>& result) {
  if (result) ::_exit(1);
  std::cerr << result.error().reason << std::endl;
  ::_exit(result.error().permission_denied && !result.error().refused_change ? 0 : 2);
}

TEST_P(NftablesBackendTest, SaysWhenItIsNotPermitted) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  const auto permitted = testing::ExitedWithCode(0);
  EXPECT_EXIT((drop_all_capabilities(), exit_with_verdict(NftablesBackend::open({}))), permitted,
              "CAP_NET_ADMIN");
  EXPECT_EXIT((drop_all_capabilities(), exit_with_verdict(commit({opened(forward(1001, 5001))}))),
              permitted, "CAP_NET_ADMIN");
  EXPECT_EXIT((drop_all_capabilities(), exit_with_verdict(reset())), permitted, "CAP_NET_ADMIN");
  EXPECT_EXIT((drop_all_capabilities(), exit_with_verdict(backend_->open_doors(kNow))), permitted,
              "CAP_NET_ADMIN");
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000)}));
}

}  // namespace
}  // namespace postern::test
