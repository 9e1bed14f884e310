"""A mapping touches nothing but its own door: not the gateway's services, not other hosts."""

from lab import GATEWAY, INET, INET2, LAN_A, LAN_B, WAN
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import TcpService, UdpService, outbound, service


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

    def test_a_static_forward_to_a_mapped_inside_stays_restricted(self):
        # The mapping leads to the same inside by another port. From there on their packets look
        # alike, and a rule that tells doors by their inside alone opened the forward to everybody.
        self.start()
        self.lab.nft(f"""
            add chain inet host static {{ type nat hook prerouting priority dstnat; }}
            add rule inet host static ip daddr {WAN} tcp dport 9000 dnat ip to {LAN_A}:4000
            add rule inet host static ip daddr {WAN} udp dport 9000 dnat ip to {LAN_A}:4000
            add rule inet host forward ip saddr {INET2} ip daddr {LAN_A} th dport 4000 accept
        """)
        for kind, protocol in (UdpService, UDP), (TcpService, TCP):
            with self.subTest(kind.name):
                host, client = kind(self.lab, "lan-a", 4000), Client(self.lab)
                self.assert_restricted(host)
                self.assertEqual(client.map(protocol, 4000, 9001).external, 9001)
                self.assert_open(host, 9001)
                self.assertIsNotNone(host.reached((WAN, 9001), LAN_B, "lan-b"), "from inside")
                self.assert_restricted(host)
                client.delete(protocol, 4000)
                self.assert_closed(host, 9001)
                self.assert_restricted(host)

    def assert_restricted(self, host):
        """The administrator's port 9000 leads to `host` for one source alone."""
        self.assertIsNotNone(host.reached((WAN, 9000), INET2))
        self.assertIsNone(host.reached((WAN, 9000), INET), "another Internet host gets in")
        self.assertIsNone(host.reached((WAN, 9000), LAN_B, "lan-b"), "the LAN gets in")

    def test_only_connections_through_doors_are_marked(self):
        self.start()
        self.lab.nft(f"""
            add chain inet host static {{ type nat hook prerouting priority dstnat; }}
            add rule inet host static ip daddr {WAN} udp dport 9000 dnat ip to {LAN_B}:9000
            insert rule inet host forward ip daddr {LAN_B} udp dport 9000 accept
            add table inet spy
            add chain inet spy forward {{ type filter hook forward priority 10; }}
            add chain inet spy input {{ type filter hook input priority 10; }}
            add rule inet spy forward ct mark & 0x10000000 != 0 counter
            add rule inet spy input ct mark & 0x10000000 != 0 counter
        """)
        marked = "counter packets [1-9]"
        Client(self.lab).map(UDP, 4000, 4000)
        outbound(self.lab, "lan-a", 5000)
        own = UdpService(self.lab, "gw", 9100)
        self.assertIsNotNone(own.reached((GATEWAY, 9100), LAN_A, "lan-a"))
        self.assert_open(UdpService(self.lab, "lan-b", 9000), 9000)
        self.assertNotRegex(self.lab.nft("list table inet spy"), marked)
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 4000)
        self.assertRegex(self.lab.nft("list chain inet spy forward"), marked)

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
