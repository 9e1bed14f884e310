"""PCP and NAT-PMP share the port and the mappings; each may be switched off."""

import socket
import struct

import natpmp
import pcp
from lab import GATEWAY6, WAN
from labtest import LabTest
from pcp import UDP, client_on
from probe import UdpService


class OneMapping(LabTest):
    """NAT-PMP and PCP ask for the same port of the same host."""

    def setUp(self):
        super().setUp()
        self.start()
        self.old, self.new = natpmp.Client(self.lab), client_on(self.lab)
        self.host = UdpService(self.lab, "lan-a", 4000)

    def claims(self):
        return sorted(self.daemon.mappings()[("udp", 40100)][2])

    def test_it_lives_until_both_have_gone(self):  # PCP-115, 200, 201, 202
        for first_to_go in "natpmp", "pcp":
            with self.subTest(first_to_go):
                self.assertEqual(self.old.map(natpmp.UDP, 4000, 40100).external, 40100)
                self.assertEqual(self.new.map(UDP, 4000, 40200).external, (WAN, 40100))
                self.assertEqual(self.claims(), ["natpmp", "pcp"])
                self.delete(first_to_go)
                self.assertEqual(self.claims(), ["pcp" if first_to_go == "natpmp" else "natpmp"])
                self.assert_open(self.host, 40100)
                self.delete("pcp" if first_to_go == "natpmp" else "natpmp")
                self.assertEqual(self.daemon.mappings(), {})
                self.assert_closed(self.host, 40100)

    def delete(self, protocol):
        if protocol == "natpmp":
            self.assertEqual(self.old.delete(natpmp.UDP, 4000).result, natpmp.SUCCESS)
        else:
            self.assertEqual(self.new.delete(UDP, 4000).result, "SUCCESS")

    def test_the_older_protocol_gets_the_port_of_the_newer(self):  # PCP-202
        self.assertEqual(self.new.map(UDP, 4000, 40100).external, (WAN, 40100))
        self.assertEqual(self.old.map(natpmp.UDP, 4000, 40200).external, 40100)
        self.assertEqual(self.old.delete(natpmp.UDP, 0).result, natpmp.SUCCESS)  # all of NAT-PMP's
        self.assertEqual(self.claims(), ["pcp"])
        self.assert_open(self.host, 40100)


class Switches(LabTest):
    def test_without_pcp_clients_are_told_to_fall_back_at_once(self):  # PCP-035, NPMP-18
        self.start(pcp={"enabled": False})
        client = client_on(self.lab)
        request = pcp.map_request(client.address, client.nonce, UDP, 4000, 4000)
        reply = client.ask(request)
        self.assertEqual(len(reply), 8)
        self.assertEqual(struct.unpack_from("!BBH", reply), (0, 0, 1))
        self.assertEqual(self.daemon.mappings(), {})
        with self.lab.host("lan-a"), self.assertRaises(ConnectionRefusedError):
            sock = self.lab.closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
            sock.connect((GATEWAY6, pcp.PORT))
            sock.settimeout(2)
            sock.send(request)
            sock.recv(2048)

    def test_without_natpmp_its_version_is_an_error(self):  # PCP-031, 033, NPMP-19
        self.start(natpmp={"enabled": False})
        client = client_on(self.lab)
        for request in natpmp.ADDRESS_REQUEST, natpmp.map_request(natpmp.UDP, 4000, 4000):
            reply = client.ask(request)
            self.assertEqual((len(reply), reply[0], reply[1] & 0x80, reply[3]), (24, 2, 0x80, 1))
        self.assertEqual(self.daemon.mappings(), {})
        self.assertEqual(client.map(UDP, 4000, 4000).result, "SUCCESS")
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 4000)

    def test_with_both_each_version_gets_its_own_kind_of_answer(self):  # PCP-030, 032, 033, 034
        self.start()
        client = client_on(self.lab)
        self.assertEqual(len(client.ask(natpmp.ADDRESS_REQUEST)), 12)
        for version in 1, 3, 255:
            reply = pcp.parse(client.ask(bytes([version, 0])))
            self.assertEqual((reply.result, reply.lifetime), ("UNSUPP_VERSION", 1800))
        # NAT-PMP does not exist over IPv6.
        reply = client_on(self.lab, server=GATEWAY6).ask(natpmp.ADDRESS_REQUEST)
        self.assertEqual((len(reply), reply[0], reply[3]), (24, 2, 1))
