#include "daemon/store_database.h"

#include <sqlite3.h>

namespace postern {
namespace {

/// More than any text that is ours, and little enough for a file that somebody else made.
constexpr int kLongestValue = 1'000'000;

/// A path as a URI (https://sqlite.org/uri.html), which is how immutable files are named.
[[nodiscard]] std::string immutable_uri(const std::string& file) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : file) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet == '%' || octet == '?' || octet == '#') {
      uri += {'%', kDigits[octet >> 4], kDigits[octet & 15]};
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

bool DatabaseError::is_damage() const {
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

bool DatabaseError::is_read_only() const {
  return (code & 0xff) == SQLITE_READONLY || (code & 0xff) == SQLITE_CANTOPEN;
}

bool DatabaseError::is_full() const {
  return (code & 0xff) == SQLITE_FULL;
}

bool DatabaseError::is_busy() const {
  return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
}

void StoreDatabase::Closer::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

StoreDatabase::StoreDatabase(const std::string& file, Access access, const char* vfs) {
  const bool is_immutable = access == Access::immutable;
  const int flags = is_immutable ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2((is_immutable ? immutable_uri(file) : file).c_str(), &connection,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  connection_.reset(connection);
  note(code);
  if (error_) return;
  sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, kLongestValue);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void StoreDatabase::take_in_journal() {
  sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

void StoreDatabase::note(int code) {
  if (error_ || code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  error_ = DatabaseError{code, sqlite3_errstr(code)};
}

void StoreDatabase::run(const char* sql) {
  if (error_) return;
  note(sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr));
}

std::int64_t StoreDatabase::number(const char* sql) {
  StoreStatement statement(*this, sql);
  return statement.next() ? statement.number(0) : 0;
}

std::string StoreDatabase::text(const char* sql) {
  StoreStatement statement(*this, sql);
  return statement.next() ? statement.text(0) : std::string();
}

void StoreStatement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

StoreStatement::StoreStatement(StoreDatabase& database, std::string_view sql)
    : database_(database) {
  if (database_.error_) return;
  sqlite3_stmt* statement = nullptr;
  note(sqlite3_prepare_v2(database_.connection_.get(), sql.data(), static_cast<int>(sql.size()),
                          &statement, nullptr));
  statement_.reset(statement);
}

void StoreStatement::note(int code) {
  database_.note(code);
}

StoreStatement& StoreStatement::bind(std::int64_t value) {
  if (!database_.error_) note(sqlite3_bind_int64(statement_.get(), ++bound_, value));
  return *this;
}

StoreStatement& StoreStatement::bind(const std::string& text) {
  if (database_.error_) return *this;
  note(sqlite3_bind_text(statement_.get(), ++bound_, text.data(), static_cast<int>(text.size()),
                         SQLITE_TRANSIENT));
  return *this;
}

StoreStatement& StoreStatement::bind(std::span<const std::uint8_t> octets) {
  if (database_.error_) return *this;
  note(sqlite3_bind_blob(statement_.get(), ++bound_, octets.data(), static_cast<int>(octets.size()),
                         SQLITE_TRANSIENT));
  return *this;
}

StoreStatement& StoreStatement::bind_nothing() {
  if (!database_.error_) note(sqlite3_bind_null(statement_.get(), ++bound_));
  return *this;
}

void StoreStatement::run() {
  while (next()) {
  }
  if (statement_) sqlite3_reset(statement_.get());
  bound_ = 0;
}

bool StoreStatement::next() {
  if (database_.error_) return false;
  const int code = sqlite3_step(statement_.get());
  note(code);
  return code == SQLITE_ROW;
}

bool StoreStatement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t StoreStatement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string StoreStatement::text(int column) const {
  const auto octets = this->octets(column);
  return {octets.begin(), octets.end()};
}

std::span<const std::uint8_t> StoreStatement::octets(int column) const {
  const auto* begin =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return begin ? std::span(begin, size) : std::span<const std::uint8_t>();
}

}  // namespace postern
