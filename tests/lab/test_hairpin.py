"""A LAN host reaches a mapped port by the external address, as the Internet does (RFC 4787 REQ-9)."""

from lab import LAN_A, WAN
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import TcpService, UdpService

KIND = {UDP: UdpService, TCP: TcpService}


class Hairpin(LabTest):  # NPMP-60
    def setUp(self):
        super().setUp()
        # Otherwise LAN traffic might pass the IP hooks inside the bridge, and this works by accident.
        self.lab.run("gw", "sh", "-c", "for f in /proc/sys/net/bridge/bridge-nf-call-*; do "
                     "[ ! -e $f ] || [ $(cat $f) = 0 ]; done")

    def test_another_lan_host_gets_through(self):
        self.start()
        for protocol in UDP, TCP:
            with self.subTest(protocol):
                Client(self.lab).map(protocol, 4000, 40100)
                host = KIND[protocol](self.lab, "lan-a", 4000)
                sender = host.reached((WAN, 40100), source="192.168.1.11", by="lan-b")
                self.assertEqual(sender[0], WAN, "the host sees the sender's external address")

    def test_the_host_itself_gets_through(self):
        self.start()
        for protocol in UDP, TCP:
            with self.subTest(protocol):
                Client(self.lab).map(protocol, 4000, 40100)
                host = KIND[protocol](self.lab, "lan-a", 4000)
                self.assertEqual(host.reached((WAN, 40100), source=LAN_A, by="lan-a")[0], WAN)

    def test_the_host_sees_the_senders_mapped_port(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 40100)
        Client(self.lab, "lan-b").map(UDP, 5000, 40200)
        host = UdpService(self.lab, "lan-a", 4000)
        sender = self.lab.udp("lan-b", 5000)
        sender.sendto(b"hello", (WAN, 40100))
        host.sock.settimeout(1)
        self.assertEqual(host.receive(), (b"hello", (WAN, 40200)))
        # And the answer comes back, from where the sender sent to.
        host.sock.sendto(b"hello yourself", (WAN, 40200))
        sender.settimeout(1)
        self.assertEqual(sender.recvfrom(100), (b"hello yourself", (WAN, 40100)))

    def test_it_ends_with_the_door(self):
        self.start()
        client = Client(self.lab)
        client.map(UDP, 4000, 40100)
        host = UdpService(self.lab, "lan-a", 4000)
        self.assertIsNotNone(host.reached((WAN, 40100), source="192.168.1.11", by="lan-b"))
        client.delete(UDP, 4000)
        self.assertIsNone(host.reached((WAN, 40100), source="192.168.1.11", by="lan-b"))

    def test_the_true_sender_from_outside_is_still_seen(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 40100)
        self.assertEqual(UdpService(self.lab, "lan-a", 4000).reached((WAN, 40100))[0],
                         "203.0.113.99")
