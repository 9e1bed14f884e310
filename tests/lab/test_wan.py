"""The WAN side comes, goes and moves."""

from lab import INET, WAN, wait_until
from labtest import LabTest
from natpmp import NETWORK_FAILURE, SUCCESS, UDP, Client
from probe import UdpService, outbound


class DefaultRoute(LabTest):
    """`wan` is not set: the daemon follows the default route."""

    def test_it_is_followed_from_the_start(self):
        self.start(wan=None)
        self.assertEqual(self.daemon.status()["wan"]["interface"], "wan0")
        self.assert_maps_to(WAN)

    def test_it_may_come_later(self):
        self.lab.ip("gw", "route delete default")
        self.start(wan=None)
        self.client = Client(self.lab)
        self.assertEqual(self.client.external_address()[::2], (NETWORK_FAILURE, "0.0.0.0"))
        self.assertEqual(self.client.map(UDP, 4000, 4000).result, NETWORK_FAILURE)
        self.lab.ip("gw", f"route add default via {INET}")
        self.wait_for_address(WAN)
        self.assert_maps_to(WAN)

    def test_it_may_move_to_another_interface(self):
        self.lab.ip("gw", f"link add wan1 type veth peer name eth1 netns {self.lab.name}-inet")
        self.lab.ip("inet", "address add 198.51.100.99/24 dev eth1")
        self.lab.ip("inet", "link set eth1 up")
        self.lab.ip("gw", "address add 198.51.100.1/24 dev wan1")
        self.lab.ip("gw", "link set wan1 up")
        self.start(wan=None)
        self.assert_maps_to(WAN)
        self.lab.ip("gw", "route replace default via 198.51.100.99")
        self.wait_for_address("198.51.100.1")
        self.assertEqual(self.daemon.status()["wan"]["interface"], "wan1")
        self.lab.nft("add rule inet host forward oifname wan1 accept")
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).external, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        reached = host.reached(("198.51.100.1", 4000), "198.51.100.99")
        self.assertEqual(reached[0], "198.51.100.99")
        Client(self.lab).map(UDP, 4001, 40101)
        self.assertEqual(outbound(self.lab, "lan-a", 4001, "198.51.100.99"),
                         ("198.51.100.1", 40101))

    def assert_maps_to(self, address):
        client = Client(self.lab)
        self.assertEqual(client.external_address()[::2], (SUCCESS, address))
        self.assertEqual(client.map(UDP, 4000, 4000).external, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        self.assert_open(host, 4000, address)
        self.assert_closed(host, 4001, address)
        host.sock.close()

    def wait_for_address(self, address):
        client = Client(self.lab)
        wait_until(lambda: client.external_address().address == address, 3, f"{address} is told")


class NoAddress(LabTest):
    def test_requests_fail_and_deletions_succeed(self):  # NPMP-30, 31, 52, 53, 54, 74
        hosts = [UdpService(self.lab, "lan-a", port) for port in (4000, 4001)]
        self.start()
        client = Client(self.lab)
        for loss in "address flush dev wan0", "link set wan0 down":
            with self.subTest(loss):
                for port, host in enumerate(hosts, 4000):
                    self.assertEqual(client.map(UDP, port, port).external, port)
                    self.assert_open(host, port)
                self.lab.ip("gw", loss)
                reply = wait_until(lambda: self.failure_of(client), 3, "the loss is noticed")
                self.assertEqual((reply.result, reply.address), (NETWORK_FAILURE, "0.0.0.0"))
                refused = client.map(UDP, 4002, 4002)
                self.assertEqual((refused.result, *refused[2:]), (NETWORK_FAILURE, 4002, 0, 0))
                for _ in range(2):  # the second time there is nothing to delete: NPMP-67
                    deleted = client.delete(UDP, 4000)
                    self.assertEqual((deleted.result, *deleted[2:]), (SUCCESS, 4000, 0, 0))
                self.back_again()
                wait_until(lambda: client.external_address().result == SUCCESS, 3, "it is back")
                self.assertEqual(client.map(UDP, 4001, 4001).external, 4001)
                self.assert_open(hosts[1], 4001)
                self.assert_closed(hosts[0], 4000)

    def failure_of(self, client):
        reply = client.external_address()
        return reply if reply.result else None

    def back_again(self):
        self.lab.ip("gw", "link set wan0 up")
        self.lab.ip("gw", f"address replace {WAN}/24 dev wan0")
        self.lab.ip("gw", f"route replace default via {INET}")


class SeveralAddresses(LabTest):
    def test_one_of_the_link_is_not_told_to_clients(self):
        self.lab.ip("gw", "address flush dev wan0")
        self.lab.ip("gw", "address add 169.254.7.7/16 dev wan0 scope link")
        self.lab.ip("gw", f"address add {WAN}/24 dev wan0")
        self.start()
        self.assertEqual(Client(self.lab).external_address()[::2], (SUCCESS, WAN))

    def test_the_source_that_the_default_route_names_is_told(self):
        self.lab.ip("gw", "address add 203.0.113.7/24 dev wan0")
        self.lab.ip("gw", f"route replace default via {INET} src 203.0.113.7")
        self.start()
        self.assertEqual(Client(self.lab).external_address()[::2], (SUCCESS, "203.0.113.7"))


class Configuration(LabTest):
    def test_the_address_to_tell_may_be_configured(self):  # NPMP-34
        self.start(external_address="198.51.100.77")
        client = Client(self.lab)
        self.assertEqual(client.external_address().address, "198.51.100.77")
