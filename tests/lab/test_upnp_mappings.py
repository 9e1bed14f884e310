"""Port mappings over UPnP: what they open, for whom, for how long, and beside other protocols'."""

import re
import time

import natpmp
import pcp
from lab import INET, INET2, LAN_A, LAN_B, WAN, sleep_until
from labtest import LabTest
from pcp import client_on
from probe import TcpService, UdpService, outbound
from upnp import IP, ControlPoint, refusal

LEASE = 3  # seconds


class Mappings(LabTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.point = ControlPoint(self.lab)

    def other(self, host="lan-b", view=1):
        return ControlPoint(self.lab, host, view)

    def test_a_port_is_open_from_mapping_to_deletion(self):  # IGD-060, 064, 070, 100, 107
        for kind in UdpService, TcpService:
            with self.subTest(kind.name):
                host = kind(self.lab, "lan-a", 4000)
                self.assert_closed(host, 40100)
                self.assertEqual(self.point.add(40100, 4000, Protocol=kind.name), {})
                for sender in INET, INET2:
                    self.assertEqual(host.reached((WAN, 40100), sender)[0], sender)
                self.assert_closed(host, 4000)
                told = self.point.specific(40100, kind.name)
                self.assertEqual((told["NewInternalClient"], told["NewInternalPort"]),
                                 (LAN_A, "4000"))
                self.assertEqual(self.point.delete(40100, kind.name), {})
                self.assert_closed(host, 40100)
                self.assertEqual(refusal(self.point.delete, 40100, kind.name), 714)
                self.assertEqual(refusal(self.point.specific, 40100, kind.name), 714)

    def test_outbound_packets_leave_from_the_mapped_port(self):  # IGD-077, Q-35
        self.point.add(40100, 4000)
        self.assertEqual({outbound(self.lab, "lan-a", 4000, to) for to in (INET, INET2)},
                         {(WAN, 40100)})

    def test_a_remote_host_lets_only_itself_in(self):  # IGD-074, 063, 107
        host = UdpService(self.lab, "lan-a", 4000)
        self.point.add(40100, 4000, RemoteHost=INET2)
        self.assertIsNotNone(host.reached((WAN, 40100), INET2))
        self.assertIsNone(host.reached((WAN, 40100), INET))
        self.assertEqual(refusal(self.point.specific, 40100), 714)
        self.assertEqual(self.point.specific(40100, remote=INET2)["NewInternalPort"], "4000")
        self.assertEqual(refusal(self.point.add, 40100, 4000), 718)
        self.assertIsNone(host.reached((WAN, 40100), INET))
        self.point.delete(40100, remote=INET2)
        self.assertIsNone(host.reached((WAN, 40100), INET2))

    def test_a_disabled_mapping_is_kept_but_closed(self):  # IGD-076
        host = UdpService(self.lab, "lan-a", 4000)
        for enabled in 0, 1, 0:
            self.point.add(40100, 4000, Enabled=enabled)
            entry, = self.point.listing()
            self.assertEqual((entry["NewExternalPort"], entry["NewEnabled"]),
                             ("40100", str(enabled)))
            (self.assert_open if enabled else self.assert_closed)(host, 40100)
        other = self.other()
        self.assertEqual(refusal(other.add, 40100, 4000, InternalClient=LAN_B), 718)

    def test_another_internal_port_moves_the_mapping(self):  # IGD-061, Q-29
        before, after = (UdpService(self.lab, "lan-a", port) for port in (4000, 4001))
        self.point.add(40100, 4000)
        self.assert_open(before, 40100)
        self.point.add(40100, 4001, PortMappingDescription="moved")
        self.assert_open(after, 40100)
        self.assert_closed(before, 40100)
        entry, = self.point.listing()
        self.assertEqual((entry["NewInternalPort"], entry["NewPortMappingDescription"]),
                         ("4001", "moved"))
        after.sock.close()
        self.assertEqual(outbound(self.lab, "lan-a", 4001), (WAN, 40100))

    def test_nobody_takes_or_deletes_the_port_of_another_host(self):  # IGD-040, 042, 048, 062
        host = UdpService(self.lab, "lan-a", 4000)
        self.point.add(40100, 4000)
        before = self.daemon.mappings()
        for view, denied, missing in (1, 718, 714), (2, 606, 606):
            other = self.other(view=view)
            self.assertEqual(refusal(other.add, 40100, 4000, InternalClient=LAN_B), 718)
            self.assertEqual(refusal(other.add, 40101, 4000, InternalClient=LAN_A), denied)
            self.assertEqual(refusal(other.delete, 40100), missing)
        self.assertEqual(self.daemon.mappings(), before)
        self.assert_open(host, 40100)

    def test_a_range_is_deleted_of_ones_own(self):  # IGD-103, 104, 044
        own, other = self.other("lan-a", 2), self.other()
        mine = [UdpService(self.lab, "lan-a", port) for port in (4000, 4001, 4002)]
        for external, internal in (40100, 4000), (40102, 4001), (40200, 4002):
            own.add(external, internal)
        other.add(40101, 4000, InternalClient=LAN_B)
        wish = {"NewProtocol": "UDP", "NewManage": 1}
        own.call(IP, "DeletePortMappingRange", NewStartPort=40100, NewEndPort=40150, **wish)
        self.assertEqual({key[1] for key in self.daemon.mappings()}, {40101, 40200})
        self.assert_open(UdpService(self.lab, "lan-b", 4000), 40101)
        for host, port in zip(mine, (40100, 40102)):
            self.assert_closed(host, port)
        self.assert_open(mine[2], 40200)
        for start, end, code in (40100, 40150, 730), (40150, 40100, 733):
            self.assertEqual(refusal(own.call, IP, "DeletePortMappingRange", NewStartPort=start,
                                     NewEndPort=end, **wish), code)

    def test_any_port_replaces_a_taken_one(self):  # IGD-080, 083
        own = self.other("lan-a", 2)
        self.other().add(40100, 4000, InternalClient=LAN_B)
        host = UdpService(self.lab, "lan-a", 4000)
        told = [own.add(40100, 4000, "AddAnyPortMapping")["NewReservedPort"] for _ in range(2)]
        self.assertNotEqual(told[0], "40100")
        self.assertEqual(told[0], told[1])
        self.assert_open(host, int(told[0]))
        self.assertEqual(own.add(40200, 4001, "AddAnyPortMapping"), {"NewReservedPort": "40200"})

    def test_two_consoles_with_one_internal_port(self):
        second = self.other()
        self.point.add(3074, 3074)
        wish = {"InternalClient": LAN_B}
        self.assertEqual(refusal(second.add, 3074, 3074, **wish), 718)
        second.add(3075, 3074, **wish)
        for name, port in ("lan-a", 3074), ("lan-b", 3075):
            self.assertEqual(outbound(self.lab, name, 3074), (WAN, port))
            self.assert_open(UdpService(self.lab, name, 3074), port)


class Leases(LabTest):
    def test_the_door_closes_when_the_lease_ends(self):  # IGD-073, Q-32
        self.start()
        self.assert_ends_with_the_lease()
        self.assertEqual(self.point.listing(), [])
        other = ControlPoint(self.lab, "lan-b")
        other.add(40100, 4000, InternalClient=LAN_B)  # nobody has it any more

    def test_the_kernel_ends_the_lease_of_a_killed_daemon(self):
        self.start()
        self.assert_ends_with_the_lease(lambda: self.daemon.kill())

    def assert_ends_with_the_lease(self, meanwhile=lambda: None):
        self.point = ControlPoint(self.lab)
        hosts = [kind(self.lab, "lan-a", 4000) for kind in (UdpService, TcpService)]
        asked = time.monotonic()
        for host in hosts:
            self.point.add(40100, 4000, Protocol=host.name, LeaseDuration=LEASE)
        granted = time.monotonic()
        self.assertIn(self.point.specific(40100)["NewLeaseDuration"], ("1", "2", "3"))
        meanwhile()
        sleep_until(asked + LEASE - 0.5)
        for host in hosts:
            self.assert_open(host, 40100)
        sleep_until(granted + LEASE + 0.2)
        for host in hosts:
            self.assert_closed(host, 40100)

    def test_no_end_is_one_in_version_1_and_a_week_in_version_2(self):  # IGD-071, 072, Q-24, Q-26
        self.start()
        first, second = (ControlPoint(self.lab, view=view) for view in (1, 2))
        first.add(40100, 4000, LeaseDuration=0)
        second.add(40101, 4001, LeaseDuration=0)
        second.add(40102, 4002, LeaseDuration=2592000)
        first.add(40103, 4003, LeaseDuration=60)
        leases = [int(entry["NewLeaseDuration"]) for entry in first.listing()]
        self.assertEqual(leases[0], 0)
        for lease, granted in zip(leases[1:], (604800, 604800, 60)):
            self.assertTrue(granted - 20 < lease <= granted, lease)
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 40100)
        # The kernel knows an end for each, should the daemon be gone for good.
        element = next(line for line in self.lab.nft("list map inet postern dnat4").split(",")
                       if " 40100 " in line)
        self.assertRegex(re.sub(r"\s+", " ", element), r"timeout 1h |expires 59m")

    def test_the_administrators_bound(self):
        self.start(upnp={"max_lease": "10m"})
        for view in 1, 2:
            point = ControlPoint(self.lab, view=view)
            point.add(40100 + view, 4000 + view, LeaseDuration=3600)
            lease = int(point.specific(40100 + view)["NewLeaseDuration"])
            self.assertTrue(580 < lease <= 600, lease)


