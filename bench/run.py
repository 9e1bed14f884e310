#!/usr/bin/env python3
"""Runs the measurement and judges it; script/bench builds what is needed and starts this."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import data_plane
import report
from place import LAN_ADDRESS, BenchError, Place
from servers import Floor, Miniupnpd, Postern

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRESENT = (0, 1000, 10000)
SERVERS = ("floor_one", "floor_all", "postern", "miniupnpd")


@dataclasses.dataclass
class Plan:
    """How much is asked of one kind of server."""

    # In order of the list, so that the new mappings come after the renewals among N present.
    runs: list  # (operation, window, requests)
    prefill_seconds: dict  # by mappings present
    rounds: dict  # by mappings present
    handful: int  # mappings made when none are to be present, for renewals need some
    run_seconds: int = 10
    reply_seconds: int = 1

    def seconds_at_most(self, present):
        """Of one start of the generator: a request may time out in the end of each run."""
        timeouts = 4 * self.reply_seconds * (len(self.runs) + 1)
        return self.prefill_seconds[present] + self.run_seconds * len(self.runs) + timeouts


def plans(is_quick, rounds):
    rounds = rounds or (3 if is_quick else 9)
    fast = Plan(runs=[("renew", 16, 10000), ("renew", 1, 1000), ("map", 16, 2000), ("map", 1, 500)],
                prefill_seconds=dict.fromkeys(PRESENT, 30), rounds=dict.fromkeys(PRESENT, rounds),
                # So many that none is renewed twice in a millisecond: Postern's leases end on
                # whole ones, and a renewal that changes nothing needs no commit.
                handful=256)
    # Its cost per request grows with the mappings present, so it is asked much less, and it does
    # not get to 10,000 in the time there is: present_reached says how far it got.
    count = 30 if is_quick else 100
    slow_rounds = {0: 1, 1000: 1, 10000: 0} if is_quick else {0: 3, 1000: 2, 10000: 1}
    slow = Plan(runs=[(op, window, count) for op in ("renew", "map") for window in (16, 1)],
                prefill_seconds={0: 5, 1000: 30, 10000: 120},
                rounds={present: min(rounds, most) for present, most in slow_rounds.items()},
                handful=16, reply_seconds=10)
    return {name: slow if name == "miniupnpd" else fast for name in SERVERS}


def measure(place, server, plan, present, binaries):
    """Starts the server, makes `present` mappings, measures; returns the generator's records."""
    server.start()
    try:
        words = [str(binaries / "natpmp_load"), "--target", LAN_ADDRESS, "--server", server.name,
                 "--server-pid", str(server.pid), "--present", str(present or plan.handful),
                 "--prefill-ms", str(1000 * plan.prefill_seconds[present]),
                 "--run-ms", str(1000 * plan.run_seconds),
                 "--reply-ms", str(1000 * plan.reply_seconds)]
        for operation, window, count in plan.runs:
            words += ["--run", f"{operation}:{window}:{count}"]
        if place.has_two_cpus:
            words.append("--spin")
        done = subprocess.run(place.words(place.client, *words), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, start_new_session=True,
                              timeout=plan.seconds_at_most(present) + 30)
        if done.returncode != 0:
            raise BenchError(f"natpmp_load against {server.name}: {done.stderr}{server.log()}")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        check_doors(server, records)
    except subprocess.TimeoutExpired:
        raise BenchError(f"the measurement of {server.name} does not end") from None
    finally:
        server.stop()
    for record in records:
        record["present"] = present
    return records


def check_doors(server, records):
    """A server that says yes without the kernel's yes would be fast."""
    made = records[0]["present_reached"]
    made += sum(record["requests"] for record in records if record["op"] == "map")
    held = server.kernel_doors()
    if held < made:
        raise BenchError(f"{server.name} granted {made} mappings, the kernel holds {held}")


