#pragma once

namespace postern::test {

/// How many TCP segments with data this socket has received. (Apart, for the kernel's <linux/tcp.h>
/// cannot be included beside <netinet/tcp.h>, whose tcp_info lacks it.)
[[nodiscard]] unsigned received_data_segments(int socket);

}  // namespace postern::test
