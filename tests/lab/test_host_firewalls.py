"""Doors under every firewall that people run on their gateways, before and after its reloads."""

import concurrent.futures

from host_firewalls import (FORWARDED, Docker, Firewalld, ForwardDrop, Fw4, InputDrop, NoFilter,
                            Ufw)
from lab import INET, INET2, INET6, INET6_2, LAN_A, LAN_A6, LAN_B6, WAN, LabError, wait_until
from labtest import LabTest
from natpmp import SUCCESS, TCP, UDP, Client
from probe import TcpService, UdpService

HEALED = 3  # seconds; a busy machine's helper of firewalld needs part of one


class Probe:
    """A service on the LAN, and somebody on the Internet who calls it at `target`."""

    def __init__(self, name, service, target, source=INET):
        self.name, self.service, self.target, self.source = name, service, target, source

    def arrives(self):
        return self.service.reached(self.target, self.source) is not None


class Matrix:
    """What holds under each firewall; the classes below name them."""

    firewall_type = None

    def setUp(self):
        if tool := self.firewall_type.missing():
            self.skipTest(f"needs {tool}: script/packages test")
        super().setUp()
        # Somebody on the Internet side may well know the inside addresses.
        self.lab.ip("inet", f"route add 192.168.1.0/24 via {WAN}")
        self.firewall = self.firewall_type(self.lab)
        self.addCleanup(self.firewall.close)
        self.firewall.up()

    def test_doors_are_open_and_all_else_is_as_the_firewall_has_it(self):
        self.start()
        self.client = Client(self.lab)
        self.assertTrue(self.is_served())
        self.open_pinhole()
        self.place_services()
        self.check("at first")
        for what, happen in self.firewall.reloads().items():
            happen()
            self.check(f"after {what}")

    def is_served(self):
        """The client's requests get through to the daemon, and are granted."""
        try:
            return all(self.client.map(protocol, 4000, 4000, 600)[::3] == (SUCCESS, 4000)
                       for protocol in (UDP, TCP))
        except LabError:
            return False

    def open_pinhole(self):
        """NAT-PMP knows no IPv6: at its start the daemon takes over a pinhole that it finds."""
        self.daemon.terminate()
        self.lab.nft(f"add element inet postern pin6 {{ {LAN_A6} . udp . 4000 timeout 10m }}")
        self.daemon.start()

    def place_services(self):
        """Each probe has a service of its own, so that all can be made at the same time."""
        udp, tcp = UdpService(self.lab, "lan-a", 4000), TcpService(self.lab, "lan-a", 4000)
        udp6 = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        own = UdpService(self.lab, "lan-b", FORWARDED)
        own6 = UdpService(self.lab, "lan-b", FORWARDED, LAN_B6)
        self.open = [
            Probe("IPv4 UDP", udp, (WAN, 4000)),
            Probe("IPv4 TCP", tcp, (WAN, 4000)),
            Probe("IPv6 pinhole", udp6, (LAN_A6, 4000), INET6),
            Probe("the administrator's forward", own, (WAN, FORWARDED), INET2),
            Probe("the administrator's IPv6 forward", own6, (LAN_B6, FORWARDED), INET6_2),
        ]
        self.closed = [
            Probe("unmapped IPv4 UDP", UdpService(self.lab, "lan-a", 4001), (WAN, 4001)),
            Probe("unmapped IPv4 TCP", TcpService(self.lab, "lan-a", 4001), (WAN, 4001)),
            Probe("the administrator's forward for others", own, (WAN, FORWARDED)),
        ]
        if self.firewall.filters_forwarded:
            self.closed += [
                Probe("IPv4 UDP past the door", udp, (LAN_A, 4000)),
                Probe("IPv4 TCP past the door", tcp, (LAN_A, 4000)),
                Probe("unmapped IPv6", UdpService(self.lab, "lan-a", 4001, LAN_A6), (LAN_A6, 4001),
                      INET6),
                Probe("the administrator's IPv6 forward for others", own6, (LAN_B6, FORWARDED),
                      INET6),
            ]

    def check(self, when):
        with self.subTest(when), concurrent.futures.ThreadPoolExecutor() as at_once:
            wait_until(self.is_served, HEALED, f"{when} the client is served")
            shut = self.open

            def all_are_open():
                nonlocal shut
                arrive = at_once.map(Probe.arrives, shut)
                shut = [probe for probe, arrives in zip(shut, list(arrive)) if not arrives]
                return not shut

            try:
                wait_until(all_are_open, HEALED, f"{when} all is open")
            except LabError as error:
                self.fail(f"{error}: not {', '.join(probe.name for probe in shut)}")
            arrive = at_once.map(Probe.arrives, self.closed)
            for probe, arrives in zip(self.closed, list(arrive)):
                self.assertFalse(arrives, f"{when}: {probe.name} is open")


class WithoutAFilter(Matrix, LabTest):
    firewall_type = NoFilter


class WithAForwardDrop(Matrix, LabTest):
    firewall_type = ForwardDrop


class WithAnInputDrop(Matrix, LabTest):
    firewall_type = InputDrop


class WithFw4(Matrix, LabTest):
    firewall_type = Fw4


class WithDocker(Matrix, LabTest):
    firewall_type = Docker


class WithUfw(Matrix, LabTest):
    firewall_type = Ufw


class WithFirewalld(Matrix, LabTest):
    firewall_type = Firewalld
