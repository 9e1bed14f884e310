#include "daemon/json_object.h"

namespace postern {

JsonObject::JsonObject(std::string_view text)
    : object_(nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false)) {
  if (object_.is_discarded()) {
    trouble_ = "this is not JSON";
  } else if (!object_.is_object()) {
    trouble_ = "this is not a JSON object";
  }
}

const nlohmann::json* JsonObject::find(const std::string& key) {
  read_.insert(key);
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

std::optional<std::string> JsonObject::text(const std::string& key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* text = value->get_ptr<const std::string*>()) return *text;
  reject(key, "is not a text");
  return std::nullopt;
}

std::optional<std::vector<std::string>> JsonObject::texts(const std::string& key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  bool is_good = value->is_array();
  for (std::size_t i = 0; is_good && i < value->size(); ++i) {
    const auto* text = (*value)[i].get_ptr<const std::string*>();
    is_good = text != nullptr;
    if (is_good) texts.push_back(*text);
  }
  if (is_good) return texts;
  reject(key, "is not a list of texts");
  return std::nullopt;
}

std::optional<std::uint64_t> JsonObject::number(const std::string& key, std::uint64_t least,
                                                std::uint64_t most) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto* number = value->get_ptr<const nlohmann::json::number_unsigned_t*>();
  if (number != nullptr && *number >= least && *number <= most) return *number;
  reject(key,
         "is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

void JsonObject::reject(const std::string& key, const std::string& problem) {
  if (!trouble_) trouble_ = key + " " + problem;
}

void JsonObject::require(const std::string& key) {
  if (object_.is_object() && !object_.contains(key)) reject(key, "is missing");
}

const std::optional<std::string>& JsonObject::trouble() {
  if (!object_.is_object()) return trouble_;
  for (const auto& [key, value] : object_.items()) {
    if (!read_.contains(key)) reject("\"" + key + "\"", "is not a key that is known here");
  }
  return trouble_;
}

}  // namespace postern
