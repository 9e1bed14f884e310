"""PCP's FILTER: the kernel lets in whom the client named, and nobody else."""

from lab import GATEWAY6, INET, INET2, INET6, INET6_2, LAN_A6, WAN
from labtest import LabTest
from pcp import FILTER, TCP, UDP, client_on, from_everybody, only_from
from probe import ABSENT_AFTER, TcpService, UdpService

MALFORMED = "MALFORMED_OPTION"


class Filter(LabTest):
    """Over IPv4; the class below does the same over IPv6."""

    server, remotes, outside, wide = None, (INET, INET2), WAN, ("203.0.113.96", 30)

    def setUp(self):
        super().setUp()
        self.start()
        self.client = client_on(self.lab, **({"server": self.server} if self.server else {}))
        self.address = self.client.address

    def service(self, kind=UdpService):
        return kind(self.lab, "lan-a", 4000, self.address)

    def map(self, *options, protocol=UDP, port=4000):
        reply = self.client.map(protocol, port, port, options=options)
        self.assertEqual((reply.result, reply.external), ("SUCCESS", (self.outside, port)))
        # What was processed comes back.
        self.assertEqual([code for code, _ in reply.options], [FILTER] * len(options))

    def passing(self, host):
        """Which of the two remote hosts get through to port 4000."""
        return [host.reached((self.outside, 4000), source) is not None for source in self.remotes]

    def test_one_host_passes_and_the_other_does_not(self):  # PCP-148, 151
        for protocol, kind in (UDP, UdpService), (TCP, TcpService):
            with self.subTest(kind.name):
                self.map(only_from(self.remotes[0]), protocol=protocol)
                self.assertEqual(self.passing(self.service(kind)), [True, False])

    def test_prefix_length_0_lifts_it(self):  # PCP-150, 153
        host = self.service()
        self.map(only_from(self.remotes[0]))
        self.map()
        self.assertEqual(self.passing(host), [True, False], "a renewal keeps the filter")
        self.map(from_everybody())
        self.assertEqual(self.passing(host), [True, True])
        self.map(only_from(self.remotes[1]))
        self.assertEqual(self.passing(host), [False, True], "one comes later")

    def test_filters_add_up_or_replace(self):  # PCP-149, 150
        host = self.service()
        self.map(only_from(self.remotes[0]))
        self.map(only_from(self.remotes[1]))
        self.assertEqual(self.passing(host), [True, True])
        self.map(from_everybody(), only_from(self.remotes[1]))
        self.assertEqual(self.passing(host), [False, True])
        self.map(only_from(*self.wide))
        self.assertEqual(self.passing(host), [True, True])

    def test_only_from_one_port(self):  # PCP-151
        host = self.service()
        port = self.lab.fresh_port()
        self.map(only_from(self.remotes[0], port=port))
        self.assertEqual(self.passing(host), [False, False])
        host.sock.settimeout(ABSENT_AFTER)
        caller = self.lab.udp("inet", port, self.remotes[0])
        caller.sendto(b"from the right port", (self.outside, 4000))
        self.assertEqual(host.receive()[0], b"from the right port")

    def test_a_running_stream_of_a_host_shut_out_stops(self):  # PCP-151
        host = self.service()
        self.map()
        host.sock.settimeout(ABSENT_AFTER)
        caller = self.lab.udp("inet", self.lab.fresh_port(), self.remotes[1])
        caller.sendto(b"before", (self.outside, 4000))
        self.assertEqual(host.receive()[0], b"before")
        self.map(only_from(self.remotes[0]))
        self.assertEqual(self.passing(host), [True, False])
        caller.sendto(b"after", (self.outside, 4000))
        with self.assertRaises(TimeoutError):
            host.receive()

    def test_refused_ones_change_nothing(self):  # PCP-022, 126, 149, 152
        host = self.service()
        self.map(only_from(self.remotes[0]))
        other_family = INET6 if self.remotes[0] == INET else INET
        for result, lifetime, *options in (
                (MALFORMED, 600, only_from(other_family)),
                ("EXCESSIVE_REMOTE_PEERS", 600,
                 *(only_from(self.remotes[1], port=port) for port in range(7000, 7040))),
                (MALFORMED, 0, only_from(self.remotes[1]))):
            reply = self.client.map(UDP, 4000, 4000, lifetime=lifetime, options=options)
            self.assertEqual(reply.result, result)
        self.assertEqual(self.passing(host), [True, False])


class Filter6(Filter):
    server, remotes, outside, wide = GATEWAY6, (INET6, INET6_2), LAN_A6, ("2001:db8:ff::", 64)
