"""What the gateway says of itself unasked: at its start and end, and when the LAN changes."""

import urllib.parse

from lab import GATEWAY, GATEWAY6, wait_until
from labtest import LabTest
from ssdp import GROUP, GROUPS, LINK_GROUP, PORT, packets_in, parse_message
from upnp import ControlPoint, offers

QUIET = 1.5  # seconds; longer than the pauses between sets


class Announcements(LabTest):
    def notices(self, packets, nts, group=None):
        """The announcements of a kind: [(packet, message)]."""
        heard = [(packet, parse_message(packet.payload)) for packet in packets
                 if packet.payload.startswith(b"NOTIFY * HTTP/1.1\r\n")]
        return [(packet, message) for packet, message in heard
                if message.headers["nts"] == nts and group in (None, packet.target[0])]

    @staticmethod
    def told(notices):
        return {(message.headers["nt"], message.headers["usn"]) for _, message in notices}

    def test_a_start_and_an_end(self):  # SSDP-01, 02, 08, 09, 10, 15, 18, 20, IGD-135
        lan, wan = self.lab.frames("lan-b", "eth0"), self.lab.frames("inet", "eth0")
        self.start()
        packets = packets_in(lan, QUIET)
        first, second = (ControlPoint(self.lab, view=view) for view in (1, 2))
        expected = offers(first) | offers(second)
        packets_in(lan, QUIET)
        self.assertEqual(self.daemon.terminate(), 0)
        farewell = packets_in(lan, QUIET)
        for group in GROUPS:
            with self.subTest(group):
                byebyes = self.notices(packets, "ssdp:byebye", group)
                alives = self.notices(packets, "ssdp:alive", group)
                for heard in byebyes, alives, self.notices(farewell, "ssdp:byebye", group):
                    self.assertEqual(self.told(heard), expected)
                self.assertLess(packets.index(byebyes[-1][0]), packets.index(alives[0][0]))
                self.assert_well_formed(group, alives)
        self.assertEqual([packet for packet in packets_in(wan) if packet.target[1] == PORT], [])

    def assert_well_formed(self, group, alives):
        for packet, message in alives:
            headers = message.headers
            self.assertLessEqual(len(packet.payload), 512)
            literal = f"[{group}]" if ":" in group else group
            self.assertEqual(headers["host"].lower(), f"{literal}:{PORT}")
            self.assertRegex(headers["cache-control"], r"^max-age ?= ?(1[89]\d\d|[2-9]\d{3,})$")
            self.assertRegex(headers["server"], r"^\S+/\S+ UPnP/\d\.\d \S+/\S+$")
            self.assertRegex(headers["bootid.upnp.org"], r"^\d+$")
            self.assertRegex(headers["configid.upnp.org"], r"^\d+$")
            self.assertEqual(packet.source[1], PORT)
            speaker = urllib.parse.urlsplit(headers["location"]).hostname
            self.assertEqual(speaker, packet.source[0])
            self.assertEqual(packet.source[0].startswith("fe80"), group == LINK_GROUP)
            if group != LINK_GROUP:
                self.assertEqual(packet.source[0], GATEWAY6 if ":" in group else GATEWAY)
                self.assertEqual(packet.hops, 10 if ":" in group else 2)

    def test_a_restart(self):  # SSDP-11, 17, IGD-002
        lan = self.lab.frames("lan-b", "eth0")
        boot_ids, names = [], []
        start = self.start
        for _ in range(3):
            start()
            start = self.daemon.start
            alives = self.notices(packets_in(lan, QUIET), "ssdp:alive")
            self.assertEqual(len({m.headers["bootid.upnp.org"] for _, m in alives}), 1)
            boot_ids.append(int(alives[0][1].headers["bootid.upnp.org"]))
            names.append({message.headers["usn"].partition("::")[0] for _, message in alives})
            self.daemon.terminate()
            packets_in(lan, 0.5)
        self.assertEqual(boot_ids, sorted(set(boot_ids)))
        self.assertEqual([names[0]] * 3, names)
        self.assertEqual(len(names[0]), 6)
        for name in names[0]:
            self.assertRegex(name, "^uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

    def test_a_new_address_of_the_lan(self):  # SSDP-11, 14
        lan = self.lab.frames("lan-b", "eth0")
        self.start()
        before = self.notices(packets_in(lan, QUIET), "ssdp:alive", GROUP)
        for command in "delete 192.168.1.1", "add 192.168.1.2":
            self.lab.ip("gw", f"address {command}/24 dev br-lan")
        heard = []
        wait_until(lambda: heard.extend(packets_in(lan, 0.2))
                   or self.notices(heard, "ssdp:alive", GROUP), 10, "the new address is told")
        heard += packets_in(lan, QUIET)
        after = self.notices(heard, "ssdp:alive", GROUP)
        self.assertEqual(self.told(after), self.told(before))
        for _, message in after:
            self.assertTrue(message.headers["location"].startswith("http://192.168.1.2:"))
            self.assertGreater(int(message.headers["bootid.upnp.org"]),
                               int(before[0][1].headers["bootid.upnp.org"]))
        point = ControlPoint(self.lab, location=after[0][1].headers["location"])
        self.assertIn("NewExternalIPAddress", point.call("WANIPConnection", "GetExternalIPAddress"))
