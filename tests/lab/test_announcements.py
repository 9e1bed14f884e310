"""What the daemon tells the LAN unasked (RFC 6886, 3.2.1), and what it does on a new address."""

import select
import socket
import time

from lab import GATEWAY, INET, WAN
from labtest import LabTest
from natpmp import PORT, UDP, Client, parse_address
from probe import UdpService, captured

GROUP = ("224.0.0.1", 5350)
NEW_WAN = "203.0.113.7"
SERIES = (0, 0.25, 0.75, 1.75, 3.75)  # seconds after the first: the gaps double (NPMP-82)


class Announcements(LabTest):
    # PCP's announcements go to the same port, and UPnP's fill the buffers of who sees all frames.
    settings = {"pcp": {"enabled": False}, "upnp": {"enabled": False}}

    def test_a_series_at_start(self):  # NPMP-81, 82, 83, 84, 86
        wan = self.lab.frames("inet", "eth0")
        lan = self.lab.frames("lan-b", "eth0")
        listener = self.listener()
        self.start()
        heard = self.listen(listener, len(SERIES))
        self.assert_is_series(heard, WAN)
        epochs = [reply.epoch for _, reply, _ in heard]
        self.assertEqual(epochs, sorted(epochs))
        self.assertGreater(epochs[-1], epochs[0])
        seen = [packet for packet in captured(lan) if packet[1] == GROUP]
        self.assertGreaterEqual(len(seen), len(SERIES))
        self.assertEqual({ttl for _, _, ttl, _ in seen}, {1})
        self.assertEqual([packet for packet in captured(wan) if packet[0][1] == PORT], [])

    def test_a_new_external_address(self):  # NPMP-80, 81, 85
        listener = self.listener()
        self.start()
        host = UdpService(self.lab, "lan-a", 4000)
        client = Client(self.lab)
        client.map(UDP, 4000, 4000, 600)
        self.assert_open(host, 4000)
        time.sleep(2)  # the epoch shall have something to lose
        while self.pending(listener, 0):
            listener.recv(2048)
        self.assertGreaterEqual(client.external_address().epoch, 2)
        self.reconnect(NEW_WAN)
        heard = self.listen(listener, len(SERIES))
        self.assert_is_series(heard, NEW_WAN)
        self.assertLess(heard[0][1].epoch, 2)
        self.assertEqual(client.external_address().address, NEW_WAN)
        self.assert_open(host, 4000, NEW_WAN)
        self.assert_closed(host, 4000, WAN)
        self.assertEqual(client.map(UDP, 4000).external, 4000)

    def test_none_while_there_is_no_address(self):  # NPMP-87
        self.lab.ip("gw", "address flush dev wan0")
        listener = self.listener()
        self.start()
        self.assertFalse(self.pending(listener, 1.2))
        self.reconnect(WAN)
        self.assertEqual(self.listen(listener, 1)[0][1].address, WAN)

    def test_none_when_switched_off(self):  # NPMP-09, 10, 88
        listener = self.listener()
        daemon = self.start(natpmp={"enabled": False})
        self.assertFalse(self.pending(listener, 1.2))
        sock = self.lab.socket("lan-a", socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((GATEWAY, PORT))
        sock.settimeout(1)
        sock.send(b"\0\0")
        with self.assertRaises(ConnectionRefusedError):  # ICMP port unreachable
            sock.recv(2048)
        daemon.close()
        self.start()
        self.assertTrue(self.pending(listener, 1.2))
        self.assertEqual(Client(self.lab).external_address().result, 0)

    def listener(self):
        return self.lab.udp("lan-a", GROUP[1])  # every host is a member of 224.0.0.1

    def pending(self, listener, timeout):
        return bool(select.select([listener], [], [], timeout)[0])

    def listen(self, listener, count):
        """The next announcements: [(moment, reply, source)]."""
        heard = []
        while len(heard) < count:
            self.assertTrue(self.pending(listener, 4), f"only {len(heard)} announcements")
            payload, source = listener.recvfrom(2048)
            heard.append((time.monotonic(), parse_address(payload), source))
        return heard

    def assert_is_series(self, heard, address):
        for (moment, reply, source), due in zip(heard, SERIES):
            self.assertAlmostEqual(moment - heard[0][0], due, delta=0.2)
            self.assertEqual((reply.result, reply.address), (0, address))
            self.assertEqual(source, (GATEWAY, PORT))

    def reconnect(self, address):
        """The provider gives another address, as after a new dial-in."""
        self.lab.ip("gw", "address flush dev wan0")
        self.lab.ip("gw", f"address add {address}/24 dev wan0")
        self.lab.ip("gw", f"route add default via {INET}")
