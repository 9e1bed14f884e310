#pragma once

// The only way to Boost.Asio. Debian 12's Boost 1.74 needs <utility> first under C++20, and g++ 12
// miscompiles coroutines, so they are switched off for good.
#include <utility>

#define BOOST_ASIO_DISABLE_CO_AWAIT
#define BOOST_ASIO_NO_DEPRECATED
#include <boost/asio.hpp>
#include <fcntl.h>

namespace postern {
namespace asio = boost::asio;

/// Asio's sockets are inherited by programs that we start, which would keep our ports bound when we
/// are gone.
inline void keep_from_children(int descriptor) {
  (void)::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}
}  // namespace postern
