#include "daemon/store_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/private_directory.h"
#include "daemon/store_schema.h"

namespace postern {
namespace {

constexpr int kMostAside = 9;

/// Makes the file if there is none, for SQLite would let others read it; and mends its mode.
/// Returns errno.
[[nodiscard]] int touch(const std::string& file) {
  const int descriptor =
      ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return errno;
  struct stat found {};
  const bool is_good =
      ::fstat(descriptor, &found) == 0 &&
      ((found.st_mode & 0777U) == 0600U || ::fchmod(descriptor, S_IRUSR | S_IWUSR) == 0);
  const int error = is_good ? 0 : errno;
  ::close(descriptor);
  return error == 0 && !S_ISREG(found.st_mode) ? EISDIR : error;
}

/// So that a file that was made there is there after a power cut.
void sync_directory(const std::string& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)::fsync(descriptor);
  ::close(descriptor);
}

/// locking_mode: no file of shared memory, which a full disk could not hold and which would have to
/// be trusted; and nobody changes under us what we believe to be there. synchronous: each commit is
/// on the disk when it returns. The journal is taken in at 1 MB, so that it stays small.
void prepare(StoreDatabase& database) {
  database.run(
      "PRAGMA busy_timeout = 2000; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; "
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -512; PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = 256;"
      "PRAGMA journal_size_limit = 1048576");
}

[[nodiscard]] std::string_view description_of(StoreContent content) {
  switch (content) {
    case StoreContent::none:
    case StoreContent::ours:
      break;
    case StoreContent::foreign:
      return "is not a database of Postern's";
    case StoreContent::newer:
      return "was made by a later version of Postern";
    case StoreContent::damaged:
      return "is damaged";
  }
  return "";
}

}  // namespace

StoreFile::StoreFile(std::string directory, const char* vfs)
    : directory_(std::move(directory)), file_(directory_ + "/postern.db"), vfs_(vfs) {}

bool StoreFile::has_content() const {
  struct stat found {};
  return ::stat(file_.c_str(), &found) == 0 && found.st_size > 0;
}

StoreFile::Opened StoreFile::open() const {
  return open_for_writing(/*may_move_aside=*/true);
}

StoreFile::Opened StoreFile::begin_anew(const std::string& what, bool may_move_aside) const {
  const auto aside = may_move_aside ? move_aside() : std::nullopt;
  if (!aside)
    return fail(StoreFileError{file_ + " " + what + " and cannot be moved aside", 0, true});
  auto opened = open_for_writing(/*may_move_aside=*/false);
  const auto trouble = file_ + " " + what + "; it is now " + *aside;
  if (!opened)
    return fail(
        StoreFileError{trouble + ", but " + opened.error().text, opened.error().code, false});
  opened->trouble = trouble + ", and an empty one was begun";
  return opened;
}

StoreFile::Opened StoreFile::open_for_writing(bool may_move_aside) const {
  const bool has_directory = make_private_directory(directory_);
  const int error = has_directory ? touch(file_) : errno;
  if (error == EISDIR) return begin_anew("is no file", may_move_aside);
  if (error != 0) {
    if (has_content()) return open_for_reading();
    return fail(StoreFileError{file_ + ": " + std::strerror(error), 0, false});
  }
  auto database = std::make_optional<StoreDatabase>(file_, StoreDatabase::Access::read_write, vfs_);
  prepare(*database);
  auto content = look_into(*database);
  const bool is_new = !database->error() && content == StoreContent::none;
  if (!database->error() && (is_new || content == StoreContent::ours)) {
    if (database->text("PRAGMA journal_mode = WAL") != "wal" && !database->error()) {
      return fail(StoreFileError{file_ + ": SQLite cannot keep a journal there", 0, !is_new});
    }
    if (is_new) create_tables(*database);
  }
  if (const auto failed = database->error()) {
    database.reset();
    if (failed->is_damage()) return begin_anew("is damaged", may_move_aside);
    if (failed->is_read_only() && has_content()) return open_for_reading();
    return fail(StoreFileError{
        file_ + ": " + (failed->is_busy() ? "another process uses it" : failed->text), failed->code,
        has_content() && !is_new});
  }
  if (!is_new && content != StoreContent::ours) {
    database.reset();
    return begin_anew(std::string(description_of(content)), may_move_aside);
  }
  return OpenStoreFile{std::move(*database), is_new, false, {}};
}

StoreFile::Opened StoreFile::open_for_reading() const {
  const std::string cannot = file_ + " cannot be written";
  // What is still in the journal would be missing, and what has been taken in by half would not.
  struct stat journal {};
  if (::stat((file_ + "-wal").c_str(), &journal) == 0 && journal.st_size > 0) {
    return fail(StoreFileError{cannot + ", and without that its journal not be read", 0, true});
  }
  StoreDatabase database(file_, StoreDatabase::Access::immutable, vfs_);
  const auto content = look_into(database);
  if (database.error()) {
    return fail(StoreFileError{cannot + ", nor read: " + database.error()->text,
                               database.error()->code, true});
  }
  if (content != StoreContent::ours) {
    return fail(StoreFileError{cannot + ", and " + std::string(description_of(content)), 0, true});
  }
  return OpenStoreFile{std::move(database), false, true, cannot};
}

std::optional<std::string> StoreFile::move_aside() const {
  std::error_code error;
  std::string aside;
  for (int i = 1; i <= kMostAside; ++i) {
    aside = file_ + ".damaged-" + std::to_string(i);
    if (!std::filesystem::exists(std::filesystem::symlink_status(aside, error))) break;
  }
  // A journal that stayed would be taken for the new one's; so it goes first.
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    if (std::rename((file_ + suffix).c_str(), (aside + suffix).c_str()) != 0 && errno != ENOENT) {
      return std::nullopt;
    }
  }
  if (std::rename(file_.c_str(), aside.c_str()) != 0) return std::nullopt;
  return aside;
}

void StoreFile::set_behind(bool is_behind) const {
  const auto note = file_ + ".behind";
  if (!is_behind) {
    std::remove(note.c_str());
    return;
  }
  const int descriptor = ::open(note.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return;
  (void)::fsync(descriptor);
  ::close(descriptor);
  sync_directory(directory_);
}

bool StoreFile::is_behind() const {
  std::error_code error;
  return std::filesystem::exists(file_ + ".behind", error);
}

}  // namespace postern
