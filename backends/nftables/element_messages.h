#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "backends/nftables/elements.h"
#include "core/result.h"
#include "core/time.h"
#include "netlink/batch.h"
#include "netlink/socket.h"

/// Elements in the kernel's messages. `table` is the name of an `inet` table.
namespace postern::nftables {

/// How many elements stand in one message at most. A nested attribute holds less than 64 KiB (its
/// length has 16 bits), an element at most 144 octets: two keys with their headers, a value, two
/// times.
inline constexpr std::size_t kElementsPerMessage = 450;

/// An element and how long from now it is to live, or has left.
struct TimedElement {
  Element element;
  Milliseconds timeout{0};
};

/// nft add element inet TABLE CONTAINER { KEY timeout T expires T : DATA, … }
///
/// One message, so at most kElementsPerMessage elements, all of that container. One that is there
/// with the same data is no error; where the kernel can, its time is set anew. Other data is
/// refused with EEXIST.
void put_add(netlink::Batch& batch, const char* table, Container container,
             std::span<const TimedElement> elements,
             std::optional<std::size_t> change = std::nullopt);

/// nft delete element inet TABLE CONTAINER { KEY, … }
///
/// The same; refused with ENOENT when one is not there.
void put_delete(netlink::Batch& batch, const char* table, Container container,
                std::span<const TimedElement> elements,
                std::optional<std::size_t> change = std::nullopt);

/// nft list table inet TABLE, as far as whether it is there
[[nodiscard]] Result<bool, netlink::Error> table_exists(const char* table);

/// nft list map inet TABLE CONTAINER
///
/// Those elements that have a timeout and a key and data of our form. None when the table or the
/// container does not exist. Asks again when the rules changed meanwhile.
[[nodiscard]] Result<std::vector<TimedElement>, netlink::Error> held_elements(const char* table,
                                                                              Container container);

/// nft get element inet TABLE CONTAINER { KEY }
///
/// How many packets these elements have counted, all together; nothing when one of them is not
/// there as given. The kernel looks each of them up, however many others there are.
[[nodiscard]] Result<std::optional<std::uint64_t>, netlink::Error> packets_counted(
    const char* table, std::span<const Element> elements);

}  // namespace postern::nftables
