"""A real PCP client: libtorrent maps its port over IPv4 and IPv6, and the Internet reaches it.

qBittorrent, Deluge and others are built on it. It asks by PCP first, and by NAT-PMP where the
answer is that of a NAT-PMP gateway.
"""

import contextlib
import pathlib
import socket
import subprocess
import tempfile

from lab import INET, INET6, LAN_A, LAN_A6, WAN, LabError, family_of, wait_until
from labtest import LabTest

PYTHON = "/usr/bin/python3"  # Debian's, whose packages these are
CLIENT = pathlib.Path(__file__).with_name("torrent.py")
PORT = 6881
DHT_PING = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"
DHT_PONG = b"1:y1:r"


class LibTorrent(LabTest):
    def setUp(self):
        if subprocess.run([PYTHON, "-c", "import libtorrent"], capture_output=True).returncode:
            self.skipTest("needs libtorrent for Python: script/packages test")
        super().setUp()

    def start_client(self):
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        out, log = directory / "out", directory / "log"
        with self.lab.host("lan-a"), out.open("w") as stdout, log.open("w") as stderr:
            client = subprocess.Popen([PYTHON, "-B", CLIENT, str(PORT)], stdin=subprocess.PIPE,
                                      stdout=stdout, stderr=stderr)
        client.out, client.log = out, log
        self.addCleanup(client.stdin.close)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        return client

    def mapped(self, client, count):
        """The ports that the client says are mapped, once they are so many."""
        def ports():
            return [int(line) for line in client.out.read_text().split("\n")[:-1]]
        try:
            wait_until(lambda: len(ports()) >= count, 20, "the client's ports are mapped")
        except LabError:
            self.fail(f"only {ports()} were mapped:\n{client.log.read_text()}")
        return ports()

    def is_reached(self, kind, target, source):
        """Whether the client itself answers: by accepting, or by the answer to a ping."""
        with contextlib.closing(self.lab.socket("inet", family_of(source), kind)) as caller:
            caller.bind((source, self.lab.fresh_port()))
            caller.settimeout(1)
            try:
                caller.connect(target)
                if kind == socket.SOCK_STREAM:
                    return True
                caller.send(DHT_PING)
                return DHT_PONG in caller.recv(2048)
            except OSError:
                return False

    def reached(self, address, source, port=PORT):
        return [self.is_reached(kind, (address, port), source)
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]

    def claims(self):
        return [claim["frontend"] for mapping in self.daemon.status()["mappings"]
                for claim in mapping["claims"]]

    def test_its_port_is_reached_over_ipv4_and_ipv6(self):  # PCP-193, 218
        self.start()
        client = self.start_client()
        self.assertEqual(self.mapped(client, 4), 4 * [PORT])
        self.assertEqual(self.claims(), 4 * ["pcp"])
        for address, source in (WAN, INET), (LAN_A6, INET6):
            self.assertEqual(self.reached(address, source), [True, True])
        client.stdin.close()  # it takes its mappings back and ends
        wait_until(lambda: not self.claims(), 10, "the mappings are deleted")
        client.wait(10)

    def test_where_another_host_has_the_port(self):
        self.start()
        self.lab.natpmpc("lan-b", "-a", PORT, PORT, "tcp", 600)
        self.lab.natpmpc("lan-b", "-a", PORT, PORT, "udp", 600)
        client = self.start_client()
        self.mapped(client, 4)
        mappings = {(m["protocol"], m["internal"]["address"]): m["external"]["port"]
                    for m in self.daemon.status()["mappings"]}
        for protocol, kind in ("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM):
            port = mappings[protocol, LAN_A]
            self.assertNotEqual(port, PORT)
            self.assertTrue(self.is_reached(kind, (WAN, port), INET), protocol)

    def test_it_falls_back_to_natpmp(self):  # PCP-035, NPMP-18
        self.start(pcp={"enabled": False})
        client = self.start_client()
        self.assertEqual(self.mapped(client, 2), 2 * [PORT])
        self.assertEqual(self.claims(), 2 * ["natpmp"])
        self.assertEqual(self.reached(WAN, INET), [True, True])
        self.assertEqual(self.reached(LAN_A6, INET6), [False, False])
