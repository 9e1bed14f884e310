"""The iptables backend opens and closes the same doors, in iptables' own tables.

The tests of the nftables backend run again here. Those are left out that are about the table `inet
postern`, those in which the kernel ends a lease, of which iptables knows nothing, and, to save
time, some that are about other parts of the daemon than the backend.
"""

import shutil
import time

import test_doors
import test_flows
import test_hairpin
import test_leases
import test_neighbours
import test_outbound
import test_renewal
import test_restart
import test_self_healing
from lab import LAN_B, WAN, sleep_until, wait_until
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import TcpService, UdpService


class OnNft:
    """The backend writes with iptables-nft, whose rules are nftables' as well."""

    iptables = "iptables-nft"

    def setUp(self):
        if not shutil.which(self.iptables):
            self.skipTest(f"needs {self.iptables}: script/packages test")
        self.settings = {**self.settings, "backend": "iptables",
                         "iptables": {"restore": f"{self.iptables}-restore"}}
        super().setUp()
        # The host translates with iptables, too. Chains of iptables and nftables at the same place
        # run in the order in which they were made, and so the backend may come too late.
        self.lab.nft("delete chain inet host postrouting")
        self.run_iptables("-t nat -A POSTROUTING -o wan0 -j MASQUERADE")

    def run_iptables(self, arguments):
        return self.lab.run("gw", self.iptables, "-w", *arguments.split())

    def reload_firewall(self):
        super().reload_firewall()
        self.lab.nft("delete chain inet host postrouting")

    def forward_statically(self, port):
        """An administrator's own forward to lan-b."""
        self.run_iptables(f"-t nat -A PREROUTING -d {WAN} -p udp --dport {port} "
                          f"-j DNAT --to-destination {LAN_B}:{port}")
        self.lab.nft(f"insert rule inet host forward ip daddr {LAN_B} udp dport {port} accept")
        wait_until(lambda: self.run_iptables("-t nat -S PREROUTING").rstrip().endswith("POSTERN-"
                   "PREROUTING"), 2, "ours stand behind his")


class OnLegacy(OnNft):
    """The backend writes with iptables-legacy, of which nftables knows nothing."""

    iptables = "iptables-legacy"


class Doors(OnNft, test_doors.Doors):
    pass


class Outbound(OnNft, test_outbound.Outbound):
    pass


class HostFirewall(OnNft, test_outbound.HostFirewall):
    pass


class Hairpin(OnNft, test_hairpin.Hairpin):
    pass


class Flows(OnNft, test_flows.Flows):
    # Are not about the firewall: these connections have ended, or not, whatever let them in.
    test_an_established_tcp_connection_ends_with_its_lease = None
    test_a_switch_keeps_an_established_tcp_connection = None
    # Its rules do not mark connections, so at a start none is known to be ours (FlowTable).
    test_a_stream_that_lost_its_door_while_the_daemon_was_dead_ends_at_the_start = None


class Neighbours(OnNft, test_neighbours.Neighbours):
    # Its rules do not mark connections: they tell doors by the address that was asked for.
    test_only_connections_through_doors_are_marked = None
    # Is not about the firewall.
    test_the_companion_port_is_kept_for_the_same_host = None


class Restart(OnNft, test_restart.Restart):
    # Are about what is done with doors that were found.
    test_the_client_takes_its_mapping_over = None
    test_the_client_can_delete_what_was_recovered = None


class RestartUnderTraffic(OnNft, test_restart.RestartUnderTraffic):
    # Makes its pinhole in the table of nftables.
    test_no_new_flow_through_a_pinhole_is_lost = None


class Renewal(OnNft, test_renewal.Renewal):
    # Is about the elements of nftables.
    test_by_delete_and_add = None
    # Is about the test itself.
    test_a_gap_would_be_seen = None


class OccupiedPorts(OnNft, test_self_healing.OccupiedPorts):
    # Is not about the firewall.
    test_a_local_socket = None


