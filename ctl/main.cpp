#include <iostream>
#include <span>

#include "ctl/commands.h"

int main(int count, char** arguments) {
  const std::span<const char* const> words(arguments, static_cast<std::size_t>(count));
  return static_cast<int>(postern::ctl::run(words, std::cout, std::cerr));
}
