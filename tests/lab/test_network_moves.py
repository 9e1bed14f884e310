"""The network around the daemon moves: interfaces come and go, the WAN is renumbered, hosts go.
What becomes of a LAN that is renumbered, or made anew, is in test_lan_moves.py."""

import time

import pcp
from ear import Ear
from lab import GATEWAY, INET, LAN_A, LAN_B, WAN, LabError, sleep_until, wait_until
from labtest import LabTest
from natpmp import UDP, Client
from pcp import UDP as PCP_UDP
from pcp import client_on
from probe import UdpService
from traffic import Traffic
from upnp import IP, ControlPoint, Subscriber, subscribe

NEW_WAN = "203.0.113.77"
FRONTENDS = "natpmp", "pcp", "upnp"


def only(*frontends):
    """The settings with which no other frontend serves."""
    return {name: {"enabled": False} for name in FRONTENDS if name not in frontends}


class Wan(LabTest):
    def recreate_wan(self):
        """As when a PPP session or a USB modem comes back: same name, another index."""
        before = self.lab.ip("gw", "-o link show wan0").split(":")[0]
        self.lab.ip("gw", "link delete wan0")
        self.lab.ip("gw", f"link add wan0 type veth peer name eth0 netns {self.lab.name}-inet")
        for number in 99, 98:
            self.lab.ip("inet", f"address add 203.0.113.{number}/24 dev eth0")
        self.lab.ip("inet", "link set eth0 up")
        self.lab.ip("gw", f"address add {WAN}/24 dev wan0")
        self.lab.ip("gw", "link set wan0 up")
        self.lab.ip("gw", f"route add default via {INET}")
        self.assertNotEqual(self.lab.ip("gw", "-o link show wan0").split(":")[0], before)

    def test_a_recreated_interface_carries_traffic_again_within_two_seconds(self):
        self.start()
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000, 600).external, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        epoch = self.daemon.status()["epoch"]
        with Traffic(self.lab, host, WAN, 4000) as traffic:
            wait_until(lambda: traffic.arrived, 3, "traffic flows")
            self.recreate_wan()
            back = time.monotonic()
            wait_until(lambda: traffic.arrives_after(back), 2, "it flows again")
        self.assertEqual(len(self.daemon.status()["mappings"]), 1)
        self.assertGreaterEqual(self.daemon.status()["epoch"], epoch, "nothing was lost")

    def test_a_lost_address_that_comes_back_changes_nothing(self):
        self.start()
        client = Client(self.lab)
        self.assertEqual(client.map(UDP, 4000, 4000, 600).external, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        with Traffic(self.lab, host, WAN, 4000) as traffic:
            wait_until(lambda: traffic.arrived, 3, "traffic flows")
            self.lab.ip("gw", f"address delete {WAN}/24 dev wan0")
            wait_until(lambda: self.daemon.status()["external_address"] is None, 3, "it is noticed")
            self.lab.ip("gw", f"address add {WAN}/24 dev wan0")
            self.lab.ip("gw", f"route replace default via {INET}")
            back = time.monotonic()
            wait_until(lambda: traffic.arrives_after(back), 2, "it flows again")

    # NPMP-80, PCP-180, IGD-134
    def test_a_new_address_moves_the_mappings_and_clients_are_told(self):
        for frontend in FRONTENDS:
            with self.subTest(frontend):
                self.start(**only(frontend))
                ear = Ear(self.lab, "lan-b")
                is_told = getattr(self, f"map_with_{frontend}")(ear)
                host = UdpService(self.lab, "lan-a", 4000)
                with Traffic(self.lab, host, NEW_WAN, 4000) as traffic:
                    ear.forget()
                    self.readdress_wan(WAN, NEW_WAN)
                    wait_until(lambda: traffic.arrived, 3, "it flows to the new address")
                wait_until(is_told, 5, "clients are told")
                self.assert_closed(host, 4000, WAN)
                host.sock.close()
                self.daemon.kill()
                self.lab.nft("delete table inet postern")
                self.readdress_wan(NEW_WAN, WAN)

    def readdress_wan(self, old, new):
        self.lab.ip("gw", f"address delete {old}/24 dev wan0")
        self.lab.ip("gw", f"address add {new}/24 dev wan0")
        self.lab.ip("gw", f"route replace default via {INET}")

    def map_with_natpmp(self, ear):
        """Whether everybody hears of the new address."""
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000, 600).external, 4000)
        return lambda: any(told.address == NEW_WAN and told.epoch < 3
                           for _, told in ear.natpmp_announcements())

    def map_with_pcp(self, _ear):
        """Whether the client hears where its mapping is now."""
        client = client_on(self.lab)
        self.assertEqual(client.map(PCP_UDP, 4000, 4000, lifetime=600).external, (WAN, 4000))
        return lambda: pcp.parse(client.hear()).external == (NEW_WAN, 4000)

    def map_with_upnp(self, _ear):
        """Whether subscribers hear of the new address."""
        point, subscriber = ControlPoint(self.lab, view=2), Subscriber(self.lab)
        subscribe(point, IP, subscriber.url)
        self.assertEqual(subscriber.next_event().values["ExternalIPAddress"], WAN)
        point.add(4000, 4000)
        return lambda: subscriber.next_event().values.get("ExternalIPAddress") == NEW_WAN


