#pragma once

#include <utility>

#include <tl/expected.hpp>

namespace postern {

/// A value, or the reason why there is none. Errors cross module borders this way, never as
/// exceptions. (std::expected needs C++23.)
template <class T, class E>
using Result = tl::expected<T, E>;

template <class E>
[[nodiscard]] constexpr auto fail(E error) {
  return tl::unexpected<E>(std::move(error));
}

}  // namespace postern
