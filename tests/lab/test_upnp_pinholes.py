"""IPv6 pinholes over UPnP, and hosts that ask from one of their addresses for another."""

import time

from lab import GATEWAY6, INET6, INET6_2, LAN_A, LAN_A6, LAN_B, LAN_B6, sleep_until
from labtest import LabTest
from probe import TcpService, UdpService
from ssdp import SITE_GROUP, locate
from upnp import FIREWALL, ControlPoint, refusal

TCP, UDP = 6, 17


class PinholeTest(LabTest):
    def point(self, host="lan-a", view=2):
        """A control point that speaks IPv6."""
        return ControlPoint(self.lab, host, location=locate(self.lab, host, view, SITE_GROUP))

    def service(self, kind=UdpService, host="lan-a", port=4000, address=LAN_A6):
        return kind(self.lab, host, port, address)

    @staticmethod
    def add(point, internal=4000, protocol=UDP, **more):
        """The UniqueID."""
        arguments = {"RemoteHost": "", "RemotePort": 0, "InternalClient": LAN_A6,
                     "InternalPort": internal, "Protocol": protocol, "LeaseTime": 600, **more}
        return int(point.call(FIREWALL, "AddPinhole", **arguments)["UniqueID"])

    def assert_lets_in(self, service, source=INET6, port=4000, address=LAN_A6):
        self.assertIsNotNone(service.reached((address, port), source), "the pinhole is closed")

    def assert_keeps_out(self, service, source=INET6, port=4000, address=LAN_A6):
        self.assertIsNone(service.reached((address, port), source), "the pinhole is open")


