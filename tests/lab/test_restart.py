"""The daemon dies and comes back: doors stay, leases go on, their owners take them over."""

import contextlib
import socket
import threading
import time

from lab import INET, INET6, LAN_A, LAN_A6, WAN, family_of, sleep_until, wait_until
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import ABSENT_AFTER, TcpService, UdpService, outbound

SO_RCVBUFFORCE = 33  # Python has no name for it


class Restart(LabTest):
    """Without a store: all there is stands in the firewall."""

    settings = {"store": "none"}

    def test_a_killed_daemon_finds_its_doors_again(self):  # NPMP-93
        self.start()
        client = Client(self.lab)
        client.map(UDP, 4000, 40100, 600)
        client.map(TCP, 4000, 40100, 600)
        hosts = [UdpService(self.lab, "lan-a", 4000), TcpService(self.lab, "lan-a", 4000)]
        for end in self.daemon.kill, self.daemon.terminate:
            with self.subTest(end.__name__):
                end()
                for host in hosts:
                    self.assert_open(host, 40100)
                    self.assert_closed(host, 40101)
                self.daemon.start()
                recovered = (LAN_A, 4000, ["recovered"])
                self.assertEqual(self.daemon.mappings(),
                                 {("udp", 40100): recovered, ("tcp", 40100): recovered})
                for host in hosts:
                    self.assert_open(host, 40100)

    def test_the_client_takes_its_mapping_over(self):  # NPMP-45, 48, 78
        self.start()
        client = Client(self.lab)
        client.map(UDP, 4000, 40100, 600)
        time.sleep(2)  # so that the epoch of the second run is told from the first one's
        self.assertGreaterEqual(client.external_address().epoch, 2)
        self.daemon.kill()
        self.daemon.start()
        stranger = Client(self.lab, "lan-b").map(UDP, 4000, 40100, 600)
        self.assertNotEqual(stranger.external, 40100)
        reply = client.map(UDP, 4000, 40100, 300)
        self.assertLess(reply.epoch, 2)
        self.assertEqual((reply.external, reply.lifetime), (40100, 300))
        self.assertEqual(self.daemon.mappings()[("udp", 40100)], (LAN_A, 4000, ["natpmp"]))
        self.assertEqual(outbound(self.lab, "lan-a", 4000), (WAN, 40100))  # NPMP-58
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 40100)

    def test_the_client_can_delete_what_was_recovered(self):  # NPMP-65
        self.start()
        client = Client(self.lab)
        client.map(UDP, 4000, 4000, 600)
        host = UdpService(self.lab, "lan-a", 4000)
        self.daemon.kill()
        self.daemon.start()
        self.assert_open(host, 4000)
        self.assertEqual(client.delete(UDP, 4000).result, 0)
        self.assert_closed(host, 4000)
        self.assertEqual(self.daemon.mappings(), {})

    def test_a_recovered_lease_ends_when_it_would_have(self):
        self.start()
        asked = time.monotonic()
        Client(self.lab).map(UDP, 4000, 4000, 4)
        granted = time.monotonic()
        host = UdpService(self.lab, "lan-a", 4000)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.mappings()[("udp", 4000)][2], ["recovered"])
        sleep_until(asked + 3.3)
        self.assert_open(host, 4000)
        sleep_until(granted + 4.1)
        self.assert_closed(host, 4000)
        self.assertEqual(self.daemon.mappings(), {})

    def test_a_recovered_mapping_follows_a_change_of_the_wan_address_meanwhile(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000, 600)
        self.daemon.kill()
        self.lab.ip("gw", "address flush dev wan0")
        self.lab.ip("gw", "address add 203.0.113.7/24 dev wan0")
        self.lab.ip("gw", f"route add default via {INET}")
        self.daemon.start()
        host = UdpService(self.lab, "lan-a", 4000)
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).external, 4000)
        self.assert_open(host, 4000, "203.0.113.7")
        self.assert_closed(host, 4000, WAN)


class NewFlows(threading.Thread):
    """A thousand callers a second, each from a port of its own and with one datagram, until
    stop()."""

    def __init__(self, lab, target, source):
        super().__init__(daemon=True)
        self.sent = 0
        self._lab, self._target, self._source = lab, target, source
        self._is_over = threading.Event()

    def run(self):
        with self._lab.host("inet"):
            began = time.monotonic()
            while not self._is_over.wait(0.001):
                # A busy machine wakes us late; what is due is then sent together.
                due = int(1000 * (time.monotonic() - began))
                for _ in range(min(due - self.sent, 50)):
                    self._call()

    def stop(self):
        self._is_over.set()
        self.join()

    def _call(self):
        sock = socket.socket(family_of(self._source), socket.SOCK_DGRAM)
        with contextlib.closing(sock):
            sock.bind((self._source, self._lab.fresh_port()))
            sock.sendto(b"%d" % self.sent, self._target)
        self.sent += 1


class RestartUnderTraffic(LabTest):
    """New flows are what a gap in the rules would lose; running ones live on in the kernel."""

    def test_no_new_flow_to_a_mapping_is_lost(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 40100, 600)
        self.assert_none_lost(UdpService(self.lab, "lan-a", 4000), (WAN, 40100), INET)
        self.assertEqual(list(self.daemon.mappings()), [("udp", 40100)])

    def test_no_new_flow_through_a_pinhole_is_lost(self):
        # Found by the daemon at its start, as one of an earlier run.
        self.start()
        self.daemon.terminate()
        self.lab.nft(f"add element inet postern pin6 {{ {LAN_A6} . udp . 4000 timeout 10m }}")
        self.daemon.start()
        self.assert_none_lost(UdpService(self.lab, "lan-a", 4000, LAN_A6), (LAN_A6, 4000), INET6)
        self.assertEqual(self.daemon.status()["mapping_count"], 1)

    def assert_none_lost(self, service, target, source):
        # All that is sent waits here for the end of the test.
        service.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        # The hosts of a new lab need a moment to find each other.
        wait_until(lambda: service.reached(target, source), 5, "the door is open")
        flows = NewFlows(self.lab, target, source)
        self.addCleanup(flows.stop)
        flows.start()
        for end in 3 * [self.daemon.kill, self.daemon.terminate]:
            self.let_pass(flows, 100)
            end()
            self.let_pass(flows, 100)
            self.daemon.start()
        self.let_pass(flows, 100)
        flows.stop()
        arrived = set()
        service.sock.settimeout(ABSENT_AFTER)
        with contextlib.suppress(TimeoutError):
            while True:
                arrived.add(int(service.receive()[0]))
        self.assertEqual(sorted(set(range(flows.sent)) - arrived), [])

    @staticmethod
    def let_pass(flows, count):
        target = flows.sent + count
        wait_until(lambda: flows.sent >= target, 10, f"{count} more calls")
