"""PCP over IPv6: a pinhole in the firewall, with the host's own address and port."""

import re
import socket
import struct
import time

import pcp
from lab import GATEWAY6, INET6, INET6_2, LAN_A6, LAN_B6, sleep_until, wait_until
from labtest import LabTest
from pcp import TCP, UDP, client_on, prefer_failure, third_party
from probe import ABSENT_AFTER, TcpService, UdpService

KIND = {UDP: UdpService, TCP: TcpService}


class Pinholes(LabTest):
    def assert_reached(self, host, is_open, address=LAN_A6, port=4000):
        for source in (INET6, INET6_2) if is_open else (INET6,):
            sender = host.reached((address, port), source)
            self.assertEqual(sender and sender[0], source if is_open else None)

    def test_a_pinhole_is_open_from_mapping_to_deletion(self):  # PCP-190, 193, 194, 196
        self.start()
        client = client_on(self.lab, server=GATEWAY6)
        self.assertEqual(client.address, LAN_A6)
        for protocol, kind in KIND.items():
            host, other = (kind(self.lab, "lan-a", port, LAN_A6) for port in (4000, 4001))
            self.assert_reached(host, False)
            # Whatever is suggested: nothing is translated.
            for port, address in (0, pcp.ANY), (4000, LAN_A6), (40100, INET6), (0, "0.0.0.0"):
                reply = client.map(protocol, 4000, port, address=address)
                self.assertEqual((reply.result, reply.external), ("SUCCESS", (LAN_A6, 4000)))
            self.assert_reached(host, True)
            self.assert_reached(other, False, port=4001)
            self.assertEqual(client.delete(protocol, 4000, nonce=bytes(12)).result,
                             "NOT_AUTHORIZED")
            self.assert_reached(host, True)
            self.assertEqual(client.delete(protocol, 4000).result, "SUCCESS")
            self.assert_reached(host, False)

    def test_preferred_failure(self):  # PCP-192
        self.start()
        client = client_on(self.lab, server=GATEWAY6)
        for port, result in (40100, "CANNOT_PROVIDE_EXTERNAL"), (4000, "SUCCESS"):
            reply = client.map(UDP, 4000, port, options=[prefer_failure()])
            self.assertEqual(reply.result, result)
        self.assertEqual(self.daemon.status()["mapping_count"], 1)

    def test_the_kernel_ends_the_lease_of_a_killed_daemon(self):
        self.start(lifetime={"min": "2s"})
        client = client_on(self.lab, server=GATEWAY6)
        hosts = [kind(self.lab, "lan-a", 4000, LAN_A6) for kind in KIND.values()]
        asked = time.monotonic()
        for protocol in KIND:
            self.assertEqual(client.map(protocol, 4000, lifetime=4).lifetime, 4)
        granted = time.monotonic()
        self.daemon.kill()
        sleep_until(asked + 2.8)
        for host in hosts:
            self.assert_open_now(host)
        sleep_until(granted + 4.1)
        for host in hosts:
            self.assert_reached(host, False)

    def assert_open_now(self, host):
        self.assertIsNotNone(host.reached((LAN_A6, 4000), INET6))

    def test_a_lease_ends_by_itself(self):  # PCP-101
        self.start(lifetime={"min": "1s"})
        host = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        client_on(self.lab, server=GATEWAY6).map(UDP, 4000, lifetime=2)
        self.assert_open_now(host)
        wait_until(lambda: self.daemon.status()["mapping_count"] == 0, 5, "the mapping is gone")
        self.assert_reached(host, False)

    def test_packet_too_big_reaches_the_host(self):  # PCP-194
        self.start()
        client_on(self.lab, server=GATEWAY6).map(UDP, 4000)
        host = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        stranger = INET6, 7000  # it never came through the pinhole
        caller = self.lab.udp("inet", 7001, INET6_2)
        caller.sendto(b"hello", (LAN_A6, 4000))
        host.sock.settimeout(ABSENT_AFTER)
        self.assertEqual(host.receive()[1][:2], (INET6_2, 7001))
        for remote in stranger, (INET6_2, 7001):
            self.send_packet_too_big(remote)
        wait_until(lambda: self.path_mtu(INET6_2) == 1300, 2, "the host learns the path's MTU")
        self.assertEqual(self.path_mtu(INET6), 1500)

    def send_packet_too_big(self, remote, mtu=1300):
        """A router on the way to the remote says what is too big, quoting the host's packet."""
        udp = struct.pack("!HHHH", 4000, remote[1], 8 + 1400, 0) + bytes(1000)
        quoted = struct.pack("!IHBB16s16s", 6 << 28, 8 + 1400, socket.IPPROTO_UDP, 63,
                             pcp.packed(LAN_A6), pcp.packed(remote[0])) + udp
        router = self.lab.socket("inet", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        router.sendto(struct.pack("!BBHI", 2, 0, 0, mtu) + quoted, (LAN_A6, 0))

    def path_mtu(self, remote):
        text = self.lab.run("lan-a", "ip", "-6", "route", "get", remote)
        found = re.search(r" mtu (\d+)", text)
        return int(found[1]) if found else 1500

    def test_each_address_is_a_client_of_its_own(self):  # PCP-195
        self.lab.ip("lan-a", "address add 2001:db8:1::aaaa/64 dev eth0 nodad")
        self.start()
        first = client_on(self.lab, server=GATEWAY6, source=LAN_A6)
        second = client_on(self.lab, server=GATEWAY6, source="2001:db8:1::aaaa")
        for client in first, second:
            self.assertEqual(client.map(UDP, 4000).external, (client.address, 4000))
        host = UdpService(self.lab, "lan-a", 4000, "::")
        self.assertEqual(first.delete(UDP, 4000).result, "SUCCESS")
        self.assert_reached(host, False)
        self.assert_reached(host, True, "2001:db8:1::aaaa")

    def test_a_controller_may_ask_for_another_host(self):  # PCP-141, 142
        self.start(pcp={"third_party": [LAN_A6]})
        controller = client_on(self.lab, server=GATEWAY6)
        reply = controller.map(UDP, 4000, options=[third_party(LAN_B6)])
        self.assertEqual((reply.result, reply.external), ("SUCCESS", (LAN_B6, 4000)))
        self.assert_reached(UdpService(self.lab, "lan-b", 4000, LAN_B6), True, LAN_B6)
        for target in INET6, GATEWAY6, "ff02::1", "fe80::1", LAN_A6:
            reply = controller.map(UDP, 4000, options=[third_party(target)])
            self.assertNotEqual(reply.result, "SUCCESS", target)
        self.assertEqual(self.daemon.status()["mapping_count"], 1)


class Peer(LabTest):
    def test_only_the_peer_gets_in(self):
        self.start()
        client = client_on(self.lab, server=GATEWAY6)
        remote = self.lab.udp("inet", 7000, INET6)
        host = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        host.sock.settimeout(ABSENT_AFTER)
        told = client.peer(UDP, 4000, (INET6, 7000), 40100)
        self.assertEqual(told.result, "CANNOT_PROVIDE_EXTERNAL", "nothing is translated")
        told = client.peer(UDP, 4000, (INET6, 7000))
        self.assertEqual((told.result, told.external), ("SUCCESS", (LAN_A6, 4000)))
        remote.sendto(b"from the peer", (LAN_A6, 4000))
        self.assertEqual(host.receive()[0], b"from the peer")
        for source in INET6, INET6_2:  # from other ports
            self.assertIsNone(host.reached((LAN_A6, 4000), source))
