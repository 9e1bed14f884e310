"""The daemon dies and comes back: doors stay, leases go on, their owners take them over."""

import time

from lab import INET, LAN_A, WAN, sleep_until
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import TcpService, UdpService, outbound


class Restart(LabTest):
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
