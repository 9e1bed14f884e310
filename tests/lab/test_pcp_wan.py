"""The external address changes: PCP's clients are told, each at the socket that it asked from."""

import time

import pcp
from lab import GATEWAY6, INET, INET2, INET6, LAN_A, LAN_A6, LAN_B, WAN, wait_until
from labtest import LabTest
from pcp import UDP, client_on, only_from, third_party
from probe import UdpService, outbound
from test_pcp_announcements import announcements, listener

NEW_WAN = "203.0.113.7"


class NewWanAddress(LabTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.client = client_on(self.lab)

    def reconnect(self):
        """The provider gives another address, as after a new dial-in."""
        self.lab.ip("gw", "-4 address flush dev wan0")
        self.lab.ip("gw", f"address add {NEW_WAN}/24 dev wan0")
        self.lab.ip("gw", f"route add default via {INET}")

    def updates(self, client, count=3):
        """The unsolicited answers at the client's own socket: [(moment, reply)]."""
        heard = []
        while len(heard) < count and (payload := client.hear(3)):
            heard.append((time.monotonic(), pcp.parse(payload)))
        return heard

    def test_clients_are_told_and_the_new_address_works(self):  # PCP-154, 161, 171, 180, 181, 185
        host = UdpService(self.lab, "lan-a", 4000)
        self.client.map(UDP, 4000, 40100, options=[only_from(INET)])
        peer = client_on(self.lab)  # answers go to whom asked last for the mapping
        peer.peer(UDP, 4001, (INET, 7000), 40101)
        self.assert_open(host, 40100)
        over4 = listener(self.lab)
        time.sleep(2)  # the epoch shall have something to lose
        self.assertGreaterEqual(self.client.announce().epoch, 2)
        self.reconnect()
        updates = self.updates(self.client)
        self.assertEqual(len(updates), 3)
        for (moment, update), due in zip(updates, (0, 0.25, 0.75)):
            self.assertAlmostEqual(moment - updates[0][0], due, delta=0.2)
            self.assertEqual((update.opcode, update.result), (pcp.MAP, "SUCCESS"))
            self.assertEqual((update.nonce, update.internal), (self.client.nonce, 4000))
            self.assertEqual(update.external, (NEW_WAN, 40100))
            self.assertLess(update.epoch, 2)
            self.assertTrue(580 < update.lifetime <= 600)
        self.assert_open(host, 40100, NEW_WAN)
        self.assert_closed(host, 40100, WAN)
        self.assertIsNone(host.reached((NEW_WAN, 40100), INET2), "the filter was lost")
        _, update = self.updates(peer, 1)[0]
        self.assertEqual((update.opcode, update.external, update.peer),
                         (pcp.PEER, (NEW_WAN, 40101), (INET, 7000)))
        self.assertEqual(outbound(self.lab, "lan-a", 4001), (NEW_WAN, 40101))
        # Announcements, too, with the new epoch; those of the start are over by then or older.
        self.assertIn(True, [epoch < 2 for _, epoch, *_ in announcements(over4, 3, 3)])

    def test_no_more_are_told_who_has_renewed(self):  # PCP-181
        self.client.map(UDP, 4000, 40100)
        self.reconnect()
        self.assertEqual(len(self.updates(self.client, 1)), 1)
        self.assertEqual(self.client.map(UDP, 4000).external, (NEW_WAN, 40100))
        self.assertLessEqual(len(self.updates(self.client, 1)), 1)  # one may have been on its way

    def test_pinholes_stay_as_they_are(self):  # PCP-162
        pinholes = client_on(self.lab, server=GATEWAY6)
        pinholes.map(UDP, 4000)
        host = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        time.sleep(2)
        self.reconnect()
        wait_until(lambda: self.client.announce().epoch < 2, 3, "the IPv4 epoch restarts")
        self.assertGreaterEqual(pinholes.announce().epoch, 2)
        self.assertIsNone(pinholes.hear(0.5), "a pinhole did not move")
        self.assertIsNotNone(host.reached((LAN_A6, 4000), INET6))


class ThirdPartyUpdate(LabTest):
    def test_it_goes_to_the_controller_and_names_the_host(self):  # PCP-182
        self.start(pcp={"third_party": [LAN_A]})
        client = client_on(self.lab)
        client.map(UDP, 4000, 40100, options=[third_party(LAN_B)])
        NewWanAddress.reconnect(self)
        update = pcp.parse(client.hear(5))
        self.assertEqual(update.external, (NEW_WAN, 40100))
        self.assertEqual(update.options, ((pcp.THIRD_PARTY, pcp.packed(LAN_B)),))
