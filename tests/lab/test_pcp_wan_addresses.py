"""A second address on the WAN: PCP clients may ask for it, and are reached by it."""

from lab import INET, LAN_B, WAN
from labtest import LabTest
from pcp import TCP, UDP, client_on, parse, prefer_failure
from probe import TcpService, UdpService, outbound

SECOND = "203.0.113.7"


class SecondAddress(LabTest):
    def setUp(self):
        super().setUp()
        self.lab.ip("gw", f"address add {SECOND}/24 dev wan0")
        self.start()
        self.client = client_on(self.lab)

    def test_who_suggests_it_gets_it(self):  # PCP-077, 241
        for protocol, kind in (UDP, UdpService), (TCP, TcpService):
            with self.subTest(kind.name):
                host = kind(self.lab, "lan-a", 4000)
                told = self.client.map(protocol, 4000, 40100, address=SECOND)
                self.assertEqual(told.external, (SECOND, 40100))
                self.assert_open(host, 40100, SECOND)
                self.assert_closed(host, 40100, WAN)
                # From inside, too.
                self.assertEqual(host.reached((SECOND, 40100), LAN_B, "lan-b")[0], SECOND)
                self.assertIsNone(host.reached((WAN, 40100), LAN_B, "lan-b"))

    def test_what_is_sent_leaves_from_it(self):  # PCP-070, 077
        self.client.map(UDP, 4000, 40100, address=SECOND)
        self.assertEqual(outbound(self.lab, "lan-a", 4000), (SECOND, 40100))
        self.assertEqual(outbound(self.lab, "lan-a", 4001), (WAN, 4001))

    def test_without_a_wish_a_host_stays_on_one_address(self):  # PCP-076
        self.assertEqual(self.client.map(UDP, 4000, 40100, address=SECOND).external[0], SECOND)
        self.assertEqual(self.client.map(UDP, 4001).external[0], SECOND)
        self.assertEqual(client_on(self.lab, "lan-b").map(UDP, 4002).external[0], WAN)

    def test_one_that_is_not_ours_is_no_wish(self):  # PCP-074, 143
        for address in INET, "127.0.0.1", "224.0.0.1", "2001:db8::1":
            self.assertEqual(self.client.map(UDP, 4000, 40100, address=address).external,
                             (WAN, 40100))
        refused = self.client.map(UDP, 4001, 40101, address=INET, options=[prefer_failure()])
        self.assertEqual(refused.result, "CANNOT_PROVIDE_EXTERNAL")

    def test_when_it_goes_its_mappings_move(self):  # PCP-180
        host = UdpService(self.lab, "lan-a", 4000)
        self.client.map(UDP, 4000, 40100, address=SECOND)
        self.assert_open(host, 40100, SECOND)
        self.lab.ip("gw", f"address delete {SECOND}/24 dev wan0")
        update = self.client.hear(5)
        self.assertIsNotNone(update, "no mapping update came")
        self.assertEqual(parse(update).external, (WAN, 40100))
        self.assert_open(host, 40100, WAN)
