#!/usr/bin/env python3
"""The tour of script/run: shows Postern at work, and checks that each step was seen to work.

In the lab real packets go through a real gateway. With --loopback the daemon runs on this machine's
loopback interface with the memory backend: the same requests, no packets.
"""

import argparse
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time

import tour_pcp
import tour_upnp
from lab import GATEWAY, INET, LAN_A, WAN, Lab, LabError, sleep_until, wait_until
from narration import StepFailed, check, say, show, step
from posternd import IN_THE_LAB, ON_LOOPBACK, Daemon
from probe import TcpService, UdpService, outbound

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LEASE = 3  # seconds, for the steps that wait for the end of a lease


class Tour:
    """The steps that need no packets; they run in both places."""

    def __init__(self, daemon, gateway):
        self.daemon, self.gateway = daemon, gateway

    def run(self):
        self.map_both()
        self.show_status()
        self.delete_both()
        self.use_upnp()
        self.use_pcp()
        self.let_a_lease_end()
        say("\nThe tour is over: every step was seen to work.")

    def natpmpc(self, *arguments):
        """The real client, on the LAN host that asks."""
        command = ["natpmpc", "-g", self.gateway, *map(str, arguments)]
        say(f"  $ {' '.join(command)}")
        with self.client():
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=20)
        show("\n".join(line for line in done.stdout.splitlines()
                       if line.startswith(("Public IP", "Mapped public"))))
        check(done.returncode == 0, "the gateway said yes")

    def client(self):
        return contextlib.nullcontext()

    def mapped(self):
        return sorted(self.daemon.mappings())

    def map_both(self):
        step(f"The host {self.client_name} asks for a UDP and a TCP port")
        self.natpmpc("-a", 4000, 4000, "udp", 60)
        self.natpmpc("-a", 4000, 4000, "tcp", 60)
        check(self.mapped() == [("tcp", 4000), ("udp", 4000)], "both mappings are in the status")

    def show_status(self):
        step("What the daemon says about itself: GET http://127.0.0.1:5352/api/v1/status")
        show(json.dumps(self.daemon.status(), indent=1))

    def delete_both(self):
        step("The host takes its wishes back")
        self.natpmpc("-a", 4000, 4000, "udp", 0)
        self.natpmpc("-a", 4000, 4000, "tcp", 0)
        check(self.mapped() == [], "no mapping is left")

    def use_upnp(self):
        tour_upnp.UpnpTour(self.daemon, self.gateway, self.client).run()

    def use_pcp(self):
        tour_pcp.PcpTour(self.daemon, self.gateway, self.client).run()

    def let_a_lease_end(self):
        step(f"A lease of {LEASE} seconds ends by itself")
        self.natpmpc("-a", 4000, 4000, "udp", LEASE)
        check(("udp", 4000) in self.mapped(), "it is mapped")
        wait_until(lambda: ("udp", 4000) not in self.mapped(), LEASE + 2, "the lease ends")
        check(True, "the mapping is gone")


class LoopbackTour(Tour):
    client_name = "127.0.0.1"


class LabTour(Tour):
    """The same with packets: what arrives is what counts."""

    client_name = f"lan-a ({LAN_A})"

    def __init__(self, daemon, lab):
        super().__init__(daemon, GATEWAY)
        self.lab = lab
        self.services = {"UDP": UdpService(lab, "lan-a", 4000),
                         "TCP": TcpService(lab, "lan-a", 4000)}

    def run(self):
        step(f"Nothing is open: the Internet host {INET} tries {WAN}:4000")
        self.check_closed()
        super().run()

    def client(self):
        return self.lab.host("lan-a")

    def check_open(self, *protocols):
        for protocol in protocols or self.services:
            sender = self.services[protocol].reached((WAN, 4000))
            check(sender, f"{protocol} from {INET} to {WAN}:4000 arrives at {LAN_A}:4000")
            say(f"      the host received it from {sender[0]}:{sender[1]}")

    def check_closed(self, *protocols):
        for protocol in protocols or self.services:
            seen = self.services[protocol].reached((WAN, 4000))
            check(not seen, f"{protocol} to {WAN}:4000 does not arrive")

    def map_both(self):
        super().map_both()
        self.check_open()
        step("Mappings work in both directions, also when the ports differ")
        self.natpmpc("-a", 40100, 4001, "udp", 60)
        source = outbound(self.lab, "lan-a", 4001)
        check(source == (WAN, 40100), f"sent from {LAN_A}:4001, seen outside from {WAN}:40100")
        self.natpmpc("-a", 40100, 4001, "udp", 0)

    def show_status(self):
        super().show_status()
        step("What the kernel holds: nft list map inet postern dnat4")
        elements = self.lab.nft("list map inet postern dnat4")
        show(elements)
        check(elements.count(f"{LAN_A} . 4000") == 2, "one element for each mapping")

    def delete_both(self):
        super().delete_both()
        self.check_closed()

    def use_upnp(self):
        tour_upnp.UpnpLabTour(self.daemon, self.gateway, self.client, self.lab).run()

    def use_pcp(self):
        tour_pcp.PcpLabTour(self.daemon, self.gateway, self.client, self.lab).run()

    def let_a_lease_end(self):
        super().let_a_lease_end()
        self.check_closed("UDP")
        step("kill -9: the kernel ends the leases of a daemon that is dead")
        self.natpmpc("-a", 4000, 4000, "udp", LEASE)
        end = time.monotonic() + LEASE
        self.daemon.kill()
        self.check_open("UDP")
        sleep_until(end + 0.2)
        self.check_closed("UDP")
        self.daemon.start()
        check(self.daemon.status(), "the daemon is back")


