#pragma once

// The one way in to libnetfilter_conntrack's headers. Those of the kernel, which they partly repeat
// under the same include guards, must come first; clang-format would sort them the other way.
// clang-format off
#include "netlink/headers.h"
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
// clang-format on
