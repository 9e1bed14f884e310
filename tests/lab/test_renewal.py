"""New flows arrive while their mapping is renewed without a pause: none is lost."""

import contextlib
import itertools
import multiprocessing
import socket
import struct
import time

from lab import WAN
from labtest import LabTest
from natpmp import UDP, Client
from probe import udp_packet

SO_RCVBUFFORCE = 33  # asm-generic/socket.h; missing in the socket module
FLOWS = 150_000
BURST = 250  # flows sent before the arrived ones are read; the socket buffer holds far more
FIRST_SOURCE = 0xC6120000  # 198.18.0.0, the network for benchmarks
PORTS = 50_000
NONE = {"requests_per_second": 0}  # the client renews as fast as it can


def flow(number):
    """A datagram that no earlier one resembles: the kernel must look up the map for each."""
    source = socket.inet_ntoa(struct.pack("!I", FIRST_SOURCE + number // PORTS))
    return udp_packet((source, 1024 + number % PORTS), (WAN, 4000), struct.pack("!I", number))


class Renewal(LabTest):
    def setUp(self):
        super().setUp()
        # Flows of one packet each: forget them soon, or the flow table of a small machine fills up.
        self.lab.run("gw", "sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=1")
        self.host = self.lab.udp("lan-a", 4000)
        self.host.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.host.setblocking(False)
        self.sender = self.lab.socket("inet", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def test_in_place(self):  # NPMP-48
        self.start(limits=NONE)
        self.assertTrue(self.daemon.status()["backend"]["renews_in_place"])
        self.assert_no_flow_is_lost()

    def test_by_delete_and_add(self):
        self.start(nftables={"renew_in_place": False}, limits=NONE)
        self.assertFalse(self.daemon.status()["backend"]["renews_in_place"])
        self.assert_no_flow_is_lost()

    def test_a_gap_would_be_seen(self):
        # The same flows while the client deletes and maps again: now some must be lost.
        self.start(limits=NONE)
        client = Client(self.lab)
        client.map(UDP, 4000, 4000, 600)
        self.assertEqual(len(self.arrived(range(1000))), 1000)
        with self.repeating(lambda: (client.delete(UDP, 4000), client.map(UDP, 4000, 4000, 600))):
            arrived = len(self.arrived(range(1000, 21_000)))
        self.assertTrue(0 < arrived < 20_000, f"{arrived} of 20000 arrived")

    def assert_no_flow_is_lost(self):
        client = Client(self.lab)
        client.map(UDP, 4000, 4000, 600)
        before = self.daemon.status()["backend"]["commits"]
        began = time.monotonic()
        # Each renewal asks for another lifetime. Equal ones within a millisecond change nothing.
        lifetimes = itertools.cycle(range(601, 701))
        with self.repeating(lambda: client.map(UDP, 4000, 4000, next(lifetimes))) as renewals:
            arrived = self.arrived(range(FLOWS))
            count = renewals.value
        commits = self.daemon.status()["backend"]["commits"] - before
        print(f"{FLOWS} flows, {count} renewals, {commits} commits in "
              f"{time.monotonic() - began:.1f} s ", end="", flush=True)
        self.assertGreater(count, 1000)
        self.assertGreaterEqual(commits, count)  # each renewal really went to the kernel
        self.assertEqual(FLOWS - len(arrived), 0, "flows were lost")

    def arrived(self, numbers):
        """Sends flows and returns the set of those that arrived."""
        seen = set()
        for start in range(0, len(numbers), BURST):
            for number in numbers[start:start + BURST]:
                self.sender.sendto(flow(number), (WAN, 0))
            self.receive(seen)
        deadline = time.monotonic() + 0.5
        while len(seen) < len(numbers) and time.monotonic() < deadline:
            self.receive(seen)
            time.sleep(0.01)
        return seen

    def receive(self, seen):
        with contextlib.suppress(BlockingIOError):
            while True:
                seen.add(struct.unpack("!I", self.host.recv(64))[0])

    @contextlib.contextmanager
    def repeating(self, action):
        """Another process does the action again and again; yields the count of its turns."""
        context = multiprocessing.get_context("fork")
        count, stop = context.Value("L", 0), context.Event()

        def work():
            while not stop.is_set():
                action()
                count.value += 1

        process = context.Process(target=work)
        process.start()
        try:
            yield count
        finally:
            stop.set()
            process.join(10)
            process.kill()
        self.assertEqual(process.exitcode, 0)
