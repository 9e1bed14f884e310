#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/port_set.h"

/// The configuration of miniupnpd and how it becomes ours. All but import_command is pure.
namespace postern::ctl::miniupnpd {

/// Something to say about a line of a file. `line` is 0 when it is about the file as a whole.
struct Note {
  std::size_t line = 0;
  std::string text;

  friend bool operator==(const Note&, const Note&) = default;
};

using Notes = std::vector<Note>;

/// One option by the name that miniupnpd.conf has for it.
struct SourceOption {
  std::string name;
  std::string value;
  std::size_t line = 0;
  /// What the file calls it, which OpenWrt does in its own way.
  std::string said = {};
};

/// "allow 1024-65535 192.168.1.0/24 1024-65535". The first that matches decides; when none does,
/// the mapping is allowed. They are about IPv4 alone.
struct PermissionRule {
  bool allows = false;
  /// Port 0 is left out, for no mapping has it. An empty set never matches.
  PortSet external_ports;
  /// Of the host that the port shall lead to.
  Prefix hosts{Address::v4(0U), 0};
  PortSet internal_ports;
  /// Only mappings whose description fits this regular expression; empty: all.
  std::string description = {};
  /// Only hosts behind this LAN interface; empty: all.
  std::string interface = {};
  /// For people; empty: none.
  std::string comment = {};
  std::size_t line = 0;

  [[nodiscard]] bool is_about_all_hosts() const { return hosts.length() == 0 && interface.empty(); }
};

struct Source {
  std::vector<SourceOption> options;
  /// In the order in which they are tried.
  std::vector<PermissionRule> rules;
  /// What could not be kept while reading.
  Notes notes;
};

}  // namespace postern::ctl::miniupnpd
