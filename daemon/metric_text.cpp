#include "daemon/metric_text.h"

#include <chrono>
#include <cstddef>

#include <spdlog/fmt/fmt.h>

namespace postern {
namespace {

/// A label's value may be any UTF-8.
void append_escaped(std::string& text, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
}

[[nodiscard]] std::string seconds(Latency::Duration duration) {
  return fmt::format("{}", std::chrono::duration<double>(duration).count());
}

}  // namespace

MetricText& MetricText::counter(std::string_view name, std::string_view help) {
  begin(name, help, "counter");
  return *this;
}

MetricText& MetricText::gauge(std::string_view name, std::string_view help) {
  begin(name, help, "gauge");
  return *this;
}

void MetricText::begin(std::string_view name, std::string_view help, std::string_view type) {
  name_ = name;
  text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

MetricText& MetricText::sample(std::uint64_t value, Labels labels) {
  text_ += name_;
  char before = '{';
  for (const auto& [label, word] : labels) {
    text_ += before;
    text_ += label;
    text_ += "=\"";
    append_escaped(text_, word);
    text_ += '"';
    before = ',';
  }
  text_ += fmt::format("{} {}\n", labels.size() > 0 ? "}" : "", value);
  return *this;
}

void MetricText::histogram(std::string_view name, std::string_view help, const Latency& latency) {
  begin(name, help, "histogram");
  const auto& counts = latency.counts();
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    const bool is_last = i == Latency::kBounds.size();
    text_ += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name,
                         is_last ? "+Inf" : seconds(Latency::kBounds[i]), total);
  }
  text_ += fmt::format("{0}_sum {1}\n{0}_count {2}\n", name, seconds(latency.sum()), total);
}

}  // namespace postern
