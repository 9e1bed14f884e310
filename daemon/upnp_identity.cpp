#include "daemon/upnp_identity.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string_view>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/private_directory.h"

namespace postern {
namespace {

constexpr std::string_view kSchema = "postern.upnp-identity/1";
constexpr std::size_t kTokenDigits = 16;
/// More than the boot id grows while the daemon runs, with each change of the LAN, where the clock
/// is too slow to make up for it.
constexpr std::int64_t kGrowthOfARun = 4096;

[[nodiscard]] std::string hexadecimal(const std::uint8_t* octets, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[octets[i] >> 4];
    text += kDigits[octets[i] & 15];
  }
  return text;
}

/// The value of a lower-case digit; nothing for others.
[[nodiscard]] std::optional<unsigned> digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

[[nodiscard]] std::optional<upnp::Uuid> parse_base(std::string_view text) {
  upnp::Uuid base{};
  if (text.size() != 2 * base.size()) return std::nullopt;
  for (std::size_t i = 0; i < base.size(); ++i) {
    const auto high = digit_of(text[2 * i]);
    const auto low = digit_of(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    base[i] = static_cast<std::uint8_t>(*high * 16 + *low);
  }
  return base;
}

[[nodiscard]] bool is_token(std::string_view text) {
  return text.size() == kTokenDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return digit_of(c).has_value(); });
}

[[nodiscard]] std::optional<RememberedIdentity> read_identity(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  return parse_identity(text);
}

/// Whole or not at all. The token is a secret of the LAN's.
[[nodiscard]] bool write_identity(const std::string& file, const RememberedIdentity& identity) {
  const std::string part = file + ".new";
  const std::string text = to_json(identity) + "\n";
  const int descriptor =
      ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return false;
  const bool is_written =
      ::write(descriptor, text.data(), text.size()) == std::ssize(text) && ::fsync(descriptor) == 0;
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return is_written && std::rename(part.c_str(), file.c_str()) == 0;
}

}  // namespace

RememberedIdentity new_identity() {
  std::random_device system;
  std::array<std::uint8_t, kTokenDigits / 2> secret{};
  RememberedIdentity identity;
  for (auto& octet : identity.base) octet = static_cast<std::uint8_t>(system());
  for (auto& octet : secret) octet = static_cast<std::uint8_t>(system());
  identity.token = hexadecimal(secret.data(), secret.size());
  return identity;
}

std::string to_json(const RememberedIdentity& identity) {
  const nlohmann::ordered_json json{
      {"schema", kSchema},
      {"base", hexadecimal(identity.base.data(), identity.base.size())},
      {"path_token", identity.token},
      {"boot_id", identity.boot_id}};
  return json.dump();
}

std::optional<RememberedIdentity> parse_identity(const std::string& json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  const auto text = [&](const char* key) -> std::string {
    const auto found = parsed.find(key);
    return found != parsed.end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (!parsed.is_object() || text("schema") != kSchema) return std::nullopt;
  const auto base = parse_base(text("base"));
  const auto boot_id = parsed.find("boot_id");
  if (!base || !is_token(text("path_token")) || boot_id == parsed.end() ||
      !boot_id->is_number_unsigned() ||
      boot_id->get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;
  }
  return RememberedIdentity{*base, text("path_token"), boot_id->get<std::uint32_t>()};
}

std::uint32_t next_boot_id(std::uint32_t last, std::int64_t unix_seconds) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::int64_t least = std::int64_t{last} + kGrowthOfARun;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(unix_seconds, std::min(least, kMost), kMost));
}

StartIdentity remember_identity(const std::string& directory, std::int64_t unix_seconds) {
  const std::string file = directory + "/upnp-identity.json";
  std::error_code error;
  // When it cannot be made, writing the file tells.
  (void)make_private_directory(directory);
  const auto remembered = read_identity(file);
  StartIdentity start{remembered ? *remembered : new_identity(), ""};
  if (!remembered && std::filesystem::exists(file, error)) {
    start.trouble =
        file +
        " is damaged and has been made anew: UPnP clients take this gateway for another "
        "one than before";
  }
  start.identity.boot_id = next_boot_id(start.identity.boot_id, unix_seconds);
  if (!write_identity(file, start.identity)) {
    start.trouble = file + " cannot be written (" + std::strerror(errno) +
                    "): UPnP clients will take this gateway for another one after the next start; "
                    "mend it, or set state_dir";
  }
  return start;
}

}  // namespace postern
