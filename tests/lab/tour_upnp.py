"""The part of the tour that is about UPnP: what a console or a torrent client does."""

import contextlib
import re
import socket
import subprocess

from lab import GATEWAY6, INET, INET6, LAN_A, LAN_A6, WAN, family_of
from narration import check, say, show, step
from probe import UdpService

SEARCH = ("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
          "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:{}\r\n\r\n")
INTERESTING = ("Found valid", "ExternalIPAddress", "external ", "InternalIP", "AddPinhole", " i ",
               "UPNP", "Pinhole")


def find_device(gateway, version):
    """Where the description is, by a search sent to the gateway alone."""
    with contextlib.closing(socket.socket(family_of(gateway), socket.SOCK_DGRAM)) as sock:
        sock.settimeout(2)
        sock.sendto(SEARCH.format(version).encode(), (gateway, 1900))
        answer = sock.recv(2048).decode()
    return re.search(r"(?im)^location: *(\S+)", answer)[1]


class UpnpTour:
    """What can be shown without a LAN: nothing is mapped to the gateway itself. `client` enters the
    host that asks."""

    def __init__(self, daemon, gateway, client):
        self.daemon, self.gateway, self.client = daemon, gateway, client

    def run(self):
        self.find()

    def upnpc(self, *arguments):
        """The real client. (-i: it would not use a gateway with an address of documentation.)"""
        command = ["upnpc", "-i", *map(str, arguments)]
        say(f"  $ {' '.join(command)}")
        with self.client():
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=30)
        said = done.stdout + done.stderr
        show("\n".join(line for line in said.splitlines() if any(w in line for w in INTERESTING)))
        check(done.returncode == 0, "the gateway said yes")
        return said

    def device(self, gateway, version):
        """Options for a client that does not look for the gateway itself."""
        with self.client():
            return ["-u", find_device(gateway, version)]

    def version_1(self):
        return self.device(self.gateway, 1)

    def find(self):
        step("UPnP: what consoles and torrent clients speak")
        said = self.upnpc(*self.version_1(), "-s")
        check(f"ExternalIPAddress = {WAN}" in said, "the external address is told")


class UpnpLabTour(UpnpTour):
    """A mapping's life with packets, and a pinhole's."""

    def __init__(self, daemon, gateway, client, lab):
        super().__init__(daemon, gateway, client)
        self.lab = lab
        self.console = UdpService(lab, "lan-a", 3074)
        self.console6 = UdpService(lab, "lan-a", 3075, LAN_A6)

    def run(self):
        super().run()
        self.map()
        self.open_a_pinhole()
        self.delete()

    def version_1(self):
        return []  # it finds the gateway by itself

    def map(self):
        self.upnpc("-e", "a console", "-a", LAN_A, 3074, 40200, "udp", 60)
        check(self.daemon.mappings() == {("udp", 40200): (LAN_A, 3074, ["upnp"])},
              "the mapping is in the status")
        sender = self.console.reached((WAN, 40200))
        check(sender, f"UDP from {INET} to {WAN}:40200 arrives at {LAN_A}:3074")

    def open_a_pinhole(self):
        step("UPnP: a pinhole in the IPv6 firewall")
        device = self.device(GATEWAY6, 2)
        said = self.upnpc(*device, "-A", "", 0, LAN_A6, 3075, "udp", 60)
        unique_id = re.search(r"Pinhole ID = (\d+)", said)
        check(unique_id, "it has a number")
        check(self.console6.reached((LAN_A6, 3075), INET6), f"{INET6} reaches {LAN_A6}:3075")
        self.upnpc(*device, "-D", unique_id[1])
        check(not self.console6.reached((LAN_A6, 3075), INET6), "closed again")

    def delete(self):
        step("UPnP: the host takes its wish back")
        self.upnpc("-d", 40200, "udp")
        check(not self.daemon.mappings(), "no mapping is left")
        check(not self.console.reached((WAN, 40200)), "and nothing arrives any more")
