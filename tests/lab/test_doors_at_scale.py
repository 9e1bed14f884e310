"""Many doors at a time: they are elements of maps, never rules."""

import select

from labtest import LabTest
from natpmp import SUCCESS, UDP, Client, map_request, parse_map
from probe import UdpService

EACH = 1000  # mappings of each LAN host; a tenth of a second of the daemon's time
FIRST = {"lan-a": 20_000, "lan-b": 30_000}  # external ports from here on, internal ones the same
WINDOW = 32  # requests in flight, few enough for the daemon's receive buffer
PATIENCE = 1  # seconds until a request counts as lost


class DoorsAtScale(LabTest):
    def test_thousands_of_doors_need_no_rule_more(self):
        self.start(limits={"mappings": 10_000, "mappings_per_client": 5000,
                           "requests_per_second": 0})
        rules = self.rules()
        clients = {host: Client(self.lab, host) for host in FIRST}
        for host, first in FIRST.items():
            map_all(clients[host], range(first, first + EACH))
        self.assert_doors(2 * EACH)
        self.assertEqual(self.rules(), rules)

        # Sockets of their own for the first, the last and some between.
        samples = {host: [(port, UdpService(self.lab, host, port))
                          for port in (first, first + 377, first + EACH - 1)]
                   for host, first in FIRST.items()}
        for port, service in samples["lan-a"] + samples["lan-b"]:
            self.assert_open(service, port)
        self.assert_closed(UdpService(self.lab, "lan-a", 20_000 + EACH), 20_000 + EACH)

        self.assertEqual(clients["lan-a"].delete(UDP, 0).result, SUCCESS)
        self.assert_doors(EACH)
        for port, service in samples["lan-a"]:
            self.assert_closed(service, port)
        for port, service in samples["lan-b"]:
            self.assert_open(service, port)

        self.assertEqual(clients["lan-b"].delete(UDP, 0).result, SUCCESS)
        self.assert_doors(0)
        self.assertEqual(self.rules(), rules)

    def rules(self):
        """The table without the elements of its sets."""
        return self.lab.run("gw", "nft", "--terse", "list", "table", "inet", "postern")

    def assert_doors(self, count):
        """The daemon and the kernel have so many."""
        self.assertEqual(self.daemon.status()["mapping_count"], count)
        for name in "map inet postern dnat4", "set inet postern pin4", "map inet postern snat4":
            self.assertEqual(self.lab.nft(f"list {name}").count(" expires "), count, name)


def map_all(client, ports):
    """Asks for all of these external ports, each for the same internal port, several at a time."""
    left, waiting = list(ports), set()
    while left or waiting:
        while left and len(waiting) < WINDOW:
            port = left.pop()
            waiting.add(port)
            client.sock.sendto(map_request(UDP, port, port, 600), client.server)
        if not select.select([client.sock], [], [], PATIENCE)[0]:
            left += waiting  # a request or its answer was lost: asking again changes nothing
            waiting.clear()
            continue
        reply = parse_map(client.sock.recv(2048), UDP)
        if (reply.result, reply.external) != (SUCCESS, reply.internal):
            raise AssertionError(f"refused: {reply}")
        waiting.discard(reply.internal)
