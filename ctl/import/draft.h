#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "ctl/import/source.h"

namespace postern::ctl::miniupnpd {

/// A value and the line of the source that it comes from, 0 for none.
template <class T>
struct Sourced {
  T value;
  std::size_t line = 0;
};

/// One `[[rule]]`.
struct DraftRule {
  std::string name;
  bool allows = false;
  std::vector<std::string> clients;
  /// Empty: any.
  std::vector<std::string> interfaces = {};
  std::string external_ports = "1-65535";
  std::string internal_ports = "1-65535";
  /// Whether it allows ports that Postern guards (limits.never_internal_ports) …
  bool names_guarded = false;
  /// … and internal_ports names them a second time for that, after ranges that hold them.
  bool repeats_guarded = false;
  bool for_others = false;
  /// Why it is there; empty: nothing needs to be said.
  std::string reason = {};
};

/// A postern.toml that is not written yet. What is absent or empty is left out of it, and so has
/// its default.
struct Draft {
  std::optional<Sourced<std::string>> wan;
  std::vector<Sourced<std::string>> lan;
  std::optional<Sourced<std::string>> external_address;
  std::optional<Sourced<bool>> natpmp_and_pcp;
  std::optional<Sourced<bool>> upnp;
  std::optional<Sourced<std::string>> http_port;
  std::optional<Sourced<std::string>> friendly_name;
  std::optional<Sourced<std::string>> presentation_url;
  std::optional<Sourced<std::vector<std::string>>> third_party;
  /// In seconds.
  std::optional<Sourced<unsigned>> min_lifetime;
  std::optional<Sourced<unsigned>> max_lifetime;
  std::vector<DraftRule> rules;
  /// Differences in meaning, in the order of their lines.
  Notes notes;
};

}  // namespace postern::ctl::miniupnpd
