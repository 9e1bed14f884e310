"""PCP's PEER: the outbound port that a client is told is the one its remote peer sees."""

import contextlib
import time

from lab import INET, INET2, WAN
from labtest import LabTest
from pcp import UDP, client_on, only_from, prefer_failure
from probe import ABSENT_AFTER, UdpService, outbound

PEER_PORT = 7000
REMOTE = (INET, PEER_PORT)


class Peer(LabTest):
    settings = {"lifetime": {"min": "2s"}}

    def setUp(self):
        super().setUp()
        # Idle flows are forgotten soon, so that a test can wait for it.
        for name in "udp_timeout", "udp_timeout_stream":
            self.lab.run("gw", "sysctl", "-qw", f"net.netfilter.nf_conntrack_{name}=1")
        self.start()
        self.client = client_on(self.lab)
        self.remote = self.lab.udp("inet", PEER_PORT, INET)
        self.remote.settimeout(ABSENT_AFTER)

    def source_seen(self, sock):
        """As whom the remote peer sees a socket of the LAN."""
        sock.sendto(b"hello", REMOTE)
        return self.remote.recvfrom(2048)[1]

    def reaches(self, sock, target, sender):
        """Whether a datagram from the sender's socket arrives at the LAN host's socket."""
        sock.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                sock.recv(2048)
        sock.settimeout(ABSENT_AFTER)
        sender.sendto(b"back", target)
        try:
            return sock.recv(2048) == b"back"
        except TimeoutError:
            return False

    def test_the_peer_sees_the_port_that_was_told(self):  # PCP-132, 134
        for suggested in 40100, 0:
            with self.subTest(suggested):
                internal = self.lab.fresh_port()
                reply = self.client.peer(UDP, internal, REMOTE, suggested)
                self.assertEqual((reply.result, reply.lifetime), ("SUCCESS", 600))
                self.assertEqual(reply.peer, REMOTE)
                self.assertIn(suggested, (0, reply.external[1]))
                self.assertEqual(self.source_seen(self.lab.udp("lan-a", internal)), reply.external)

    def test_a_running_flow_keeps_its_port_and_the_client_is_told(self):  # PCP-135, 137
        # Another host has the port that the kernel would choose.
        neighbour, host = self.lab.udp("lan-b", 4000), self.lab.udp("lan-a", 4000)
        self.assertEqual(self.source_seen(neighbour), (WAN, 4000))
        seen = self.source_seen(host)
        self.assertNotEqual(seen, (WAN, 4000))
        for lifetime in 0, 600, 0:
            told = self.client.peer(UDP, 4000, REMOTE, 40100, lifetime=lifetime)
            self.assertEqual((told.result, told.external), ("SUCCESS", seen))
            self.assertEqual(self.source_seen(host), seen)

    def test_the_peer_gets_in_after_the_kernel_forgot_the_flow(self):  # PCP-134, 138
        host, without_peer = self.lab.udp("lan-a", 4000), self.lab.udp("lan-b", 4001)
        self.assertEqual(self.source_seen(host), (WAN, 4000))
        seen = self.source_seen(without_peer)
        told = self.client.peer(UDP, 4000, REMOTE).external
        time.sleep(2.2)
        self.assertFalse(self.reaches(without_peer, seen, self.remote), "flows are remembered")
        self.assertTrue(self.reaches(host, told, self.remote))
        for address, port in (INET2, PEER_PORT), (INET, PEER_PORT + 1):
            stranger = self.lab.udp("inet", port, address)
            self.assertFalse(self.reaches(host, told, stranger), f"{address}:{port} gets in")

    def test_a_lapse_leaves_the_flow_running(self):  # PCP-138
        host = self.lab.udp("lan-a", 4000)
        told = self.client.peer(UDP, 4000, REMOTE, 40100, lifetime=2).external
        for _ in range(4):
            self.assertEqual(self.source_seen(host), told)
            self.assertTrue(self.reaches(host, told, self.remote))
            time.sleep(0.7)
        self.assertEqual(self.daemon.mappings(), {})
        self.assertTrue(self.reaches(host, told, self.remote), "the flow ended with the PEER")
        self.assertEqual(self.source_seen(host), told)
        time.sleep(2.2)
        self.assertFalse(self.reaches(host, told, self.remote), "the door stayed open")

    def test_what_cannot_be(self):  # PCP-112, 126, 131, 133, 134, 136, 137
        client_on(self.lab, "lan-b").map(UDP, 5000, 40100)
        refused = self.client.peer(UDP, 4000, REMOTE, 40100)
        self.assertEqual(refused.result, "CANNOT_PROVIDE_EXTERNAL")
        self.assertEqual(self.client.peer(UDP, 4000, REMOTE, lifetime=0).result,
                         "CANNOT_PROVIDE_EXTERNAL")
        for peer, options, result in (
                (("127.0.0.1", 7000), (), "MALFORMED_REQUEST"),
                (("224.0.0.1", 7000), (), "MALFORMED_REQUEST"),
                ((INET, 0), (), "MALFORMED_REQUEST"),
                (REMOTE, [prefer_failure()], "MALFORMED_REQUEST"),
                (REMOTE, [only_from(INET)], "MALFORMED_OPTION")):
            self.assertEqual(self.client.peer(UDP, 4000, peer, options=options).result, result)
        self.assertEqual(len(self.daemon.mappings()), 1)
        told = self.client.peer(UDP, 4000, REMOTE, 40200)
        for lifetime in 600, 0:
            stolen = self.client.peer(UDP, 4000, REMOTE, nonce=bytes(12), lifetime=lifetime)
            self.assertEqual(stolen.result, "NOT_AUTHORIZED")
        self.assertEqual(self.client.delete(UDP, 4000).result, "NOT_AUTHORIZED")  # PCP-125
        self.assertEqual(self.source_seen(self.lab.udp("lan-a", 4000)), told.external)

    def test_map_on_top_keeps_the_port_and_lets_everybody_in(self):  # PCP-080
        told = self.client.peer(UDP, 4000, REMOTE, 40100).external
        host = UdpService(self.lab, "lan-a", 4000)
        self.assert_closed(host, 40100)
        self.assertEqual(self.client.map(UDP, 4000).external, told)
        self.assertIsNotNone(host.reached(told, INET2))
        self.assertEqual(self.client.delete(UDP, 4000).result, "SUCCESS")
        self.assertIsNone(host.reached(told, INET2))
        self.assertTrue(self.reaches(host.sock, told, self.remote), "PEER ended with MAP")


class SwitchedOff(LabTest):
    def test_it_may_be_disabled(self):  # PCP-130
        self.start(pcp={"peer": False})
        client = client_on(self.lab)
        self.assertEqual(client.peer(UDP, 4000, REMOTE, 40100).result, "UNSUPP_OPCODE")
        self.assertEqual(outbound(self.lab, "lan-a", 4000), (WAN, 4000))
        self.assertEqual(client.map(UDP, 4000, 4000).result, "SUCCESS")
