"""PCP's ANNOUNCE: the gateway tells the LAN, and nobody else, that it has begun anew."""

import select
import socket
import struct
import time

import pcp
from lab import GATEWAY, GATEWAY6
from labtest import LabTest
from pcp import CLIENT_PORT, PORT
from probe import captured
from test_pcp_link_local import link_local

GROUP6 = "ff02::1"
SERIES = (0, 0.25, 0.75, 1.75, 3.75)  # seconds after the first: the gaps double (PCP-174)
ALL_ZERO_BUT_EPOCH = b"\2\x80\0\0" + bytes(4)


def listener(lab, host="lan-a", interface="eth0", family=socket.AF_INET):
    """Hears announcements; over IPv4 every host is a member of the group anyway."""
    sock = lab.socket(host, family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with lab.host(host):
            index = socket.if_nametoindex(interface)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                        pcp.packed(GROUP6) + struct.pack("@I", index))
    sock.bind(("", CLIENT_PORT))
    return sock


def announcements(sock, count, timeout=5):
    """The next ANNOUNCEs of PCP: [(moment, epoch, source address, source port)]."""
    heard, deadline = [], time.monotonic() + timeout
    while len(heard) < count:
        left = deadline - time.monotonic()
        if left < 0 or not select.select([sock], [], [], left)[0]:
            break
        payload, source = sock.recvfrom(2048)
        if payload[0] == 2:  # not NAT-PMP's
            assert payload[:8] + payload[12:] == ALL_ZERO_BUT_EPOCH + bytes(12), payload.hex()
            heard.append((time.monotonic(), pcp.parse(payload).epoch, source[0], source[1]))
    return heard


class Announcements(LabTest):
    def test_a_series_at_start_on_the_lan_and_nothing_on_the_wan(self):  # PCP-171, 172, 173, 174
        router = link_local(self.lab, "gw", "br-lan")
        over4, over6 = (listener(self.lab, "lan-a", family=family)
                        for family in (socket.AF_INET, socket.AF_INET6))
        lan, wan = self.lab.frames("lan-b", "eth0"), self.lab.frames("inet", "eth0")
        self.start()
        heard = announcements(over4, len(SERIES))
        for (moment, _, *source), due in zip(heard, SERIES, strict=True):
            self.assertAlmostEqual(moment - heard[0][0], due, delta=0.2)
            self.assertEqual(source, [GATEWAY, PORT])
        self.assertGreaterEqual(heard[-1][1], heard[0][1] + 3, "the epoch is that of the moment")
        # Over IPv6 from each address that clients may ask.
        heard = announcements(over6, 2 * len(SERIES), 1)
        self.assertEqual({source.partition("%")[0] for _, _, source, _ in heard},
                         {router, GATEWAY6})
        self.assertEqual({port for *_, port in heard}, {PORT})
        self.assertGreaterEqual(len(heard), 2 * len(SERIES) - 1)
        self.assertIn((224, 1), {(int(target[0].split(".")[0]), ttl)
                                 for _, target, ttl, _ in captured(lan)})
        self.assertEqual([packet for packet in captured(wan) if packet[0][1] == PORT], [])

    def test_nothing_of_it_leaves_over_ipv6_on_the_wan(self):  # PCP-175
        wan = self.lab.socket("inet", socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        wan.bind(("eth0", 3))
        over6 = listener(self.lab, family=socket.AF_INET6)
        self.start()
        self.assertEqual(len(announcements(over6, 1)), 1)
        while select.select([wan], [], [], 0.5)[0]:
            frame = wan.recv(65535)
            if frame[12:14] == b"\x86\xdd" and frame[20] == socket.IPPROTO_UDP:
                self.assertNotIn(PORT, struct.unpack_from("!HH", frame, 54))

    def test_none_when_switched_off(self):
        over4 = listener(self.lab)
        self.start(pcp={"enabled": False})
        self.assertEqual(announcements(over4, 1, 1.2), [])
