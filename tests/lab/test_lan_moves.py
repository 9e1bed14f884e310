"""The LAN gets other addresses, or its interface is made anew or goes, with traffic running and one
frontend alone: what must close closes, the rest goes on, and hosts hear of it."""

import contextlib
import time

from ear import Ear
from lab import GATEWAY, GATEWAY6, INET6, LAN_A, LAN_A6, WAN, LabError, wait_until
from labtest import LabTest
from natpmp import UDP, Client
from pcp import UDP as PCP_UDP
from pcp import client_on
from probe import UdpService
from ssdp import SITE_GROUP, locate
from test_network_moves import FRONTENDS, only
from traffic import Traffic
from upnp import FIREWALL, ControlPoint

NEW_GATEWAY, NEW_LAN_A = "10.7.0.1", "10.7.0.10"
NEW_GATEWAY6, NEW_LAN_A6 = "2001:db8:2::1", "2001:db8:2::10"
GUEST_GATEWAY, GUEST = "10.8.0.1", "10.8.0.10"
QUIET = 0.7  # seconds without a packet, of 50 a second, mean that none comes any more


class MovesTest(LabTest):
    def in_new_lab(self, what, frontends):
        """Calls what(frontend) for each of these, each in a lab of its own."""
        for frontend in frontends:
            with self.subTest(frontend):
                try:
                    what(frontend)
                finally:
                    if self.daemon:
                        self.daemon.close()
                    self.lab.down()
                    self.setUp()

    def open(self, frontend, gateway=GATEWAY, client=LAN_A, port=4000):
        """Asks over this frontend for a port of lan-a."""
        if frontend == "natpmp":
            self.assertEqual(Client(self.lab, server=gateway).map(UDP, port, port, 600).external,
                             port)
        elif frontend == "pcp":
            self.assertEqual(client_on(self.lab, server=gateway, source=client).map(
                PCP_UDP, port, port, lifetime=600).external, (WAN, port))
        else:
            ControlPoint(self.lab, source=client).add(port, port, InternalClient=client)

    def open_pinhole(self, frontend, gateway=GATEWAY6, client=LAN_A6):
        if frontend == "pcp":
            reply = client_on(self.lab, server=gateway, source=client).map(PCP_UDP, 4000)
            self.assertEqual(reply.result, "SUCCESS")
            return
        location = locate(self.lab, "lan-a", 2, SITE_GROUP, client)
        ControlPoint(self.lab, location=location, source=client).call(
            FIREWALL, "AddPinhole", RemoteHost="", RemotePort=0, InternalClient=client,
            InternalPort=4000, Protocol=17, LeaseTime=600)

    def wait_for_end(self, traffic):
        """Within two seconds no packet arrives any more, and it stays so."""
        wait_until(lambda: not traffic.arrives_after(time.monotonic() - QUIET), 2 + QUIET,
                   "no packet comes through any more")

    def assert_flows(self, traffic, within=2):
        begin = time.monotonic()
        wait_until(lambda: traffic.arrives_after(begin), within, "traffic flows")