class Pinholes(PinholeTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.own = self.point()

    def test_it_is_open_from_adding_to_deletion(self):  # IGD-152, 153, 156, 161, 167, Q-06
        udp, tcp = self.service(UdpService), self.service(TcpService)
        for host, protocol, silent in (udp, UDP, tcp), (tcp, TCP, udp):
            with self.subTest(host.name):
                neighbour = self.service(type(host), port=4001)
                self.assert_keeps_out(host)
                unique_id = self.add(self.own, protocol=protocol)
                self.assert_lets_in(host)
                self.assert_lets_in(host, INET6_2)
                self.assert_keeps_out(silent)
                self.assert_keeps_out(neighbour, port=4001)
                self.assertEqual(self.add(self.own, protocol=protocol), unique_id)
                self.assertEqual(self.own.call(FIREWALL, "DeletePinhole", UniqueID=unique_id), {})
                self.assert_keeps_out(host)
                self.assertEqual(self.refused("DeletePinhole", unique_id), 704)

    def test_it_closes_when_its_lease_ends(self):  # IGD-166
        hosts = [self.service(kind) for kind in (UdpService, TcpService)]
        asked = time.monotonic()
        for protocol in UDP, TCP:
            self.add(self.own, protocol=protocol, LeaseTime=3)
        granted = time.monotonic()
        sleep_until(asked + 2.5)
        for host in hosts:
            self.assert_lets_in(host)
        sleep_until(granted + 3.2)
        for host in hosts:
            self.assert_keeps_out(host)

    def test_an_update_prolongs_it(self):  # IGD-161
        host = self.service()
        unique_id = self.add(self.own, LeaseTime=3)
        self.own.call(FIREWALL, "UpdatePinhole", UniqueID=unique_id, NewLeaseTime=6)
        updated = time.monotonic()
        sleep_until(updated + 4)
        self.assert_lets_in(host)
        sleep_until(updated + 6.2)
        self.assert_keeps_out(host)
        self.assertEqual(refusal(self.own.call, FIREWALL, "UpdatePinhole", UniqueID=unique_id,
                                 NewLeaseTime=600), 704)

    def test_only_the_remote_host_and_port_get_in(self):  # IGD-154, 167
        host, second = self.service(), self.service(port=4001)
        self.add(self.own, RemoteHost=INET6_2)
        self.assert_lets_in(host, INET6_2)
        self.assert_keeps_out(host, INET6)
        self.add(self.own, 4001, RemotePort=7001)
        self.assert_keeps_out(second, INET6, 4001)
        caller = self.lab.udp("inet", 7001, INET6)
        caller.sendto(b"hello", (LAN_A6, 4001))
        second.sock.settimeout(2)
        self.assertEqual(second.receive()[0], b"hello")

    def test_it_counts_packets(self):  # IGD-162, 163
        host = self.service()
        unique_id = self.add(self.own)
        self.assertEqual(self.packets(unique_id), 0)
        self.assertEqual(self.refused("CheckPinholeWorking", unique_id), 709)
        for _ in range(5):
            self.assert_lets_in(host)
        self.assertEqual(self.packets(unique_id), 5)
        told = self.own.call(FIREWALL, "CheckPinholeWorking", UniqueID=unique_id)
        self.assertEqual(told, {"IsWorking": "1"})

    def packets(self, unique_id):
        told = self.own.call(FIREWALL, "GetPinholePackets", UniqueID=unique_id)
        return int(told["PinholePackets"])

    def refused(self, action, unique_id, **more):
        return refusal(self.own.call, FIREWALL, action, UniqueID=unique_id, **more)

    def test_nobody_uses_the_number_of_another_host(self):  # IGD-157, 161, 165
        host, foreign = self.service(), self.point("lan-b")
        unique_id = self.add(self.own)
        for action, more in (("UpdatePinhole", {"NewLeaseTime": 1}), ("DeletePinhole", {}),
                             ("GetPinholePackets", {}), ("CheckPinholeWorking", {})):
            self.assertEqual(refusal(foreign.call, FIREWALL, action, UniqueID=unique_id, **more),
                             606, action)
        time.sleep(1.2)
        self.assert_lets_in(host)
        self.assertEqual(refusal(self.add, foreign), 606)

    def test_only_an_inside_of_ones_own_opens(self):  # IGD-155, 157, 158
        for client in LAN_B6, GATEWAY6, INET6:
            self.assertEqual(refusal(self.add, self.own, InternalClient=client), 606, client)
        for lease in 0, 86401:
            self.assertEqual(refusal(self.add, self.own, LeaseTime=lease), 402, lease)
        self.assertEqual(self.daemon.mappings(), {})

    def test_the_status_of_the_firewall(self):  # IGD-151
        self.assertEqual(self.own.call(FIREWALL, "GetFirewallStatus"),
                         {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"})


class LinkedAddresses(PinholeTest):
    """The neighbour tables of the gateway tie the addresses of a host together."""

    def speak(self, host, *addresses):
        """Makes the gateway know the MAC address behind these."""
        for address in addresses:
            to = "192.168.1.1" if "." in address else GATEWAY6
            self.lab.udp(host, 0, address).sendto(b"", (to, 9))
        time.sleep(0.3)

    def test_a_pinhole_asked_for_over_ipv4(self):  # IGD-159
        self.start()
        self.speak("lan-a", LAN_A6)
        self.speak("lan-b", LAN_B6)
        host, point = self.service(), ControlPoint(self.lab, view=2)
        self.assertEqual(refusal(self.add, point, InternalClient=LAN_B6), 606)
        self.assert_keeps_out(host)
        unique_id = self.add(point)
        self.assert_lets_in(host)
        point.call(FIREWALL, "DeletePinhole", UniqueID=unique_id)
        self.assert_keeps_out(host)

    def test_a_port_mapping_asked_for_over_ipv6(self):  # IGD-047, Q-65, Q-90
        self.start()
        self.speak("lan-a", LAN_A)
        self.speak("lan-b", LAN_B)
        host, point = UdpService(self.lab, "lan-a", 4000), self.point()
        self.assertEqual(refusal(point.add, 40101, 4000, InternalClient=LAN_B), 606)
        point.add(40100, 4000, InternalClient=LAN_A)
        self.assert_open(host, 40100)
        point.delete(40100)
        self.assert_closed(host, 40100)

    def test_neither_where_it_is_switched_off(self):  # IGD-047, IGD-159
        self.start(upnp={"link_neighbours": False})
        self.speak("lan-a", LAN_A, LAN_A6)
        self.assertEqual(refusal(self.add, ControlPoint(self.lab, view=2)), 606)
        self.assertEqual(refusal(self.point().add, 40100, 4000, InternalClient=LAN_A), 606)
        self.assertEqual(self.daemon.mappings(), {})
        self.add(self.point())  # one's own address needs no link
        self.assert_lets_in(self.service())
