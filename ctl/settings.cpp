#include "ctl/settings.h"

#define TOML_EXCEPTIONS 0
// The parser's own assertions fail on some malformed keys ("[`"), where without them it reports an
// error, as it should.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <toml++/toml.h>

#include "ctl/read_file.h"

namespace postern::ctl {
namespace {

/// Reads keys until the first that is wrong.
class Reader {
 public:
  Reader(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

  [[nodiscard]] std::optional<std::string> text(const char* key) {
    const auto* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    auto value = node->value_exact<std::string>();
    if (!value) reject(*node, key, "is not a text");
    return value;
  }

  /// "eth1" or ["eth1", "eth2"].
  [[nodiscard]] std::vector<std::string> texts(const char* key) {
    const auto* node = table_.get(key);
    if (node == nullptr) return {};
    const auto* array = node->as_array();
    if (array == nullptr) {
      auto one = text(key);
      return one ? std::vector{std::move(*one)} : std::vector<std::string>{};
    }
    std::vector<std::string> all;
    for (const auto& item : *array) {
      if (auto value = item.value_exact<std::string>()) {
        all.push_back(std::move(*value));
      } else {
        reject(item, key, "holds something that is not a text");
      }
    }
    return all;
  }

  [[nodiscard]] std::optional<std::uint32_t> bit(const char* key) {
    const auto* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    const auto value = node->value_exact<std::int64_t>().value_or(0);
    const bool is_bit = value > 0 && value <= 0xffffffff && (value & (value - 1)) == 0;
    if (is_bit) return static_cast<std::uint32_t>(value);
    reject(*node, key, "is not a single bit; write for example 0x10000000");
    return std::nullopt;
  }

  void reject(const char* key, const std::string& problem) {
    reject(*table_.get(key), key, problem);
  }

  [[nodiscard]] const std::optional<std::string>& trouble() const { return trouble_; }

 private:
  void reject(const toml::node& node, const char* key, const std::string& problem) {
    if (trouble_) return;
    trouble_ = file_ + ":" + std::to_string(node.source().begin.line) + ": " + key + " " + problem;
  }

  const toml::table& table_;
  const std::string& file_;
  std::optional<std::string> trouble_;
};

}  // namespace

Result<Settings, std::string> parse_settings(std::string_view text, const std::string& file) {
  const auto parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(file + ":" + std::to_string(error.source().begin.line) + ": " +
                std::string(error.description()));
  }
  Reader reader(parsed.table(), file);
  Settings settings;
  auto& doctor = settings.doctor;
  doctor.wan = reader.text("wan");
  doctor.lan = reader.texts("lan");
  doctor.forward_mark = reader.bit("forward_mark").value_or(doctor.forward_mark);
  doctor.backend = reader.text("backend").value_or(doctor.backend);
  doctor.adapts_host_firewall = reader.text("firewall").value_or("auto") == "auto";
  if (const auto address = reader.text("external_address")) {
    doctor.external_address = Address::parse(*address);
    if (!doctor.external_address) reader.reject("external_address", "is not an address");
  }
  settings.runtime_dir = reader.text("runtime_dir").value_or(settings.runtime_dir);
  if (reader.trouble()) return fail(*reader.trouble());
  return settings;
}

Result<Settings, std::string> load_settings(const std::optional<std::string>& file) {
  const auto name = file.value_or(kDefaultConfigFile);
  const auto text = read_file(name);
  if (text) return parse_settings(*text, name);
  if (!file && text.error() == ENOENT) return Settings{};
  return fail(name + ": " + std::strerror(text.error()));
}

}  // namespace postern::ctl
