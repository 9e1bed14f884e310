#pragma once

#include <optional>
#include <string>

#include "core/result.h"
#include "daemon/store_database.h"

namespace postern {

/// A database that is ours and in order.
struct OpenStoreFile {
  StoreDatabase database;
  /// It was made just now: it holds nothing.
  bool is_new = false;
  /// Only what it holds can be had: nothing can be written here.
  bool is_read_only = false;
  /// What was found instead of it and where that is now; empty when all was well.
  std::string trouble;
};

/// Why there is none.
struct StoreFileError {
  std::string text;
  /// SQLite's extended result code; 0: it was not SQLite.
  int code = 0;
  /// There is a file which may hold what an earlier run left. Otherwise there is nothing to lose.
  bool is_there = false;
};

/// Where the database is: `directory`/postern.db, for the owner's eyes only (it holds the clients'
/// nonces). Not for two processes at the same time; the second one gets an error.
class StoreFile {
 public:
  /// `vfs`: see StoreDatabase.
  StoreFile(std::string directory, const char* vfs);

  /// Opens it, and makes it where there is none. What is damaged or not ours is moved aside first.
  /// An error of the disk is no damage.
  [[nodiscard]] Result<OpenStoreFile, StoreFileError> open() const;
  /// Moves the closed database aside, with its journal: postern.db.damaged-1, -2 … and at last
  /// always -9, for a flash that dies must not fill up with copies. Returns the new name; nothing
  /// when that failed.
  [[nodiscard]] std::optional<std::string> move_aside() const;

  /// Notes beside the database that it is behind what clients were told, for a disk that takes no
  /// writes most often still takes an empty file; and that this is over. The note is on the disk
  /// when this returns, if it can be.
  void set_behind(bool is_behind) const;
  [[nodiscard]] bool is_behind() const;

  [[nodiscard]] const std::string& name() const { return file_; }

 private:
  using Opened = Result<OpenStoreFile, StoreFileError>;
  [[nodiscard]] Opened open_for_writing(bool may_move_aside) const;
  [[nodiscard]] Opened open_for_reading() const;
  [[nodiscard]] Opened begin_anew(const std::string& what, bool may_move_aside) const;
  [[nodiscard]] bool has_content() const;

  std::string directory_;
  std::string file_;
  const char* vfs_;
};

}  // namespace postern
