#include "daemon/store_schema.h"

#include <string>
#include <string_view>

namespace postern {
namespace {

/// "Post".
constexpr std::int64_t kApplicationId = 0x506f7374;
/// Grows with each change of the tables, which then brings a way from the version before.
constexpr std::int64_t kSchemaVersion = 1;

/// Moments are milliseconds of CLOCK_BOOTTIME in the boot that `meta` names. Addresses are text,
/// for people who look. What else the columns mean stands at the members that they keep
/// (core/mapping.h).
constexpr std::string_view kTables[] = {
    // One row. `mark`: see StoreMark.
    "CREATE TABLE meta(one INTEGER PRIMARY KEY CHECK(one = 1), boot_id TEXT NOT NULL,"
    " moment INTEGER NOT NULL, wall_ms INTEGER NOT NULL, mark INTEGER NOT NULL,"
    " epoch INTEGER, pinhole_epoch INTEGER, external_addresses TEXT NOT NULL)",
    // `filters`: how many rows of filter belong to it. One that is lost would let everybody in.
    "CREATE TABLE mapping(id INTEGER PRIMARY KEY, protocol INTEGER NOT NULL,"
    " internal_address TEXT NOT NULL, internal_port INTEGER NOT NULL,"
    " external_address TEXT NOT NULL, external_port INTEGER NOT NULL,"
    " created INTEGER NOT NULL, is_primary INTEGER NOT NULL, filters INTEGER NOT NULL)",
    "CREATE TABLE claim(mapping INTEGER NOT NULL, position INTEGER NOT NULL,"
    " frontend TEXT NOT NULL, client TEXT NOT NULL,"
    " remote_address TEXT, remote_port INTEGER, admits_remote INTEGER NOT NULL,"
    " granted INTEGER NOT NULL, ends INTEGER NOT NULL, is_permanent INTEGER NOT NULL,"
    " reserves_companion INTEGER NOT NULL, is_filtering INTEGER NOT NULL,"
    " is_enabled INTEGER NOT NULL, nonce BLOB, description TEXT NOT NULL, tag INTEGER,"
    " contact_interface INTEGER, contact_gateway_address TEXT, contact_gateway_port INTEGER,"
    " contact_asker_address TEXT, contact_asker_port INTEGER, contact_answered INTEGER,"
    " PRIMARY KEY(mapping, position)) WITHOUT ROWID",
    "CREATE TABLE filter(mapping INTEGER NOT NULL, position INTEGER NOT NULL,"
    " remote TEXT NOT NULL, first_port INTEGER NOT NULL, last_port INTEGER NOT NULL,"
    " PRIMARY KEY(mapping, position)) WITHOUT ROWID",
    // Columns as the members of HistoryEntry.
    "CREATE TABLE history(id INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL, event TEXT NOT NULL,"
    " why TEXT NOT NULL, frontend TEXT NOT NULL, client TEXT NOT NULL, protocol TEXT NOT NULL,"
    " internal TEXT NOT NULL, external TEXT NOT NULL, rule TEXT NOT NULL)",
};

[[nodiscard]] bool has_our_tables(StoreDatabase& database) {
  StoreStatement found(database,
                       "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
                       " ORDER BY rowid");
  for (const auto table : kTables) {
    if (!found.next() || found.text(0) != table) return false;
  }
  return !found.next();
}

/// quick_check tells errors of the disk as it tells damage, in words for people. Such a file is to
/// stay where it is; and counting finds the same errors, and says so.
[[nodiscard]] bool is_in_order(StoreDatabase& database) {
  constexpr const char* kCheck = "PRAGMA quick_check(1)";
  if (database.text(kCheck) == "ok") return true;
  for (const char* table : {"meta", "mapping", "claim", "filter", "history"}) {
    (void)database.number((std::string("SELECT count(*) FROM ") + table).c_str());
  }
  // The disk may have failed that once.
  return database.text(kCheck) == "ok";
}

}  // namespace

StoreContent look_into(StoreDatabase& database) {
  const auto application = database.number("PRAGMA application_id");
  const auto version = database.number("PRAGMA user_version");
  const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
  if (application == 0 && version == 0 && tables == 0) return StoreContent::none;
  if (application != kApplicationId) return StoreContent::foreign;
  if (version > kSchemaVersion) return StoreContent::newer;
  if (version != kSchemaVersion || !has_our_tables(database)) return StoreContent::damaged;
  return is_in_order(database) ? StoreContent::ours : StoreContent::damaged;
}

void create_tables(StoreDatabase& database) {
  database.run("BEGIN IMMEDIATE");
  for (const auto table : kTables) database.run(std::string(table).c_str());
  database.run("INSERT INTO meta VALUES(1, '', 0, 0, 0, NULL, NULL, '')");
  database.run(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  database.run(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
  database.run("COMMIT");
}

}  // namespace postern
