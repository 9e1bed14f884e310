#include "backends/registry.h"

#include "backends/conntrack/conntrack_flow_table.h"
#include "backends/iptables/iptables_backend.h"
#include "backends/iptables/rule_text.h"
#include "backends/memory/memory_backend.h"
#include "backends/memory/memory_flow_table.h"
#include "backends/nftables/nftables_backend.h"

namespace postern {
namespace {

using Opened = Result<std::unique_ptr<FirewallBackend>, BackendError>;

struct Entry {
  std::string_view name;
  Opened (*open)(const BackendOptions&);
};

[[nodiscard]] Opened open_memory(const BackendOptions&) {
  return std::make_unique<MemoryBackend>();
}

[[nodiscard]] Opened open_nftables(const BackendOptions& options) {
  auto opened = NftablesBackend::open(options);
  if (!opened) return fail(std::move(opened.error()));
  return std::move(*opened);
}

[[nodiscard]] Opened open_iptables(const BackendOptions& options) {
  auto opened = IptablesBackend::open(options);
  if (!opened) return fail(std::move(opened.error()));
  return std::move(*opened);
}

constexpr Entry kEntries[] = {
    {"nftables", open_nftables}, {"iptables", open_iptables}, {"memory", open_memory}};

}  // namespace

std::vector<std::string_view> backend_names() {
  std::vector<std::string_view> names;
  for (const auto& entry : kEntries) names.push_back(entry.name);
  return names;
}

Result<std::unique_ptr<FirewallBackend>, BackendError> open_backend(std::string_view name,
                                                                    const BackendOptions& options) {
  std::string known;
  for (const auto& entry : kEntries) {
    if (entry.name == name) return entry.open(options);
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  return fail(BackendError{"there is no backend \"" + std::string(name) + "\"; known are " + known,
                           std::nullopt, false});
}

std::vector<netlink::Writer> rules_writers(const FirewallBackend& backend) {
  const auto* nftables = dynamic_cast<const NftablesBackend*>(&backend);
  return nftables ? std::vector{nftables->writer()} : std::vector<netlink::Writer>();
}

std::string_view chains_among_others(const FirewallBackend& backend) {
  const bool is_iptables = dynamic_cast<const IptablesBackend*>(&backend) != nullptr;
  return is_iptables ? iptables::kPrefix : std::string_view();
}

bool changes_silently(const FirewallBackend& backend) {
  const auto* iptables = dynamic_cast<const IptablesBackend*>(&backend);
  return iptables != nullptr && iptables->variant() == "legacy";
}

Result<std::unique_ptr<FlowTable>, std::string> open_flow_table(std::string_view backend,
                                                                const BackendOptions& options) {
  if (backend == "memory") return std::make_unique<MemoryFlowTable>();
  auto opened = ConntrackFlowTable::open({.mark = options.forward_mark});
  if (!opened) return fail(std::move(opened.error()));
  return std::move(*opened);
}

}  // namespace postern
