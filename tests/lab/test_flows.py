"""Connections that are running follow their door: they end with it, and begin with it."""

import contextlib
import select
import socket
import time

from lab import LAN_A, WAN, wait_until
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import ABSENT_AFTER, TcpService, UdpService


class Stream:
    """A remote host that keeps sending from one port, so that the kernel sees one connection."""

    def __init__(self, test, target=(WAN, 4000)):
        self.target = target
        self.sock = test.lab.udp("inet", test.lab.fresh_port())

    def arrives_at(self, service):
        """Whether the next datagram reaches the service."""
        while select.select([service], [], [], 0)[0]:
            service.receive()
        self.sock.sendto(b"stream", self.target)
        return bool(select.select([service], [], [], 0.05)[0])


class Flows(LabTest):
    def test_a_running_stream_stops_after_deletion(self):
        self.start()
        host, stream, client = UdpService(self.lab, "lan-a", 4000), Stream(self), Client(self.lab)
        client.map(UDP, 4000, 4000)
        self.assertTrue(stream.arrives_at(host))
        client.delete(UDP, 4000)
        wait_until(lambda: not stream.arrives_at(host), 1, "the stream stops")
        for _ in range(5):
            self.assertFalse(stream.arrives_at(host))

    def test_a_running_stream_stops_when_the_lease_ends(self):
        self.start()
        host, stream = UdpService(self.lab, "lan-a", 4000), Stream(self)
        Client(self.lab).map(UDP, 4000, 4000, 1)
        self.assertTrue(stream.arrives_at(host))
        wait_until(lambda: not stream.arrives_at(host), 3, "the stream stops")
        time.sleep(ABSENT_AFTER)
        self.assertFalse(stream.arrives_at(host))

    def test_a_remote_that_was_already_sending_gets_through(self):
        self.start()
        host, stream = UdpService(self.lab, "lan-a", 4000), Stream(self)
        # Without an answer, so that the kernel keeps the connection as it was.
        for _ in range(3):
            self.assertFalse(stream.arrives_at(host))
        Client(self.lab).map(UDP, 4000, 4000)
        wait_until(lambda: stream.arrives_at(host), 1, "the stream gets through")
        self.assertTrue(stream.arrives_at(host))

    def test_a_renewal_disturbs_no_stream(self):
        self.start()
        host, stream, client = UdpService(self.lab, "lan-a", 4000), Stream(self), Client(self.lab)
        client.map(UDP, 4000, 4000)
        self.assertTrue(stream.arrives_at(host))
        for _ in range(10):
            client.map(UDP, 4000, 4000)
            self.assertTrue(stream.arrives_at(host))
        self.assertEqual(self.daemon.status()["backend"]["purged_flows"], 0)

    def test_a_stream_that_lost_its_door_while_the_daemon_was_dead_ends_at_the_start(self):
        self.start()
        host, stream = UdpService(self.lab, "lan-a", 4000), Stream(self)
        Client(self.lab).map(UDP, 4000, 4000, 1)
        self.assertTrue(stream.arrives_at(host))
        self.daemon.kill()
        time.sleep(1.2)
        self.lab.nft("insert rule inet host forward ct status dnat accept")
        self.assertTrue(stream.arrives_at(host), "the kernel keeps what it began")
        self.daemon.start()
        self.assertFalse(stream.arrives_at(host))

    def test_a_restart_leaves_the_administrators_streams_alone(self):
        self.lab.nft("table ip admin { chain pre { type nat hook prerouting priority dstnat;"
                     f" ip daddr {WAN} udp dport 4100 dnat to {LAN_A}:4100; }};"
                     " chain post { type nat hook postrouting priority srcnat; }; }")
        self.lab.nft(f"insert rule inet host forward ip daddr {LAN_A} udp dport 4100 accept")
        self.start()
        ours, theirs = UdpService(self.lab, "lan-a", 4000), UdpService(self.lab, "lan-a", 4100)
        our_stream, their_stream = Stream(self), Stream(self, (WAN, 4100))
        Client(self.lab).map(UDP, 4000, 4000)
        self.assertTrue(our_stream.arrives_at(ours))
        self.assertTrue(their_stream.arrives_at(theirs))
        # From here on it is translated only because the kernel remembers the connection.
        self.lab.nft("flush chain ip admin pre")
        for stop in (self.daemon.terminate, self.daemon.kill):
            stop()
            self.daemon.start()
            self.assertEqual(self.daemon.status()["backend"]["purged_flows"], 0)
            self.assertTrue(our_stream.arrives_at(ours))
            self.assertTrue(their_stream.arrives_at(theirs))

    def tcp_after_expiry(self, **config):
        """Whether an established TCP connection still carries data after its lease has ended."""
        self.start(**config)
        # A host firewall that lets established connections go on, as most do.
        service = TcpService(self.lab, "lan-a", 4000)
        Client(self.lab).map(TCP, 4000, 4000, 1)
        caller = self.lab.socket("inet", socket.AF_INET, socket.SOCK_STREAM)
        caller.connect((WAN, 4000))
        connection, _ = service.sock.accept()
        with contextlib.closing(connection):
            connection.settimeout(ABSENT_AFTER)
            time.sleep(1.5)
            caller.sendall(b"still there?")
            try:
                return connection.recv(100) == b"still there?"
            except TimeoutError:
                return False

    def test_an_established_tcp_connection_ends_with_its_lease(self):  # NPMP-63
        self.assertFalse(self.tcp_after_expiry())

    def test_a_switch_keeps_an_established_tcp_connection(self):
        self.assertTrue(self.tcp_after_expiry(flows={"keep_established_tcp": True}))
