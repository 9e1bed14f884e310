#include "ctl/import/listening.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "ctl/import/permission.h"
#include "ctl/import/words.h"

namespace postern::ctl::miniupnpd {
namespace {

constexpr std::size_t kLongestInterfaceName = 15;  // IFNAMSIZ with its closing zero is 16.

/// The interface that has the address, or else one that has an address of the network.
[[nodiscard]] std::string interface_of(const Address& address, const Prefix& network,
                                       const std::vector<Interface>& interfaces) {
  for (const auto& interface : interfaces) {
    if (interface.has(address)) return interface.name;
  }
  for (const auto& interface : interfaces) {
    for (const auto& own : interface.addresses) {
      if (network.contains(own.address)) return interface.name;
    }
  }
  return "";
}

void read_rest(const std::vector<std::string_view>& words, Listening& listening) {
  if (words.size() < 2) return;
  if (Address::parse(words[1])) {
    listening.notes.push_back(
        "the external address " + std::string(words[1]) +
        " for this network has no counterpart; Postern gives out the first address of the WAN "
        "interface, and clients may choose another of its addresses over PCP");
  } else {
    listening.notes.push_back(
        "the interfaces after the first one are left out; Postern needs the bridge alone");
  }
}

}  // namespace

bool is_interface_name(std::string_view name) {
  const bool has_bad = std::ranges::any_of(name, [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet <= 0x20 || octet >= 0x7f || c == '/' || c == ':' || c == '"' || c == '\\';
  });
  return !name.empty() && name.size() <= kLongestInterfaceName && !has_bad;
}

Result<Listening, std::string> read_listening(std::string_view value,
                                              const std::vector<Interface>& interfaces) {
  const auto words = words_of(value);
  if (words.empty()) return fail(std::string("is empty"));
  const auto slash = words[0].find('/');
  const auto name = words[0].substr(0, slash);
  const auto address = Address::parse(name);
  Listening listening;
  if (!address) {
    const bool has_digit = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) != 0;
    const bool looks_like_address = has_digit && name.find('.') != std::string_view::npos;
    if (looks_like_address || !is_interface_name(name)) {
      return fail(std::string("is neither an address nor the name of an interface"));
    }
    listening.interface = name;
    read_rest(words, listening);
    return listening;
  }
  const auto network = parse_hosts(words[0]);
  if (address->is_v4() && !network) return fail(std::string("has a netmask that is none"));
  listening.interface = interface_of(*address, network.value_or(Prefix::of(*address)), interfaces);
  listening.notes.push_back(
      listening.interface.empty()
          ? "Postern serves interfaces, and none of this machine has that address; name the one "
            "that has: lan = [\"…\"]"
          : "Postern serves interfaces; " + listening.interface +
                " is the one of this machine that has that address, and all its addresses are "
                "served");
  read_rest(words, listening);
  return listening;
}

}  // namespace postern::ctl::miniupnpd