def wait_for_the_visitor(commands, services=()):
    """Leaves everything up until a signal comes, and shows what arrives at the services."""
    say("\nEverything stays up until Ctrl-C. From another terminal try:")
    show(commands)
    with contextlib.suppress(Stopped):
        while True:
            for service in select.select(services, [], [])[0]:
                payload, sender = service.receive()
                say(f"{service.name} from {sender[0]}:{sender[1]} arrived: {payload!r}")


def visitors_commands(lab):
    script = "script/lab" if lab.name == "postern" else f"POSTERN_LAB={lab.name} script/lab"
    if os.environ.get("SUDO_USER"):
        script = f"sudo {script}"
    return f"""\
{script} exec lan-a natpmpc -g {GATEWAY} -a 4000 4000 udp 60
{script} exec inet bash -c 'echo hello >/dev/udp/{WAN}/4000'     # shown here when it arrives
{script} exec gw nft list table inet postern
{script} exec lan-a natpmpc -g {GATEWAY} -a 4000 4000 udp 0
{script} exec lan-a upnpc -r 3074 udp
{script} exec lan-a tests/lab/pcp.py --help                      # map, peer, delete by PCP"""


def choose_lab(stay):
    """A lab that is free. Who stays gets the name "postern", so that the commands are short."""
    if not stay:
        return Lab()
    lab = Lab(os.environ.get("POSTERN_LAB", "postern"))
    try:
        lab.script("status")
    except LabError:
        return lab
    return Lab()


def run_in_the_lab(stay):
    lab = choose_lab(stay)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(lab.down)
        lab.up()
        daemon = Daemon(lambda: lab.host("gw"), IN_THE_LAB)
        cleanup.callback(daemon.close)
        cleanup.callback(ignore_signals)
        with log_on_failure(daemon):
            daemon.start()
            tour = LabTour(daemon, lab)
            tour.run()
        if stay:
            wait_for_the_visitor(visitors_commands(lab), list(tour.services.values()))


def run_on_loopback(stay):
    with contextlib.ExitStack() as cleanup:
        daemon = Daemon(contextlib.nullcontext, ON_LOOPBACK)
        cleanup.callback(daemon.close)
        cleanup.callback(ignore_signals)
        with log_on_failure(daemon):
            daemon.start()
            LoopbackTour(daemon, "127.0.0.1").run()
        if stay:
            wait_for_the_visitor("natpmpc -g 127.0.0.1 -a 4000 4000 udp 60")


@contextlib.contextmanager
def log_on_failure(daemon):
    try:
        yield
    except Exception:
        say("\nThe log of the daemon:")
        show(daemon.log())
        raise


class Stopped(BaseException):
    """A signal asked for the end."""


def stop(_number, _frame):
    raise Stopped


def ignore_signals():
    """Cleaning up is not interrupted by a second Ctrl-C."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loopback", action="store_true", help="no namespaces, no packets")
    parser.add_argument("--stay", action="store_true", help="stay up after the tour")
    arguments = parser.parse_args()
    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        (run_on_loopback if arguments.loopback else run_in_the_lab)(arguments.stay)
    except Stopped:
        say("\nStopped.")
        return 130
    except (StepFailed, LabError, OSError, subprocess.SubprocessError) as failure:
        say(f"\nThe tour FAILED: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
