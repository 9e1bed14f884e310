#!/usr/bin/env python3
"""Fails on any include that runs against the arrows of ARCHITECTURE.md.

protocols/* -> core <- backends/*; daemon -> everything; nothing includes daemon. Third-party headers
stay in the one room that needs them. `--self-test` plants wrong includes and expects to find them.
"""

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("core", "protocols", "netlink", "backends", "host", "daemon", "ctl", "web", "bench", "tests")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# Whose own headers each room may include, as path prefixes. The first prefix that fits a file counts.
OWN = [
    ("core/", ["core/"]),
    ("protocols/version_demux", ["core/", "protocols/"]),
    ("protocols/port_demux", ["core/", "protocols/"]),
    ("protocols/natpmp/", ["core/", "protocols/natpmp/"]),
    ("protocols/pcp/", ["core/", "protocols/pcp/"]),
    ("protocols/upnp/", ["core/", "protocols/upnp/"]),
    ("netlink/", ["core/", "netlink/"]),
    ("backends/registry", ["core/", "netlink/", "backends/"]),
    ("backends/memory/", ["core/", "backends/memory/"]),
    ("backends/nftables/", ["core/", "netlink/", "backends/nftables/"]),
    ("backends/iptables/", ["core/", "backends/iptables/"]),
    ("backends/conntrack/", ["core/", "netlink/", "backends/conntrack/"]),
    ("host/", ["core/", "netlink/", "host/"]),
    ("daemon/", ["core/", "protocols/", "netlink/", "backends/", "host/", "web/", "daemon/"]),
    # "teardown" takes out what the iptables backend writes.
    ("ctl/", ["core/", "backends/iptables/", "host/", "ctl/"]),
    # A load generator is a client: it takes the packets, not the daemon.
    ("bench/", ["core/", "protocols/", "netlink/", "backends/", "bench/"]),
    ("tests/daemon/", ["core/", "protocols/", "backends/", "daemon/", "tests/"]),
    ("tests/fuzz/http_", ["core/", "daemon/", "tests/"]),
    # What the importer writes is what the daemon reads.
    ("tests/fuzz/import_", ["core/", "daemon/", "ctl/", "tests/"]),
    ("tests/ctl/import/", ["core/", "daemon/", "ctl/", "tests/"]),
    ("tests/ctl/", ["core/", "host/", "ctl/", "tests/"]),
    ("tests/", ["core/", "protocols/", "netlink/", "backends/", "host/", "tests/"]),
]

# Where each third-party library may be included.
THIRD_PARTY = [
    ("tl/", ["core/"]),
    ("libnftnl/", ["backends/nftables/", "host/", "bench/floor", "tests/backends/"]),
    ("libmnl/", ["netlink/", "host/", "daemon/kernel_links",
                 "daemon/neighbour_watch", "daemon/netlink_attributes", "daemon/netlink_monitor",
                 "bench/floor", "tests/backends/"]),
    ("libnetfilter_conntrack/", ["backends/conntrack/", "tests/backends/"]),
    ("boost/", ["daemon/", "tests/daemon/"]),
    ("nlohmann/", ["daemon/", "ctl/", "tests/daemon/", "tests/ctl/"]),
    ("spdlog/", ["daemon/", "tests/daemon/"]),
    ("toml", ["daemon/", "ctl/settings", "tests/daemon/"]),
    ("CLI/", ["ctl/"]),
    ("sqlite3", ["daemon/", "tests/daemon/", "tests/support/faulty_vfs"]),
    ("pugixml", ["protocols/upnp/soap_envelope", "tests/upnp/"]),
    ("gtest/", ["tests/"]),
    ("gmock/", ["tests/"]),
]

# What makes a system call has no place in the pure rooms. inet_pton and inet_ntop only read and write text.
PURE = ("core/", "protocols/", "backends/memory/")
IMPURE_HEADERS = ("sys/", "net/", "netinet/", "linux/", "unistd.h", "poll.h", "fcntl.h", "thread", "ctime", "iostream",
                  "fstream")


def starts_with(name, prefixes):
    return any(name.startswith(prefix) for prefix in prefixes)


