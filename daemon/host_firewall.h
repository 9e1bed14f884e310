#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/network.h"
#include "core/port_set.h"
#include "core/result.h"
#include "core/time.h"
#include "daemon/asio.h"
#include "daemon/deadline.h"
#include "host/mark_rules.h"
#include "host/ruleset_watch.h"
#include "netlink/writer.h"

namespace postern {

/// Lives with the firewall that others write on this gateway: hears when they change rules, keeps
/// our mark rule in the chains of iptables-nft, and knows which external ports others use.
class HostFirewall {
 public:
  /// What the owner does when something happens. The texts are for the log.
  struct Reactions {
    /// Somebody changed our table. `reason` is a constant, `by` a program's name or empty.
    std::function<void(std::string_view reason, const std::string& by)> table_changed;
    /// Rules were changed that may be ours, by others or by ourselves.
    std::function<void()> rules_in_doubt;
    /// The ports that others use are now these.
    std::function<void(const OccupiedPorts&)> ports_occupied;
    std::function<void(const std::string&)> done;
    std::function<void(const std::string&)> failed;
  };

  struct Options {
    /// The bit that the mark rules accept; nothing: there shall be no mark rules.
    std::optional<std::uint32_t> mark;
    /// How the names of our chains in iptables' tables begin; empty: we have none there.
    std::string_view own_chains;
    /// Of changes to our rules nothing is heard, so they are in doubt every ten seconds.
    bool doubts_regularly = false;
  };

  HostFirewall(asio::io_context& io, const Options& options, Reactions reactions);

  /// Begins to hear of changes, and looks at everything once. `own` are the sockets that write our
  /// table, which must outlive this. What cannot be had is told to `failed` and left out.
  void start(std::vector<netlink::Writer> own, const Network& network);

  /// The interfaces are now these.
  void follow(const Network& network);
  /// Before requests are decided: sockets come and go without a word, so they are looked at again
  /// when the last look is some seconds ago. And the watch keeps pace with our own changes.
  void prepare_turn(Moment now);

 private:
  void watch();
  void keep_pace(Moment now);
  void react(const Seen& seen);
  void doubt();
  void ensure_mark_rules();
  void read_forwards();
  void read_sockets();
  void tell_ports();
  /// What may fail, again and again.
  struct Job {
    Deadline deadline;
    /// Not again before this.
    Moment next{};
    /// How long to wait after a failure; longer after each.
    Milliseconds pause{};
    /// What was told last; "" after a success.
    std::string told = {};
  };

  /// Tells a failure, if it is another one than before, and tries again later and later.
  void note_failure(Job& job, const std::string& text);
  static void note_success(Job& job);

  asio::io_context& io_;
  Options options_;
  Reactions reactions_;
  Network network_;

  std::unique_ptr<MarkRules> mark_rules_;
  std::unique_ptr<RulesetWatch> ruleset_watch_;
  std::optional<asio::posix::stream_descriptor> readable_;
  Deadline pace_deadline_;
  Deadline doubt_deadline_;
  Moment next_doubt_{};
  Job marking_;
  Job reading_forwards_;
  Moment next_sockets_read_{};
  std::string sockets_failure_;

  OccupiedPorts forwards_;
  OccupiedPorts sockets_;
  std::optional<OccupiedPorts> told_;
};

}  // namespace postern
