#include "daemon/store_batch.h"

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>

#include "protocols/pcp/utf8.h"

namespace postern {
namespace {

[[nodiscard]] std::int64_t number_of(Moment moment) {
  return moment.time_since_epoch().count();
}

[[nodiscard]] std::int64_t number_of(MappingId id) {
  return static_cast<std::int64_t>(id);
}

/// The statements by which mappings are replaced, prepared once for a batch.
class MappingWriter {
 public:
  explicit MappingWriter(StoreDatabase& database)
      : drop_mapping_(database, "DELETE FROM mapping WHERE id = ?"),
        drop_claims_(database, "DELETE FROM claim WHERE mapping = ?"),
        drop_filters_(database, "DELETE FROM filter WHERE mapping = ?"),
        add_mapping_(database, "INSERT INTO mapping VALUES(?,?,?,?,?,?,?,?,?)"),
        add_claim_(database,
                   "INSERT INTO claim VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
        add_filter_(database, "INSERT INTO filter VALUES(?,?,?,?,?)") {}

  void drop(MappingId id) {
    for (auto* statement : {&drop_mapping_, &drop_claims_, &drop_filters_}) {
      statement->bind(number_of(id)).run();
    }
  }

  void add(const Mapping& mapping) {
    add_mapping_.bind(number_of(mapping.id)).bind(static_cast<std::int64_t>(mapping.protocol));
    bind(add_mapping_, mapping.internal);
    bind(add_mapping_, mapping.external);
    add_mapping_.bind(number_of(mapping.created))
        .bind(std::int64_t{mapping.is_primary})
        .bind(std::ssize(mapping.filters))
        .run();
    std::int64_t position = 0;
    for (const auto& claim : mapping.claims) add(mapping.id, position++, claim);
    position = 0;
    for (const auto& filter : mapping.filters) {
      add_filter_.bind(number_of(mapping.id))
          .bind(position++)
          .bind(filter.remote.to_string())
          .bind(filter.first_port)
          .bind(filter.last_port)
          .run();
    }
  }

 private:
  static void bind(StoreStatement& statement, const Endpoint& endpoint) {
    statement.bind(endpoint.address.to_string()).bind(endpoint.port);
  }

  void add(MappingId mapping, std::int64_t position, const Claim& claim) {
    const auto& [claimant, lease] = std::tie(claim.claimant, claim.lease);
    auto& statement = add_claim_;
    statement.bind(number_of(mapping))
        .bind(position)
        .bind(std::string(claimant.frontend))
        .bind(claimant.client.to_string());
    if (claimant.remote) {
      bind(statement, *claimant.remote);
    } else {
      statement.bind_nothing().bind_nothing();
    }
    statement.bind(std::int64_t{claimant.admits_remote})
        .bind(lease.granted.count())
        .bind(number_of(lease.ends))
        .bind(std::int64_t{lease.is_permanent})
        .bind(std::int64_t{claim.reserves_companion})
        .bind(std::int64_t{claim.is_filtering})
        .bind(std::int64_t{claim.is_enabled});
    bind(statement, *claim.details);
    statement.run();
  }

  static void bind(StoreStatement& statement, const ClaimDetails& details) {
    if (details.nonce) {
      statement.bind(details.nonce->octets);
    } else {
      statement.bind_nothing();
    }
    statement.bind(details.description);
    if (details.tag) {
      statement.bind(*details.tag);
    } else {
      statement.bind_nothing();
    }
    if (const auto& contact = details.contact) {
      statement.bind(contact->interface_index);
      bind(statement, contact->gateway);
      bind(statement, contact->asker);
      statement.bind(number_of(contact->answered));
    } else {
      for (int i = 0; i < 6; ++i) statement.bind_nothing();
    }
  }

  StoreStatement drop_mapping_;
  StoreStatement drop_claims_;
  StoreStatement drop_filters_;
  StoreStatement add_mapping_;
  StoreStatement add_claim_;
  StoreStatement add_filter_;
};

void write_mappings(StoreDatabase& database, const StoreBatch& batch) {
  if (batch.is_everything) {
    database.run("DELETE FROM mapping; DELETE FROM claim; DELETE FROM filter");
  }
  if (batch.mappings.empty()) return;
  MappingWriter writer(database);
  for (const auto& [id, mapping] : batch.mappings) {
    if (!batch.is_everything) writer.drop(id);
    if (mapping) writer.add(*mapping);
  }
}

void write_history(StoreDatabase& database, const std::vector<HistoryEntry>& entries,
                   std::uint32_t history_rows) {
  if (history_rows == 0) database.run("DELETE FROM history");
  if (history_rows == 0 || entries.empty()) return;
  StoreStatement add(database,
                     "INSERT INTO history(wall_ms, event, why, frontend, client, protocol,"
                     " internal, external, rule) VALUES(?,?,?,?,?,?,?,?,?)");
  for (const auto& entry : entries) {
    add.bind(entry.wall_ms)
        .bind(entry.event)
        .bind(entry.why)
        .bind(entry.frontend)
        .bind(entry.client)
        .bind(entry.protocol)
        .bind(entry.internal)
        .bind(entry.external)
        .bind(entry.rule)
        .run();
  }
  StoreStatement trim(database,
                      "DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?");
  trim.bind(history_rows).run();
}

void write_meta(StoreDatabase& database, const StoreMeta& meta) {
  StoreStatement statement(database, "REPLACE INTO meta VALUES(1,?,?,?,?,?,?,?)");
  statement.bind(meta.boot_id)
      .bind(number_of(meta.written.moment))
      .bind(meta.written.wall_ms)
      .bind(static_cast<std::int64_t>(meta.mark));
  std::string addresses;
  if (meta.epochs) {
    statement.bind(number_of(meta.epochs->epoch)).bind(number_of(meta.epochs->pinhole_epoch));
    for (const auto& address : meta.epochs->external_addresses) {
      addresses += (addresses.empty() ? "" : " ") + address.to_string();
    }
  } else {
    statement.bind_nothing().bind_nothing();
  }
  statement.bind(addresses).run();
}

/// Text that came from the disk, where anything may have happened to it.
[[nodiscard]] std::string safe_text(const StoreStatement& statement, int column) {
  auto text = statement.text(column);
  return pcp::is_utf8(text) ? text : "?";
}

}  // namespace

void write_batch(StoreDatabase& database, const StoreBatch& batch, std::uint32_t history_rows) {
  database.run("BEGIN IMMEDIATE");
  write_mappings(database, batch);
  write_history(database, batch.history, history_rows);
  write_meta(database, batch.meta);
  database.run("COMMIT");
  if (!database.error()) return;
  // Some errors have ended the transaction, and then this is one, too, of no interest.
  const auto error = *database.error();
  database.set_error({});
  database.run("ROLLBACK");
  database.set_error(error);
}

std::vector<HistoryEntry> read_history(StoreDatabase& database, const HistoryQuery& query) {
  StoreStatement statement(database,
                           "SELECT id, wall_ms, event, why, frontend, client, protocol, internal,"
                           " external, rule FROM history WHERE id < ?"
                           " AND (? = '' OR client = ?) AND (? = '' OR event = ?)"
                           " ORDER BY id DESC LIMIT ?");
  statement.bind(query.before).bind(query.client).bind(query.client);
  statement.bind(query.event).bind(query.event);
  statement.bind(std::int64_t{std::min(query.limit, HistoryQuery::kMost)});
  std::vector<HistoryEntry> entries;
  while (statement.next()) {
    entries.push_back({statement.number(0), statement.number(1), safe_text(statement, 2),
                       safe_text(statement, 3), safe_text(statement, 4), safe_text(statement, 5),
                       safe_text(statement, 6), safe_text(statement, 7), safe_text(statement, 8),
                       safe_text(statement, 9)});
  }
  return entries;
}

std::uint64_t count_history(StoreDatabase& database) {
  return static_cast<std::uint64_t>(
      database.number("SELECT (SELECT max(id) FROM history) - (SELECT min(id) FROM history) + 1"));
}

}  // namespace postern