class OtherProtocols(LabTest):
    NONCE = b"secret nonce"

    def test_the_listing_shows_all_mappings_and_no_nonce(self):  # IGD-105, 106, 109, SEC-06
        self.start()
        natpmp.Client(self.lab).map(natpmp.UDP, 4000, 40100)
        client_on(self.lab, "lan-b", nonce=self.NONCE).map(pcp.TCP, 4001, 40101)
        point = ControlPoint(self.lab, view=2)
        point.add(40102, 4002, PortMappingDescription='a<b&"c"')
        entries = point.listing()
        self.assertEqual([(entry["NewExternalPort"], entry["NewProtocol"],
                           entry["NewInternalClient"]) for entry in entries],
                         [("40100", "UDP", LAN_A), ("40101", "TCP", LAN_B),
                          ("40102", "UDP", LAN_A)])
        self.assertEqual(entries[2]["NewPortMappingDescription"], 'a<b&"c"')
        document = point.call(IP, "GetListOfPortMappings", NewStartPort=1, NewEndPort=65535,
                              NewProtocol="TCP", NewManage=0, NewNumberOfPorts=0)["NewPortListing"]
        self.assertIn("<p:NewExternalPort>40101</p:NewExternalPort>", document)
        for text in str(entries), document:
            for nonce in self.NONCE.decode(), self.NONCE.hex():
                self.assertNotIn(nonce, text.lower())

    def test_a_shared_mapping_outlives_its_deletion(self):  # IGD-066, 102, Q-85
        self.start()
        asker, point = natpmp.Client(self.lab), ControlPoint(self.lab)
        host = UdpService(self.lab, "lan-a", 4000)
        asker.map(natpmp.UDP, 4000, 40100)
        point.add(40100, 4000)
        self.assertEqual(sorted(self.daemon.mappings()["udp", 40100][2]), ["natpmp", "upnp"])
        point.delete(40100)
        self.assertEqual(self.daemon.mappings()["udp", 40100][2], ["natpmp"])
        self.assert_open(host, 40100)
        self.assertEqual(refusal(point.delete, 40100), 714)
        asker.delete(natpmp.UDP, 4000)
        self.assert_closed(host, 40100)

    def test_two_external_ports_of_one_internal_port(self):
        self.start()
        asker, point = natpmp.Client(self.lab), ControlPoint(self.lab)
        host = UdpService(self.lab, "lan-a", 4000)
        asker.map(natpmp.UDP, 4000, 40100)
        point.add(40200, 4000)
        for port in 40100, 40200:
            self.assert_open(host, port)
        point.delete(40200)
        self.assert_open(host, 40100)
        self.assert_closed(host, 40200)

    def test_a_host_may_be_shown_only_its_own(self):  # IGD-043
        self.start(upnp={"listing": "own"})
        natpmp.Client(self.lab, "lan-b").map(natpmp.UDP, 4000, 40100)
        point = ControlPoint(self.lab)
        point.add(40101, 4000)
        self.assertEqual([entry["NewExternalPort"] for entry in point.listing()], ["40101"])
        self.assertNotEqual(refusal(point.specific, 40100), 0)
