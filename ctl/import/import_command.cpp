#include "ctl/import/import_command.h"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <ostream>
#include <utility>

#include <CLI/CLI.hpp>

#include "ctl/import/conf_reader.h"
#include "ctl/import/conversion.h"
#include "ctl/import/leases.h"
#include "ctl/import/openwrt.h"
#include "ctl/import/toml_text.h"
#include "ctl/import/uci_reader.h"
#include "ctl/read_file.h"
#include "host/links.h"

namespace postern::ctl {
namespace {

using miniupnpd::Notes;
using miniupnpd::Source;

[[nodiscard]] std::string remarks_of(const std::string& file, const Notes& notes) {
  std::string text;
  for (const auto& note : notes) {
    text += file + ":" + (note.line == 0 ? "" : std::to_string(note.line) + ":") + " " +
            miniupnpd::one_line(note.text) + "\n";
  }
  return text;
}

[[nodiscard]] Result<Source, Notes> read_source(std::string_view text, std::string_view network) {
  if (!miniupnpd::is_uci(text)) return miniupnpd::read_conf(text);
  const auto sections = miniupnpd::read_uci(text);
  if (!sections) return fail(sections.error());
  // Without it the names of devices are guessed, and that is said.
  const auto networks = miniupnpd::read_uci(network);
  return miniupnpd::read_openwrt(*sections,
                                 networks.value_or(std::vector<miniupnpd::UciSection>()));
}

/// The error is what the system says.
[[nodiscard]] Result<ImportFile, std::string> import_file(const std::string& name) {
  auto text = read_file(name);
  if (!text) return fail(std::string(std::strerror(text.error())));
  return ImportFile{name, std::move(*text)};
}

[[nodiscard]] std::vector<Interface> interfaces_here() {
  std::vector<Interface> interfaces;
  auto links = host::read_links();
  if (!links) return interfaces;
  for (auto& link : *links) interfaces.push_back(std::move(link.interface));
  return interfaces;
}

[[nodiscard]] std::uint64_t unix_seconds() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(since).count());
}

}  // namespace

Result<Imported, std::string> import_miniupnpd(const ImportFile& file,
                                               const std::vector<Interface>& interfaces,
                                               std::string_view network) {
  const auto source = read_source(file.text, network);
  if (!source) return fail(remarks_of(file.name, source.error()));
  const auto draft = miniupnpd::convert(*source, interfaces);
  if (!draft) return fail(remarks_of(file.name, draft.error()));
  Imported imported{miniupnpd::toml_text(*draft, file.name), remarks_of(file.name, draft->notes)};
  for (const auto& option : source->options) {
    const bool is_lease_file = option.name == "lease_file" || option.name == "lease_file6";
    if (is_lease_file && !option.value.empty()) imported.lease_files.push_back(option.value);
  }
  return imported;
}

Imported import_leases(const ImportFile& file, std::uint64_t now) {
  const auto read = miniupnpd::read_leases(file.text);
  return {miniupnpd::leases_text(read.leases, file.name, now), remarks_of(file.name, read.notes)};
}

ImportCommand::ImportCommand(CLI::App& app)
    : command_(app.add_subcommand("import-miniupnpd",
                                  "Convert the configuration of miniupnpd into one of Postern")) {
  command_->footer(app.get_footer());
  command_
      ->add_option("FILE", file_,
                   "miniupnpd.conf, or OpenWrt's /etc/config/upnpd (with a file \"network\" beside "
                   "it, the names of devices come from there)")
      ->required();
  command_
      ->add_option("--leases", leases_,
                   "A file with miniupnpd's leases (default: those that FILE names, if they "
                   "are here)")
      ->expected(1)
      ->take_all();
}

bool ImportCommand::is_parsed() const {
  return command_->parsed();
}

ExitCode ImportCommand::run(std::ostream& out, std::ostream& errors) const {
  const auto file = import_file(file_);
  if (!file) {
    errors << file_ << ": " << file.error() << "\n";
    return ExitCode::bad_configuration;
  }
  const auto beside = std::filesystem::path(file_).replace_filename("network").string();
  const auto network = import_file(beside);
  const auto imported =
      import_miniupnpd(*file, interfaces_here(), network ? network->text : std::string());
  if (!imported) {
    errors << imported.error();
    return ExitCode::bad_configuration;
  }
  std::string toml = imported->toml;
  std::string remarks = imported->remarks;
  for (const auto& name : leases_.empty() ? imported->lease_files : leases_) {
    const auto leases = import_file(name);
    if (!leases && leases_.empty()) continue;
    if (!leases) {
      errors << name << ": " << leases.error() << "\n";
      return ExitCode::bad_configuration;
    }
    const auto text = import_leases(*leases, unix_seconds());
    toml += text.toml;
    remarks += text.remarks;
  }
  out << toml;
  errors << remarks;
  return ExitCode::success;
}

}  // namespace postern::ctl