class Lan(LabTest):
    def test_a_lan_interface_that_goes_and_comes_back_is_served_again(self):
        self.start()
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000, 600).external, 4000)
        self.lab.ip("gw", "link set br-lan down")
        wait_until(lambda: not self.daemon.status()["lan"][0]["addresses"], 3, "it is noticed")
        self.lab.ip("gw", "link set br-lan up")
        client = Client(self.lab)
        wait_until(lambda: self.is_answered(client), 5, "it is served again")
        self.assertEqual(len(self.daemon.status()["mappings"]), 1, "the host is still there")

    def test_an_interface_may_be_added_while_the_daemon_serves(self):
        self.start(lan=["br-lan", "guest0"])
        self.lab.ip("gw", f"link add guest0 type veth peer name eth1 netns {self.lab.name}-lan-b")
        self.lab.ip("gw", "address add 10.8.0.1/24 dev guest0")
        self.lab.ip("gw", "link set guest0 up")
        self.lab.ip("lan-b", "address add 10.8.0.10/24 dev eth1")
        self.lab.ip("lan-b", "link set eth1 up")
        wait_until(lambda: self.maps_on_guest(), 5, "the new interface is served")
        self.assertEqual(self.daemon.mappings()["udp", 4002][:2], ("10.8.0.10", 4002))

    def maps_on_guest(self):
        try:
            return self.lab.run("lan-b", "natpmpc", "-g", "10.8.0.1", "-a", "4002", "4002", "udp",
                                "600")
        except LabError:
            return None

    @staticmethod
    def is_answered(client):
        try:
            return client.external_address().address == WAN
        except (LabError, AttributeError, OSError):
            return False


class Hosts(LabTest):
    settings = {"lifetime": {"host_gone": "3s"}}

    def test_a_host_that_is_gone_loses_its_doors(self):
        self.start()
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000, 600).external, 4000)
        self.assertEqual(Client(self.lab, "lan-b").map(UDP, 4001, 4001, 600).external, 4001)
        self.lab.ip("lan-a", "link set eth0 down")
        sock = self.lab.udp("inet")
        begin = time.monotonic()
        while self.is_there(4000):
            sock.sendto(b"anybody there?", (WAN, 4000))  # what makes the kernel look for the host
            self.assertLess(time.monotonic() - begin, 60, "it is noticed")
            time.sleep(0.5)
        self.assertTrue(self.is_there(4001))
        self.assertIn("host_gone", self.daemon.log())

    def test_a_host_that_is_silent_for_a_while_keeps_its_doors(self):
        self.settings = {"lifetime": {"host_gone": "10s"}}
        self.start()
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000, 600).external, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        self.lab.ip("gw", f"neigh flush to {LAN_A}")
        self.lab.ip("gw", "link set port-a down")
        sock = self.lab.udp("inet")
        sock.sendto(b"anybody there?", (WAN, 4000))
        wait_until(lambda: "FAILED" in self.lab.ip("gw", f"neigh show to {LAN_A}"), 10, "silence")
        noticed = time.monotonic()
        self.lab.ip("gw", "link set port-a up")
        wait_until(lambda: host.reached((WAN, 4000)), 5, "the host is found again")
        sleep_until(noticed + 13)
        self.assertTrue(self.is_there(4000))

    def test_who_takes_over_an_address_gets_no_doors_with_it(self):
        self.start()
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000, 600).external, 4000)
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 4000)
        wait_until(lambda: "REACHABLE" in self.lab.ip("gw", f"neigh show to {LAN_A}"), 15,
                   "the kernel knows whose the address is")
        self.lab.ip("lan-a", f"address delete {LAN_A}/24 dev eth0")
        self.lab.ip("lan-b", f"address delete {LAN_B}/24 dev eth0")
        self.lab.ip("lan-b", f"address add {LAN_A}/24 dev eth0")
        self.lab.ip("lan-b", f"route replace default via {GATEWAY}")
        other = UdpService(self.lab, "lan-b", 4000)
        Client(self.lab, "lan-b").external_address()  # the gateway looks for who asks
        wait_until(lambda: not self.is_there(4000), 60, "the mapping ends")
        self.assert_closed(other, 4000)
        self.assertIn("host_gone", self.daemon.log())

    def is_there(self, port):
        return ("udp", port) in self.daemon.mappings()
