"""Remote filters: who may use a mapping is decided by the kernel, packet by packet.

NAT-PMP knows no filters, so the doors are planted as an earlier run of the daemon left them; at its
start it takes them over.
"""

from lab import INET, INET2, LAN_A, WAN
from labtest import LabTest
from natpmp import UDP, Client
from probe import UdpService


class Filters(LabTest):
    def plant(self, *elements):
        """The daemon runs with a mapping of lan-a's port 4000 whose forwards are these elements."""
        self.start()
        self.daemon.terminate()
        self.lab.nft(f"""
            add element inet postern pin4 {{ {LAN_A} . udp . 4000 timeout 10m }}
            add element inet postern snat4 {{ udp . {LAN_A} . 4000 timeout 10m : {WAN} . 4000 }}
        """ + "\n".join(
            f"add element inet postern {name} {{ {remote} . {WAN} . udp . 4000 timeout 10m "
            f": {LAN_A} . 4000 }}" for name, remote in elements))
        self.daemon.start()
        return UdpService(self.lab, "lan-a", 4000)

    def passes(self, service, source):
        return service.reached((WAN, 4000), source) is not None

    def filters(self):
        return [entry["remote"] for entry in self.daemon.status()["mappings"][0]["filters"]]

    def test_one_host_passes_and_the_other_does_not(self):
        host = self.plant(("dnat4_host", INET))
        self.assertEqual(self.filters(), [f"{INET}/32"])
        self.assertTrue(self.passes(host, INET))
        self.assertFalse(self.passes(host, INET2))

    def test_a_prefix_and_a_range_of_ports(self):
        host = self.plant(("dnat4_range", "203.0.113.99/32 . 1-30000"),
                          ("dnat4_range", "203.0.113.98/32 . 60000-65535"))
        self.assertTrue(self.passes(host, INET))
        self.assertFalse(self.passes(host, INET2), "not from its ports below 60000")

    def test_a_prefix_lets_its_hosts_through(self):
        host = self.plant(("dnat4_range", "203.0.113.96/30 . 0-65535"))
        self.assertTrue(self.passes(host, INET))
        self.assertTrue(self.passes(host, INET2))

    def test_prefixes_that_overlap_after_cutting(self):
        """A wide prefix on some ports, and a host in it on the others, as the daemon cuts them."""
        host = self.plant(("dnat4_range", "203.0.113.0/24 . 60000-65535"),
                          ("dnat4_range", "203.0.113.99/32 . 0-59999"))
        self.assertTrue(self.passes(host, INET))
        self.assertFalse(self.passes(host, INET2))

    def test_a_renewal_keeps_the_filter_and_a_new_mapping_has_none(self):
        host = self.plant(("dnat4_host", INET))
        client = Client(self.lab)
        client.map(UDP, 4000, 4000)
        self.assertFalse(self.passes(host, INET2))
        client.delete(UDP, 4000)
        self.assertFalse(self.passes(host, INET))
        client.map(UDP, 4000, 4000)
        self.assertTrue(self.passes(host, INET))
        self.assertTrue(self.passes(host, INET2))

    def test_an_administrators_forward_to_the_same_inside_stays_restricted(self):
        self.lab.nft(f"""
            add chain inet host static {{ type nat hook prerouting priority dstnat; }}
            add rule inet host static ip daddr {WAN} udp dport 9000 dnat ip to {LAN_A}:4000
            add rule inet host forward ip saddr {INET2} ip daddr {LAN_A} udp dport 4000 accept
        """)
        host = self.plant(("dnat4_host", INET))
        self.assertTrue(self.passes(host, INET))
        self.assertFalse(self.passes(host, INET2))
        self.assertIsNotNone(host.reached((WAN, 9000), INET2))
        self.assertIsNone(host.reached((WAN, 9000), INET), "another Internet host gets in")
