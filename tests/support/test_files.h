#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

/// Files that are a test each.
namespace postern::test {

/// Those in a directory with one of these extensions (".pcp"), in order.
[[nodiscard]] inline std::vector<std::filesystem::path> files_in(
    const std::filesystem::path& directory, const std::set<std::string>& extensions) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (extensions.contains(entry.path().extension().string())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The file's name as gtest allows it.
[[nodiscard]] inline std::string test_name_of(const std::filesystem::path& file) {
  auto name = file.filename().string();
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

}  // namespace postern::test
