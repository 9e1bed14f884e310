#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace postern::test {

/// What a shell command prints, both streams.
[[nodiscard]] inline std::string output_of(const std::string& command) {
  std::string output;
  // nft lives in sbin, which is not in everybody's path.
  auto* pipe = ::popen(("PATH=$PATH:/usr/sbin:/sbin; " + command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> part{};
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) output += part.data();
  ::pclose(pipe);
  return output;
}

[[nodiscard]] inline std::string nft(const std::string& arguments) {
  return output_of("nft '" + arguments + "'");
}

}  // namespace postern::test
