#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace postern::test {

/// A file system for SQLite over the real one: it fails when it is told to, and writes down what is
/// done, so that a test can replay it up to any point. Nothing is synced in truth, which is slow.
/// For more than one thread.
class FaultyVfs {
 public:
  enum class Operation : std::uint8_t { open, read, write, truncate, sync, remove };
  static constexpr Operation kOperations[] = {Operation::open,  Operation::read,
                                              Operation::write, Operation::truncate,
                                              Operation::sync,  Operation::remove};

  /// One thing that was done to a file, named without its directory.
  struct Done {
    Operation operation = Operation::write;
    std::string file;
    /// Of truncate: the new size.
    std::int64_t offset = 0;
    std::string octets = {};
    /// The last number that was given to mark() before.
    std::uint64_t mark = 0;
  };

  FaultyVfs();
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  /// What SQLite knows it by.
  [[nodiscard]] const char* name() const { return name_.c_str(); }

  /// The operation's n-th call from now on (0: the next) fails with this code of SQLite's; lasting:
  /// and all after it.
  void fail(Operation operation, int index, int code, bool is_lasting);
  void heal();
  /// How many calls there were since fail() or heal().
  [[nodiscard]] int calls(Operation operation) const;

  /// What was written, cut, synced and removed so far.
  [[nodiscard]] std::vector<Done> done() const;
  void mark(std::uint64_t number);

 private:
  struct Fault {
    Operation operation = Operation::open;
    int index = 0;
    int code = 0;
    bool is_lasting = false;
  };
  struct File;
  struct Calls;

  /// SQLITE_OK: it may be done.
  [[nodiscard]] int enter(Operation operation);
  void note(Done done);

  std::string name_;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs shim_{};

  mutable std::mutex mutex_;
  std::optional<Fault> fault_;
  std::map<Operation, int> calls_;
  std::vector<Done> done_;
  std::uint64_t mark_ = 0;
};

}  // namespace postern::test
