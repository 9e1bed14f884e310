#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/endpoint.h"
#include "core/time.h"

/// The messages of SSDP (UPnP Device Architecture 2.0, chapter 1): HTTP-like text in UDP datagrams.
namespace postern::upnp {

inline constexpr std::uint16_t kSsdpPort = 1900;
/// How long control points may believe an advertisement.
inline constexpr Seconds kMaxAge{1800};
/// Longer messages are taken for nobody's (SSDP-44).
inline constexpr std::size_t kLongestSearch = 1500;

/// M-SEARCH: who is asked for, and how long the asker listens.
struct Search {
  /// The header ST as it was sent; not empty.
  std::string target;
  /// 1 … 5 s (UDA 2.0 §1.3.2: more counts as 5); nothing when the search names no time.
  std::optional<Seconds> max_wait;

  friend bool operator==(const Search&, const Search&) = default;
};

/// What is forgiven of a search.
enum class Leniency : std::uint8_t {
  strict,
  /// MAN may be missing.
  lenient,
};

/// The search in a datagram, or nothing when it is anything else. Accepts what real clients send:
/// names in any case, no space after the colon, MAN without its quotes, bare LF, no empty line at
/// the end. O(n) in the datagram's size, which is bounded by kLongestSearch.
[[nodiscard]] std::optional<Search> parse_search(Bytes datagram,
                                                 Leniency leniency = Leniency::strict);

/// One thing that the device offers, as control points look for it.
struct Advertisement {
  /// NT of an advertisement, ST of an answer.
  std::string target;
  std::string usn;

  friend bool operator==(const Advertisement&, const Advertisement&) = default;
};

/// What all messages say alike.
struct SsdpFacts {
  /// "OS/version UPnP/1.1 product/version".
  std::string server;
  /// Below 2^31, larger after each restart.
  std::uint32_t boot_id = 0;
  std::uint32_t config_id = 0;
};

/// The answer to a search (UDA 2.0 §1.3.3), of at most `most` octets: what is optional is left out
/// when it must be. Nothing when the answer is longer even so. There is no DATE, for there is no
/// clock here.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> emit_answer(const Advertisement& offer,
                                                                   const std::string& location,
                                                                   const SsdpFacts& facts,
                                                                   std::size_t most);

/// NOTIFY, ssdp:alive (§1.2.2), to `group`, which HOST names. As the next two, it is at most 512
/// octets long where leaving out what is optional can make it so.
[[nodiscard]] std::vector<std::uint8_t> emit_alive(const Advertisement& offer,
                                                   const Endpoint& group,
                                                   const std::string& location,
                                                   const SsdpFacts& facts);
/// NOTIFY, ssdp:byebye (§1.2.3).
[[nodiscard]] std::vector<std::uint8_t> emit_byebye(const Advertisement& offer,
                                                    const Endpoint& group, const SsdpFacts& facts);
/// NOTIFY, ssdp:update (§1.2.4): what was advertised with `facts` stays, with `next_boot_id`.
[[nodiscard]] std::vector<std::uint8_t> emit_update(const Advertisement& offer,
                                                    const Endpoint& group,
                                                    const std::string& location,
                                                    const SsdpFacts& facts,
                                                    std::uint32_t next_boot_id);

}  // namespace postern::upnp
