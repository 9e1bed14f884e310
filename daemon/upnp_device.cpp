#include "daemon/upnp_device.h"

#include <array>
#include <ctime>
#include <random>

#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/version.h"

namespace postern {
namespace {

[[nodiscard]] std::uint64_t random_seed() {
  std::random_device system;
  return (std::uint64_t{system()} << 32) | system();
}

/// For subscriptions: nobody else can guess one.
[[nodiscard]] upnp::Uuid new_uuid() {
  std::random_device system;
  upnp::Uuid uuid{};
  for (auto& octet : uuid) octet = static_cast<std::uint8_t>(system());
  return uuid;
}

[[nodiscard]] std::string host_name() {
  std::array<char, 256> name{};
  // The last octet stays zero whatever the kernel writes.
  if (::gethostname(name.data(), name.size() - 1) != 0) return "this gateway";
  return name.data();
}

/// "Linux/6.1 UPnP/1.1 Postern/0.1": three tokens (SSDP-16).
[[nodiscard]] std::string server_name() {
  utsname system{};
  (void)::uname(&system);
  const std::string release = system.release;
  const auto end = release.find_first_not_of("0123456789.");
  return "Linux/" + release.substr(0, end) + " UPnP/1.1 Postern/" + std::string(kVersion);
}

[[nodiscard]] upnp::Identity identity_of(const RememberedIdentity& remembered,
                                         const UpnpConfig& config) {
  upnp::Identity identity;
  identity.udns = upnp::derive_udns(remembered.base);
  identity.token = remembered.token;
  identity.friendly_name =
      config.friendly_name.empty() ? "Postern on " + host_name() : config.friendly_name;
  identity.presentation_url = config.presentation_url;
  identity.model_number = kVersion;
  identity.boot_id = remembered.boot_id;
  identity.offers_ppp_alias = config.offers_ppp_alias;
  return identity;
}

[[nodiscard]] HttpOptions http_options() {
  HttpOptions options;
  options.server_name = server_name();
  return options;
}

}  // namespace

UpnpDevice::UpnpDevice(asio::io_context& io, const Config& config, FirewallBackend& backend,
                       Reactions reactions)
    : http_port_(config.upnp.http_port),
      start_(remember_identity(config.state_dir, std::time(nullptr))),
      identity_(identity_of(start_.identity, config.upnp)),
      packets_(backend),
      kernel_{links_, links_, packets_},
      ssdp_(identity_, {http_port_, server_name(), random_seed(),
                        config.upnp.is_lenient ? upnp::Leniency::lenient : upnp::Leniency::strict}),
      control_(identity_, config.upnp.settings, kernel_, new_uuid, random_seed()),
      server_(io, http_options(),
              {.on_request = std::move(reactions.on_request),
               .on_header = std::move(reactions.on_header),
               .refusal = {}}),
      caller_(io, std::move(reactions.on_callout_done)) {}

Result<void, std::string> UpnpDevice::listen(const Network& network) {
  std::vector<HttpListenAt> wanted;
  for (const auto& lan : network.lan) {
    for (const auto& own : lan.addresses) {
      wanted.push_back({{own.address, http_port_}, lan.name, lan.index});
    }
  }
  return server_.listen(wanted);
}

void UpnpDevice::carry_out(const Turn& turn) {
  for (const auto& reply : turn.replies) server_.reply(reply);
  for (const auto& callout : turn.callouts) caller_.call(callout);
}

std::optional<std::uint64_t> UpnpDevice::Packets::packets_through(const Door& door) {
  const auto counted = backend_.packets_through(door);
  return counted ? *counted : std::nullopt;
}

}  // namespace postern
