"""Programs that use UPnP by themselves: Transmission, and a control point of GUPnP."""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile

from lab import INET, LAN_A, WAN, wait_until
from labtest import LabTest
from probe import ABSENT_AFTER, UdpService

PYTHON = "/usr/bin/python3"  # Debian's, whose packages these are
GUPNP = pathlib.Path(__file__).with_name("gupnp.py")
PUBLIC = "20.30.40.50"  # see test_upnp_clients.py
PATIENCE = 30  # seconds; Transmission looks for a gateway for two, and does so again


class Transmission(LabTest):
    PORT = 51413
    # It would ask over NAT-PMP as well.
    settings = {"external_address": PUBLIC, "natpmp": {"enabled": False},
                "pcp": {"enabled": False}}

    def setUp(self):
        if not shutil.which("transmission-daemon"):
            self.skipTest("needs transmission-daemon: script/packages test")
        super().setUp()

    def start_client(self):
        place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        place.joinpath("settings.json").write_text(json.dumps({
            "peer-port": self.PORT, "peer-port-random-on-start": False,
            "port-forwarding-enabled": True, "rpc-enabled": False, "dht-enabled": False,
            "lpd-enabled": False, "download-dir": str(place)}))
        with self.lab.host("lan-a"), place.joinpath("log").open("w") as log:
            client = subprocess.Popen(["transmission-daemon", "-f", "-g", place],
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        return client

    def accepts(self):
        """Whether a TCP connection from the Internet comes through."""
        caller = self.lab.socket("inet", socket.AF_INET, socket.SOCK_STREAM)
        with contextlib.closing(caller):
            caller.bind((INET, self.lab.fresh_port()))
            caller.settimeout(ABSENT_AFTER)
            return caller.connect_ex((WAN, self.PORT)) == 0

    def test_its_port_is_open_while_it_runs(self):  # IGD-061, 111, Q-08, Q-24
        self.start()
        self.assertFalse(self.accepts())
        client = self.start_client()
        both = {("tcp", self.PORT), ("udp", self.PORT)}
        wait_until(lambda: set(self.daemon.mappings()) == both, PATIENCE, "both are mapped")
        self.assertTrue(self.accepts())
        client.terminate()
        client.wait(timeout=PATIENCE)
        self.assertEqual(self.daemon.mappings(), {})
        self.assertFalse(self.accepts())


class Gupnp(LabTest):
    def setUp(self):
        check = 'import gi; gi.require_version("GUPnP", "1.6"); from gi.repository import GUPnP'
        if subprocess.run([PYTHON, "-c", check], capture_output=True).returncode:
            self.skipTest("needs GUPnP for Python: script/packages test")
        super().setUp()

    def start_client(self, version):
        place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        out, errors = place / "out", place / "errors"
        with self.lab.host("lan-a"), out.open("w") as stdout, errors.open("w") as stderr:
            self.client = subprocess.Popen([PYTHON, "-B", GUPNP, LAN_A, str(version)], text=True,
                                           stdin=subprocess.PIPE, stdout=stdout, stderr=stderr)
        self.addCleanup(self.client.stdin.close)
        self.addCleanup(self.client.wait)
        self.addCleanup(self.client.kill)
        self.told = self.enterContext(out.open())
        self.assertEqual(self.next_line()[0], "found")

    def next_line(self):
        return json.loads(wait_until(self.told.readline, PATIENCE, "the control point says more"))

    def call(self, action, arguments, *results):
        """The outcome, and what was told before it came."""
        print(json.dumps([action, arguments, results]), file=self.client.stdin, flush=True)
        while (line := self.next_line())[0] == "event":
            self.events[line[1]] = line[2]
        return line

    def expect_event(self, name, value):
        while self.events.get(name) != value:
            kind, *told = self.next_line()
            self.assertEqual(kind, "event")
            self.events[told[0]] = told[1]

    def test_it_maps_and_hears_of_it(self):  # IGD-130, 131, GENA-08
        self.start()
        host = UdpService(self.lab, "lan-a", 4000)
        for version in 1, 2:
            with self.subTest(version=version):
                self.events = {}
                self.start_client(version)
                self.expect_event("ExternalIPAddress", WAN)
                self.expect_event("PortMappingNumberOfEntries", 0)
                self.assertEqual(self.call("GetExternalIPAddress", {}, "NewExternalIPAddress"),
                                 ["done", [WAN]])
                key = {"NewRemoteHost": "", "NewExternalPort": 40100, "NewProtocol": "UDP"}
                wish = {**key, "NewInternalPort": 4000, "NewInternalClient": LAN_A,
                        "NewEnabled": True, "NewPortMappingDescription": "gupnp",
                        "NewLeaseDuration": 600}
                self.assertEqual(self.call("AddPortMapping", wish), ["done", []])
                self.assert_open(host, 40100)
                self.expect_event("PortMappingNumberOfEntries", 1)
                self.assertEqual(self.call("GetSpecificPortMappingEntry", key, "NewInternalClient",
                                           "NewPortMappingDescription"),
                                 ["done", [LAN_A, "gupnp"]])
                self.assertEqual(self.call("DeletePortMapping", key), ["done", []])
                self.assert_closed(host, 40100)
                self.expect_event("PortMappingNumberOfEntries", 0)
                self.assertEqual(self.call("DeletePortMapping", key)[0], "failed")
                self.client.stdin.close()
                self.assertEqual(self.client.wait(timeout=PATIENCE), 0)