def wrong_include(file, quote, target):
    """Why this include must not be, or None."""
    if quote == '"':
        allowed = next((allowed for prefix, allowed in OWN if file.startswith(prefix)), None)
        if allowed is None:
            return "no rule for this room"
        if not starts_with(target, ROOMS):
            return "own headers are included by their path from the root"
        return None if starts_with(target, allowed) else "against the arrows"
    if starts_with(target, [room + "/" for room in ROOMS]):
        return "own headers are included with quotes"
    for library, rooms in THIRD_PARTY:
        if target.startswith(library) and not starts_with(file, rooms):
            return f"{library} belongs in {', '.join(rooms)}"
    if starts_with(file, PURE) and starts_with(target, IMPURE_HEADERS):
        return "this room does no input or output"
    return None


def check(root):
    """All wrong includes below root, and how many includes there were."""
    wrong, count = [], 0
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix not in (".h", ".cpp", ".in") or not path.is_file():
                continue
            file = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if found := INCLUDE.match(line):
                    count += 1
                    if reason := wrong_include(file, *found.groups()):
                        wrong.append(f"{file}:{number}: {line.strip()}: {reason}")
    return wrong, count


def self_test():
    planted = {
        "core/a.h": ['"protocols/natpmp/wire.h"', '"backends/memory/memory_backend.h"', '"daemon/config.h"',
                     "<boost/asio.hpp>", "<sys/socket.h>", '"a.h"', "<core/time.h>", "<spdlog/spdlog.h>"],
        "protocols/natpmp/b.cpp": ['"protocols/pcp/wire.h"', '"protocols/version_demux.h"',
                                   '"backends/registry.h"', "<libmnl/libmnl.h>", "<tl/expected.hpp>"],
        "protocols/version_demux.cpp": ['"daemon/main.h"', '"backends/registry.h"'],
        "backends/nftables/c.cpp": ['"protocols/natpmp/wire.h"', '"backends/memory/memory_backend.h"',
                                    "<nlohmann/json.hpp>"],
        "backends/registry.cpp": ['"daemon/config.h"'],
        "daemon/d.cpp": ['"tests/support/home.h"', "<libnftnl/set.h>", "<gtest/gtest.h>"],
        "tests/core/e_test.cpp": ['"daemon/config.h"', "<toml++/toml.h>"],
        "ctl/g.cpp": ['"daemon/config.h"', '"backends/nftables/ruleset.h"', "<toml++/toml.h>", "<libmnl/libmnl.h>"],
        "host/h.cpp": ["<CLI/CLI.hpp>", '"ctl/settings.h"'],
        "bench/f.cpp": ['"daemon/config.h"', "<boost/asio.hpp>"],
    }
    allowed = {
        "core/ok.h": ['"core/time.h"', "<tl/expected.hpp>", "<vector>", "<arpa/inet.h>"],
        "protocols/version_demux.h": ['"protocols/natpmp/wire.h"', '"core/frontend.h"'],
        "backends/registry.h": ['"backends/nftables/nftables_backend.h"'],
        "backends/nftables/ok.h": ["<libnftnl/set.h>", '"netlink/headers.h"', "<linux/netlink.h>"],
        "ctl/settings.cpp": ["<toml++/toml.h>", '"backends/iptables/tool.h"', "<CLI/CLI.hpp>", '"host/doctor.h"'],
        "netlink/ok.h": ["<libmnl/libmnl.h>", '"core/result.h"'],
        "daemon/netlink_monitor.cpp": ["<libmnl/libmnl.h>", '"protocols/version_demux.h"', "<boost/asio.hpp>"],
    }
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for files in (planted, allowed):
            for name, includes in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text("".join(f"#include {include}\n" for include in includes))
        wrong, count = check(root)
    expected = {f"{name}:{number}: #include {include}" for name, includes in planted.items()
                for number, include in enumerate(includes, 1)}
    found = {line.rsplit(": ", 1)[0] for line in wrong}
    for missed in sorted(expected - found):
        print("not found:", missed)
    for false in sorted(found - expected):
        print("found although allowed:", false)
    everything = sum(len(includes) for files in (planted, allowed) for includes in files.values())
    return found == expected and count == everything


def main():
    if "--self-test" in sys.argv:
        good = self_test()
        print("the check finds what is planted" if good else "THE CHECK IS BLIND")
        return 0 if good else 1
    wrong, count = check(ROOT)
    for line in wrong:
        print(line)
    print(f"{count} includes, {len(wrong)} wrong")
    return 1 if wrong or count < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
