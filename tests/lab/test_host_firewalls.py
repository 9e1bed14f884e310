"""Doors under every firewall that people run on their gateways, before and after its reloads."""

import concurrent.futures
import contextlib

from host_firewalls import (FORWARDED, Docker, Firewalld, ForwardDrop, Fw4, InputDrop, NoFilter,
                            Ufw)
from lab import (GATEWAY, INET, INET2, INET6, INET6_2, LAN_A, LAN_A6, LAN_B6, WAN, LabError,
                 wait_until)
from labtest import LabTest
from natpmp import SUCCESS, TCP, UDP, Client
from probe import TcpService, UdpService, service

BESIDE = 9001  # is mapped to the inside that the administrator's forward leads to
HEALED = 3  # seconds; a busy machine's helper of firewalld needs part of one


class Probe:
    """A service on the LAN, and somebody on the Internet who calls it at `target`."""

    def __init__(self, name, service, target, source=INET):
        self.name, self.service, self.target, self.source = name, service, target, source

    def arrives(self):
        with self.service.alone:
            return self.service.reached(self.target, self.source) is not None


class FirewallTest(LabTest):
    def put_up(self, firewall_type):
        """The gateway gets this firewall instead of the lab's own."""
        if tool := firewall_type.missing():
            self.skipTest(f"needs {tool}: script/packages test")
        self.firewall = firewall_type(self.lab)
        self.addCleanup(self.firewall.close)
        self.firewall.up()


class Matrix:
    """What holds under each firewall; the classes below name them."""

    firewall_type = None

    def setUp(self):
        super().setUp()
        # Somebody on the Internet side may well know the inside addresses.
        self.lab.ip("inet", f"route add 192.168.1.0/24 via {WAN}")
        self.put_up(self.firewall_type)

    def test_doors_are_open_and_all_else_is_as_the_firewall_has_it(self):
        self.start()
        self.client, self.other_client = Client(self.lab), Client(self.lab, "lan-b")
        self.assertTrue(self.is_served())
        self.open_pinholes()
        self.place_services()
        self.check("at first")
        for what, happen in self.firewall.reloads().items():
            happen()
            self.check(f"after {what}")

    def is_served(self):
        """The clients' requests get through to the daemon, and are granted."""
        try:
            return all(client.map(protocol, internal, external, 600)[::3] == (SUCCESS, external)
                       for client, protocol, internal, external in (
                           (self.client, UDP, 4000, 4000), (self.client, TCP, 4000, 4000),
                           (self.other_client, UDP, FORWARDED, BESIDE)))
        except LabError:
            return False

    def open_pinholes(self):
        """NAT-PMP knows no IPv6: at its start the daemon takes over pinholes that it finds."""
        self.daemon.terminate()
        self.lab.nft(f"""
            add element inet postern pin6 {{ {LAN_A6} . udp . 4000 timeout 10m }}
            add element inet postern pin6_host {{ {INET6} . {LAN_B6} . udp . 4000 timeout 10m }}
        """)
        self.daemon.start()

    def place_services(self):
        """Probes are made at the same time, but for those that share a service."""
        udp, tcp = UdpService(self.lab, "lan-a", 4000), TcpService(self.lab, "lan-a", 4000)
        udp6 = UdpService(self.lab, "lan-a", 4000, LAN_A6)
        filtered = UdpService(self.lab, "lan-b", 4000, LAN_B6)
        own = UdpService(self.lab, "lan-b", FORWARDED)
        own6 = UdpService(self.lab, "lan-b", FORWARDED, LAN_B6)
        self.open = [
            Probe("IPv4 UDP", udp, (WAN, 4000)),
            Probe("IPv4 TCP", tcp, (WAN, 4000)),
            Probe("IPv6 pinhole", udp6, (LAN_A6, 4000), INET6),
            Probe("filtered IPv6 pinhole", filtered, (LAN_B6, 4000), INET6),
            Probe("the administrator's forward", own, (WAN, FORWARDED), INET2),
            Probe("a mapping of the same inside", own, (WAN, BESIDE)),
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
                Probe("filtered IPv6 pinhole for others", filtered, (LAN_B6, 4000), INET6_2),
                Probe("the administrator's IPv6 forward for others", own6, (LAN_B6, FORWARDED),
                      INET6),
            ]

    def check(self, when):
        with self.subTest(when), concurrent.futures.ThreadPoolExecutor() as at_once:
            shut = self.open

            def all_are_open():
                nonlocal shut
                shut = [probe for probe, arrives in zip(shut, arrivals(at_once, shut))
                        if not arrives]
                return not shut

            try:
                wait_until(all_are_open, HEALED, "all is open")
            except LabError:
                self.fail(f"{when}: closed: {names(shut)}")
            wait_until(self.is_served, HEALED, f"{when} the client is served")
            opened = [probe for probe, arrives in zip(self.closed, arrivals(at_once, self.closed))
                      if arrives]
            self.assertFalse(opened, f"{when}: open: {names(opened)}")


def arrivals(at_once, probes):
    return list(at_once.map(Probe.arrives, probes))


def names(probes):
    return ", ".join(probe.name for probe in probes)


class OwnPorts(FirewallTest):
    """What is packaged for the firewalls opens the daemon's ports to the LAN and to nobody else."""

    def test_with_ufws_application_profile(self):
        self.put_up(Ufw)
        self.assert_open_to_the_lan([])
        self.firewall.ufw("allow", "in", "on", "br-lan", "to", "any", "app", "Postern")
        self.assert_open_to_the_lan(["udp 5351", "tcp 5351", "udp 1900"])

    def test_with_firewallds_service(self):
        self.put_up(Firewalld)
        self.assert_open_to_the_lan(["udp 5351", "tcp 5351", "udp 1900"])

    def assert_open_to_the_lan(self, wanted):
        found = []
        for protocol, port in ("udp", 5351), ("tcp", 5351), ("udp", 1900), ("udp", 1901):
            own = service(self.lab, protocol, "gw", port)
            with contextlib.closing(own.sock):
                if own.reached((GATEWAY, port), LAN_A, "lan-a"):
                    found.append(f"{protocol} {port}")
                self.assertIsNone(own.reached((WAN, port)), f"{protocol} {port} from outside")
        self.assertEqual(found, wanted)


class WithoutAFilter(Matrix, FirewallTest):
    firewall_type = NoFilter


class WithAForwardDrop(Matrix, FirewallTest):
    firewall_type = ForwardDrop


class WithAnInputDrop(Matrix, FirewallTest):
    firewall_type = InputDrop


class WithFw4(Matrix, FirewallTest):
    firewall_type = Fw4


class IptablesMatrix(Matrix):
    def check(self, when):
        super().check(when)
        with self.subTest(when):
            for tool in "iptables-nft-save", "ip6tables-nft-save":
                rules = self.firewall.gateway(tool, "-t", "filter").splitlines()
                ours = [rule.split()[1] for rule in rules if "--comment postern" in rule]
                self.assertEqual(sorted(ours), ["FORWARD", "INPUT"], f"{when}: {tool}")


class WithDocker(IptablesMatrix, FirewallTest):
    firewall_type = Docker


class WithUfw(IptablesMatrix, FirewallTest):
    firewall_type = Ufw


class WithFirewalld(Matrix, FirewallTest):
    firewall_type = Firewalld
