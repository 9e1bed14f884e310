"""A mapping touches nothing but its own door: not the gateway's services, not other hosts."""

from lab import GATEWAY, INET, INET2, LAN_A, LAN_B, WAN
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import TcpService, UdpService, service


class Neighbours(LabTest):
    def test_a_mapping_never_captures_traffic_to_the_gateways_own_services(self):
        self.start()
        for protocol in "udp", "tcp":
            with self.subTest(protocol):
                host = service(self.lab, protocol, "lan-a", 8080)
                own = service(self.lab, protocol, "gw", 8080)
                self.lab.natpmpc("lan-a", "-a", 8080, 8080, protocol, 60)
                self.assert_open(host, 8080)
                for client, address in ("lan-b", LAN_B), ("lan-a", LAN_A):
                    self.assertIsNotNone(own.reached((GATEWAY, 8080), address, client))
                    self.assertIsNone(host.reached((GATEWAY, 8080), address, client))

    def test_a_mapping_never_captures_traffic_to_other_internet_hosts(self):
        self.start()
        self.lab.natpmpc("lan-a", "-a", 8080, 8080, "udp", 60)
        mine = UdpService(self.lab, "lan-a", 8080)
        far = UdpService(self.lab, "inet", 8080)
        self.assert_open(mine, 8080)
        self.assertIsNotNone(far.reached((INET, 8080), LAN_B, "lan-b"))
        self.assertIsNone(mine.reached((INET, 8080), LAN_B, "lan-b"))

    def test_the_gateways_second_address_is_not_opened(self):
        self.lab.ip("gw", "address add 203.0.113.2/24 dev wan0")
        self.start()
        client = Client(self.lab)
        address = client.external_address().address  # NPMP-33
        self.assertEqual(address, WAN)
        client.map(UDP, 4000, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        self.assert_open(host, 4000, address)
        self.assert_closed(host, 4000, "203.0.113.2")

    def test_a_static_forward_of_the_administrator_stays_restricted(self):
        # Marking on "ct status dnat" alone opened it to everybody.
        self.start()
        self.lab.nft(f"""
            add chain inet host static {{ type nat hook prerouting priority dstnat; }}
            add rule inet host static ip daddr {WAN} udp dport 9000 dnat ip to {LAN_B}:9000
            add rule inet host forward ip saddr {INET2} udp dport 9000 accept
        """)
        Client(self.lab).map(UDP, 4000, 4000)
        static = UdpService(self.lab, "lan-b", 9000)
        self.assertIsNotNone(static.reached((WAN, 9000), INET2))
        self.assertIsNone(static.reached((WAN, 9000), INET))
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 4000)

    def test_an_administrators_forward_of_the_same_port_wins(self):
        # Whether it was loaded after our rules or before them. The port was granted before.
        mine = UdpService(self.lab, "lan-a", 9000)
        static = UdpService(self.lab, "lan-b", 9000)
        self.start()
        Client(self.lab).map(UDP, 9000, 9000)
        self.assert_open(mine, 9000)
        self.forward_statically(9000)
        for is_restarted in False, True:
            with self.subTest(restarted=is_restarted):
                if is_restarted:
                    self.daemon.terminate()
                    self.daemon.start()
                self.assert_open(static, 9000)
                self.assert_closed(mine, 9000)

    def forward_statically(self, port):
        """An administrator's own forward to lan-b."""
        self.lab.nft(f"""
            add chain inet host static {{ type nat hook prerouting priority dstnat; }}
            add rule inet host static ip daddr {WAN} udp dport {port} dnat ip to {LAN_B}:{port}
            add rule inet host forward ip daddr {LAN_B} udp dport {port} accept
        """)

    def test_the_companion_port_is_kept_for_the_same_host(self):  # NPMP-39
        self.start()
        Client(self.lab).map(TCP, 4000, 4000)
        theirs = Client(self.lab, "lan-b").map(UDP, 4000, 4000)
        self.assertNotEqual(theirs.external, 4000)
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).external, 4000)
        for lan_host, kind, port in (("lan-a", TcpService, 4000), ("lan-a", UdpService, 4000),
                                     ("lan-b", UdpService, theirs.external)):
            self.assert_open(kind(self.lab, lan_host, 4000), port)
