"""PCP on the iptables backend: IPv4 and IPv6 as on nftables, but for the end of leases."""

from lab import GATEWAY6, INET, INET2, INET6, LAN_A6, WAN
from labtest import LabTest
from pcp import TCP, UDP, client_on, only_from
from probe import ABSENT_AFTER, TcpService, UdpService, outbound
from test_iptables import OnNft


class Pcp(OnNft, LabTest):
    def test_map(self):
        self.start()
        client = client_on(self.lab)
        for protocol, kind in (UDP, UdpService), (TCP, TcpService):
            host = kind(self.lab, "lan-a", 4000)
            self.assertEqual(client.map(protocol, 4000, 40100).external, (WAN, 40100))
            for source in INET, INET2:
                self.assertIsNotNone(host.reached((WAN, 40100), source))
            client.map(protocol, 4000, options=[only_from(INET)])
            self.assertIsNotNone(host.reached((WAN, 40100), INET))
            self.assertIsNone(host.reached((WAN, 40100), INET2))
            self.assertEqual(client.delete(protocol, 4000).result, "SUCCESS")
            self.assert_closed(host, 40100)

    def test_peer(self):
        self.start()
        client = client_on(self.lab)
        told = client.peer(UDP, 4000, (INET, 7000), 40100)
        self.assertEqual((told.result, told.external), ("SUCCESS", (WAN, 40100)))
        self.assertEqual(outbound(self.lab, "lan-a", 4000), (WAN, 40100))
        host = UdpService(self.lab, "lan-a", 4000)
        host.sock.settimeout(ABSENT_AFTER)
        self.lab.udp("inet", 7000, INET).sendto(b"from the peer", (WAN, 40100))
        self.assertEqual(host.receive()[0], b"from the peer")
        self.assert_closed(host, 40100)  # from other ports

    def test_pinhole(self):
        self.start()
        self.assertTrue(self.daemon.status()["backend"]["pinholes"])
        client = client_on(self.lab, server=GATEWAY6)
        host = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        self.assertEqual(client.map(UDP, 4000).external, (LAN_A6, 4000))
        self.assertIsNotNone(host.reached((LAN_A6, 4000), INET6))
        self.assertEqual(client.delete(UDP, 4000).result, "SUCCESS")
        self.assertIsNone(host.reached((LAN_A6, 4000), INET6))
