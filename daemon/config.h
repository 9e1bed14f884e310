#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/endpoint.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/static_mapping.h"
#include "daemon/config_rule_warnings.h"
#include "protocols/pcp/settings.h"
#include "protocols/upnp/settings.h"

namespace postern {

inline constexpr std::string_view kDefaultConfigFile = "/etc/postern/postern.toml";

/// 65,535 ports of each of two protocols.
inline constexpr std::int64_t kMostMappings = 131070;
inline constexpr Seconds kLongestLifetime{365 * 86400};

/// One thing wrong with a configuration file, and how to mend it.
struct ConfigError {
  std::string file;
  /// 0 when it is about the file as a whole.
  std::uint32_t line = 0;
  std::string text;
};

/// "postern.toml:12: limits.mappings: ..."
[[nodiscard]] std::string to_string(const ConfigError& error);

using ConfigErrors = std::vector<ConfigError>;

/// The table `[upnp]`.
struct UpnpConfig {
  bool enabled = true;
  /// TCP, on LAN addresses.
  std::uint16_t http_port = 5351;
  /// Whether searches without MX or MAN are answered.
  bool is_lenient = false;
  /// See upnp::Identity.
  bool offers_ppp_alias = true;
  std::string presentation_url = {};
  /// Empty: "Postern on" and the host's name.
  std::string friendly_name = {};
  upnp::Settings settings;
};

/// The configuration, with its defaults.
struct Config {
  /// Absent: the interface of the default route.
  std::optional<std::string> wan;
  /// Empty: the only other interface there is.
  std::vector<std::string> lan;
  std::string backend = "nftables";
  /// Replaces the WAN interface's address in answers.
  std::optional<Address> external_address;
  /// One bit of the packet mark, by which the host's own firewall recognises our packets.
  std::uint32_t forward_mark = 0x10000000;
  bool natpmp_enabled = true;
  /// Whether announcements also go to port 5351, for clients of drafts before 2008.
  bool natpmp_announces_to_5351 = false;
  bool pcp_enabled = true;
  pcp::Settings pcp;
  UpnpConfig upnp;
  /// Where the daemon keeps what outlives it.
  std::string state_dir = "/var/lib/postern";
  /// Whether leases and their history outlive the daemon.
  bool keeps_leases = true;
  /// How much of what clients were told may be lost in a power cut; 0: nothing, replies wait.
  Seconds store_delay{1};
  /// How many rows the history has; 0: there is none.
  std::uint32_t history_rows = 10000;
  /// Where its control socket is while it runs.
  std::string runtime_dir = "/run/postern";
  /// Whether to use in-place renewal where the kernel can do it.
  bool nftables_renew_in_place = true;
  /// Whether the kernel shall keep others from changing our table while the daemon lives.
  bool nftables_table_owner = false;
  /// The iptables-restore of the iptables backend, a path or a name; empty: the host's own choice.
  std::string iptables_restore = {};
  /// Whether to keep our mark rule in the chains of iptables-nft, where the host uses that.
  bool adapts_host_firewall = true;
  /// How long a host may be silent before its mappings are closed.
  Seconds host_grace{3600};
  /// Whether established TCP connections outlive a lease that ends by itself.
  bool keeps_established_tcp = false;
  Endpoint status_listen{Address::v4({127, 0, 0, 1}), 5352};
  /// Of each client; 0: as many as it likes.
  std::uint32_t requests_per_second = 200;
  Limits limits;
  std::vector<Rule> rules{default_rule()};
  /// No two have one external port, or one pinhole.
  std::vector<StaticMapping> mappings;

  /// What is good, but hardly what its author meant.
  std::vector<ConfigError> warnings;

  Config() { limits.never_internal_ports = default_never_internal_ports(); }
};

/// Reads the text of a configuration file. `file` is its name, for the errors. Every error there is
/// is reported, not only the first.
///
/// `backend`, when there is one, replaces the file's: what the file may say depends on it.
/// `review`: how many rules are looked through for such as are of no use.
[[nodiscard]] Result<Config, ConfigErrors> parse_config(
    std::string_view text, const std::string& file,
    const std::optional<std::string>& backend = std::nullopt,
    RuleReview review = RuleReview::of_few);
/// The same, read from a file.
[[nodiscard]] Result<Config, ConfigErrors> load_config(
    const std::string& file, const std::optional<std::string>& backend = std::nullopt,
    RuleReview review = RuleReview::of_few);

/// Every key that a file may have, as "limits.mappings", without those of [[rule]] and [[mapping]],
/// which stand there as "rule" and "mapping".
[[nodiscard]] std::vector<std::string> config_keys();

}  // namespace postern
