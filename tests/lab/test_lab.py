"""The lab itself: what the other tests stand on. No daemon runs here."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from lab import INET, LAN_A, SCRIPT, WAN, Lab
from labtest import LabTest
from probe import TcpService, UdpService, outbound

DOOR = f"""
table inet doors {{
    chain prerouting {{
        type nat hook prerouting priority dstnat
        ip daddr {WAN} udp dport 4000 dnat ip to {LAN_A}:4000
    }}
    chain forward {{ type filter hook forward priority filter - 10; }}
}}
"""


class Network(LabTest):
    def test_the_firewall_forwards_from_outside_only_what_is_marked(self):
        service = UdpService(self.lab, "lan-a", 4000)
        self.lab.nft(DOOR)
        self.assert_closed(service, 4000)
        self.lab.nft("add rule inet doors forward meta mark set 0x10000000")
        self.assert_open(service, 4000)

    def test_the_gateway_hides_its_own_services_from_outside(self):
        for service in UdpService(self.lab, "gw", 4000), TcpService(self.lab, "gw", 4000):
            self.assert_closed(service, 4000)
            self.assertIsNotNone(service.reached((WAN, 4000), source=LAN_A, by="lan-a"))

    def test_lan_hosts_reach_the_internet_with_the_gateways_address(self):
        for host in "lan-a", "lan-b":
            self.assertEqual(outbound(self.lab, host, 4000)[0], WAN)


class UpAndDown(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.down)

    def namespaces(self):
        return [path.name for path in pathlib.Path("/run/netns").glob(f"{self.lab.name}-*")]

    def test_up_and_down_may_be_called_twice(self):
        for _ in range(2):
            self.lab.script("up")
        self.assertEqual(len(self.namespaces()), 4)
        self.lab.script("status")
        for _ in range(2):
            self.lab.script("down")
        self.assertEqual(self.namespaces(), [])

    def test_up_mends_what_a_broken_up_left(self):
        subprocess.run(["ip", "netns", "add", f"{self.lab.name}-gw"], check=True)
        self.lab.script("up")
        self.assertEqual(len(self.namespaces()), 4)

    def test_a_failing_up_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as tools:
            broken = pathlib.Path(tools, "nft")
            broken.write_text("#!/bin/sh\nexit 1\n")
            broken.chmod(0o755)
            environment = {**os.environ, "POSTERN_LAB": self.lab.name,
                           "PATH": f"{tools}:{os.environ['PATH']}"}
            up = subprocess.run([SCRIPT, "up"], env=environment, capture_output=True)
        self.assertNotEqual(up.returncode, 0)
        self.assertEqual(self.namespaces(), [])

    def test_down_ends_what_runs_inside(self):
        self.lab.script("up")
        with self.lab.host("lan-a"):
            process = subprocess.Popen(["sleep", "600"])
        self.lab.script("down")
        self.assertNotEqual(process.wait(timeout=5), 0)

    def test_two_labs_do_not_meet(self):
        other = Lab()
        self.addCleanup(other.down)
        self.lab.up()
        other.up()
        service = UdpService(self.lab, "inet", 4000)
        self.assertIsNotNone(service.reached((INET, 4000), LAN_A, "lan-a"))
        service.lab = other  # whose lan-a asks now
        self.assertIsNone(service.reached((INET, 4000), LAN_A, "lan-a"))
