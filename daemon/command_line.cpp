#include "daemon/command_line.h"

#include <array>

#include <getopt.h>

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
        return fail(argument(optind - 1) + " is not an option");
      default:
        if (optind < count) {
          return fail(argument(optind) + " is not expected here");
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
         "  -b, --backend NAME  program this firewall: nftables or memory\n"
         "  -n, --check-config  read the configuration, say what is wrong with it, and end\n"
         "  -f, --foreground    stay in the foreground (it always does)\n"
         "  -V, --version       print the version and end\n"
         "  -h, --help          print this and end\n";
}

}  // namespace postern
