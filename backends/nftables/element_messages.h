#pragma once

#include <cstddef>
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

/// An element and how long from now it is to live, or has left.
struct TimedElement {
  Element element;
  Milliseconds timeout{0};
};

/// nft add element inet TABLE CONTAINER { KEY timeout T expires T : DATA }
///
/// An element that is there with the same data is no error; where the kernel can, its time is set
/// anew. Other data is refused with EEXIST.
void put_add(netlink::Batch& batch, const char* table, const TimedElement& element,
             std::optional<std::size_t> change = std::nullopt);

/// nft add element …; nft delete element inet TABLE CONTAINER { KEY }
///
/// The element is added first so that deleting it cannot fail when its own timer was faster. (The
/// kernel has a delete that never fails only since 6.3.) Refused with EEXIST when somebody else put
/// other data there.
void put_ensured_delete(netlink::Batch& batch, const char* table, const Element& element,
                        std::optional<std::size_t> change = std::nullopt);

/// Adds any number of elements of one container, many in one message.
void put_add_all(netlink::Batch& batch, const char* table, Container container,
                 std::span<const TimedElement> elements);

/// nft list map inet TABLE CONTAINER
///
/// Those elements that have a timeout and a key and data of our form. None when the table or the
/// container does not exist. Asks again when the rules changed meanwhile.
[[nodiscard]] Result<std::vector<TimedElement>, netlink::Error> held_elements(const char* table,
                                                                              Container container);

}  // namespace postern::nftables
