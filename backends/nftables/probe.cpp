#include "backends/nftables/probe.h"

#include <chrono>
#include <vector>

#include "backends/nftables/element_messages.h"
#include "backends/nftables/ruleset.h"
#include "netlink/batch.h"

namespace postern::nftables {
namespace {

constexpr const char* kTable = "postern-probe";

}  // namespace

Result<bool, netlink::Error> renews_in_place(netlink::Socket& socket) {
  constexpr std::chrono::minutes kShort{1};
  constexpr std::chrono::minutes kLong{60};
  // From the ranges for documentation (RFC 5737); no chain looks at the table.
  std::vector<Element> elements;
  append_elements(
      Forward4{Protocol::udp, {Address::v4(0xc0000201), 1}, {Address::v4(0xc0000202), 1}},
      elements);
  const TimedElement before{elements.front(), kShort};
  const TimedElement after{elements.front(), kLong};
  netlink::Batch batch;
  batch.begin();
  put_no_table(batch, kTable);
  put_table(batch, kTable);
  put_container(batch, kTable, Container::dnat4);
  put_add(batch, kTable, Container::dnat4, {&before, 1});
  batch.end();
  if (auto made = socket.transact(batch); !made) return fail(made.error());

  batch.begin();
  put_add(batch, kTable, Container::dnat4, {&after, 1});
  batch.end();
  const bool renewed = socket.transact(batch).has_value();
  const auto held = held_elements(kTable, Container::dnat4);

  batch.begin();
  put_no_table(batch, kTable);
  batch.end();
  if (auto gone = socket.transact(batch); !gone) return fail(gone.error());
  if (!held) return fail(held.error());
  return renewed && held->size() == 1 && held->front().timeout > kShort;
}

}  // namespace postern::nftables
