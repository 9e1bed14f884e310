#include "protocols/upnp/paths.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using std::string_view;

constexpr string_view kDescription = "desc.xml";
constexpr string_view kScpdSuffix = ".xml";

[[nodiscard]] string_view to_string(View view) {
  switch (view) {
    case View::igd1:
      return "igd1";
    case View::igd2:
      return "igd2";
  }
  return "?";
}

[[nodiscard]] string_view to_string(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::description:
      return kDescription;
    case ResourceKind::scpd:
      return "scpd";
    case ResourceKind::control:
      return "control";
    case ResourceKind::event:
      return "event";
  }
  return "?";
}

/// The path of a target without scheme, host, query and fragment.
[[nodiscard]] string_view path_in(string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  if (const auto scheme = target.find("://"); scheme != string_view::npos && target[0] != '/') {
    target.remove_prefix(scheme + 3);
    target.remove_prefix(std::min(target.find('/'), target.size()));
  }
  return target;
}

/// No path of ours has more.
constexpr std::size_t kMostSegments = 4;
struct Segments {
  std::array<string_view, kMostSegments> texts;
  std::size_t count = 0;
};

/// Nothing when there are too many. Empty ones do not count.
[[nodiscard]] std::optional<Segments> split(string_view path) {
  Segments segments;
  while (!path.empty()) {
    const auto text = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(text.size() + 1, path.size()));
    if (text.empty()) continue;
    if (segments.count == kMostSegments) return std::nullopt;
    segments.texts[segments.count++] = text;
  }
  return segments;
}

[[nodiscard]] std::optional<View> find_view(string_view text) {
  const auto found = std::find_if(kViews.begin(), kViews.end(), [&](View view) {
    return equals_ignoring_case(text, to_string(view));
  });
  return found == kViews.end() ? std::nullopt : std::optional(*found);
}

[[nodiscard]] std::optional<ResourceKind> find_kind(string_view text) {
  for (const auto kind : {ResourceKind::scpd, ResourceKind::control, ResourceKind::event}) {
    if (equals_ignoring_case(text, to_string(kind))) return kind;
  }
  return std::nullopt;
}

[[nodiscard]] std::optional<ServiceId> find_service(const Identity& identity, View view,
                                                    string_view name) {
  for (const auto& service : services()) {
    if (identity.offers(view, service) && equals_ignoring_case(name, service.name)) {
      return service.id;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string path_of(const Identity& identity, const Resource& resource) {
  std::string path = '/' + identity.token + '/';
  path.append(to_string(resource.view)).append("/").append(to_string(resource.kind));
  if (resource.service) path.append("/").append(service(*resource.service).name);
  if (resource.kind == ResourceKind::scpd) path += kScpdSuffix;
  return path;
}

std::string description_path(const Identity& identity, View view) {
  return path_of(identity, {ResourceKind::description, view, std::nullopt});
}

std::optional<Resource> find_resource(const Identity& identity, string_view target) {
  const auto segments = split(path_in(target));
  if (!segments || segments->count < 3) return std::nullopt;
  const auto& texts = segments->texts;
  const auto view = find_view(texts[1]);
  if (!view || !equals_ignoring_case(texts[0], identity.token)) {
    return std::nullopt;
  }
  if (segments->count == 3) {
    if (!equals_ignoring_case(texts[2], kDescription)) return std::nullopt;
    return Resource{ResourceKind::description, *view, std::nullopt};
  }
  const auto kind = find_kind(texts[2]);
  auto name = texts[3];
  if (kind == ResourceKind::scpd) {
    if (name.size() < kScpdSuffix.size()) return std::nullopt;
    const auto stem = name.substr(0, name.size() - kScpdSuffix.size());
    if (!equals_ignoring_case(name.substr(stem.size()), kScpdSuffix)) return std::nullopt;
    name = stem;
  }
  const auto found = find_service(identity, *view, name);
  if (!kind || !found) return std::nullopt;
  return Resource{*kind, *view, *found};
}

}  // namespace postern::upnp
