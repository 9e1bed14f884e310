"""The part of the tour that is about PCP: a port, a filter, a remote peer, a pinhole."""

import subprocess
import sys

from lab import GATEWAY6, INET, INET2, INET6, LAN_A, LAN_A6, ROOT, WAN
from narration import check, say, show, step
from probe import UdpService, outbound

CLIENT = "tests/lab/pcp.py"


class PcpTour:
    """What needs no packets. `client` enters the host that asks."""

    def __init__(self, daemon, gateway, client):
        self.daemon, self.gateway, self.client = daemon, gateway, client

    def run(self):
        self.map()
        self.filter()
        self.peer()
        self.delete()

    def ask(self, *arguments, gateway=None):
        command = [CLIENT, "-g", gateway or self.gateway, *map(str, arguments)]
        say(f"  $ {' '.join(command)}")
        with self.client():
            done = subprocess.run([sys.executable, "-B", *command], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=20, cwd=ROOT)
        show(done.stdout + done.stderr)
        check(done.returncode == 0, "the gateway said yes")

    def map(self):
        step("The newer protocol, PCP: another port outside than inside")
        self.ask("map", "udp", 4002, "--external", 40102)
        check(list(self.daemon.mappings()) == [("udp", 40102)], "the mapping is in the status")

    def filter(self):
        step("PCP's FILTER: only one host of the Internet may use it from now on")
        self.ask("map", "udp", 4002, "--only-from", INET)
        filters = self.daemon.status()["mappings"][0]["filters"]
        check([entry["remote"] for entry in filters] == [f"{INET}/32"], "so says the status")

    def peer(self):
        step("PCP's PEER: a port for one remote peer, that is told before the first packet")
        self.ask("peer", "udp", 4003, f"{INET}:7000", "--external", 40103)

    def delete(self):
        step("The host takes its wish back; what it asked for a peer ends by itself")
        self.ask("delete", "udp", 4002)
        check(list(self.daemon.mappings()) == [("udp", 40103)], "the mapping is gone")


class PcpLabTour(PcpTour):
    """The same with packets, and over IPv6."""

    def __init__(self, daemon, gateway, client, lab):
        super().__init__(daemon, gateway, client)
        self.lab = lab
        self.host = UdpService(lab, "lan-a", 4002)
        self.host6 = UdpService(lab, "lan-a", 4002, LAN_A6)

    def run(self):
        super().run()
        self.open_a_pinhole()

    def check_reached(self, is_open, source=INET):
        seen = self.host.reached((WAN, 40102), source)
        check(bool(seen) == is_open, f"UDP from {source} to {WAN}:40102 "
              + (f"arrives at {LAN_A}:4002" if is_open else "does not arrive"))

    def map(self):
        super().map()
        self.check_reached(True)
        self.check_reached(True, INET2)

    def filter(self):
        super().filter()
        self.check_reached(True)
        self.check_reached(False, INET2)

    def peer(self):
        super().peer()
        source = outbound(self.lab, "lan-a", 4003)
        check(source == (WAN, 40103), f"sent from {LAN_A}:4003, seen outside from {WAN}:40103")

    def delete(self):
        super().delete()
        self.check_reached(False)

    def open_a_pinhole(self):
        step("PCP over IPv6: nothing is translated, but the firewall lets packets in")
        target = f"[{LAN_A6}]:4002"
        for is_open, request in (False, None), (True, "map"), (False, "delete"):
            if request:
                self.ask(request, "udp", 4002, gateway=GATEWAY6)
            seen = self.host6.reached((LAN_A6, 4002), INET6)
            check(bool(seen) == is_open, f"UDP from {INET6} to {target} "
                  + ("arrives" if is_open else "does not arrive"))