class Leases(OnNft, test_leases.Leases):
    # Are parts of the one that is left.
    test_the_door_closes_when_the_lease_ends = None
    test_a_renewal_may_shorten_the_lease = None
    # Is about the elements of nftables.
    test_a_renewal_by_delete_and_add_counts_from_its_own_moment = None
    # The kernel does not end these leases: see DeadDaemon.
    test_the_kernel_ends_the_lease_of_a_killed_daemon = None
    test_the_kernel_ends_the_lease_of_a_killed_daemons_pinhole = None
    test_the_doors_of_a_terminated_daemon_stay_until_their_lease_ends = None


class Legacy(OnLegacy, LabTest):
    """One test of each kind: the rules are the same, only the programs differ."""

    test_doors = test_doors.Doors.test_a_door_is_open_from_mapping_to_deletion
    test_outbound = test_outbound.Outbound.test_packets_leave_from_the_mapped_port
    test_hairpin = test_hairpin.Hairpin.test_the_host_sees_the_senders_mapped_port
    test_flows = test_flows.Flows.test_a_running_stream_stops_after_deletion
    test_neighbours = (
        test_neighbours.Neighbours.test_a_static_forward_of_the_administrator_stays_restricted)
    test_restart = test_restart.Restart.test_a_killed_daemon_finds_its_doors_again


class DeadDaemon(OnNft, LabTest):
    """Nobody ends the leases of a daemon that is dead, until the next one starts."""

    def test_doors_stay_open_until_the_next_start(self):
        self.start()
        self.assertIs(self.daemon.status()["backend"]["ends_leases"], False)
        udp, tcp = UdpService(self.lab, "lan-a", 4000), TcpService(self.lab, "lan-a", 4000)
        client = Client(self.lab)
        client.map(TCP, 4000, 4000, 600)
        for end in self.daemon.kill, self.daemon.terminate:
            with self.subTest(end.__name__):
                client.map(UDP, 4000, 4000, 1)
                granted = time.monotonic()
                end()
                sleep_until(granted + 1.5)
                self.assert_open(udp, 4000)
                self.assert_open(tcp, 4000)
                self.daemon.start()
                self.assert_closed(udp, 4000)
                self.assert_open(tcp, 4000)
        self.assertIn("open doors stay open until the next start", self.daemon.log())


class SelfHealing(OnNft, LabTest):
    """Whatever others do to our chains: it is found out soon, and mended."""

    soon = 2  # seconds
    damages = {
        "a flush of FORWARD": ["-F FORWARD"],
        "our chain deleted": ["-D FORWARD -j POSTERN-FORWARD", "-F POSTERN-FORWARD",
                              "-X POSTERN-FORWARD"],
        "a flush of all translations": ["-t nat -F"],
        "one rule less": ["-t mangle -D POSTERN-MARK 1"],
        "one rule more": ["-I POSTERN-FORWARD -j DROP"],
    }

    def repairs(self):
        return self.daemon.status()["backend"]["repairs"].get("rules changed", 0)

    def test_every_kind_of_damage_is_mended(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        for number, (damage, commands) in enumerate(self.damages.items()):
            with self.subTest(damage):
                self.assert_open(host, 4000)
                for command in commands:
                    self.run_iptables(command)
                wait_until(lambda: self.repairs() > number, self.soon, "it is noticed")
                self.assert_open(host, 4000)


class SelfHealingOnLegacy(OnLegacy, SelfHealing):
    """The kernel says nothing about these rules, so they are looked at from time to time."""

    soon = 12
    damages = {"a flush of FORWARD": ["-F FORWARD"]}


class NoDamage(OnNft, LabTest):
    def test_own_changes_and_ended_leases_are_none(self):
        self.start()
        client = Client(self.lab)
        began = time.monotonic()
        for port in range(4000, 4020):
            client.map(UDP, port, port, 1)
        # Looks come a second apart at most, and some of them fall between two changes.
        while time.monotonic() < began + 2.5:
            client.map(UDP, 4020, 4020)
            client.delete(UDP, 4020)
        self.assertEqual(self.daemon.status()["backend"]["repairs"], {})
        self.assertEqual(self.daemon.status()["mapping_count"], 0)

    def test_rules_of_others_are_none(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000)
        for number in range(4):
            self.run_iptables(f"-A FORWARD -s 198.51.100.{number} -j DROP")
            time.sleep(0.4)
        self.assertEqual(self.daemon.status()["backend"]["repairs"], {})
