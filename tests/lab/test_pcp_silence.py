"""PCP answers hosts of the LAN that ask a LAN address, and is silent to all others."""

import socket

import pcp
from lab import GATEWAY, GATEWAY6, INET, INET6, LAN_A, LAN_A6, LAN_B, WAN, WAN6
from labtest import LabTest
from pcp import PORT, UDP, client_on
from probe import udp_packet

STRANGERS = (("inet", WAN), ("inet", GATEWAY), ("inet", WAN6), ("inet", GATEWAY6),
             ("lan-a", WAN), ("lan-a", WAN6))
GROUPS = (("224.0.0.1", False), ("255.255.255.255", True), ("192.168.1.255", True),
          ("ff02::1%eth0", False), ("ff02::2%eth0", False))


class Silence(LabTest):
    def setUp(self):
        super().setUp()
        self.lab.ip("inet", "route add 192.168.1.0/24 via 203.0.113.1")
        # The host's firewall shall not do the daemon's work.
        self.lab.nft("insert rule inet host input accept")
        self.start()

    def assert_silent(self, client):
        for request in (pcp.announce_request(client.address),
                        pcp.map_request(client.address, client.nonce, UDP, 4000, 4000)):
            self.assertIsNone(client.ask(request, 0.3))

    def assert_nothing_mapped(self):
        self.assertEqual(self.daemon.mappings(), {})
        for server in GATEWAY, GATEWAY6:  # and so the daemon could have answered
            self.assertEqual(client_on(self.lab, server=server).announce().result, "SUCCESS")

    def test_who_gets_no_answer_from_where(self):  # PCP-003, 004
        for is_without_chain in False, True:
            if is_without_chain:
                self.lab.nft("flush chain inet postern input")
            for host, server in STRANGERS:
                with self.subTest(f"{host} asks {server}", chain=not is_without_chain):
                    self.assert_silent(client_on(self.lab, host, server))
        self.assert_nothing_mapped()

    def test_nor_does_a_group_or_broadcast(self):  # PCP-004
        for group, is_broadcast in GROUPS:
            with self.subTest(group):
                # A group's own address would hide an answer: the client only hears the asked one.
                sock = self.lab.udp("lan-a", 0, "::" if ":" in group else "")
                if is_broadcast:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                self.assert_group_is_silent(sock, group)
        self.assert_nothing_mapped()

    def assert_group_is_silent(self, sock, group):
        with self.lab.host("lan-a"):
            target = pcp.resolved(group, PORT)
            client = LAN_A6 if ":" in group else LAN_A
            sock.sendto(pcp.map_request(client, bytes(12), UDP, 4000, 4000), target)
        sock.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            sock.recv(2048)

    def test_forged_sources_get_no_answer(self):
        """A LAN host sends in the name of the gateway, of the Internet, and of nobody."""
        for setting in "all.rp_filter=0", "br-lan.rp_filter=0", "br-lan.accept_local=1":
            self.lab.run("gw", "sysctl", "-qw", f"net.ipv4.conf.{setting}")
        frames = self.lab.frames("lan-a", "eth0")
        macs = self.lab.mac("gw", "br-lan") + self.lab.mac("lan-a", "eth0")
        before = self.requests()
        for source in GATEWAY, WAN, INET, "0.0.0.0", "192.168.2.10":
            payload = pcp.map_request(source, bytes(12), UDP, 4000, 4000)
            frames.send(macs + b"\x08\x00" + udp_packet((source, 4444), (GATEWAY, PORT), payload))
        self.assertEqual(client_on(self.lab, "lan-b").announce().result, "SUCCESS")
        self.assertEqual(self.requests() - before, 1)
        self.assertEqual(self.daemon.mappings(), {})

    def requests(self):
        counts = self.daemon.status()["requests"].get("pcp", {})
        return sum(sum(outcomes.values()) for outcomes in counts.values())

    def test_the_header_must_name_the_sender(self):  # PCP-016
        client = client_on(self.lab)
        for request in (pcp.announce_request(LAN_B),
                        pcp.map_request(LAN_B, bytes(12), UDP, 4000, 4000),
                        pcp.map_request(INET6, bytes(12), UDP, 4000, 4000)):
            self.assertEqual(pcp.parse(client.ask(request)).result, "ADDRESS_MISMATCH")
        self.assertEqual(self.daemon.mappings(), {})
