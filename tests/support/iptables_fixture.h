#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "backends/iptables/iptables_backend.h"
#include "backends/iptables/programs.h"
#include "backends/iptables/runner.h"
#include "tests/support/backend_conformance.h"
#include "tests/support/private_netns.h"

namespace postern::test {

inline constexpr const char* kNft = "iptables-nft-restore";
inline constexpr const char* kLegacy = "iptables-legacy-restore";

[[nodiscard]] inline RemoteFilter from(const char* prefix, std::uint16_t first = 0,
                                       std::uint16_t last = 0xffff) {
  return {Prefix::parse(prefix).value(), first, last};
}

/// A house whose interfaces have addresses, so that hairpin works.
[[nodiscard]] inline Network addressed() {
  auto network = one_lan();
  network.wan->addresses = {{*Address::parse("203.0.113.1"), 24}};
  network.lan.front().addresses = {{*Address::parse("192.168.78.1"), 24},
                                   {*Address::parse("2001:db8::1"), 64}};
  return network;
}

/// What a test says about the programs that are run.
struct RunnerState {
  /// The rules that open these are spoilt, so that the real program really refuses them.
  std::set<DoorKey> refused;
  /// Programs whose name has one of these parts fail without being run.
  std::vector<std::string> failing;
  /// So does any program that is given rules with this in them; empty: none.
  std::string unknown_match;
  std::string complaint = "it was told to fail\n";
  /// How many programs were asked for.
  int runs = 0;
};

/// Runs the real programs, as the test says.
class TestRunner final : public iptables::Runner {
 public:
  explicit TestRunner(std::shared_ptr<RunnerState> state) : state_(std::move(state)) {}

  [[nodiscard]] Result<iptables::Outcome, std::string> run(const std::vector<std::string>& command,
                                                           std::string_view input) override {
    ++state_->runs;
    for (const auto& part : state_->failing) {
      if (command.front().find(part) != std::string::npos) {
        return iptables::Outcome{4, "", state_->complaint};
      }
    }
    std::string text(input);
    const auto& unknown = state_->unknown_match;
    if (!unknown.empty() && text.find(unknown) != std::string::npos) {
      return iptables::Outcome{2, "", state_->complaint};
    }
    for (const auto& key : state_->refused) spoil(text, key);
    return real_.run(command, text);
  }

 private:
  /// Makes "--dport 1000" an option that is not known, in the rule that opens this door.
  static void spoil(std::string& text, const DoorKey& key) {
    const bool is_outbound = key.kind == DoorKey::Kind::outbound4;
    const std::string chain = key.kind == DoorKey::Kind::forward4 ? " POSTERN-PREROUTING "
                              : is_outbound                       ? " POSTERN-POSTROUTING "
                                                                  : " POSTERN-FORWARD ";
    const auto length = key.endpoint.address.is_v4() ? "/32 " : "/128 ";
    const std::string address =
        (is_outbound ? "-s " : "-d ") + key.endpoint.address.to_string() + length;
    const std::string port = "port " + std::to_string(key.endpoint.port) + " ";
    for (auto at = text.find(chain); at != std::string::npos; at = text.find(chain, at + 1)) {
      const auto end = text.find('\n', at);
      const auto found = text.find(port, at);
      if (text.find(address, at) < end && found < end) text.replace(found, 4, "part");
    }
  }

  std::shared_ptr<RunnerState> state_;
  iptables::ChildRunner real_;
};

/// A network namespace of its own with iptables in it, of one variant.
class IptablesHost {
 public:
  /// `restore` as in BackendOptions.
  explicit IptablesHost(std::string restore) : restore_(std::move(restore)) {
    if (netns_.why_not()) {
      why_not_ = netns_.why_not();
    } else if (!iptables::find_programs(restore_)) {
      why_not_ = "needs " + restore_;
    } else if (const auto tried = open(); !tried) {
      // Where the programs fail by themselves, the kernel lacks what they need.
      const auto nat = saved("nat");
      why_not_ = tried.error().reason;
      EXPECT_EQ(nat.find("*nat"), std::string::npos) << "but it works: " << *why_not_;
    }
  }

