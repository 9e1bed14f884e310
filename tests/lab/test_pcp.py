"""PCP's MAP over IPv4: a port opens for its owner, for its time, and for nobody else's nonce."""

import socket
import struct
import time

import pcp
from lab import INET, INET2, LAN_A, WAN, sleep_until, wait_until
from labtest import LabTest
from pcp import TCP, UDP, client_on, prefer_failure
from probe import ABSENT_AFTER, TcpService, UdpService, outbound, udp_packet

KIND = {UDP: UdpService, TCP: TcpService}
OTHER_NONCE = bytes(range(12))


class Map(LabTest):
    # PCP-006: a client over IPv4, while the daemon has sockets of both families.
    def test_a_port_is_open_from_mapping_to_deletion(self):  # PCP-061, 062, 069, 120, 122, 123, 218
        self.start()
        client = client_on(self.lab)
        for protocol in UDP, TCP:
            with self.subTest(KIND[protocol].name):
                host = KIND[protocol](self.lab, "lan-a", 4000)
                self.assert_closed(host, 40100)
                reply = client.ask(pcp.map_request(client.address, client.nonce, protocol, 4000,
                                                   40100))
                self.assertEqual(len(reply), 60)
                granted = pcp.parse(reply)
                self.assertEqual((granted.result, granted.lifetime), ("SUCCESS", 600))
                self.assertEqual(granted.external, (WAN, 40100))
                for sender in INET, INET2:
                    self.assertEqual(host.reached((WAN, 40100), sender)[0], sender)
                self.assert_closed(host, 4000)
                for _ in range(2):  # PCP-124
                    deleted = client.delete(protocol, 4000, external=1234)
                    self.assertEqual((deleted.result, deleted.lifetime), ("SUCCESS", 0))
                    self.assertEqual(deleted.external[1], 1234)
                    self.assert_closed(host, 40100)

    def test_one_protocol_never_opens_the_other(self):  # PCP-067
        self.start()
        client = client_on(self.lab)
        hosts = {protocol: KIND[protocol](self.lab, "lan-a", 4000) for protocol in KIND}
        for asked, other in (UDP, TCP), (TCP, UDP):
            self.assertEqual(client.map(asked, 4000, 4000).external, (WAN, 4000))
            self.assert_open(hosts[asked], 4000)
            self.assert_closed(hosts[other], 4000)
            client.delete(asked, 4000)

    def test_connections_that_end_leave_it_open(self):  # PCP-085, 103
        self.start()
        client_on(self.lab).map(TCP, 4000, 40100)
        host = TcpService(self.lab, "lan-a", 4000)
        self.assert_open(host, 40100)  # and closed again by both
        caller = self.lab.socket("inet", socket.AF_INET, socket.SOCK_STREAM)
        caller.connect((WAN, 40100))
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        caller.close()  # with a reset
        host.receive()
        self.assert_open(host, 40100)

    def test_outbound_packets_leave_from_the_mapped_port(self):  # PCP-070
        self.start()
        client_on(self.lab).map(UDP, 4000, 40100)
        self.assertEqual({outbound(self.lab, "lan-a", 4000, to) for to in (INET, INET2)},
                         {(WAN, 40100)})

    def test_a_renewal_keeps_the_port_whatever_is_suggested(self):  # PCP-072, 102
        self.start()
        client = client_on(self.lab)
        host = UdpService(self.lab, "lan-a", 4000)
        client.map(UDP, 4000, 40100, lifetime=7200)
        for lifetime in 7200, 600, 3600:
            renewed = client.map(UDP, 4000, 40200, lifetime=lifetime)
            self.assertEqual(renewed.external, (WAN, 40100))
            self.assertEqual(renewed.lifetime, lifetime)
        self.assert_open(host, 40100)
        self.assert_closed(host, 40200)

    def test_a_taken_port_is_replaced_unless_failure_is_preferred(self):  # PCP-073, 074, 143
        self.start()
        client_on(self.lab, "lan-b").map(UDP, 4000, 40100)
        client = client_on(self.lab)
        host = UdpService(self.lab, "lan-a", 4000)
        refused = client.map(UDP, 4000, 40100, options=[prefer_failure()])
        self.assertEqual(refused.result, "CANNOT_PROVIDE_EXTERNAL")
        self.assertEqual(len(self.daemon.mappings()), 1)
        self.assert_closed(host, 40100)
        granted = client.map(UDP, 4000, 40100)
        self.assertEqual(granted.result, "SUCCESS")
        self.assertNotEqual(granted.external[1], 40100)
        self.assert_open(host, granted.external[1])

    def test_preferred_failure_leaves_the_mapping_alone(self):  # PCP-143, 144, 145, 146
        self.start()
        client = client_on(self.lab)
        host = UdpService(self.lab, "lan-a", 4000)
        for address in pcp.ANY, "0.0.0.0", WAN:
            granted = client.map(UDP, 4000, 40100, address=address, options=[prefer_failure()])
            self.assertEqual((granted.result, granted.external), ("SUCCESS", (WAN, 40100)))
            self.assertEqual(granted.options, ((pcp.PREFER_FAILURE, b""),))
        for port, address, result in ((40200, pcp.ANY, "CANNOT_PROVIDE_EXTERNAL"),
                                      (40100, INET, "CANNOT_PROVIDE_EXTERNAL"),
                                      (0, pcp.ANY, "MALFORMED_OPTION")):
            refused = client.map(UDP, 4000, port, address=address, options=[prefer_failure()])
            self.assertEqual(refused.result, result)
        self.assert_open(host, 40100)
        self.assert_closed(host, 40200)


