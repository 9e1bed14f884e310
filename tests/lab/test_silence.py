"""The daemon answers hosts of its LAN that ask a LAN address, and is silent to all others."""

import struct

from lab import GATEWAY, INET, LAN_A, LAN_B, WAN
from labtest import LabTest
from natpmp import ADDRESS_REQUEST, PORT, UDP, Client, map_request
from posternd import IN_THE_LAB
from probe import captured, udp_packet

MAP_4000 = map_request(UDP, 4000, 4000)


class Silence(LabTest):
    def test_who_gets_no_answer_from_where(self):  # NPMP-04, 05
        self.lab.ip("inet", "route add 192.168.1.0/24 via 203.0.113.1")
        # The host's firewall shall not do the daemon's work.
        self.lab.nft("insert rule inet host input accept")
        self.start()
        for host, server in ("inet", WAN), ("inet", GATEWAY), ("lan-a", WAN):
            with self.subTest(f"{host} asks {server}"):
                stranger = Client(self.lab, host, server)
                for request in ADDRESS_REQUEST, MAP_4000:
                    self.assertIsNone(stranger.ask(request, 0.3))
                self.assertEqual(self.daemon.mappings(), {})
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).external, 4000)
        self.assertEqual(len(self.daemon.mappings()), 1)

    def test_the_daemon_itself_refuses_without_its_input_chain(self):  # NPMP-04, 05
        self.lab.ip("inet", "route add 192.168.1.0/24 via 203.0.113.1")
        self.lab.nft("insert rule inet host input accept")
        self.start()
        self.lab.nft("flush chain inet postern input")
        before = sum(self.daemon.status()["dropped"].values())
        for host, server in ("inet", WAN), ("inet", GATEWAY), ("lan-a", WAN):
            with self.subTest(f"{host} asks {server}"):
                self.assertIsNone(Client(self.lab, host, server).ask(MAP_4000, 0.3))
        self.assertEqual(self.daemon.mappings(), {})
        # Whether a socket bound to the LAN side even sees them is the daemon's choice.
        self.assertGreaterEqual(sum(self.daemon.status()["dropped"].values()), before)

    def test_forged_sources_get_no_answer(self):  # NPMP-06, 07
        # The kernel checks sources as little as it can be told to.
        for setting in ("all.rp_filter=0", "br-lan.rp_filter=0", "br-lan.accept_local=1",
                        "br-lan.route_localnet=1"):
            self.lab.run("gw", "sysctl", "-qw", f"net.ipv4.conf.{setting}")
        self.lab.nft("insert rule inet host input accept")
        self.start()
        sources = ["0.0.0.0", "127.0.0.1", "127.8.9.10", "224.0.0.1", "239.1.2.3",
                   "255.255.255.255", "192.168.1.255", WAN, "192.168.2.10", INET, "8.8.8.8"]
        for source in sources:
            with self.subTest(source):
                self.assert_silent(self.request((source, 4444), (GATEWAY, PORT)))
        with self.subTest("source port 0"):
            self.assert_silent(self.request((LAN_A, 0), (GATEWAY, PORT)))
        self.assertEqual(self.daemon.mappings(), {})
        # The same frame with an honest source: the answer shows that the others were well-formed.
        replies = self.replies(self.request((LAN_A, 4444), (GATEWAY, PORT)))
        self.assertEqual([target for _, target, _, _ in replies], [(LAN_A, 4444)])
        self.assertEqual(list(self.daemon.mappings()), [("udp", 4000)])

    def test_requests_to_a_group_or_broadcast_get_no_answer(self):  # NPMP-06
        self.start()
        for target in "224.0.0.1", "255.255.255.255", "192.168.1.255", "192.168.1.0":
            with self.subTest(target):
                frame = self.request((LAN_A, 4444), (target, PORT))
                self.assert_silent(b"\xff" * 6 + frame[6:])
        self.assertEqual(self.daemon.mappings(), {})
        self.assertEqual(len(self.replies(self.request((LAN_A, 4444), (GATEWAY, PORT)))), 1)

    def request(self, source, target):
        """A frame from lan-a to the gateway that asks for a mapping."""
        return (self.lab.mac("gw", "br-lan") + self.lab.mac("lan-a", "eth0") + b"\x08\x00"
                + udp_packet(source, target, MAP_4000))

    def map_requests(self):
        """How many requests for a mapping the daemon has decided on, whatever came of them."""
        return sum(self.daemon.status()["requests"].get("natpmp", {}).get("map", {}).values())

    def assert_silent(self, frame):
        # The kernel cannot send to every forged source: a reply may be made and yet not be seen.
        before = self.map_requests()
        self.assertEqual(self.replies(frame), [])
        self.assertEqual(self.map_requests(), before)

    def replies(self, frame):
        """Sends a frame from lan-a; the replies of the daemon on any interface of the gateway."""
        taps = [self.lab.frames("gw", interface) for interface in ("br-lan", "wan0", "lo")]
        self.lab.frames("lan-a", "eth0").send(frame)
        # The daemon answers in the order of arrival: after this answer no other one is due.
        witness = Client(self.lab, "lan-b")
        witness.external_address()
        packets = [packet for tap in taps for packet in captured(tap)]
        for tap in taps:
            tap.close()
        return [packet for packet in packets
                if packet[0][1] == PORT and packet[1] != (LAN_B, witness.port)
                and packet[1][1] != 5350]


