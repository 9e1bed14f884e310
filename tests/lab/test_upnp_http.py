"""The HTTP server of UPnP: who reaches it, what it refuses, and what it bears."""

import contextlib
import socket
import xml.etree.ElementTree as xml

from lab import GATEWAY, GATEWAY6, INET, INET6, LAN_A, LAN_A6, WAN, WAN6, wait_until
from labtest import LabTest
from ssdp import LINK_GROUP, SITE_GROUP, locate
from upnp import (HTTP_PORT, IP, ControlPoint, Server, envelope, local_name, receive_reply,
                  service_type)

NEW_IN_2 = ("AddAnyPortMapping", "DeletePortMappingRange", "GetListOfPortMappings",
            "SystemUpdateID", "A_ARG_TYPE_Manage", "A_ARG_TYPE_PortListing")
LAN_HOSTS = [f"192.168.1.{number}" for number in range(20, 28)]


class HttpTest(LabTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.point = ControlPoint(self.lab)
        self.server = self.point.server
        self.path = self.path_of(self.point)

    @staticmethod
    def path_of(point):
        return point.location.partition(f":{HTTP_PORT}")[2]

    def external_address(self, headers=None):
        """The octets of a request whose answer holds WAN."""
        action = "GetExternalIPAddress"
        return self.server.request(
            "POST", self.point.services[IP].control,
            {"SOAPAction": f'"{service_type(IP)}#{action}"', **(headers or {})},
            envelope(service_type(IP), action, {}))


class Start(LabTest):
    def test_addresses_that_are_still_tentative_do_not_keep_it_from_starting(self):
        self.lab.run("gw", "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=1",
                     "net.ipv6.conf.br-lan.accept_dad=1", "net.ipv6.conf.br-lan.dad_transmits=3")
        self.lab.ip("gw", "address add 2001:db8:1::2/64 dev br-lan")
        self.assertIn("tentative", self.lab.run("gw", "ip", "address", "show", "dev", "br-lan"))
        self.start()
        self.assertNotIn("warning", self.daemon.log())
        server = Server(self.lab, "lan-a", "2001:db8:1::2")
        wait_until(lambda: answers(server), 10, "it answers there")

    def test_a_port_that_somebody_else_has_keeps_only_upnp_from_being_served(self):
        taken = self.lab.tcp_listener("gw", HTTP_PORT, GATEWAY)
        self.start()
        self.assertIn(f"{GATEWAY}:{HTTP_PORT} on br-lan: Address already in use",
                      self.daemon.log())
        self.assertIn(WAN, self.lab.natpmpc("lan-a"))
        taken.close()
        server = Server(self.lab, "lan-a", GATEWAY)
        wait_until(lambda: answers(server), 5, "it answers")


def answers(server):
    try:
        return server.ask("GET", "/").status == 404
    except OSError:
        return False


class Reach(HttpTest):
    def test_the_wan_does_not_reach_it(self):  # IGD-011, HTTP-01, SEC-01
        # The gateway's own firewall would let everybody in.
        self.lab.nft("insert rule inet host input accept")
        self.lab.nft("insert rule inet host forward accept")
        self.lab.ip("inet", f"route add {GATEWAY}/32 via {WAN}")
        own = self.lab.tcp_listener("gw", 8080, "::")
        for address, source in (WAN, INET), (GATEWAY, INET), (WAN6, INET6), (GATEWAY6, INET6):
            with self.subTest(address):
                self.assertIsNone(self.status_for("inet", address, source))
                with contextlib.closing(Server(self.lab, "inet", address, 8080).connect()):
                    own.accept()[0].close()  # so the packets do arrive
        for address, source in (GATEWAY, LAN_A), (GATEWAY6, LAN_A6):
            self.assertEqual(self.status_for("lan-b", address, ""), 200)

    def status_for(self, host, address, source):
        """What a GET of the description is answered with; None when nobody answers."""
        server = Server(self.lab, host, address, source=source)
        try:
            with contextlib.closing(server.connect(1)) as sock:
                sock.sendall(server.request("GET", self.path))
                return receive_reply(sock).status
        except OSError:
            return None

    def test_each_address_of_the_lan_serves_it(self):  # SSDP-40, Q-65, HTTP-15
        for group in SITE_GROUP, LINK_GROUP:
            point = ControlPoint(self.lab, location=locate(self.lab, to=group))
            self.assertEqual(self.path_of(point), self.path)
            self.assertEqual(point.call(IP, "GetExternalIPAddress"),
                             {"NewExternalIPAddress": WAN})

    def test_the_page_of_another_name_is_refused(self):  # HTTP-09, HTTP-10, Q-64
        for headers, status in (({}, 200),
                                ({"Host": GATEWAY}, 200),
                                ({"Host": "evil.example"}, 403),
                                ({"Host": f"evil.example:{HTTP_PORT}"}, 403),
                                ({"Host": "192.168.1.77"}, 403),
                                ({"Host": f"{GATEWAY}.evil.example"}, 403),
                                ({"Origin": "http://evil.example"}, 403),
                                ({"Origin": "null"}, 403),
                                ({"Sec-Fetch-Site": "cross-site"}, 403),
                                ({"Sec-Fetch-Mode": "cors"}, 200),
                                ({"Content-Type": "text/plain"}, 403),
                                ({"Content-Type": 'text/xml; charset="utf-8"'}, 200)):
            with self.subTest(headers):
                reply = self.server.exchange(self.external_address(headers))
                self.assertEqual(reply.status, status)
                self.assertEqual(WAN.encode() in reply.body, status == 200)

    def test_the_paths_differ_between_gateways(self):  # HTTP-10
        before = self.path
        self.daemon.close()
        self.start()
        self.assertNotEqual(self.path_of(ControlPoint(self.lab)), before)


class Documents(HttpTest):
    def test_both_views_are_described(self):  # IGD-001, 005, 013, Q-01, Q-08, HTTP-02
        for view in 1, 2:
            point = ControlPoint(self.lab, view=view)
            self.assertEqual(point.description.tag, "{urn:schemas-upnp-org:device-1-0}root")
            types = [found.text for found in point.description.iter()
                     if local_name(found) == "deviceType"]
            self.assertEqual([kind.rpartition(":")[2] for kind in types], [str(view)] * 3)
            scpds = {name: self.document(point, service.scpd)
                     for name, service in point.services.items()}
            self.assertEqual("WANIPv6FirewallControl" in scpds, view == 2)
            named = {found.text for found in scpds[IP].iter() if local_name(found) == "name"}
            for name in NEW_IN_2:
                self.assertEqual(name in named, view == 2, name)
            actions = [found for found in scpds[IP].iter() if local_name(found) == "action"]
            self.assertEqual(len(actions), 11 if view == 1 else 14)
            self.assertLess(max(map(len, point.services[IP])), 100)

    def document(self, point, path):
        reply = point.server.ask("GET", path)
        self.assertEqual((reply.status, reply.headers["content-type"]),
                         (200, 'text/xml; charset="utf-8"'))
        return xml.fromstring(reply.body)

    def test_what_is_not_there(self):  # HTTP-02, HTTP-14
        for method, path, status in (("GET", "/", 404), ("GET", "/rootDesc.xml", 404),
                                     ("GET", self.path + "x", 404),
                                     ("GET", self.path[:-3], 404),
                                     ("POST", self.path, 405), ("BREW", self.path, 501),
                                     ("GET", "/" + self.path.upper() + "?x=1", 200)):
            with self.subTest(method=method, path=path):
                self.assertEqual(self.server.ask(method, path).status, status)


class Connections(HttpTest):
    def test_a_request_comes_octet_by_octet(self):  # Q-55, HTTP-05
        with contextlib.closing(self.server.connect()) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in self.external_address():
                sock.send(bytes([octet]))
            self.assertIn(WAN.encode(), receive_reply(sock).body)

    def test_one_connection_for_many_requests(self):  # HTTP-03
        with contextlib.closing(self.server.connect()) as sock:
            for _ in range(20):
                sock.sendall(self.external_address())
                reply = receive_reply(sock)
                self.assertIn(WAN.encode(), reply.body)
                self.assertEqual(int(reply.headers["content-length"]), len(reply.body))

    def test_an_old_client(self):  # HTTP-03, HTTP-04, Q-58
        request = self.external_address({"Host": None}).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        with contextlib.closing(self.server.connect()) as sock:
            sock.sendall(request)
            reply = receive_reply(sock)
            self.assertEqual(sock.recv(1), b"")
        self.assertIn(WAN.encode(), reply.body)
        self.assertNotIn("transfer-encoding", reply.headers)

    def test_it_asks_for_the_body(self):  # HTTP-06, Q-56
        head, _, body = self.external_address({"Expect": "100-continue"}).partition(b"\r\n\r\n")
        with contextlib.closing(self.server.connect()) as sock:
            sock.sendall(head + b"\r\n\r\n")
            self.assertEqual(sock.recv(4096), b"HTTP/1.1 100 Continue\r\n\r\n")
            sock.sendall(body)
            self.assertIn(WAN.encode(), receive_reply(sock).body)

    def test_64_connections_of_8_hosts(self):  # HTTP-08
        self.assert_all_are_served(64)

    def test_256_connections_of_8_hosts(self):  # HTTP-08
        self.assert_all_are_served(256)

    def assert_all_are_served(self, count):
        """All are connected before the first asks, and each request is a mapping of its own."""
        for address in LAN_HOSTS:
            self.lab.ip("lan-a", f"address add {address}/24 dev eth0")
        waiting = []
        for number in range(count):
            address = LAN_HOSTS[number % len(LAN_HOSTS)]
            server = Server(self.lab, "lan-a", GATEWAY, source=address)
            waiting.append((server.connect(30), self.mapping(server, number, address)))
        for sock, request in waiting:
            sock.sendall(request)
        self.assertEqual({receive_reply(sock).status for sock, _ in waiting}, {200})
        self.assertEqual({key[1] for key in self.daemon.mappings()},
                         {50000 + number for number in range(count)})

    def mapping(self, server, number, address):
        arguments = {"NewRemoteHost": "", "NewExternalPort": 50000 + number, "NewProtocol": "UDP",
                     "NewInternalPort": 50000 + number, "NewInternalClient": address,
                     "NewEnabled": 1, "NewPortMappingDescription": "crowd",
                     "NewLeaseDuration": 600}
        kind, action = service_type(IP), "AddPortMapping"
        return server.request("POST", self.point.services[IP].control,
                              {"SOAPAction": f'"{kind}#{action}"'},
                              envelope(kind, action, arguments))
