#include "ctl/import/conversion.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ctl/import/listening.h"
#include "ctl/import/no_counterpart.h"
#include "ctl/import/permission.h"
#include "ctl/import/rules.h"
#include "ctl/import/words.h"

namespace postern::ctl::miniupnpd {
namespace {

// What miniupnpd makes of anything beyond (RFC 6887 §15).
constexpr unsigned kLeastLifetime = 120;
constexpr unsigned kMostLifetime = 86400;
/// As many as Postern takes, but for the three that may be added.
constexpr std::size_t kMostRules = 997;

[[nodiscard]] bool is_yes(const SourceOption& option) {
  return option.value == "yes";
}

/// As atoi() reads it, which miniupnpd uses: what is no number is 0.
[[nodiscard]] long as_number(std::string_view text) {
  long number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

[[nodiscard]] bool is_host_of_internet(const Address& address) {
  return address.is_v4() && !address.is_unspecified() && !address.is_loopback() &&
         !address.is_multicast() && !address.is_limited_broadcast();
}

class Conversion {
 public:
  Conversion(const Source& source, const std::vector<Interface>& interfaces)
      : source_(source), interfaces_(interfaces) {}

  [[nodiscard]] Result<Draft, Notes> run() {
    draft_.notes = source_.notes;
    for (const auto& option : source_.options) read(option);
    finish_protocols();
    finish_lifetimes();
    check_lan();
    if (source_.rules.size() > kMostRules) {
      reject(source_.rules[kMostRules].line,
             "there are more rules than the 997 that Postern takes");
    }
    modes_.maps_for_others = is_secure_ == false;
    add_rules(source_.rules, modes_, draft_);
    note(0,
         "Postern limits what one host may have (128 mappings, 200 requests a second, see "
         "[limits]); miniupnpd has no such limits");
    if (!errors_.empty()) return fail(std::move(errors_));
    std::ranges::stable_sort(draft_.notes, {}, &Note::line);
    return std::move(draft_);
  }

 private:
  void note(std::size_t line, std::string text) { draft_.notes.push_back({line, std::move(text)}); }
  void note(const SourceOption& option, std::string_view text) {
    note(option.line, option.said + ": " + std::string(text));
  }
  void reject(std::size_t line, std::string text) { errors_.push_back({line, std::move(text)}); }
  void reject(const SourceOption& option, std::string_view text) {
    reject(option.line, option.said + ": " + std::string(text));
  }

  void read(const SourceOption& option) {
    if (read_network(option) || read_switch(option) || read_text(option)) return;
    const auto advice = advice_on(option.name);
    if (!advice) {
      note(option, "is not an option of miniupnpd that Postern knows of; left out");
    } else if (is_worth_saying(option)) {
      const auto [said, is_new] = advice_lines_.try_emplace(*advice, option.line);
      note(option, is_new ? std::string(*advice)
                          : "no counterpart, see line " + std::to_string(said->second));
    }
  }

  /// Not what is off or empty or was never written: nothing is lost with it.
  [[nodiscard]] static bool is_worth_saying(const SourceOption& option) {
    const auto& value = option.value;
    return option.line != 0 && !value.empty() && value != "no" && !(value == "0");
  }

  [[nodiscard]] bool read_network(const SourceOption& option) {
    if (option.name == "ext_ifname") {
      if (check_interface_name(option, option.value)) draft_.wan = {{option.value, option.line}};
    } else if (option.name == "ext_ifname6") {
      wan6_ = &option;
    } else if (option.name == "ext_ip") {
      read_external_address(option);
    } else if (option.name == "listening_ip") {
      read_lan(option);
    } else if (option.name == "port" || option.name == "http_port") {
      read_port(option);
    } else {
      return false;
    }
    return true;
  }

  [[nodiscard]] bool check_interface_name(const SourceOption& option, std::string_view name) {
    if (is_interface_name(name)) return true;
    reject(option, "is not the name of an interface, which has 1 to 15 characters");
    return false;
  }

  void read_external_address(const SourceOption& option) {
    if (option.value.empty()) return;
    const auto address = Address::parse(option.value);
    if (!address || !is_host_of_internet(*address)) {
      reject(option, "is not a host's IPv4 address");
      return;
    }
    draft_.external_address = {{address->to_string(), option.line}};
    note(option,
         "external_address is what Postern tells clients; packets are expected at the "
         "address that the WAN interface has. Where this is one of several addresses of "
         "that interface, take it out: clients may choose among them over PCP");
  }

  void read_lan(const SourceOption& option) {
    auto listening = read_listening(option.value, interfaces_);
    if (!listening) {
      reject(option, listening.error());
      return;
    }
    for (const auto& text : listening->notes) note(option, text);
    const auto is_known = [&](const auto& lan) { return lan.value == listening->interface; };
    if (listening->interface.empty() || std::ranges::any_of(draft_.lan, is_known)) return;
    draft_.lan.push_back({std::move(listening->interface), option.line});
  }

  void read_port(const SourceOption& option) {
    const auto port = number_of(option.value, 65535);
    if (!port) {
      reject(option, "is not a port from 0 to 65535");
    } else if (*port != 0) {
      draft_.http_port = {{std::to_string(*port), option.line}};
    }
  }

  [[nodiscard]] bool read_switch(const SourceOption& option) {
    const auto& name = option.name;
    if (name == "enable_natpmp" || name == "enable_pcp_pmp") {
      // Two names of one switch that nothing turns off again.
      const bool is_on = is_yes(option) || as_number(option.value) != 0;
      if (!draft_.natpmp_and_pcp || !draft_.natpmp_and_pcp->value) {
        draft_.natpmp_and_pcp = {{is_on, option.line}};
      }
      note_odd_value(option, is_on);
    } else if (name == "enable_upnp") {
      draft_.upnp = {{is_yes(option), option.line}};
      note_odd_value(option, is_yes(option));
    } else if (name == "ipv6_disable") {
      modes_.serves_ipv6 = modes_.serves_ipv6 && !is_yes(option);
      note_odd_value(option, is_yes(option));
      if (is_yes(option)) {
        note(option, "Postern answers on IPv6 as well, and refuses there everything by a rule");
      }
    } else if (name == "secure_mode") {
      modes_.secure_mode = &option;
      is_secure_ = option.value != "no";
      note_odd_value(option, *is_secure_);
    } else if (name == "pcp_allow_thirdparty") {
      note_odd_value(option, is_yes(option));
      if (is_yes(option)) third_party_ = &option;
    } else if (name == "min_lifetime" || name == "max_lifetime") {
      read_lifetime(option);
    } else {
      return false;
    }
    return true;
  }

  void note_odd_value(const SourceOption& option, bool is_on) {
    if (option.value == "yes" || option.value == "no" || option.value.empty()) return;
    note(option,
         "is \"" + option.value + "\", which miniupnpd takes for " + (is_on ? "yes" : "no"));
  }

  void read_lifetime(const SourceOption& option) {
    const auto seconds = as_number(option.value);
    const bool is_least = option.name == "min_lifetime";
    const auto bounded =
        is_least ? std::max<long>(seconds, kLeastLifetime) : std::min<long>(seconds, kMostLifetime);
    if (bounded != seconds) {
      note(option, "miniupnpd takes " + std::to_string(bounded) + " for it, and so does this file");
    }
    if (bounded < 1 || bounded > kMostLifetime) {
      reject(option, "is no time from 120 to 86400 seconds");
      return;
    }
    (is_least ? draft_.min_lifetime
              : draft_.max_lifetime) = {{static_cast<unsigned>(bounded), option.line}};
    if (!is_least) note(option, "lifetime.max holds for NAT-PMP, too");
  }

  [[nodiscard]] bool read_text(const SourceOption& option) {
    if (option.name == "friendly_name") {
      if (!option.value.empty()) draft_.friendly_name = {{option.value, option.line}};
    } else if (option.name == "presentation_url") {
      says_presentation_url_ = true;
      draft_.presentation_url.reset();
      if (!option.value.empty()) draft_.presentation_url = {{option.value, option.line}};
    } else {
      return false;
    }
    return true;
  }

  void finish_protocols() {
    if (!draft_.natpmp_and_pcp) {
      draft_.natpmp_and_pcp = {{false, 0}};
      note(0,
           "does not switch NAT-PMP and PCP on (enable_pcp_pmp), and in miniupnpd they are off "
           "then. In Postern they are on unless the file says otherwise, which is worth having: "
           "take out both enabled = false");
    }
    if (!is_secure_) {
      note(0,
           "does not say secure_mode; before its version 2.3.4 miniupnpd let hosts map ports to "
           "other hosts then. Here each host may map to itself alone; a rule with for_others = "
           "true lifts that");
    }
    if (third_party_) {
      draft_.third_party = {{{"0.0.0.0/0"}, third_party_->line}};
      if (modes_.serves_ipv6) draft_.third_party->value.push_back("::/0");
      note(*third_party_,
           "lets every host ask for every other over PCP, and so does pcp.third_party; name in it "
           "only the controllers that need it");
    }
    const bool serves_upnp = !draft_.upnp || draft_.upnp->value;
    if (serves_upnp && !says_presentation_url_) {
      note(0,
           "does not say presentation_url, which is port 80 of the gateway then; Postern tells "
           "none unless upnp.presentation_url is set");
    }
    if (!serves_upnp && !draft_.natpmp_and_pcp->value) {
      note(0, "switches all protocols off; Postern will serve nobody");
    }
    const auto wan = draft_.wan ? draft_.wan->value : std::string();
    if (wan6_ && !wan6_->value.empty() && wan6_->value != wan) {
      note(*wan6_,
           "no counterpart: Postern has one WAN interface for IPv4 and IPv6. Pinholes let in what "
           "comes by any interface; only what clients are told of the WAN is that of wan");
    }
  }

  void finish_lifetimes() {
    const auto& least = draft_.min_lifetime;
    const auto& most = draft_.max_lifetime;
    if (!least && !most) return;
    const auto min = least ? least->value : kLeastLifetime;
    const auto max = most ? most->value : kMostLifetime;
    if (min < max) return;
    reject(std::max(least ? least->line : 0, most ? most->line : 0),
           "min_lifetime is not less than max_lifetime, which miniupnpd refuses");
  }

  void check_lan() {
    for (const auto& lan : draft_.lan) {
      if (draft_.wan && lan.value == draft_.wan->value) {
        reject(lan.line, "the LAN is the WAN interface itself, " + lan.value);
      }
    }
    if (draft_.lan.empty()) {
      note(0,
           "names no LAN interface that is known here; Postern takes the only other one that has "
           "an address. Where there are more, name them: lan = [\"…\"]");
    }
  }

  const Source& source_;
  const std::vector<Interface>& interfaces_;
  Draft draft_;
  Notes errors_;
  AccessModes modes_;
  /// Nothing: the file does not say.
  std::optional<bool> is_secure_;
  /// Null while the file does not say it.
  const SourceOption* wan6_ = nullptr;
  /// Null unless it is switched on.
  const SourceOption* third_party_ = nullptr;
  /// Also when it says that there is none.
  bool says_presentation_url_ = false;
  /// Where each advice was given first.
  std::map<std::string_view, std::size_t> advice_lines_;
};

}  // namespace

Result<Draft, Notes> convert(const Source& source, const std::vector<Interface>& interfaces) {
  return Conversion(source, interfaces).run();
}

}  // namespace postern::ctl::miniupnpd
