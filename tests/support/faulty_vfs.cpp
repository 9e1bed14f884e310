#include "tests/support/faulty_vfs.h"

#include <atomic>
#include <cstring>
#include <new>
#include <utility>

namespace postern::test {

/// What SQLite holds of an open file: ours, and behind it in the same memory the real one.
struct FaultyVfs::File {
  sqlite3_file base;
  FaultyVfs* vfs;
  std::string* name;

  [[nodiscard]] static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  [[nodiscard]] static sqlite3_file* real_of(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
  }
};

/// The functions that SQLite calls.
struct FaultyVfs::Calls {
  static FaultyVfs& self(sqlite3_vfs* vfs) { return *static_cast<FaultyVfs*>(vfs->pAppData); }

  static int close(sqlite3_file* file) {
    auto* real = File::real_of(file);
    const int code = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
    delete File::of(file).name;
    return code;
  }
  static int read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
    if (const int code = File::of(file).vfs->enter(Operation::read)) return code;
    auto* real = File::real_of(file);
    return real->pMethods->xRead(real, into, size, offset);
  }
  static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    auto& own = File::of(file);
    if (const int code = own.vfs->enter(Operation::write)) return code;
    own.vfs->note({Operation::write, *own.name, offset,
                   std::string(static_cast<const char*>(from), static_cast<std::size_t>(size))});
    auto* real = File::real_of(file);
    return real->pMethods->xWrite(real, from, size, offset);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    auto& own = File::of(file);
    if (const int code = own.vfs->enter(Operation::truncate)) return code;
    own.vfs->note({Operation::truncate, *own.name, size});
    auto* real = File::real_of(file);
    return real->pMethods->xTruncate(real, size);
  }
  static int sync(sqlite3_file* file, int /*flags*/) {
    auto& own = File::of(file);
    if (const int code = own.vfs->enter(Operation::sync)) return code;
    own.vfs->note({Operation::sync, *own.name});
    return SQLITE_OK;
  }
  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    auto* real = File::real_of(file);
    return real->pMethods->xFileSize(real, size);
  }
  static int lock(sqlite3_file* file, int level) {
    auto* real = File::real_of(file);
    return real->pMethods->xLock(real, level);
  }
  static int unlock(sqlite3_file* file, int level) {
    auto* real = File::real_of(file);
    return real->pMethods->xUnlock(real, level);
  }
  static int check_reserved(sqlite3_file* file, int* is_reserved) {
    auto* real = File::real_of(file);
    return real->pMethods->xCheckReservedLock(real, is_reserved);
  }
  static int control(sqlite3_file* file, int operation, void* argument) {
    auto* real = File::real_of(file);
    return real->pMethods->xFileControl(real, operation, argument);
  }
  static int sector_size(sqlite3_file* file) {
    auto* real = File::real_of(file);
    return real->pMethods->xSectorSize(real);
  }
  static int characteristics(sqlite3_file* file) {
    auto* real = File::real_of(file);
    return real->pMethods->xDeviceCharacteristics(real);
  }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* given) {
    auto& own = self(vfs);
    file->pMethods = nullptr;
    if (const int code = own.enter(Operation::open)) return code;
    auto* real = File::real_of(file);
    const int code = own.real_->xOpen(own.real_, path, real, flags, given);
    if (code != SQLITE_OK) return code;
    const std::string name = path ? path : "";
    auto& opened = File::of(file);
    opened.vfs = &own;
    opened.name = new std::string(name.substr(name.rfind('/') + 1));
    file->pMethods = &kMethods;
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* vfs, const char* path, int /*syncs*/) {
    auto& own = self(vfs);
    if (const int code = own.enter(Operation::remove)) return code;
    const std::string name = path;
    own.note({Operation::remove, name.substr(name.rfind('/') + 1)});
    return own.real_->xDelete(own.real_, path, 0);
  }
  static int access(sqlite3_vfs* vfs, const char* path, int flags, int* is_so) {
    auto* real = self(vfs).real_;
    return real->xAccess(real, path, flags, is_so);
  }
  static int full_path(sqlite3_vfs* vfs, const char* path, int size, char* into) {
    auto* real = self(vfs).real_;
    return real->xFullPathname(real, path, size, into);
  }

  /// Version 1: no shared memory, no memory mapping.
  static constexpr sqlite3_io_methods kMethods{
      1,       close,          read,    write,       truncate,        sync,    file_size, lock,
      unlock,  check_reserved, control, sector_size, characteristics, nullptr, nullptr,   nullptr,
      nullptr, nullptr,        nullptr};
};

FaultyVfs::FaultyVfs() : real_(sqlite3_vfs_find(nullptr)), shim_(*real_) {
  static std::atomic<int> count{0};
  name_ = "faulty-" + std::to_string(++count);
  // What is not replaced is the real one's, and works on any sqlite3_vfs.
  shim_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  shim_.pNext = nullptr;
  shim_.zName = name_.c_str();
  shim_.pAppData = this;
  shim_.xOpen = Calls::open;
  shim_.xDelete = Calls::remove;
  shim_.xAccess = Calls::access;
  shim_.xFullPathname = Calls::full_path;
  sqlite3_vfs_register(&shim_, 0);
}

FaultyVfs::~FaultyVfs() {
  sqlite3_vfs_unregister(&shim_);
}

int FaultyVfs::enter(Operation operation) {
  const std::lock_guard lock(mutex_);
  const int index = calls_[operation]++;
  if (!fault_ || fault_->operation != operation) return SQLITE_OK;
  const bool fails = index == fault_->index || (fault_->is_lasting && index > fault_->index);
  return fails ? fault_->code : SQLITE_OK;
}

void FaultyVfs::note(Done done) {
  const std::lock_guard lock(mutex_);
  done.mark = mark_;
  done_.push_back(std::move(done));
}

void FaultyVfs::fail(Operation operation, int index, int code, bool is_lasting) {
  const std::lock_guard lock(mutex_);
  calls_.clear();
  fault_ = Fault{operation, index, code, is_lasting};
}

void FaultyVfs::heal() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
  fault_.reset();
}

int FaultyVfs::calls(Operation operation) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(operation);
  return found == calls_.end() ? 0 : found->second;
}

std::vector<FaultyVfs::Done> FaultyVfs::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

void FaultyVfs::mark(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  mark_ = number;
}

}  // namespace postern::test