class Prefix(MovesTest):
    # PCP-161, 172, SSDP-11
    def test_another_ipv6_prefix_closes_the_pinholes_and_nothing_else(self):
        self.in_new_lab(self.change_prefix, ("pcp", "upnp"))

    def change_prefix(self, frontend):
        self.start(**only(frontend))
        ear = Ear(self.lab, "lan-b")
        self.open(frontend, port=4001)
        self.open_pinhole(frontend)
        host, hole = (UdpService(self.lab, "lan-a", port, family) for port, family in
                      ((4001, ""), (4000, "::")))
        with Traffic(self.lab, host, WAN, 4001) as over4, \
                Traffic(self.lab, hole, LAN_A6, 4000) as over6:
            for traffic in over4, over6:
                self.assert_flows(traffic)
            time.sleep(2)  # the epoch shall have something to lose
            boot_id = self.boot_id(ear)
            before = self.daemon.status()
            ear.forget()
            self.lab.ip("gw", f"address add {NEW_GATEWAY6}/64 dev br-lan nodad")
            self.lab.ip("lan-a", f"address add {NEW_LAN_A6}/64 dev eth0 nodad")
            self.lab.ip("gw", f"address delete {GATEWAY6}/64 dev br-lan")
            self.lab.ip("gw", "route add 2001:db8:1::/64 dev br-lan")  # packets still find the way
            self.wait_for_end(over6)
            self.assert_flows(over4)
            self.assertLess(over4.longest_gap(), 1, "IPv4 goes on")
        status = self.daemon.status()
        self.assertLess(status["pinhole_epoch"], 5)
        self.assertGreater(status["epoch"], status["pinhole_epoch"])
        self.assertEqual(list(self.daemon.mappings()), [("udp", 4001)])
        self.assert_told(frontend, ear, boot_id, before)
        self.lab.ip("inet", "route add 2001:db8:2::/64 via 2001:db8:ff::1")
        self.open_pinhole(frontend, NEW_GATEWAY6, NEW_LAN_A6)
        self.assertIsNotNone(hole.reached((NEW_LAN_A6, 4000), INET6))

    @staticmethod
    def boot_id(ear):
        return max((int(headers["bootid.upnp.org"])
                    for headers in ear.ssdp_notices("ssdp:alive")), default=0)

    def assert_told(self, frontend, ear, boot_id, before):
        if frontend == "pcp":
            # The first one may tell of the new address alone, with the epoch as it was; three that
            # began anew are past the schedule's first gaps, and so are those to IPv4.
            def anew(source, epoch):
                return [told for where, told in ear.pcp_announcements()
                        if where == source and told < before[epoch]]
            ear.wait_for(lambda _: len(anew(NEW_GATEWAY6, "pinhole_epoch")) >= 3, 5,
                         "the epoch began anew")
            self.assertEqual(anew(GATEWAY, "epoch"), [], "IPv4 lost nothing")
            return
        ear.wait_for(lambda ear: any(
            headers["location"].startswith(f"http://[{NEW_GATEWAY6}]:")
            and int(headers["bootid.upnp.org"]) > boot_id
            for headers in ear.ssdp_notices("ssdp:alive")), 5, "where to find it now")


class Renumbered(MovesTest):
    def test_a_renumbered_lan_keeps_no_old_doors_and_hosts_are_told(self):
        self.in_new_lab(self.renumber, FRONTENDS)

    def renumber(self, frontend):
        self.start(**only(frontend))
        ear = Ear(self.lab, "lan-b")
        self.open(frontend)
        host = UdpService(self.lab, "lan-a", 4000)
        with Traffic(self.lab, host, WAN, 4000) as traffic:
            self.assert_flows(traffic)
            time.sleep(2)  # the epoch shall have something to lose
            ear.forget()
            self.lab.ip("gw", f"address add {NEW_GATEWAY}/24 dev br-lan")
            self.lab.ip("gw", f"address delete {GATEWAY}/24 dev br-lan")
            self.lab.ip("gw", f"route add {LAN_A}/32 dev br-lan")  # packets still find the way
            self.wait_for_end(traffic)
        self.assertEqual(self.daemon.mappings(), {})
        self.assertLess(self.daemon.status()["epoch"], 5)
        ear.wait_for(lambda ear: self.is_told(frontend, ear), 5, "there is another gateway")
        self.lab.ip("gw", f"route delete {LAN_A}/32 dev br-lan")
        self.lab.ip("lan-a", f"address add {NEW_LAN_A}/24 dev eth0")
        self.lab.ip("lan-a", f"address delete {LAN_A}/24 dev eth0")
        self.lab.ip("lan-a", f"route replace default via {NEW_GATEWAY}")
        self.open(frontend, NEW_GATEWAY, NEW_LAN_A)
        self.assert_open(host, 4000)

    @staticmethod
    def is_told(frontend, ear):
        if frontend == "natpmp":
            return any(source == NEW_GATEWAY and told.epoch < 3 and told.address == WAN
                       for source, told in ear.natpmp_announcements())
        if frontend == "pcp":
            return any(source == NEW_GATEWAY and epoch < 3
                       for source, epoch in ear.pcp_announcements())
        return any(headers["location"].startswith(f"http://{NEW_GATEWAY}:")
                   for headers in ear.ssdp_notices("ssdp:alive"))


