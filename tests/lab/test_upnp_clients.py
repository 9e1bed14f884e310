"""UPnP clients that other people wrote: upnpc, miniupnpc for Python, gssdp-discover and nmap."""

import json
import subprocess

from lab import GATEWAY, INET6, LAN_A, LAN_A6, LabError
from labtest import LabTest
from probe import TcpService, UdpService
from ssdp import SITE_GROUP, gateway_type, locate

PYTHON = "/usr/bin/python3"  # Debian's, whose packages these are
# An address of the documentation is none that miniupnpc believes to be on the Internet.
PUBLIC = "20.30.40.50"

MINIUPNPC = """
import json, miniupnpc
upnp = miniupnpc.UPnP()
upnp.discoverdelay = 500
if url := %r:
    upnp.selectigd(url)
else:
    upnp.discover()
    upnp.selectigd()
def add(external, protocol, internal):
    return upnp.addportmapping(external, protocol, upnp.lanaddr, internal, "lab", "")
def add_any(external, protocol, internal):
    return upnp.addanyportmapping(external, protocol, upnp.lanaddr, internal, "lab", "")
def listing():
    entries = []
    while (entry := upnp.getgenericportmapping(len(entries))) is not None:
        entries.append(entry)
    return entries
print(json.dumps(%s))
"""


class Upnpc(LabTest):
    settings = {"external_address": PUBLIC}  # told to clients; the doors are at WAN

    def setUp(self):
        super().setUp()
        self.start()
        self.urls = {view: locate(self.lab, view=view) for view in (1, 2)}

    def upnpc(self, *arguments, view=1, host="lan-a"):
        return self.lab.run(host, "upnpc", "-u", self.urls[view], *map(str, arguments), timeout=60)

    def test_it_finds_the_gateway(self):  # IGD-110, 111, 113, 136, 137, Q-08
        told = self.lab.run("lan-a", "upnpc", "-s", timeout=60)
        self.assertIn(f"desc: {self.urls[1]}", told)
        for words in ("Found valid IGD", "Connection Type : IP_Routed", "Status : Connected",
                      f"ExternalIPAddress = {PUBLIC}", f"Local LAN ip address : {LAN_A}"):
            self.assertIn(words, told)
        self.assertRegex(told, r"Bytes: +Sent: +\d+\tRecv: +\d+\n")
        self.assertRegex(told, r"MaxBitRateDown : [1-9]\d+ bps")

    def test_it_maps_lists_and_deletes(self):  # IGD-105, Q-30, Q-31
        for view in 1, 2:
            with self.subTest(view=view):
                udp = UdpService(self.lab, "lan-a", 4000 + view)
                tcp = TcpService(self.lab, "lan-a", 4000 + view)
                self.upnpc("-e", "radio", "-a", LAN_A, 4000 + view, 40100, "tcp", 600, view=view)
                self.upnpc("-r", 4000 + view, 40100, "udp", view=view)
                for host in udp, tcp:
                    self.assert_open(host, 40100)
                told = self.upnpc("-l", view=view)
                self.assertRegex(told, rf" TCP 40100->{LAN_A}:400{view} +'radio' '' (600|5\d\d)\n")
                lease = "0" if view == 1 else "604(800|7)"
                self.assertRegex(told, rf" UDP 40100->{LAN_A}:400{view} +'.*' '' {lease}")
                self.assertIn("returned 713 (SpecifiedArrayIndexInvalid)", told)
                for host in udp, tcp:
                    self.upnpc("-d", 40100, host.name, view=view)
                    self.assert_closed(host, 40100)
                self.assertEqual(self.daemon.mappings(), {})

    def test_what_version_2_added(self):  # IGD-080, 103, 108, 109
        self.upnpc("-r", 5000, 40100, "tcp", host="lan-b")
        told = self.upnpc("-n", LAN_A, 4000, 40100, "tcp", 600, view=2)
        port, = (key[1] for key, place in self.daemon.mappings().items() if place[0] == LAN_A)
        self.assertNotEqual(port, 40100)
        self.assertIn(f"external {PUBLIC}:{port} TCP is redirected to internal {LAN_A}:4000", told)
        host = TcpService(self.lab, "lan-a", 4000)
        self.assert_open(host, port)
        told = self.upnpc("-L", view=2)
        self.assertRegex(told, rf" TCP +{port}->{LAN_A}:4000 ")
        self.assertRegex(told, r" TCP 40100->192\.168\.1\.11:5000 ")
        self.upnpc("-N", 1024, 65535, "tcp", view=2)
        self.assert_closed(host, port)
        self.assertEqual(list(self.daemon.mappings()), [("tcp", 40100)])

    def test_pinholes(self):  # IGD-151, 152, 161, 162, 163
        url = locate(self.lab, view=2, to=SITE_GROUP)

        def upnpc6(*arguments):
            return self.lab.run("lan-a", "upnpc", "-6", "-u", url, *map(str, arguments))

        self.assertIn("FirewallEnabled: 1 & Inbound Pinhole Allowed: 1", upnpc6("-S"))
        host = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        self.assertIsNone(host.reached((LAN_A6, 4000), INET6))
        told = upnpc6("-A", "empty", 0, LAN_A6, 4000, "udp", 600)
        self.assertRegex(told, r"/ Pinhole ID = \d+\n")
        unique_id = told.rpartition("=")[2].strip()
        self.assertIsNotNone(host.reached((LAN_A6, 4000), INET6))
        self.assertIn("IsWorking = Yes", upnpc6("-C", unique_id))
        self.assertIn("PinholePackets = 1\n", upnpc6("-K", unique_id))
        self.assertIn("with Lease Time: 900", upnpc6("-U", unique_id, 900))
        self.assertIn("returned : 0", upnpc6("-D", unique_id))
        self.assertIsNone(host.reached((LAN_A6, 4000), INET6))


