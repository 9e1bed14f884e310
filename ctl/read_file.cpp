#include "ctl/read_file.h"

#include <cerrno>
#include <fstream>
#include <iterator>

namespace postern::ctl {

Result<std::string, int> read_file(const std::string& name) {
  std::ifstream stream(name, std::ios::binary);
  if (!stream.is_open()) return fail(errno);
  try {
    return std::string((std::istreambuf_iterator<char>(stream)), {});
  } catch (const std::ios_base::failure&) {  // How the library tells that reading failed.
    return fail(errno);
  }
}

}  // namespace postern::ctl
