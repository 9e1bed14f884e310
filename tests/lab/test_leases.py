"""A door closes when its lease ends, whether the daemon lives or not."""

import time

from lab import INET6, LAN_A6, sleep_until
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import TcpService, UdpService, service

LEASE = 3  # seconds; NAT-PMP knows no minimum (NPMP-49)
PINHOLE = 5  # seconds; a start of the daemon lies between


class Leases(LabTest):
    def test_the_door_closes_when_the_lease_ends(self):  # NPMP-62
        self.start()
        self.open_for_a_lease()
        self.assert_closed_at_its_end()
        self.assertEqual(self.daemon.status()["mappings"], [])

    def test_a_renewal_in_place_counts_from_its_own_moment(self):  # NPMP-48
        # The kernel ignores a renewal with the timeout that the element has, unless told "expires".
        self.start()
        self.assert_renewal_prolongs()

    def test_a_renewal_by_delete_and_add_counts_from_its_own_moment(self):  # NPMP-48
        self.start(nftables={"renew_in_place": False})
        self.assert_renewal_prolongs()

    def test_a_renewal_may_shorten_the_lease(self):  # NPMP-48
        self.start()
        for protocol in UDP, TCP:
            Client(self.lab).map(protocol, 4000, 4000, 600)
        self.open_for_a_lease()
        self.assert_closed_at_its_end()

    def test_the_kernel_ends_the_lease_of_a_killed_daemon(self):
        self.start()
        self.open_for_a_lease()
        self.daemon.kill()
        self.assert_closed_at_its_end()

    def test_the_kernel_ends_the_lease_of_a_killed_daemons_pinhole(self):
        # No protocol of the daemon knows IPv6 yet, so it finds the pinholes at its start, as those
        # of an earlier run. It writes them anew, with the time that they have left.
        self.start()
        self.daemon.terminate()
        planted = time.monotonic()
        self.lab.nft("add element inet postern pin6 { "
                     + ", ".join(f"{LAN_A6} . {name} . 4000 timeout {PINHOLE}s"
                                 for name in ("udp", "tcp")) + " }")
        is_in_the_kernel = time.monotonic()
        self.daemon.start()
        self.assertEqual(self.daemon.status()["mapping_count"], 2)
        self.daemon.kill()
        hosts = [kind(self.lab, "lan-a", 4000, LAN_A6) for kind in (UdpService, TcpService)]
        sleep_until(planted + PINHOLE - 0.5)
        for host in hosts:
            self.assertIsNotNone(host.reached((LAN_A6, 4000), INET6), f"{host.name} is closed")
        sleep_until(is_in_the_kernel + PINHOLE + 0.1)
        for host in hosts:
            self.assertIsNone(host.reached((LAN_A6, 4000), INET6), f"{host.name} is open")

    def test_the_doors_of_a_terminated_daemon_stay_until_their_lease_ends(self):
        self.start()
        self.open_for_a_lease()
        self.assertEqual(self.daemon.terminate(), 0)
        self.assert_closed_at_its_end()

    def assert_renewal_prolongs(self):
        self.open_for_a_lease()
        sleep_until(self.asked + LEASE / 2)
        self.open_for_a_lease()
        self.assert_closed_at_its_end()

    def open_for_a_lease(self):
        self.asked = time.monotonic()
        for protocol in UDP, TCP:
            self.assertEqual(Client(self.lab).map(protocol, 4000, 4000, LEASE).lifetime, LEASE)
        self.granted = time.monotonic()
        if not hasattr(self, "hosts"):
            self.hosts = [service(self.lab, name, "lan-a", 4000) for name in ("udp", "tcp")]

    def assert_closed_at_its_end(self):
        sleep_until(self.asked + LEASE - 0.5)
        for host in self.hosts:
            self.assert_open(host, 4000)
        sleep_until(self.granted + LEASE + 0.1)
        for host in self.hosts:
            self.assert_closed(host, 4000)
