"""What PCP loses and keeps when the LAN gets another prefix, and when the daemon starts again."""

import select
import socket
import time

from lab import GATEWAY6, INET6, LAN_A6, WAN, wait_until
from labtest import LabTest
from pcp import UDP, client_on
from probe import UdpService
from test_pcp_announcements import announcements, listener
from test_pcp_link_local import link_local


class NewLanPrefix(LabTest):
    def test_pinholes_of_the_old_one_end(self):  # PCP-161, 172, 195
        link_local(self.lab, "gw", "br-lan")
        self.start()
        over6 = listener(self.lab, family=socket.AF_INET6)
        client = client_on(self.lab, server=GATEWAY6)
        host = UdpService(self.lab, "lan-a", 4000, "::")
        client.map(UDP, 4000)
        v4 = client_on(self.lab)
        v4.map(UDP, 4000, 40100)
        self.assertIsNotNone(host.reached((LAN_A6, 4000), INET6))
        time.sleep(2)
        while select.select([over6], [], [], 0)[0]:
            over6.recv(2048)
        self.lab.ip("gw", "address add 2001:db8:2::1/64 dev br-lan nodad")
        self.lab.ip("lan-a", "address add 2001:db8:2::10/64 dev eth0 nodad")
        self.lab.ip("gw", f"address delete {GATEWAY6}/64 dev br-lan")
        self.lab.ip("gw", "route add 2001:db8:1::/64 dev br-lan")  # packets still find the way
        wait_until(lambda: self.daemon.status()["mapping_count"] == 1, 5, "the pinhole ends")
        self.assertIsNone(host.reached((LAN_A6, 4000), INET6))
        heard = [entry for entry in announcements(over6, 6, 3) if entry[1] < 2]
        self.assertGreaterEqual(len(heard), 2, "no announcement with a new epoch")
        self.assertGreaterEqual(v4.announce().epoch, 2, "IPv4 lost nothing")
        self.assertIn(("udp", 40100), self.daemon.mappings())
        self.lab.ip("inet", "route add 2001:db8:2::/64 via 2001:db8:ff::1")
        fresh = client_on(self.lab, server="2001:db8:2::1", source="2001:db8:2::10")
        self.assertEqual(fresh.map(UDP, 4000).external, ("2001:db8:2::10", 4000))
        self.assertIsNotNone(host.reached(("2001:db8:2::10", 4000), INET6))


class Restart(LabTest):
    """Without a store: all there is stands in the firewall."""

    settings = {"store": "none"}

    def test_doors_stay_and_their_owner_takes_them_over(self):  # PCP-161
        self.start()
        host = UdpService(self.lab, "lan-a", 4000)
        hole = UdpService(self.lab, "lan-a", 4001, LAN_A6)
        clients = client_on(self.lab), client_on(self.lab, server=GATEWAY6)
        for end in self.daemon.kill, self.daemon.terminate:
            with self.subTest(end.__name__):
                self.map(clients)
                time.sleep(2)
                end()
                self.assert_both(host, hole)
                self.daemon.start()
                self.assert_both(host, hole)
                self.assertEqual(self.daemon.mappings()[("udp", 40100)][2], ["recovered"])
                stranger = client_on(self.lab, "lan-b").map(UDP, 4000, 40100)
                self.assertNotEqual(stranger.external[1], 40100)
                for reply in self.map(clients):
                    self.assertLess(reply.epoch, 2)
                self.assert_both(host, hole)
        for client in clients:
            self.assertEqual(client.delete(UDP, 4000 + (":" in client.address)).result, "SUCCESS")
        self.assert_closed(host, 40100)
        self.assertIsNone(hole.reached((LAN_A6, 4001), INET6))

    def map(self, clients):
        replies = [clients[0].map(UDP, 4000, 40100), clients[1].map(UDP, 4001)]
        self.assertEqual([reply.external for reply in replies], [(WAN, 40100), (LAN_A6, 4001)])
        return replies

    def assert_both(self, host, hole):
        self.assert_open(host, 40100)
        self.assertIsNotNone(hole.reached((LAN_A6, 4001), INET6))
