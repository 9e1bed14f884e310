#pragma once

#include <memory>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backends/nftables/nftables_backend.h"
#include "tests/support/backend_conformance.h"
#include "tests/support/private_netns.h"
#include "tests/support/shell.h"

namespace postern::test {

/// The table without what changes while one looks: the time left.
[[nodiscard]] inline std::string table_text() {
  return std::regex_replace(nft("list table inet postern"), std::regex("expires [0-9a-z]+"),
                            "expires soon");
}

/// An nftables backend in a network namespace of its own. The parameter: whether renewal in place
/// is allowed.
class NftablesFixture : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (const auto& why = netns_.why_not()) GTEST_SKIP() << *why;
    auto opened = NftablesBackend::open(
        {.allow_renewal_in_place = GetParam(), .own_ports = {{Protocol::udp, 5351, true}}});
    ASSERT_TRUE(opened) << opened.error().reason;
    backend_ = std::move(*opened);
  }

  [[nodiscard]] Result<void, BackendError> reset(const std::vector<TimedDoor>& doors = {},
                                                 const Network& network = one_lan()) {
    return backend_->reset(network, doors, kNow);
  }
  [[nodiscard]] Result<void, BackendError> commit(const std::vector<DoorChange>& changes) {
    return backend_->commit(changes, kNow);
  }

  PrivateNetns netns_;
  std::unique_ptr<NftablesBackend> backend_;
};

}  // namespace postern::test
