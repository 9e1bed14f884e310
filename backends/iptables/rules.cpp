#include "backends/iptables/rules.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <variant>

#include "backends/iptables/chains.h"

namespace postern::iptables {
namespace {

[[nodiscard]] std::string host(const Address& address) {
  return address.to_string() + (address.is_v4() ? "/32" : "/128");
}

[[nodiscard]] std::string of_protocol(Protocol protocol) {
  const std::string name(to_string(protocol));
  return "-p " + name + " -m " + name;
}

/// -s PREFIX -d ADDRESS -p PROTOCOL --sport FIRST:LAST --dport PORT
[[nodiscard]] std::string packets_to(Protocol protocol, const Endpoint& to,
                                     const RemoteFilter* filter) {
  std::string text;
  if (filter != nullptr) text += "-s " + filter->remote.to_string() + " ";
  text += "-d " + host(to.address) + " " + of_protocol(protocol);
  if (filter != nullptr && (filter->first_port != 0 || filter->last_port != 0xffff)) {
    text +=
        " --sport " + std::to_string(filter->first_port) + ":" + std::to_string(filter->last_port);
  }
  return text + " --dport " + std::to_string(to.port);
}

/// One match for each filter, or one that lets everybody in.
[[nodiscard]] std::vector<std::string> matches(Protocol protocol, const Endpoint& to,
                                               const RemoteFilters& filters) {
  if (filters.empty()) return {packets_to(protocol, to, nullptr)};
  std::vector<std::string> texts;
  for (const auto& filter : filters) texts.push_back(packets_to(protocol, to, &filter));
  return texts;
}

/// -s ADDRESS [-o OUT] -p PROTOCOL --sport PORT
[[nodiscard]] std::string packets_from(Protocol protocol, const Endpoint& from,
                                       const std::string& out = "") {
  return "-s " + host(from.address) + " " + (out.empty() ? "" : "-o " + out + " ") +
         of_protocol(protocol) + " --sport " + std::to_string(from.port);
}

/// What was sent to `external` and translated. "--ctstate DNAT" alone would also let through what
/// an administrator's own rule translates, but lets through only for some sources.
[[nodiscard]] std::string came_by(const Endpoint& external) {
  return "-m conntrack --ctstate DNAT --ctorigdst " + external.address.to_string() +
         " --ctorigdstport " + std::to_string(external.port);
}

/// The end is in the rule for the run after this one.
[[nodiscard]] std::string until(Moment ends) {
  const auto milliseconds = std::max<std::int64_t>(ends.time_since_epoch().count(), 0);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s%lld.%03d", std::string(kCommentPrefix).c_str(),
                static_cast<long long>(milliseconds / 1000), static_cast<int>(milliseconds % 1000));
  return "-m comment --comment \"" + std::string(text.data()) + "\"";
}

[[nodiscard]] std::string set_mark(std::uint32_t mark) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "-j MARK --set-xmark 0x%x/0x%x", mark, mark);
  return text.data();
}

/// The chains of one family while they are filled.
class Chains {
 public:
  explicit Chains(const RulesOptions& options) : options_(options) {}

  void add(const Forward4& door, Moment ends);
  void add(const Outbound4& door, Moment ends);
  void add(const Pinhole6& door, Moment ends);
  /// What does not come from doors. Of `paced` hosts each is held to the pace.
  void add_own_ports(const std::vector<Prefix>& paced);
  void add_hairpin();
  [[nodiscard]] Ruleset take(bool is_v4);

 private:
  [[nodiscard]] bool has_hairpin() const {
    return !options_.wan.empty() && options_.wan_address && !options_.lan_prefixes.empty();
  }

  const RulesOptions& options_;
  Chain forward_{kForward, {}};
  Chain input_{kInput, {}};
  Chain mark_{kMark, {}};
  Chain mark_input_{kMarkInput, {}};
  Chain prerouting_{kPrerouting, {}};
  Chain postrouting_{kPostrouting, {}};
  Chain hairpin_{kHairpin, {}};
  Chain hairpin_source_{kHairpinSource, {}};
};

