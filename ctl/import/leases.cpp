#include "ctl/import/leases.h"

#include <array>
#include <utility>

#include "core/text.h"
#include "ctl/answers.h"
#include "ctl/import/toml_text.h"
#include "ctl/import/words.h"

namespace postern::ctl::miniupnpd {
namespace {

/// September 2001: a time below that is a duration.
constexpr std::uint64_t kEarliestMoment = 1'000'000'000;
constexpr std::uint64_t kLatestMoment = 0xffffffff;

/// The first `Count` fields; the last is all the rest. Nothing when there are fewer.
template <std::size_t Count>
[[nodiscard]] std::optional<std::array<std::string_view, Count>> fields_of(std::string_view text,
                                                                           char separator) {
  std::array<std::string_view, Count> fields;
  for (std::size_t i = 0; i + 1 < Count; ++i) {
    const auto end = text.find(separator);
    if (end == std::string_view::npos) return std::nullopt;
    fields[i] = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  fields.back() = trimmed(text);
  return fields;
}

[[nodiscard]] std::optional<Protocol> protocol_of(std::string_view text) {
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    if (equals_ignoring_case(text, to_string(protocol))) return protocol;
  }
  return std::nullopt;
}

[[nodiscard]] std::optional<std::uint16_t> port_of(std::string_view text, bool may_be_0 = false) {
  const auto port = number_of(text, 65535);
  if (!port || (*port == 0 && !may_be_0)) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

/// protocol:external port:address:internal port:end:description
[[nodiscard]] std::optional<Lease> read_v4(std::string_view line) {
  const auto fields = fields_of<6>(line, ':');
  if (!fields) return std::nullopt;
  const auto protocol = protocol_of((*fields)[0]);
  const auto external = port_of((*fields)[1]);
  const auto address = Address::parse((*fields)[2]);
  const auto internal = port_of((*fields)[3]);
  const auto end = number_of((*fields)[4], kLatestMoment);
  if (!protocol || !external || !address || !address->is_v4() || !internal || !end) {
    return std::nullopt;
  }
  Lease lease;
  lease.protocol = *protocol;
  lease.external_port = *external;
  lease.internal = {*address, *internal};
  lease.end = *end;
  lease.description = (*fields)[5];
  return lease;
}

/// protocol;address;port;remote address;remote port;id;end;description
[[nodiscard]] std::optional<Lease> read_v6(std::string_view line) {
  const auto fields = fields_of<8>(line, ';');
  if (!fields) return std::nullopt;
  const auto protocol = protocol_of((*fields)[0]);
  const auto address = Address::parse((*fields)[1]);
  const auto port = port_of((*fields)[2]);
  const auto remote_port = port_of((*fields)[4], /*may_be_0=*/true);
  const auto end = number_of((*fields)[6], kLatestMoment);
  if (!protocol || !address || address->is_v4() || !port || !remote_port || !end) {
    return std::nullopt;
  }
  Lease lease;
  lease.protocol = *protocol;
  lease.external_port = *port;
  lease.internal = {*address, *port};
  lease.end = *end;
  lease.description = (*fields)[7];
  const auto remote = Address::parse((*fields)[3]);
  if (!remote && !(*fields)[3].empty()) return std::nullopt;
  if (remote && !remote->is_unspecified()) lease.remote = {*remote, *remote_port};
  return lease;
}

/// As one word of a shell, whatever a client put into it.
[[nodiscard]] std::string shell_quoted(std::string_view text) {
  std::string word = "'";
  for (const char c : one_line(text)) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

[[nodiscard]] std::string command_for(const Lease& lease) {
  std::string command = "posternctl add " + std::string(to_string(lease.protocol)) + " " +
                        std::to_string(lease.external_port) + " ";
  const auto internal = to_string(lease.internal);
  command += lease.internal.address.is_v4() ? internal : shell_quoted(internal);
  if (lease.remote) command += " --remote " + lease.remote->address.to_string();
  if (!lease.description.empty()) command += " --description " + shell_quoted(lease.description);
  return command;
}

/// Seconds that are left; 0 when it has ended, nothing when that is not to be known: miniupnpd
/// writes the ends of pinholes wrong by the time since boot.
[[nodiscard]] std::optional<std::uint64_t> left_of(const Lease& lease, std::uint64_t now) {
  if (!lease.internal.address.is_v4()) return std::nullopt;
  if (lease.end < kEarliestMoment) return lease.end;
  return lease.end > now ? lease.end - now : 0;
}

/// Each on lines of its own.
[[nodiscard]] std::string lease_text(const Lease& lease, std::uint64_t now) {
  std::string text = "#   # line " + std::to_string(lease.line) + ": ";
  if (lease.end == 0) {
    text += "without an end";
  } else if (const auto left = left_of(lease, now)) {
    if (*left == 0) return text + "has ended\n";
    text += "ends in " + time_text(*left);
  } else {
    text += "ends by itself";
  }
  if (lease.remote && lease.remote->port != 0) {
    text += "; was for the remote port " + std::to_string(lease.remote->port) + " alone";
  }
  return text + "\n#   " + command_for(lease) + "\n";
}

}  // namespace

Leases read_leases(std::string_view text) {
  Leases all;
  for_each_line(text, [&](std::string_view whole, std::size_t number) {
    const auto line = trimmed(whole);
    if (line.empty()) return;
    const bool is_v6 = line.find(';') < line.find(':');
    auto lease = is_v6 ? read_v6(line) : read_v4(line);
    if (lease) {
      lease->line = number;
      all.leases.push_back(std::move(*lease));
    } else {
      all.notes.push_back({number, "is not a lease of TCP or UDP; left out"});
    }
  });
  return all;
}

std::string leases_text(const std::vector<Lease>& leases, std::string_view origin,
                        std::uint64_t now) {
  if (leases.empty()) return "";
  std::string text = "\n# Leases in " + one_line(origin) +
                     R"(, which belong to the hosts that asked for them.
# Programs that use a port ask for it again by themselves, and then they have it here, too.
# For one that asked only once there is a command below, to be run while posternd runs. What it
# opens belongs to you: it stays until posternctl delete, and no host can close it.
)";
  for (const auto& lease : leases) text += lease_text(lease, now);
  return text;
}

}  // namespace postern::ctl::miniupnpd
