"""The router by its link-local address, as hosts know it from router advertisements."""

import re

import pcp
from lab import INET6, LAN_A6, wait_until
from labtest import LabTest
from pcp import UDP, client_on
from probe import UdpService


def link_local(lab, host, interface):
    """The interface's own address, once the kernel has made sure that nobody else has it."""
    def settled():
        text = lab.run(host, "ip", "-6", "address", "show", "dev", interface, "scope", "link")
        found = re.search("inet6 (fe80:[^/]*)", text)
        return found[1] if found and "tentative" not in text else None
    return wait_until(settled, 10, f"{interface} has a link-local address")


class LinkLocal(LabTest):
    def setUp(self):
        super().setUp()
        self.router = link_local(self.lab, "gw", "br-lan") + "%eth0"
        self.start()

    def test_it_answers_from_the_address_that_was_asked(self):  # PCP-001, 005
        client = client_on(self.lab, server=self.router, source=LAN_A6)
        self.assertEqual(client.map(UDP, 4000).external, (LAN_A6, 4000))
        host = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        self.assertIsNotNone(host.reached((LAN_A6, 4000), INET6))
        self.assertEqual(client.delete(UDP, 4000).result, "SUCCESS")
        self.assertIsNone(host.reached((LAN_A6, 4000), INET6))

    def test_a_link_local_client(self):  # PCP-170, 191
        source = link_local(self.lab, "lan-a", "eth0") + "%eth0"
        client = client_on(self.lab, server=self.router, source=source)
        self.assertEqual(client.announce()[:3], (pcp.ANNOUNCE, "SUCCESS", 0))
        self.assertEqual(client.map(UDP, 4000).result, "NOT_AUTHORIZED")
        self.assertEqual(client.peer(UDP, 4000, (INET6, 7000)).result, "NOT_AUTHORIZED")
        self.assertEqual(self.daemon.mappings(), {})
