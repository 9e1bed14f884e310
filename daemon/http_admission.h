#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <unordered_map>

#include "core/address.h"

namespace postern {

/// How many connections there may be.
struct HttpCrowd {
  std::size_t served_of_a_source = 64;
  /// Beyond those that are served: they are accepted, but nothing is read from them yet.
  std::size_t waiting_of_a_source = 192;
  /// Of all sources, served and waiting. Beyond, clients wait in the kernel's queue until somebody
  /// gives way.
  std::size_t in_all = 512;
};

/// Which connections are served, which wait for another one of their source to end, and whether
/// more may come. One source cannot keep others out: those beyond its own share are turned away,
/// and those that wait give way when there is no room for others.
class HttpAdmission {
 public:
  explicit HttpAdmission(const HttpCrowd& crowd) : crowd_(crowd) {}

  /// Whether another connection may be accepted at all.
  [[nodiscard]] bool has_room() const { return in_all_ < crowd_.in_all; }
  /// A connection came: calls `serve` now, or when its turn comes. False: it is one too many of its
  /// source, and nothing was kept.
  [[nodiscard]] bool enter(const Address& source, std::function<void()> serve);
  /// A connection that was served ended. Serves the one that has waited longest for it.
  void leave(const Address& source);
  /// Forgets the last one of the source that has most of them waiting; false: nobody waits. O(n) in
  /// the sources.
  [[nodiscard]] bool drop_waiting();
  /// Whether connections of the source may stay open without a request: at most half of what there
  /// is may idle, so that those who wait never wait for idle ones alone.
  [[nodiscard]] bool may_idle(const Address& source) const;
  /// Forgets those that wait and serves no more.
  void close();

 private:
  struct Source {
    std::size_t served = 0;
    std::deque<std::function<void()>> waiting;
  };

  HttpCrowd crowd_;
  std::size_t in_all_ = 0;
  std::unordered_map<Address, Source> sources_;
};

}  // namespace postern