/// iptables -t nat -A POSTERN-PREROUTING -d EXTERNAL -p udp --dport PORT
///   -j DNAT --to-destination INTERNAL:PORT
/// iptables -A POSTERN-FORWARD -d INTERNAL -p udp --dport PORT -m conntrack --ctstate DNAT
///   --ctorigdst EXTERNAL --ctorigdstport PORT -j ACCEPT, and in the mangle table -j MARK
/// iptables -t nat -A POSTERN-HAIRPIN …, the same match, -j POSTERN-HAIRPIN-SOURCE
///
/// Another table's drop is not undone by an accept here: for that there is the mark.
void Chains::add(const Forward4& door, Moment ends) {
  const auto key = key_of(Door(door));
  for (const auto& match : matches(door.protocol, door.external, door.filters)) {
    prerouting_.rules.push_back(
        {match + " " + until(ends) + " -j DNAT --to-destination " + to_string(door.internal), key});
  }
  for (const auto& match : matches(door.protocol, door.internal, door.filters)) {
    const auto translated = match + " " + came_by(door.external);
    forward_.rules.push_back({translated + " -j ACCEPT", key});
    mark_.rules.push_back({translated + " " + set_mark(options_.forward_mark), key});
  }
  if (!has_hairpin()) return;
  hairpin_.rules.push_back({packets_to(door.protocol, door.internal, nullptr) + " " +
                                came_by(door.external) + " -j " + kHairpinSource,
                            key});
}

/// iptables -t nat -A POSTERN-POSTROUTING -s INTERNAL -o WAN -p udp --sport PORT
///   -j SNAT --to-source EXTERNAL:PORT
void Chains::add(const Outbound4& door, Moment ends) {
  if (options_.wan.empty()) return;
  const auto key = key_of(Door(door));
  const auto to_source = " -j SNAT --to-source " + to_string(door.external);
  const auto outside = packets_from(door.protocol, door.internal, options_.wan);
  postrouting_.rules.push_back({outside + " " + until(ends) + to_source, key});
  if (!has_hairpin()) return;
  hairpin_source_.rules.push_back({packets_from(door.protocol, door.internal) + to_source, key});
}

/// ip6tables -A POSTERN-FORWARD -d INTERNAL -p udp --dport PORT -j ACCEPT, and in the mangle table
/// -j MARK
void Chains::add(const Pinhole6& door, Moment ends) {
  const auto key = key_of(Door(door));
  for (const auto& match : matches(door.protocol, door.internal, door.filters)) {
    forward_.rules.push_back({match + " " + until(ends) + " -j ACCEPT", key});
    mark_.rules.push_back({match + " " + set_mark(options_.forward_mark), key});
  }
}

/// iptables -A POSTERN-INPUT -s LAN-PREFIX -i LAN -p udp --dport PORT -m hashlimit
///   --hashlimit-above RATE/sec … -j DROP, of TCP with --syn
/// iptables -A POSTERN-INPUT -i LAN -p udp --dport PORT -j ACCEPT, and in the mangle table -j MARK
/// iptables -A POSTERN-INPUT -p udp --dport PORT -j DROP
void Chains::add_own_ports(const std::vector<Prefix>& paced) {
  for (const auto& own : options_.own_ports) {
    const std::string protocol(to_string(own.protocol));
    const auto match =
        "-p " + protocol + " -m " + protocol + " --dport " + std::to_string(own.port);
    const std::string begins =
        own.protocol == Protocol::tcp ? " --tcp-flags FIN,SYN,RST,ACK SYN" : "";
    for (const auto& lan : options_.lan) {
      for (const auto& source : paced) {
        input_.rules.push_back({"-s " + source.to_string() + " -i " + lan + " " + match + begins +
                                    " " + above_pace(options_.requests_per_second) + " -j DROP",
                                {}});
      }
      input_.rules.push_back({"-i " + lan + " " + match + " -j ACCEPT", {}});
      mark_input_.rules.push_back(
          {"-i " + lan + " " + match + " " + set_mark(options_.forward_mark), {}});
    }
    if (own.is_ours_alone) input_.rules.push_back({match + " -j DROP", {}});
  }
}

