#include "ctl/import/no_counterpart.h"

#include <algorithm>
#include <array>

namespace postern::ctl::miniupnpd {
namespace {

struct Advice {
  std::string_view option;
  std::string_view text;
};

constexpr std::string_view kOwnTable =
    "no counterpart: Postern's rules are in a table of its own, inet postern. Take miniupnpd's "
    "chains out of your firewall, and let it accept Postern's mark (posternctl doctor shows how)";
constexpr std::string_view kStun =
    "no counterpart: Postern asks no STUN server. Behind a 1:1 NAT write the address that the "
    "Internet sees: external_address = \"…\"";
constexpr std::string_view kPf =
    "no counterpart: it is for pf, and Postern is for Linux; nothing to do";
constexpr std::string_view kModel =
    "no counterpart: Postern tells its own make and model; only upnp.friendly_name can be chosen";
constexpr std::string_view kBitrate =
    "no counterpart: Postern tells clients the speed of the WAN link; nothing to do";
constexpr std::string_view kIdle =
    "no counterpart: Postern closes no mapping for being unused. Leases end by themselves, and "
    "lifetime.host_gone closes those of hosts that are silent for an hour";
constexpr std::string_view kLeases =
    "no counterpart: Postern keeps leases in state_dir. What to do with those in it stands below, "
    "if it is on this machine or was given with --leases";

constexpr std::array kAdvice{
    Advice{
        "ipv6_listening_ip",
        "no counterpart: Postern listens on every address of the LAN interfaces, and only there"},
    Advice{"ext_perform_stun", kStun},
    Advice{"ext_stun_host", kStun},
    Advice{"ext_stun_port", kStun},
    Advice{"ext_allow_private_ipv4",
           "no counterpart: Postern opens ports whatever address the WAN has; posternctl doctor "
           "warns of a private one"},
    Advice{"https_port", "no counterpart: Postern speaks UPnP over HTTP, to the LAN alone"},
    Advice{"bitrate_up", kBitrate},
    Advice{"bitrate_down", kBitrate},
    Advice{"download", kBitrate},
    Advice{"upload", kBitrate},
    Advice{"manufacturer_name", kModel},
    Advice{"manufacturer_url", kModel},
    Advice{"model_name", kModel},
    Advice{"model_description", kModel},
    Advice{"model_url", kModel},
    Advice{"model_number", kModel},
    Advice{"serial", kModel},
    Advice{
        "uuid",
        "no counterpart: Postern makes an identity of its own and keeps it in state_dir; to UPnP "
        "clients the gateway is a new device, once"},
    Advice{"notify_interval",
           "no counterpart: Postern announces itself as the UPnP architecture asks; nothing to do"},
    Advice{
        "system_uptime",
        "no counterpart: Postern tells UPnP clients since when the WAN is connected, and NAT-PMP "
        "and PCP clients since when no mapping was lost, as their specifications ask"},
    Advice{"packet_log",
           "no counterpart: Postern logs mappings, not packets. nft list table inet postern counts "
           "the packets of each mapping, and nft monitor trace follows one"},
    Advice{"log_output", "no counterpart: Postern logs to stderr, which the service manager keeps"},
    Advice{"clean_ruleset_threshold", kIdle},
    Advice{"clean_ruleset_interval", kIdle},
    Advice{"upnp_table_name", kOwnTable},
    Advice{"upnp_nat_table_name", kOwnTable},
    Advice{"upnp_forward_chain", kOwnTable},
    Advice{"upnp_nat_chain", kOwnTable},
    Advice{"upnp_nat_postrouting_chain", kOwnTable},
    Advice{"upnp_nft_family_split", kOwnTable},
    Advice{"anchor", kPf},
    Advice{"queue", kPf},
    Advice{"tag", kPf},
    Advice{"quickrules", kPf},
    Advice{"lease_file", kLeases},
    Advice{"lease_file6", kLeases},
    Advice{
        "force_igd_desc_v1",
        "no counterpart: Postern is two devices, a pure version 1 beside version 2, and who asks "
        "for version 1 sees nothing else; nothing to do"},
    Advice{"minissdpdsocket",
           "no counterpart: Postern answers searches itself and shares port 1900 with others; "
           "minissdpd is not needed for it"},
    Advice{"set_learn_dscp",
           "no counterpart: Postern does not learn how packets are to be marked; do it in your "
           "firewall"},
    Advice{"num_permuser",
           "no counterpart: it counts rules for OPNsense's own page; nothing to do"},
    Advice{"config_file", "OpenWrt was told to use that file instead of this one; import that one"},
};

}  // namespace

std::optional<std::string_view> advice_on(std::string_view option) {
  const auto found = std::find_if(kAdvice.begin(), kAdvice.end(),
                                  [&](const Advice& advice) { return advice.option == option; });
  if (found == kAdvice.end()) return std::nullopt;
  return found->text;
}

}  // namespace postern::ctl::miniupnpd