class Addresses(LabTest):
    def test_every_lan_address_answers_from_itself(self):  # NPMP-01, 02, 03
        self.lab.ip("gw", "address add 192.168.1.2/24 dev br-lan")
        self.lab.ip("gw", "address add 10.9.0.1/24 dev br-lan")
        self.lab.ip("lan-a", "address add 10.9.0.10/24 dev eth0")
        self.start()
        for server in GATEWAY, "192.168.1.2", "10.9.0.1":
            with self.subTest(server):
                # The client refuses replies from elsewhere.
                self.assertEqual(Client(self.lab, server=server).external_address().address, WAN)

    def test_two_lan_interfaces(self):  # NPMP-01, 37
        self.lab.ip("gw", f"link add lan2 type veth peer name eth1 netns {self.lab.name}-lan-b")
        self.lab.ip("gw", "address add 192.168.2.1/24 dev lan2")
        self.lab.ip("gw", "link set lan2 up")
        self.lab.ip("lan-b", "address add 192.168.2.11/24 dev eth1")
        self.lab.ip("lan-b", "link set eth1 up")
        self.start(lan=[*IN_THE_LAB["lan"], "lan2"])
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).result, 0)
        self.assertEqual(Client(self.lab, "lan-b", "192.168.2.1").map(UDP, 4001, 4001).result, 0)
        self.assertEqual({place[0] for place in self.daemon.mappings().values()},
                         {LAN_A, "192.168.2.11"})


class BadInput(LabTest):
    settings = {"pcp": {"enabled": False}}  # it answers versions 1 and 2 otherwise (PCP-035)

    def test_malformed_requests(self):
        self.start()
        client = Client(self.lab)
        silent = {
            "empty": b"", "one octet": b"\0",  # NPMP-16
            "a response": b"\0\x80", "a map response": b"\1\x82" + bytes(14),
            "an unknown response": b"\5\x80",  # NPMP-15
            "a short map request": MAP_4000[:11], "two octets of one": MAP_4000[:2],  # NPMP-24
        }
        for name, payload in silent.items():
            with self.subTest(name):
                self.assertIsNone(client.ask(payload, 0.2))
        answered = {
            "version 2": (b"\2\1" + bytes(58), 8, (0, 0, 1)),  # NPMP-18
            "version 1": (b"\1\0", 8, (0, 0, 1)),
            "version 1, unknown opcode": (b"\1\x63", 8, (0, 0, 1)),  # NPMP-21
            "unknown opcode": (b"\0\3", 8, (0, 0x83, 5)),  # NPMP-22, 23
            "unknown opcode, long": (b"\0\3" + bytes(1398), 1100, (0, 0x83, 5)),
            "a long address request": (ADDRESS_REQUEST + b"\xff", 12, (0, 0x80, 0)),  # NPMP-25
        }
        for name, (payload, size, head) in answered.items():
            with self.subTest(name):
                reply = client.ask(payload)
                self.assertEqual(struct.unpack_from("!BBH", reply), head)
                self.assertEqual(len(reply), size)
        self.assertEqual(self.daemon.mappings(), {})