/// iptables -t nat -A POSTERN-POSTROUTING -s LAN ! -o WAN -m conntrack --ctstate DNAT
///   -j POSTERN-HAIRPIN
/// iptables -t nat -A POSTERN-HAIRPIN-SOURCE -j SNAT --to-source WAN-ADDRESS
///
/// After routing, the interface a packet came from is not known to older kernels, so the LAN's
/// networks tell what comes from inside.
void Chains::add_hairpin() {
  if (!has_hairpin()) return;
  for (const auto& prefix : options_.lan_prefixes) {
    postrouting_.rules.push_back({"-s " + prefix.to_string() + " ! -o " + options_.wan +
                                      " -m conntrack --ctstate DNAT -j " + kHairpin,
                                  {}});
  }
  hairpin_source_.rules.push_back({"-j SNAT --to-source " + options_.wan_address->to_string(), {}});
}

Ruleset Chains::take(bool is_v4) {
  const auto jump = [](const char* from, const Chain& to) { return Jump{from, "-j " + to.name}; };
  Ruleset rules;
  rules.push_back(
      {"filter", {forward_, input_}, {jump("FORWARD", forward_), jump("INPUT", input_)}});
  rules.push_back(
      {"mangle", {mark_, mark_input_}, {jump("FORWARD", mark_), jump("INPUT", mark_input_)}});
  // Last, so that what is translated is already let through.
  if (is_v4) {
    rules.push_back({"nat",
                     {prerouting_, postrouting_, hairpin_, hairpin_source_},
                     {jump("PREROUTING", prerouting_), jump("POSTROUTING", postrouting_)}});
  }
  return rules;
}

}  // namespace

bool is_paced(const Prefix& network) {
  constexpr unsigned kLeastLength = 19;  // 8,192 hosts; the table holds 16,384.
  return network.network().is_v4() && network.length() >= kLeastLength;
}

std::vector<Prefix> paced_networks(const RulesOptions& options) {
  std::vector<Prefix> paced;
  if (options.requests_per_second == 0) return paced;
  for (const auto& prefix : options.lan_prefixes) {
    if (is_paced(prefix)) paced.push_back(prefix);
  }
  return paced;
}

RulesOptions rules_options(const Network& network) {
  RulesOptions options;
  if (network.wan) {
    options.wan = network.wan->name;
    options.wan_address = network.wan->first_v4();
  }
  for (const auto& lan : network.lan) {
    options.lan.push_back(lan.name);
    for (const auto& own : lan.addresses) {
      if (own.address.is_v4()) {
        options.lan_prefixes.push_back(own.prefix());
      } else {
        options.has_lan_v6 = true;
      }
    }
  }
  return options;
}

bool is_usable_name(std::string_view interface) {
  constexpr std::size_t kLongest = 15;  // IFNAMSIZ without its final zero.
  if (interface.empty() || interface.size() > kLongest || interface.ends_with('+')) return false;
  if (interface.starts_with('-') || interface.starts_with('!')) return false;
  return std::all_of(interface.begin(), interface.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\';
  });
}

std::string above_pace(std::uint32_t requests_per_second) {
  constexpr std::uint32_t kMicroseconds = 1'000'000;
  // What the kernel makes of it, so that the rule reads back as it was written.
  const auto rate = kMicroseconds / (kMicroseconds / requests_per_second);
  const auto text = std::to_string(rate);
  // Rules that share a name share the buckets; and a bucket keeps the rate it was made with.
  return "-m hashlimit --hashlimit-above " + text + "/sec --hashlimit-burst " +
         std::to_string(2 * rate) + " --hashlimit-mode srcip --hashlimit-name postern-" + text +
         " --hashlimit-htable-max 16384 --hashlimit-htable-expire 5000";
}

Ruleset rules_v4(const RulesOptions& options, std::span<const TimedDoor> doors) {
  Chains chains(options);
  for (const auto& [door, ends] : doors) {
    if (const auto* forward = std::get_if<Forward4>(&door)) chains.add(*forward, ends);
    if (const auto* outbound = std::get_if<Outbound4>(&door)) chains.add(*outbound, ends);
  }
  chains.add_own_ports(paced_networks(options));
  chains.add_hairpin();
  return chains.take(true);
}

Ruleset rules_v6(const RulesOptions& options, std::span<const TimedDoor> doors) {
  Chains chains(options);
  for (const auto& [door, ends] : doors) {
    if (const auto* pinhole = std::get_if<Pinhole6>(&door)) chains.add(*pinhole, ends);
  }
  chains.add_own_ports({});
  return chains.take(false);
}

}  // namespace postern::iptables
