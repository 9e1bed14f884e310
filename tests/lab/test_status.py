"""The status port: HTTP as clients and as nuisances speak it."""

import json
import select
import socket
import time

from lab import wait_until
from labtest import LabTest
from posternd import STATUS


class Status(LabTest):

    def setUp(self):
        super().setUp()
        self.start()

    def connect(self):
        with self.lab.host("gw"):
            connection = socket.create_connection(STATUS, timeout=10)
        self.addCleanup(connection.close)
        return connection

    def ask(self, request):
        """All that comes back until the daemon closes."""
        connection = self.connect()
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode(), body

    def ended(self, connections):
        """Those to which nothing was ever sent, and which the daemon has closed."""
        return select.select(connections, [], [], 0)[0]

    def test_get_answers_json(self):
        head, body = self.ask(b"GET /api/v1/status?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn("200 OK", head)
        self.assertIn("Content-Type: application/json", head)
        self.assertEqual(json.loads(body)["schema"], "postern.status/1")

    def test_head_answers_the_same_without_the_body(self):
        head, body = self.ask(b"HEAD /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn("200 OK", head)
        self.assertRegex(head, r"Content-Length: [1-9]")
        self.assertEqual(body, b"")

    def test_other_paths_and_methods_get_their_error(self):
        head, body = self.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn("404 Not Found", head)
        self.assertIn("error", json.loads(body))
        head, _ = self.ask(b"POST /api/v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        self.assertIn("405 Method Not Allowed", head)
        self.assertIn("Allow: GET, HEAD", head)

    def test_a_body_does_not_hide_the_error(self):
        for size in (5, 50_000, 2_000_000_000):
            sent = b"x" * min(size, 50_000)  # all of it, or as much as is worth sending
            begin = time.monotonic()
            head, _ = self.ask(b"POST /api/v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: "
                               + str(size).encode() + b"\r\n\r\n" + sent)
            self.assertIn("405 Method Not Allowed", head)
            self.assertLess(time.monotonic() - begin, 2)

    def test_junk_gets_400_and_an_endless_header_431(self):
        for request, status in ((b"\x00\x01\x02\r\n\r\n", "400 Bad Request"),
                                (b"GET /\r\n\r\n", "400 Bad Request"),
                                (b"GET / HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n",
                                 "431 Request Header Fields Too Large")):
            head, body = self.ask(request)
            self.assertIn(status, head)
            self.assertIn("error", json.loads(body))
        self.assertEqual(self.daemon.status()["schema"], "postern.status/1")

    def test_a_silent_client_is_closed_after_five_seconds(self):
        connection = self.connect()
        connection.sendall(b"GET /api")
        begin = time.monotonic()
        self.assertEqual(connection.recv(1), b"")
        self.assertTrue(4 < time.monotonic() - begin < 8)

    def test_term_ends_it_with_clients_connected(self):
        for request in (b"", b"GET /api", b"GET / HTTP/1.1\r\n\r\n"):
            self.connect().sendall(request)
        self.assertEqual(self.daemon.terminate(), 0)

    def test_too_many_clients_do_not_shut_out_the_gateway(self):
        idle = [self.connect() for _ in range(40)]
        wait_until(lambda: len(self.ended(idle)) >= 36, 3, "all but four are turned away")
        time.sleep(0.2)
        self.assertEqual(len(self.ended(idle)), 36)
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        for connection in idle:
            connection.close()
        self.assertIn(("udp", 4000), self.daemon.mappings())

    def test_nothing_listens_on_lan_or_wan(self):
        for host, address in (("lan-a", "192.168.1.1"), ("inet", "203.0.113.1")):
            with self.lab.host(host), socket.socket() as tcp:
                tcp.settimeout(0.5)
                with self.assertRaises(OSError):
                    tcp.connect((address, STATUS[1]))
