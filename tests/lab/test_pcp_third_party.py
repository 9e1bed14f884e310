"""PCP's THIRD_PARTY: one host may ask for another only where the administrator says so."""

import pcp
from lab import GATEWAY, INET, LAN_A, LAN_B, WAN
from labtest import LabTest
from pcp import UDP, client_on, third_party
from probe import UdpService


class ThirdParty(LabTest):
    def test_nobody_may_by_default(self):  # PCP-140
        self.start()
        reply = client_on(self.lab).map(UDP, 4000, 4000, options=[third_party(LAN_B)])
        self.assertEqual(reply.result, "UNSUPP_OPTION")
        self.assertEqual(self.daemon.mappings(), {})
        self.assert_closed(UdpService(self.lab, "lan-b", 4000), 4000)

    def test_a_listed_controller_may(self):  # PCP-141
        self.start(pcp={"third_party": [LAN_A]})
        controller, target = client_on(self.lab), UdpService(self.lab, "lan-b", 4000)
        on_behalf = {"options": [third_party(LAN_B)]}
        reply = controller.map(UDP, 4000, 40100, **on_behalf)
        self.assertEqual((reply.result, reply.external), ("SUCCESS", (WAN, 40100)))
        self.assertEqual(reply.options, ((pcp.THIRD_PARTY, pcp.packed(LAN_B)),))
        self.assert_open(target, 40100)
        # The host itself has the same mapping, but not its nonce; with it, it may end it.
        own = client_on(self.lab, "lan-b")
        self.assertEqual(own.delete(UDP, 4000).result, "NOT_AUTHORIZED")
        self.assert_open(target, 40100)
        self.assertEqual(controller.delete(UDP, 4000, **on_behalf).result, "SUCCESS")
        self.assert_closed(target, 40100)

    def test_others_may_not_and_not_for_every_target(self):  # PCP-141, 142
        self.start(pcp={"third_party": [LAN_A]})
        controller, other = client_on(self.lab), client_on(self.lab, "lan-b")
        for client, target, result in ((other, LAN_A, "UNSUPP_OPTION"),
                                       (controller, LAN_A, "MALFORMED_REQUEST"),
                                       (controller, GATEWAY, "NOT_AUTHORIZED"),
                                       (controller, WAN, "NOT_AUTHORIZED"),
                                       (controller, INET, "NOT_AUTHORIZED"),
                                       (controller, "224.0.0.1", "NOT_AUTHORIZED")):
            with self.subTest(target):
                reply = client.map(UDP, 4000, 4000, options=[third_party(target)])
                self.assertEqual(reply.result, result)
        self.assertEqual(self.daemon.mappings(), {})
