#!/usr/bin/env python3
"""The dashboard and the alerts name only series that the daemon writes, and each series is in the
dashboard or in an alert."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAME = re.compile(r"\bpostern_[a-z_]+")
# What a histogram called X is in queries.
PARTS = re.compile(r"_(bucket|sum|count)$")
# For those who ask themselves, and of no use in a graph.
ALONE = {"postern_build_info", "postern_firewall_info", "postern_store_state_seconds",
         "postern_store_history_rows", "postern_unsent_datagrams_total"}


def main():
    written = set(NAME.findall((ROOT / "daemon" / "metrics.cpp").read_text(encoding="utf-8")))
    wrong = []
    shown = set()
    for place in ("packaging/grafana/postern.json", "packaging/prometheus/postern.rules.yml"):
        named = set(NAME.findall((ROOT / place).read_text(encoding="utf-8")))
        known = {name if name in written else PARTS.sub("", name) for name in named}
        wrong += [f"{place}: {name} is written by nobody" for name in sorted(known - written)]
        shown |= known
    wrong += [f"{name} is shown nowhere" for name in sorted(written - shown - ALONE)]
    print("\n".join(wrong + [f"{len(written)} series, {len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
