#include "daemon/command_line.h"

#include <algorithm>
#include <array>

#include <getopt.h>

#include "backends/registry.h"
#include "daemon/config.h"

namespace postern {
namespace {

constexpr std::array<option, 7> kOptions{{
    {"config", required_argument, nullptr, 'c'},
    {"backend", required_argument, nullptr, 'b'},
    {"check-config", no_argument, nullptr, 'n'},
    {"foreground", no_argument, nullptr, 'f'},
    {"version", no_argument, nullptr, 'V'},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0},
}};

/// What is wrong after getopt answered '?'. `word` is the one before its place.
[[nodiscard]] std::string unknown_option(const std::string& word) {
  // Within "-xf" getopt still stands at that word, so only optopt knows the letter.
  if (optopt == 0) return word + " is not an option";
  const bool is_known = std::any_of(kOptions.begin(), kOptions.end(),
                                    [](const option& known) { return known.val == optopt; });
  if (is_known) return word + " does not fit: this option takes no value";
  return std::string("-") + static_cast<char>(optopt) + " is not an option";
}

/// Why there is no such backend; nothing when there is.
[[nodiscard]] std::optional<std::string> unknown_backend(const std::string& name) {
  std::string names;
  for (const auto known : backend_names()) {
    if (known == name) return std::nullopt;
    names += (names.empty() ? "" : " or ") + std::string(known);
  }
  return "--backend is \"" + name + "\"; write " + names;
}

}  // namespace

Result<CommandLine, std::string> parse_command_line(std::span<char* const> arguments) {
  const auto count = static_cast<int>(arguments.size());
  const auto argument = [&](int index) {
    return std::string(arguments[static_cast<std::size_t>(index)]);
  };
  CommandLine line;
  optind = 0;  // getopt keeps its place between calls; 0 starts anew.
  while (true) {
    const int choice = getopt_long(count, arguments.data(), ":c:b:nfVh", kOptions.data(), nullptr);
    switch (choice) {
      case 'c':
        line.config_file = optarg;
        break;
      case 'b':
        line.backend = optarg;
        break;
      case 'n':
        line.check_config = true;
        break;
      case 'f':
        break;  // It always stays in the foreground; others' unit files pass this.
      case 'V':
        line.show_version = true;
        break;
      case 'h':
        line.show_help = true;
        break;
      case ':':
        return fail(argument(optind - 1) + " needs a value");
      case '?':
        return fail(unknown_option(argument(optind - 1)));
      default:
        if (optind < count) {
          return fail(argument(optind) + " is not expected here");
        }
        if (auto unknown = line.backend ? unknown_backend(*line.backend) : std::nullopt) {
          return fail(std::move(*unknown));
        }
        return line;
    }
  }
}

std::string usage() {
  return "usage: posternd [--config FILE] [--backend NAME] [--check-config] [--foreground]\n"
         "                [--version] [--help]\n"
         "\n"
         "Opens ports of this gateway for the hosts behind it that ask over NAT-PMP.\n"
         "\n"
         "  -c, --config FILE   read this configuration (default: " +
         std::string(kDefaultConfigFile) +
         ")\n"
         "  -b, --backend NAME  program this firewall: nftables, iptables or memory\n"
         "  -n, --check-config  read the configuration, say what is wrong with it, and end\n"
         "  -f, --foreground    stay in the foreground (it always does)\n"
         "  -V, --version       print the version and end\n"
         "  -h, --help          print this and end\n";
}

}  // namespace postern
