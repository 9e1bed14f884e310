"""Mappings work in both directions, whatever order the tables of the gateway were loaded in."""

import socket
import time

from lab import GATEWAY, INET, INET2, LAN_A, WAN
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import ABSENT_AFTER, TcpService, UdpService, outbound


class Outbound(LabTest):
    def test_packets_leave_from_the_mapped_port(self):  # NPMP-58
        self.start()
        self.lab.natpmpc("lan-a", "-a", 40100, 4000, "udp", 60)
        self.lab.natpmpc("lan-a", "-a", 4001, 4001, "udp", 60)
        self.assertEqual(outbound(self.lab, "lan-a", 4000), (WAN, 40100))
        self.assertEqual(outbound(self.lab, "lan-a", 4001), (WAN, 4001))
        self.assertEqual(outbound(self.lab, "lan-b", 4000), (WAN, 4000))

    def test_the_mapped_port_is_the_same_for_every_destination(self):  # NPMP-58, PCP-240
        self.start()
        self.lab.natpmpc("lan-a", "-a", 40100, 4000, "udp", 60)
        sources = {outbound(self.lab, "lan-a", 4000, to) for to in (INET, INET2)}
        self.assertEqual(sources, {(WAN, 40100)})

    def test_two_internet_hosts_see_one_port_of_a_running_socket(self):  # NPMP-58
        """The socket sends to both all the time, and callers at its external port come between."""
        self.start()
        client = Client(self.lab)
        client.map(UDP, 4000, 40100)
        sender, hosts, caller = self.lab.udp("lan-a", 4000), self.listeners(), self.lab.udp("inet")
        sender.settimeout(ABSENT_AFTER)
        for _ in range(5):
            self.assertEqual(self.sources_seen(sender, hosts), [(WAN, 40100)] * 2)
            caller.sendto(b"call", (WAN, 40100))
            self.assertEqual(sender.recv(2048), b"call")
            client.map(UDP, 4000, 40100)  # a renewal changes nothing

    def test_a_mapping_leaves_alone_what_is_running(self):
        """Another port in the middle of a conversation would end it. New ones use the mapping."""
        self.start()
        sender, (early, late) = self.lab.udp("lan-a", 4000), self.listeners()
        masqueraded = (WAN, 4000)
        self.assertEqual(self.sources_seen(sender, [early]), [masqueraded])
        Client(self.lab).map(UDP, 4000, 40100)
        time.sleep(0.2)  # connections that a new door concerns are ended a little later
        self.assertEqual(self.sources_seen(sender, [early, late]), [masqueraded, (WAN, 40100)])

    def listeners(self):
        """A socket on each of two hosts of the Internet."""
        return [self.lab.udp("inet", self.lab.fresh_port(), to) for to in (INET, INET2)]

    @staticmethod
    def sources_seen(sender, listeners):
        """As what each listener sees the sender, who sends a datagram to each."""
        for listener in listeners:
            sender.sendto(b"outbound", listener.getsockname())
            listener.settimeout(ABSENT_AFTER)
        return [listener.recvfrom(2048)[1] for listener in listeners]

    def test_a_deleted_mapping_no_longer_shapes_outbound_packets(self):
        # One port was never used before: the kernel gives a port that has running flows their
        # source again.
        self.start()
        client = Client(self.lab)
        for port in 4000, 4001:
            client.map(UDP, port, port + 36_100)
        client.delete(UDP, 4001)
        self.assertEqual(outbound(self.lab, "lan-a", 4000), (WAN, 40100))
        self.assertEqual(outbound(self.lab, "lan-a", 4001), (WAN, 4001))

    def test_tcp_leaves_from_the_mapped_port(self):  # NPMP-58
        self.start()
        self.assertEqual(self.tcp_source_seen_at(80), (WAN, 4000))
        Client(self.lab).map(TCP, 4000, 40100)
        self.assertEqual(self.tcp_source_seen_at(81), (WAN, 40100))

    def tcp_source_seen_at(self, port):
        listener = self.lab.tcp_listener("inet", port)
        caller = self.lab.socket("lan-a", socket.AF_INET, socket.SOCK_STREAM)
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        caller.bind(("", 4000))
        for sock in listener, caller:
            sock.settimeout(2)
        caller.connect((INET, port))
        connection, source = listener.accept()
        connection.close()
        caller.close()
        return source

    def test_replies_leave_from_the_mapped_port(self):  # NPMP-59
        self.start()
        self.lab.natpmpc("lan-a", "-a", 40100, 4000, "udp", 60)
        host, caller = self.lab.udp("lan-a", 4000), self.lab.udp("inet")
        for sock in host, caller:
            sock.settimeout(ABSENT_AFTER)
        caller.sendto(b"question", (WAN, 40100))
        host.sendto(b"answer", host.recvfrom(2048)[1])
        self.assertEqual(caller.recvfrom(2048), (b"answer", (WAN, 40100)))


class HostFirewall(LabTest):
    def test_doors_and_outbound_ports_survive_a_reload_of_the_hosts_table(self):
        # Now the host's rules stand behind ours in every hook, masquerade included.
        self.start()
        self.lab.natpmpc("lan-a", "-a", 40100, 4000, "udp", 60)
        self.lab.natpmpc("lan-a", "-a", 40100, 4000, "tcp", 60)
        hosts = [UdpService(self.lab, "lan-a", 4000), TcpService(self.lab, "lan-a", 4000)]
        # An internal port for each round: the kernel remembers the source of one that has flows.
        for port, is_reloaded in (4001, False), (4002, True):
            self.lab.natpmpc("lan-a", "-a", port + 36_100, port, "udp", 60)
            if is_reloaded:
                self.reload_firewall()
            with self.subTest(reloaded=is_reloaded):
                for host in hosts:
                    self.assert_open(host, 40100)
                    self.assert_closed(host, 4000)
                self.assertEqual(outbound(self.lab, "lan-a", port), (WAN, port + 36_100))
                self.assertEqual(outbound(self.lab, "lan-b", port), (WAN, port))

    def test_without_the_mark_rule_nothing_passes(self):
        # The forward chain of the host decides: our own accept cannot open what it drops.
        self.start()
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        host = UdpService(self.lab, "lan-a", 4000)
        self.assert_open(host, 4000)
        self.lab.nft("insert rule inet host forward meta mark & 0x10000000 == 0x10000000 drop")
        self.assert_closed(host, 4000)

    def test_an_input_chain_that_drops_the_lan_still_lets_requests_in(self):
        # The daemon's input chain marks what goes to its port, and nothing else.
        self.lab.nft('insert rule inet host input iifname "br-lan" '
                     "meta mark & 0x10000000 == 0 drop")
        self.start()
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).result, 0)
        own = UdpService(self.lab, "gw", 4000)
        self.assertIsNone(own.reached((GATEWAY, 4000), LAN_A, "lan-a"))
        self.reload_firewall()
        self.assertIsNotNone(own.reached((GATEWAY, 4000), LAN_A, "lan-a"))
