#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoint.h"
#include "core/protocol.h"
#include "ctl/import/source.h"

namespace postern::ctl::miniupnpd {

/// One line of a lease_file (IPv4) or lease_file6 (IPv6 pinholes).
struct Lease {
  Protocol protocol = Protocol::tcp;
  /// Of a pinhole the internal one.
  std::uint16_t external_port = 0;
  Endpoint internal;
  /// The only one who may come in; nothing: everybody. Its port is 0 for any.
  std::optional<Endpoint> remote = {};
  /// Unix seconds, or what was left when the file was written, as miniupnpd was built; 0: no end.
  std::uint64_t end = 0;
  std::string description = {};
  std::size_t line = 0;

  friend bool operator==(const Lease&, const Lease&) = default;
};

struct Leases {
  std::vector<Lease> leases;
  /// Lines that are none; miniupnpd passes over them as well.
  Notes notes;
};

/// Reads "TCP:8080:192.168.1.10:80:0:description" and
/// "UDP;2001:db8::10;4000;;0;1;1700000000;description", of both files.
[[nodiscard]] Leases read_leases(std::string_view text);

/// What to do with these, as comments for the end of a postern.toml. `origin` is the name of the
/// file they are from, `now` the wall clock in Unix seconds.
[[nodiscard]] std::string leases_text(const std::vector<Lease>& leases, std::string_view origin,
                                      std::uint64_t now);

}  // namespace postern::ctl::miniupnpd
