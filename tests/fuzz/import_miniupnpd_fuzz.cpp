#include <cstddef>
#include <cstdint>
#include <string>

#include "ctl/import/import_command.h"
#include "daemon/config.h"
#include "tests/fuzz/check.h"

// Any file: what is made of it posternd takes, whatever leases stand behind it, and what is said
// about it names the file.
namespace {

using namespace postern;

void check_remarks(const std::string& remarks) {
  bool begins = true;
  for (std::size_t i = 0; i < remarks.size(); ++i) {
    if (begins) POSTERN_CHECK(remarks.compare(i, 5, "file:") == 0);
    begins = remarks[i] == '\n';
    const auto octet = static_cast<unsigned char>(remarks[i]);
    POSTERN_CHECK(begins || (octet >= 0x20 && octet != 0x7f));
  }
  POSTERN_CHECK(begins);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ctl::ImportFile file{"file", std::string(data, data + size)};
  const auto leases = ctl::import_leases(file, 1'700'000'000);
  check_remarks(leases.remarks);
  const auto imported = ctl::import_miniupnpd(file, {}, file.text);
  if (imported) {
    check_remarks(imported->remarks);
    POSTERN_CHECK(parse_config(imported->toml + leases.toml, "postern.toml").has_value());
  } else {
    check_remarks(imported.error());
    POSTERN_CHECK(!imported.error().empty());
    POSTERN_CHECK(parse_config(leases.toml, "postern.toml").has_value());
  }
  return 0;
}