  [[nodiscard]] const std::optional<std::string>& why_not() const { return why_not_; }
  [[nodiscard]] RunnerState& state() { return *state_; }

  [[nodiscard]] Result<std::unique_ptr<IptablesBackend>, BackendError> open(
      std::uint32_t requests_per_second = 0) {
    BackendOptions options;
    options.own_ports = {{Protocol::udp, 5351, true}};
    if (requests_per_second > 0) options.own_ports.push_back({Protocol::tcp, 5351});
    options.requests_per_second = requests_per_second;
    options.iptables_restore = restore_;
    return IptablesBackend::open(options, std::make_unique<TestRunner>(state_));
  }
  /// Runs "iptables-save" and the like, of our variant, and returns what it prints, without the
  /// comments that have the time in them.
  [[nodiscard]] std::string output_of(const std::string& program,
                                      const std::vector<std::string>& arguments,
                                      std::string_view input = "") const {
    const auto programs = iptables::find_programs(restore_);
    std::vector command{program == "iptables-restore" ? programs->restore_v4
                        : program == "iptables-save"  ? programs->save_v4
                                                      : programs->save_v6};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto outcome = iptables::ChildRunner().run(command, input);
    if (!outcome) return outcome.error();
    std::string text = outcome->errors;
    for (std::string_view rest = outcome->output; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size() - 1) + 1;
      if (!rest.starts_with('#')) text += rest.substr(0, end);
      rest.remove_prefix(end);
    }
    return text;
  }
  [[nodiscard]] std::string saved(const std::string& table) const {
    return output_of("iptables-save", {"-t", table});
  }
  [[nodiscard]] std::string saved6(const std::string& table) const {
    return output_of("ip6tables-save", {"-t", table});
  }
  /// Changes one table behind the backend's back; returns what is complained about.
  [[nodiscard]] std::string change(const std::string& table, const std::string& lines) const {
    return output_of("iptables-restore", {"--noflush", "-w", "3"},
                     "*" + table + "\n" + lines + "\nCOMMIT\n");
  }

 private:
  std::string restore_;
  PrivateNetns netns_;
  std::optional<std::string> why_not_;
  std::shared_ptr<RunnerState> state_ = std::make_shared<RunnerState>();
};

/// The doors of the firewall itself, as the next run of the daemon would find them.
[[nodiscard]] inline std::vector<TimedDoor> doors_in_firewall(IptablesHost& host,
                                                              Moment now = kNow) {
  const auto failing = std::exchange(host.state().failing, {});
  auto next_run = host.open();
  if (!next_run) {
    ADD_FAILURE() << next_run.error().reason;
    return {};
  }
  auto doors = (*next_run)->open_doors(now);
  host.state().failing = failing;
  if (!doors) {
    ADD_FAILURE() << doors.error().reason;
    return {};
  }
  std::sort(doors->begin(), doors->end(), [](const TimedDoor& left, const TimedDoor& right) {
    return key_of(left.door) < key_of(right.door);
  });
  return std::move(*doors);
}

/// A backend on a host of the variant that the parameter names.
class IptablesFixture : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const auto& why = host_.why_not()) GTEST_SKIP() << *why;
    backend_ = std::move(*host_.open());
  }

  [[nodiscard]] Result<void, BackendError> reset(const std::vector<TimedDoor>& doors = {},
                                                 const Network& network = addressed()) {
    return backend_->reset(network, doors, kNow);
  }
  [[nodiscard]] Result<void, BackendError> commit(const std::vector<DoorChange>& changes,
                                                  Moment now = kNow) {
    return backend_->commit(changes, now);
  }

  IptablesHost host_{GetParam()};
  std::unique_ptr<IptablesBackend> backend_;
};

}  // namespace postern::test