class MiniupnpcForPython(LabTest):
    settings = {"external_address": PUBLIC}

    def setUp(self):
        if subprocess.run([PYTHON, "-c", "import miniupnpc"], capture_output=True).returncode:
            self.skipTest("needs miniupnpc for Python: script/packages test")
        super().setUp()
        self.start()

    def ask(self, expression, url=None):
        """What the expression is there. Without the URL of a description it searches for one."""
        return json.loads(self.lab.run("lan-a", PYTHON, "-c", MINIUPNPC % (url, expression),
                                       timeout=60))

    def test_it_maps_lists_and_deletes(self):  # IGD-105, Q-30
        self.assertEqual(self.ask("upnp.externalipaddress()"), PUBLIC)
        host = TcpService(self.lab, "lan-a", 4000)
        told = self.ask('[add(40100, "TCP", 4000), add(40101, "UDP", 4001), listing()]')
        self.assertEqual(told[:2], [True, True])
        self.assertEqual([entry[:3] for entry in told[2]], [[40100, "TCP", [LAN_A, 4000]],
                                                            [40101, "UDP", [LAN_A, 4001]]])
        self.assert_open(host, 40100)
        self.assertEqual(self.ask('[upnp.deleteportmapping(40100, "TCP"), len(listing())]'),
                         [True, 1])
        self.assert_closed(host, 40100)

    def test_it_takes_any_port_where_its_own_is_taken(self):  # IGD-005, 080
        self.lab.natpmpc("lan-b", "-a", 40100, 5000, "tcp", 600)
        with self.assertRaisesRegex(LabError, "Invalid ?Action"):  # it found version 1
            self.ask('add_any(40100, "TCP", 4000)')
        port = self.ask('add_any(40100, "TCP", 4000)', locate(self.lab, view=2))
        self.assertNotEqual(port, 40100)
        self.assert_open(TcpService(self.lab, "lan-a", 4000), port)


class Finders(LabTest):
    def test_gssdp_discover(self):  # SSDP-36, 38
        self.start()
        for view in 1, 2:
            told = self.lab.run("lan-a", "gssdp-discover", "-i", "eth0", "-n", "2",
                                "-t", gateway_type(view))
            self.assertIn(f"::{gateway_type(view)}\n", told)
            self.assertIn(f"Location: {locate(self.lab, view=view)}", told)

    def test_nmap(self):  # SSDP-35, 39
        self.start()
        told = self.lab.run("lan-a", "nmap", "-n", "-Pn", "-sU", "-p", "1900", "--script",
                            "upnp-info", GATEWAY, timeout=60)
        self.assertIn("1900/udp open", told)
        self.assertIn(f"Location: http://{GATEWAY}:5351/", told)
        self.assertRegex(told, r"Server: Linux/\S+ UPnP/1\.1 Postern/\S+")