def run_rounds(place, servers, plan_of, binaries, out):
    """All rounds, interleaved: within a round the servers stand side by side, since the machine
    drifts."""
    records = []
    most_rounds = max(max(plan.rounds.values()) for plan in plan_of.values())
    for number in range(most_rounds):
        # Another server goes first in each round.
        start = number % len(servers)
        order = servers[start:] + servers[:start]
        for present in PRESENT:
            for server in order:
                plan = plan_of[server.name]
                if number >= plan.rounds[present]:
                    continue
                progress(f"round {number + 1} of {most_rounds}: {present:,} present, {server.name}")
                for record in measure(place, server, plan, present, binaries):
                    record["round"] = number
                    records.append(record)
                    if out:
                        out.write(json.dumps(record) + "\n")
                        out.flush()
    progress("")
    return records


def progress(text):
    """One line that changes, for somebody who watches."""
    if sys.stderr.isatty():
        print(f"\r{text:<70}", end="" if text else "\r", file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="script/bench", description="Measures Postern beside two floors and miniupnpd, and "
        "judges the bars. Exit status 1 when one is missed. bench/README.md says more.")
    parser.add_argument("--quick", action="store_true", help="two minutes at most instead of ten")
    parser.add_argument("--data-plane", action="store_true",
                        help="measures instead what mappings cost the first packet of a flow")
    parser.add_argument("--json", metavar="FILE", help="keep every measurement, a line each")
    parser.add_argument("--rounds", type=int, metavar="N", help="instead of 9, or 3 with --quick")
    parser.add_argument("--servers", default=",".join(SERVERS), metavar="A,B,...",
                        help="only these (default: %(default)s)")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bench" / "bin",
                        metavar="DIR", help="where the programs of bench/ are")
    parser.add_argument("--posternd", type=pathlib.Path, metavar="FILE",
                        help="the daemon to measure (default: the one built beside them)")
    options = parser.parse_args()
    options.servers = options.servers.split(",")
    for name in options.servers:
        if name not in SERVERS:
            parser.error(f"no server {name!r}; there are {', '.join(SERVERS)}")
    options.bin = options.bin.resolve()
    options.posternd = (options.posternd or options.bin / "posternd").resolve()
    if options.rounds is not None and not 1 <= options.rounds <= 100:
        parser.error("--rounds takes 1 to 100")
    return options


def compare_servers(place, options, out):
    """The text to print, and whether all bars are met."""
    plan_of = {name: plan for name, plan in plans(options.quick, options.rounds).items()
               if name in options.servers}
    every = {"floor_one": Floor(place, options.bin, is_together=False),
             "floor_all": Floor(place, options.bin, is_together=True),
             "postern": Postern(place, options.bin, options.posternd),
             "miniupnpd": Miniupnpd(place, options.bin)}
    servers = [every[name] for name in options.servers]
    records = run_rounds(place, servers, plan_of, options.bin, out)
    verdicts, is_passed = report.bars(records)
    note = "" if place.has_two_cpus else "Note: one CPU only, shared by server and generator.\n"
    return f"{note}{report.tables(records)}\n{verdicts}", is_passed


def measure_flows(place, options, out):
    """The text to print, and whether all bars are met."""
    rounds = options.rounds or (3 if options.quick else 9)
    records = data_plane.run_rounds(place, options.bin, rounds, out, progress)
    verdicts, is_passed = data_plane.bars(records)
    return f"{data_plane.table(records)}\n\n{verdicts}", is_passed


def main():
    options = arguments()
    if os.geteuid() != 0:
        raise BenchError("network namespaces need root: sudo script/bench")
    if not options.data_plane and "postern" in options.servers and not options.posternd.exists():
        raise BenchError(f"no daemon at {options.posternd}")
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(Place())
        out = None
        if options.json:
            out = stack.enter_context(open(options.json, "w", encoding="utf-8"))
        run = measure_flows if options.data_plane else compare_servers
        text, is_passed = run(place, options, out)
    print(text)
    print(f"\n{time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f} of "
          f"{os.cpu_count()} CPUs")
    return 0 if is_passed else 1


def interrupted(number, _):
    """A signal leaves through the with blocks, which clean up."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, interrupted)
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"script/bench: {error}")
