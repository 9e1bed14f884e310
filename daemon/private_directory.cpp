#include "daemon/private_directory.h"

#include <cerrno>
#include <filesystem>

#include <sys/stat.h>

namespace postern {

bool make_private_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::path path(directory);
  // "/x/" is the directory x, not one without a name in it.
  if (!path.has_filename()) path = path.parent_path();
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  return ::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST;
}

}  // namespace postern
