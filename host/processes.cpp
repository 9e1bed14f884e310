#include "host/processes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include <linux/capability.h>

#include "core/address.h"
#include "host/instance_name.h"

namespace postern::host {
namespace {

namespace fs = std::filesystem;

/// TCP_LISTEN and TCP_CLOSE as /proc/net prints them; a UDP socket without a peer is "closed".
constexpr std::string_view kListening = "0A";
constexpr std::string_view kUnconnected = "07";

/// What a link of /proc points to; empty when it may not be read.
[[nodiscard]] std::string target_of(const fs::path& link) {
  std::error_code error;
  const auto target = fs::read_symlink(link, error);
  return error ? std::string() : target.string();
}

[[nodiscard]] Process process_at(const fs::path& directory) {
  Process process;
  const auto number = directory.filename().string();
  std::from_chars(number.data(), number.data() + number.size(), process.pid);
  std::ifstream file(directory / "comm");
  std::getline(file, process.name);
  return process;
}

/// The directories of all processes. Those that end meanwhile are left out.
[[nodiscard]] std::vector<fs::path> process_directories(const std::string& proc) {
  std::vector<fs::path> directories;
  std::error_code error;
  for (fs::directory_iterator at(proc, error), end; !error && at != end; at.increment(error)) {
    const auto name = at->path().filename().string();
    if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      directories.push_back(at->path());
    }
  }
  return directories;
}

/// An address as /proc/net/{tcp,udp}{,6} writes it: one or four 32-bit numbers of eight hexadecimal
/// digits, each of whose octets lie in memory as in a packet.
[[nodiscard]] std::optional<Address> read_address(std::string_view text) {
  constexpr std::size_t kDigits = 8;
  std::array<std::uint32_t, 4> words{};
  if (text.size() != kDigits && text.size() != kDigits * words.size()) return std::nullopt;
  for (std::size_t i = 0; i * kDigits < text.size(); ++i) {
    const auto* begin = text.data() + i * kDigits;
    const auto read = std::from_chars(begin, begin + kDigits, words[i], 16);
    if (read.ec != std::errc() || read.ptr != begin + kDigits) return std::nullopt;
  }
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), words.data(), octets.size());
  if (text.size() == kDigits) return Address::v4({octets[0], octets[1], octets[2], octets[3]});
  return Address::v6(octets);
}

/// What a line of /proc/net/udp tells.
struct SocketLine {
  Address address;
  std::uint16_t port = 0;
  std::string state;
  std::string inode;
};

[[nodiscard]] std::optional<SocketLine> read_line(const std::string& line) {
  // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
  std::istringstream fields(line);
  std::string local;
  std::string ignored;
  SocketLine read;
  fields >> ignored >> local >> ignored >> read.state >> ignored >> ignored >> ignored >> ignored >>
      ignored >> read.inode;
  const auto colon = local.find(':');
  if (!fields || colon == std::string::npos) return std::nullopt;
  const auto address = read_address(std::string_view(local).substr(0, colon));
  const auto* begin = local.data() + colon + 1;
  const auto parsed = std::from_chars(begin, local.data() + local.size(), read.port, 16);
  if (!address || parsed.ec != std::errc()) return std::nullopt;
  read.address = *address;
  return read;
}

/// Adds the inodes of the sockets in one file of /proc/net.
void collect(const std::string& file, Protocol protocol, const std::vector<WatchedPort>& ports,
             std::map<std::string, WatchedPort>& by_inode) {
  const auto wanted = protocol == Protocol::tcp ? kListening : kUnconnected;
  std::ifstream lines(file);
  std::string line;
  std::getline(lines, line);  // The names of the columns.
  while (std::getline(lines, line)) {
    const auto socket = read_line(line);
    if (!socket || socket->state != wanted || socket->address.is_loopback()) continue;
    const bool is_watched = std::any_of(ports.begin(), ports.end(), [&](const WatchedPort& port) {
      return port.protocol == protocol && port.port == socket->port;
    });
    if (is_watched) by_inode["socket:[" + socket->inode + "]"] = {protocol, socket->port};
  }
}

}  // namespace

std::vector<Process> processes_named(const std::vector<std::string>& names,
                                     const std::string& proc) {
  const auto own = target_of(proc + "/thread-self/ns/net");
  std::vector<Process> found;
  for (const auto& directory : process_directories(proc)) {
    auto process = process_at(directory);
    if (std::find(names.begin(), names.end(), process.name) == names.end()) continue;
    const auto its = target_of(directory / "ns" / "net");
    if (its.empty() || own.empty() || its == own) found.push_back(std::move(process));
  }
  return found;
}

std::vector<PortHolder> port_holders(const std::vector<WatchedPort>& ports,
                                     const std::string& proc) {
  const auto net = proc + "/thread-self/net/";
  std::map<std::string, WatchedPort> by_inode;
  for (const auto* version : {"", "6"}) {
    collect(net + "udp" + version, Protocol::udp, ports, by_inode);
    collect(net + "tcp" + version, Protocol::tcp, ports, by_inode);
  }
  std::vector<PortHolder> holders;
  const auto add = [&](PortHolder holder) {
    if (std::find(holders.begin(), holders.end(), holder) == holders.end()) {
      holders.push_back(std::move(holder));
    }
  };
  for (const auto& directory : process_directories(proc)) {
    if (by_inode.empty()) break;
    std::error_code error;
    for (fs::directory_iterator at(directory / "fd", error), end; !error && at != end;
         at.increment(error)) {
      const auto socket = by_inode.find(target_of(at->path()));
      if (socket == by_inode.end()) continue;
      add({socket->second.protocol, socket->second.port, process_at(directory)});
      by_inode.erase(socket);
    }
  }
  for (const auto& [inode, port] : by_inode) add({port.protocol, port.port, std::nullopt});
  return holders;
}

bool is_posternd_running(const std::string& proc) {
  const auto name = "@" + std::string(kInstanceName);
  std::ifstream lines(proc + "/thread-self/net/unix");
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(" " + name)) return true;
  }
  return false;
}

std::optional<bool> has_net_admin(const std::string& pid, const std::string& proc) {
  constexpr std::string_view kLabel = "CapEff:";
  std::ifstream lines(proc + "/" + pid + "/status");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kLabel)) continue;
    const auto digits = line.find_first_not_of(" \t", kLabel.size());
    if (digits == std::string::npos) return std::nullopt;
    std::uint64_t bits = 0;
    std::from_chars(line.data() + digits, line.data() + line.size(), bits, 16);
    return (bits >> CAP_NET_ADMIN & 1U) != 0;
  }
  return std::nullopt;
}

}  // namespace postern::host
