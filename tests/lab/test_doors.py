"""A door opens when it is asked for, to the one who asked, and closes when it is deleted."""

from lab import INET, INET2, LAN_A, WAN
from labtest import LabTest
from natpmp import TCP, UDP, Client
from probe import TcpService, UdpService, service


class Doors(LabTest):
    def test_a_door_is_open_from_mapping_to_deletion(self):  # NPMP-36, 37, 65, 75
        self.start()
        for protocol in "udp", "tcp":
            with self.subTest(protocol):
                host = service(self.lab, protocol, "lan-a", 4000)
                self.assert_closed(host, 4000)
                self.lab.natpmpc("lan-a", "-a", 4000, 4000, protocol, 60)
                self.assert_open(host, 4000)
                self.lab.natpmpc("lan-a", "-a", 4000, 4000, protocol, 0)
                self.assert_closed(host, 4000)

    def test_the_host_sees_the_true_sender(self):
        self.start()
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        host = UdpService(self.lab, "lan-a", 4000)
        for sender in INET, INET2:
            self.assertEqual(host.reached((WAN, 4000), sender)[0], sender)

    def test_external_and_internal_port_may_differ(self):  # NPMP-41
        self.start()
        for protocol in "udp", "tcp":
            with self.subTest(protocol):
                host = service(self.lab, protocol, "lan-a", 4000)
                self.lab.natpmpc("lan-a", "-a", 40100, 4000, protocol, 60)
                self.assert_open(host, 40100)
                self.assert_closed(host, 4000)

    def test_one_protocol_never_opens_the_other(self):  # NPMP-38
        self.start()
        hosts = {UDP: UdpService(self.lab, "lan-a", 4000), TCP: TcpService(self.lab, "lan-a", 4000)}
        client = Client(self.lab)
        for asked, other in (UDP, TCP), (TCP, UDP):
            self.assertEqual(client.map(asked, 4000, 4000).external, 4000)
            self.assert_open(hosts[asked], 4000)
            self.assert_closed(hosts[other], 4000)
            client.delete(asked, 4000)

    def test_another_client_cannot_close_it(self):  # NPMP-11, 67, 68
        self.start()
        host = UdpService(self.lab, "lan-a", 4000)
        Client(self.lab).map(UDP, 4000, 4000)
        thief = Client(self.lab, "lan-b")
        self.assertEqual(thief.delete(UDP, 4000).result, 0)
        self.assertNotEqual(thief.map(UDP, 4000, 4000).external, 4000)
        self.assertEqual(host.reached((WAN, 4000))[0], INET)

    def test_deleting_all_of_one_protocol_keeps_the_other(self):  # NPMP-71
        self.start()
        hosts = [UdpService(self.lab, "lan-a", 4000), UdpService(self.lab, "lan-a", 4001),
                 TcpService(self.lab, "lan-a", 4002)]
        client = Client(self.lab)
        for protocol, port in (UDP, 4000), (UDP, 4001), (TCP, 4002):
            client.map(protocol, port, port)
        for port, host in enumerate(hosts, 4000):
            self.assert_open(host, port)
        client.delete(UDP, 0)
        self.assert_closed(hosts[0], 4000)
        self.assert_closed(hosts[1], 4001)
        self.assert_open(hosts[2], 4002)

    def test_each_host_has_its_own_door(self):  # NPMP-37
        self.start()
        for name, port in ("lan-a", 4000), ("lan-b", 4001):
            self.lab.natpmpc(name, "-a", port, 4000, "udp", 60)
        mine = UdpService(self.lab, "lan-a", 4000)
        theirs = UdpService(self.lab, "lan-b", 4000)
        self.assert_open(mine, 4000)
        self.assert_closed(mine, 4001)
        self.assert_open(theirs, 4001)
        self.assertEqual(self.daemon.mappings()[("udp", 4000)][0], LAN_A)
