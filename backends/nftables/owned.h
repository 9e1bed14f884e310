#pragma once

#include <memory>
#include <new>

namespace postern::nftables {

/// Owns a libnftnl object; `free` is its release function.
template <class T, void (*free)(const T*)>
struct Release {
  void operator()(T* object) const { free(object); }
};
template <class T, void (*free)(const T*)>
using Owned = std::unique_ptr<T, Release<T, free>>;

/// Takes over what a libnftnl allocation function returned.
template <class Owner>
[[nodiscard]] Owner made(typename Owner::pointer object) {
  if (object == nullptr) throw std::bad_alloc();
  return Owner(object);
}

}  // namespace postern::nftables
