#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "tests/support/octets.h"

// Runs a fuzz target over all files of the directories given, without libFuzzer, so that every
// build replays the corpus.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
  std::size_t files = 0;
  try {
    for (int i = 1; i < count; ++i) {
      for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) {
        // Named before it runs: what crashes is then the last name.
        std::printf("%s\n", entry.path().c_str());
        const auto octets = postern::test::read_octets(entry.path());
        LLVMFuzzerTestOneInput(octets.data(), octets.size());
        ++files;
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::printf("%zu files\n", files);
  return files > 0 ? 0 : 1;
}