class Nonce(LabTest):
    def test_another_nonce_changes_nothing(self):  # PCP-108, 111
        self.start()
        client = client_on(self.lab)
        host = UdpService(self.lab, "lan-a", 4000)
        client.map(UDP, 4000, 40100)
        for lifetime in 7200, 0:
            refused = client.map(UDP, 4000, 40100, lifetime=lifetime, nonce=OTHER_NONCE)
            self.assertEqual(refused.result, "NOT_AUTHORIZED")
            self.assertTrue(590 <= refused.lifetime <= 600, refused.lifetime)
            self.assert_open(host, 40100)
        self.assertEqual(client.delete(UDP, 4000).result, "SUCCESS")
        self.assert_closed(host, 40100)

    def test_lenient_configuration_takes_any(self):  # PCP-116
        self.start(pcp={"accept_any_nonce": True})
        client = client_on(self.lab)
        host = UdpService(self.lab, "lan-a", 4000)
        client.map(UDP, 4000, 40100)
        renewed = client.map(UDP, 4000, 0, nonce=OTHER_NONCE)
        self.assertEqual((renewed.result, renewed.external), ("SUCCESS", (WAN, 40100)))
        self.assert_open(host, 40100)
        # Still not for other hosts: theirs are other mappings.
        self.assertEqual(client_on(self.lab, "lan-b").delete(UDP, 4000).result, "SUCCESS")
        self.assert_open(host, 40100)
        self.assertEqual(client.delete(UDP, 4000, nonce=bytes(12)).result, "SUCCESS")
        self.assert_closed(host, 40100)


class Lease(LabTest):
    settings = {"lifetime": {"min": "2s"}}

    def test_the_door_closes_when_the_lease_ends(self):  # PCP-100, 101
        self.assert_ends_with_the_lease(lambda: None)
        self.assertEqual(self.daemon.mappings(), {})

    def test_the_kernel_ends_the_lease_of_a_killed_daemon(self):
        self.assert_ends_with_the_lease(lambda: self.daemon.kill())

    def assert_ends_with_the_lease(self, meanwhile):
        self.start()
        client = client_on(self.lab)
        hosts = [kind(self.lab, "lan-a", 4000) for kind in KIND.values()]
        asked = time.monotonic()
        for protocol in KIND:
            self.assertEqual(client.map(protocol, 4000, 4000, lifetime=1).lifetime, 2)
            self.assertEqual(client.map(protocol, 4000, 4000, lifetime=3).lifetime, 3)
        granted = time.monotonic()
        meanwhile()
        sleep_until(asked + 2.4)
        for host in hosts:
            self.assert_open(host, 4000)
        sleep_until(granted + 3.1)
        for host in hosts:
            self.assert_closed(host, 4000)

    def test_lifetimes_are_bounded(self):  # PCP-100
        self.start(lifetime=None)
        client = client_on(self.lab)
        self.assertEqual(client.map(UDP, 4000, lifetime=1).lifetime, 120)
        self.assertEqual(client.map(UDP, 4000, lifetime=2**32 - 1).lifetime, 86400)


class IcmpError(LabTest):
    def test_packet_too_big_reaches_the_host(self):  # PCP-071, 244
        self.start()
        client_on(self.lab).map(UDP, 4000, 40100)
        host = UdpService(self.lab, "lan-a", 4000)
        host.sock.settimeout(ABSENT_AFTER)
        caller = self.lab.udp("inet", 7001, INET2)
        caller.sendto(b"hello", (WAN, 40100))
        self.assertEqual(host.receive(), (b"hello", (INET2, 7001)))
        for remote in (INET, 7000), (INET2, 7001):  # the first never came through the door
            self.send_packet_too_big(remote)
        wait_until(lambda: "mtu 1300" in self.lab.run("lan-a", "ip", "route", "get", INET2), 2,
                   "the host learns the path's MTU")
        self.assertNotIn("mtu 1300", self.lab.run("lan-a", "ip", "route", "get", INET))
        self.assert_open(host, 40100)

    def send_packet_too_big(self, remote, mtu=1300):
        """A router on the way to the remote quotes the packet as it left the gateway."""
        quoted = udp_packet((WAN, 40100), remote, bytes(1400))[:548]
        message = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quoted
        checksum = sum(struct.unpack(f"!{len(message) // 2}H", message))
        checksum = ~((checksum & 0xFFFF) + (checksum >> 16)) & 0xFFFF
        router = self.lab.socket("inet", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        router.sendto(message[:2] + struct.pack("!H", checksum) + message[4:], (WAN, 0))


class Description(LabTest):
    def test_it_is_told_in_the_status(self):  # PCP-210, 211
        self.start()
        words = pcp.description("the küchen radio")
        reply = client_on(self.lab).map(UDP, 4000, options=[words])
        self.assertEqual(reply.options, ((pcp.DESCRIPTION, words[4:].rstrip(b"\0")),))
        mapping, = self.daemon.status()["mappings"]
        self.assertEqual(mapping["internal"]["address"], LAN_A)
        self.assertEqual(mapping["claims"][0]["description"], "the küchen radio")
