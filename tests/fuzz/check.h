#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process when `condition` does not hold, in every build.
#define POSTERN_CHECK(condition)                                                     \
  do {                                                                               \
    if (!(condition)) {                                                              \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                  \
    }                                                                                \
  } while (false)