class Interface(MovesTest):
    def delete_bridge(self):
        self.lab.ip("gw", "link delete br-lan")
        wait_until(lambda: not self.daemon.status()["lan"][0]["addresses"], 3, "it is noticed")

    def make_bridge(self):
        self.lab.ip("gw", "link add br-lan type bridge")
        self.lab.ip("gw", f"address add {GATEWAY}/24 dev br-lan")
        self.lab.ip("gw", f"address add {GATEWAY6}/64 dev br-lan nodad")
        self.lab.ip("gw", "link set br-lan up")
        for port in "port-a", "port-b":
            self.lab.ip("gw", f"link set {port} master br-lan up")

    def index(self):
        return self.lab.ip("gw", "-o link show br-lan").split(":")[0]

    def test_an_interface_that_is_made_anew_carries_traffic_and_serves_again(self):
        self.in_new_lab(self.make_anew, FRONTENDS)

    def make_anew(self, frontend):
        self.start(**only(frontend))
        ear = Ear(self.lab, "lan-b")
        self.open(frontend)
        host = UdpService(self.lab, "lan-a", 4000)
        with Traffic(self.lab, host, WAN, 4000) as traffic:
            self.assert_flows(traffic)
            before, index = self.daemon.status(), self.index()
            self.delete_bridge()
            self.wait_for_end(traffic)
            ear.forget()
            self.make_bridge()
            self.assertNotEqual(self.index(), index)
            self.assert_flows(traffic)
            after = self.daemon.status()
            self.assertEqual([mapping["id"] for mapping in after["mappings"]],
                             [mapping["id"] for mapping in before["mappings"]])
            self.assertGreaterEqual(after["epoch"], before["epoch"], "nothing was lost")
        wait_until(lambda: self.is_served(frontend), 5, "it is served again")
        self.assert_open(UdpService(self.lab, "lan-a", 4001), 4001)
        if frontend == "upnp":
            ear.wait_for(lambda ear: any(
                headers["location"].startswith(f"http://{GATEWAY}:")
                for headers in ear.ssdp_notices("ssdp:alive")), 5, "it is there again")

    def is_served(self, frontend):
        with contextlib.suppress(LabError, OSError):
            self.open(frontend, port=4001)
            return True
        return False

    def test_an_interface_that_goes_for_good_takes_nothing_else_with_it(self):
        self.in_new_lab(self.lose, FRONTENDS)

    def lose(self, frontend):
        self.add_guest()
        self.start(lan=["br-lan", "guest0"], **only(frontend))
        self.open(frontend)
        host, guest = (UdpService(self.lab, *place) for place in (("lan-a", 4000), ("lan-b", 4002)))
        self.open_for_guest(frontend, 4002)
        with Traffic(self.lab, guest, WAN, 4002) as other, \
                Traffic(self.lab, host, WAN, 4000) as traffic:
            for flow in traffic, other:
                self.assert_flows(flow)
            self.delete_bridge()
            self.wait_for_end(traffic)
            self.assert_flows(other)
            self.open_for_guest(frontend, 4003)
            self.assertLess(other.longest_gap(), 1, "the others go on")
        # Who is there may come back, with the leases that he has.
        self.assertIn(("udp", 4000), self.daemon.mappings())
        self.daemon.terminate()
        self.daemon.configure(lan=["guest0"])
        self.daemon.start()
        self.assertEqual(set(self.daemon.mappings()), {("udp", 4002), ("udp", 4003)})
        self.assert_open(guest, 4002)

    def add_guest(self):
        self.lab.ip("gw", f"link add guest0 type veth peer name eth1 netns {self.lab.name}-lan-b")
        self.lab.ip("gw", f"address add {GUEST_GATEWAY}/24 dev guest0")
        self.lab.ip("gw", "link set guest0 up")
        self.lab.ip("lan-b", f"address add {GUEST}/24 dev eth1")
        self.lab.ip("lan-b", "link set eth1 up")
        self.lab.ip("lan-b", f"route replace default via {GUEST_GATEWAY}")

    def open_for_guest(self, frontend, port):
        if frontend == "natpmp":
            told = Client(self.lab, "lan-b", GUEST_GATEWAY).map(UDP, port, port, 600)
            self.assertEqual(told.external, port)
        elif frontend == "pcp":
            told = client_on(self.lab, "lan-b", GUEST_GATEWAY).map(PCP_UDP, port, port)
            self.assertEqual(told.external, (WAN, port))
        else:
            location = f"http://{GUEST_GATEWAY}:5351/" + locate(
                self.lab, "lan-b", source=GUEST).split("/", 3)[3]
            ControlPoint(self.lab, "lan-b", location=location).add(port, port, InternalClient=GUEST)
