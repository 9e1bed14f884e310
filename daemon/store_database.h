#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace postern {

/// Why SQLite did not do something.
struct DatabaseError {
  /// SQLite's extended result code.
  int code = 0;
  std::string text;

  /// The file is no database, or a damaged one.
  [[nodiscard]] bool is_damage() const;
  /// Nothing more can be written where it is, or not there at all; it can be read.
  [[nodiscard]] bool is_read_only() const;
  [[nodiscard]] bool is_full() const;
  /// Another process has it.
  [[nodiscard]] bool is_busy() const;
};

/// One connection to one file. After an error nothing more is done until it is forgotten, so that
/// whoever does many things looks only once at the end.
class StoreDatabase {
 public:
  enum class Access : std::uint8_t {
    read_write,
    /// Of a file that cannot change while we look: no lock, no journal.
    immutable,
  };

  /// Opens the file, which must be there; error() says whether that worked. `vfs` is SQLite's name
  /// of the file system to use, null for its own. The journal stays as it is at the end, unless
  /// take_in_journal() was called: a damaged database is not written to.
  StoreDatabase(const std::string& file, Access access, const char* vfs);

  [[nodiscard]] const std::optional<DatabaseError>& error() const { return error_; }
  void set_error(std::optional<DatabaseError> error) { error_ = std::move(error); }

  /// At the end the file holds all, and the journal goes.
  void take_in_journal();

  /// Statements without parameters and without rows of interest.
  void run(const char* sql);
  /// The one number that a statement yields; 0 when it yields none.
  [[nodiscard]] std::int64_t number(const char* sql);
  /// The one text that a statement yields; empty when it yields none.
  [[nodiscard]] std::string text(const char* sql);

 private:
  friend class StoreStatement;
  struct Closer {
    void operator()(sqlite3* connection) const;
  };
  /// Keeps the first error.
  void note(int code);

  std::unique_ptr<sqlite3, Closer> connection_;
  std::optional<DatabaseError> error_;
};

/// One prepared statement. Errors are the database's, which outlives it.
class StoreStatement {
 public:
  StoreStatement(StoreDatabase& database, std::string_view sql);

  // Parameters are bound from left to right.
  StoreStatement& bind(std::int64_t value);
  StoreStatement& bind(const std::string& text);
  StoreStatement& bind(std::span<const std::uint8_t> octets);
  StoreStatement& bind_nothing();

  /// Does it with what is bound, and is ready for the next parameters.
  void run();
  /// Whether there is another row.
  [[nodiscard]] bool next();

  // The columns of the row that next() found, whatever type they have there.
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string text(int column) const;
  /// Until the next row.
  [[nodiscard]] std::span<const std::uint8_t> octets(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  void note(int code);

  StoreDatabase& database_;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int bound_ = 0;
};

}  // namespace postern
