#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/latency.h"

namespace postern {

/// Writes Prometheus' text format, version 0.0.4: families one after the other, each with its help,
/// its type and its samples.
class MetricText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// Begins a family that only grows; its name ends in "_total".
  MetricText& counter(std::string_view name, std::string_view help);
  /// Begins one that goes up and down.
  MetricText& gauge(std::string_view name, std::string_view help);
  /// A whole family, in seconds.
  void histogram(std::string_view name, std::string_view help, const Latency& latency);

  /// A sample of the family that was begun last.
  MetricText& sample(std::uint64_t value, Labels labels = {});

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void begin(std::string_view name, std::string_view help, std::string_view type);

  std::string name_;
  std::string text_;
};

}  // namespace postern
