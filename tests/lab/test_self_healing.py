"""Whatever others do to the gateway's rules: doors that clients were promised stay open."""

import threading
import time

from lab import GATEWAY, WAN, wait_until
from labtest import LabTest
from natpmp import PORT, TCP, UDP, Client, map_request
from probe import UdpService, service


class SelfHealing(LabTest):
    def repairs(self):
        return self.daemon.status()["backend"]["repairs"]

    def test_a_flushed_ruleset_is_put_back(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        self.flush_and_reload()
        wait_until(lambda: host.reached((WAN, 4000)), 1, "the door is open again")
        self.assertEqual(self.repairs(), {"table deleted": 1})
        self.assertIn("table deleted by nft", self.daemon.log())

    def test_every_kind_of_damage_is_mended(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        for damage in ("delete table inet postern", "flush chain inet postern forward",
                       "flush map inet postern dnat4", "flush set inet postern pin4",
                       "delete element inet postern dnat4 { 203.0.113.1 . udp . 4000 }",
                       "insert rule inet postern forward drop", "flush table inet postern"):
            with self.subTest(damage):
                time.sleep(0.15)  # the pause between two repairs
                before = sum(self.repairs().values())
                self.lab.nft(damage)
                wait_until(lambda: sum(self.repairs().values()) > before, 1, "it is noticed")
                self.assert_open(host, 4000)

    def test_a_stream_survives_a_flush(self):
        """1,000 packets a second, of which fewer than 100 may get lost."""
        self.start()
        Client(self.lab).map(UDP, 4000, 4000)
        host = UdpService(self.lab, "lan-a", 4000)
        host.sock.setblocking(False)
        sender = self.lab.udp("inet", self.lab.fresh_port())
        sent = received = 0
        flush = threading.Thread(target=self.flush_and_reload)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            if sent == 500:
                flush.start()
            sender.sendto(b"stream", (WAN, 4000))
            sent += 1
            time.sleep(0.001)
            received += self.waiting(host)
        flush.join()
        time.sleep(0.05)
        received += self.waiting(host)
        self.assertGreater(sent, 1000)
        self.assertLess(sent - received, 100)
        self.assertGreater(sum(self.repairs().values()), 0)

    def test_damage_amid_many_changes_of_our_own(self):
        """The daemon does not listen then, but looks."""
        self.start(limits={"mappings_per_client": 1000, "requests_per_second": 0})
        host = UdpService(self.lab, "lan-a", 4000)
        Client(self.lab).map(UDP, 4000, 4000)
        sender = self.lab.udp("lan-a")
        is_over = threading.Event()

        def renew_all():
            while not is_over.is_set():
                for port in range(5000, 5256):
                    sender.sendto(map_request(UDP, port, port), (GATEWAY, PORT))
                    time.sleep(0.0002)

        flood = threading.Thread(target=renew_all)
        flood.start()
        try:
            time.sleep(1)
            self.assertEqual(self.repairs(), {}, "own changes are no damage")
            self.lab.nft("delete element inet postern dnat4 { 203.0.113.1 . udp . 4000 }")
            wait_until(lambda: self.repairs() == {"changed unheard": 1}, 1, "it is noticed")
            self.assert_open(host, 4000)
            self.lab.nft("delete element inet postern dnat4 { 203.0.113.1 . udp . 4000 }")
            wait_until(lambda: self.repairs().get("elements changed") == 1, 1, "it is heard")
            self.assert_open(host, 4000)
        finally:
            is_over.set()
            flood.join()

    def flush_and_reload(self):
        """What Debian's /etc/nftables.conf does."""
        self.lab.nft("flush ruleset\n" + self.lab.nft("list table inet host"))

    @staticmethod
    def waiting(host):
        count = 0
        while True:
            try:
                host.receive()
                count += 1
            except BlockingIOError:
                return count

    def test_own_changes_and_ended_leases_are_no_damage(self):
        self.start()
        client = Client(self.lab)
        for port in range(4000, 4050):
            client.map(UDP, port, port, 1)
        time.sleep(2.5)
        client.map(UDP, 4000, 4000)
        self.assertEqual(self.repairs(), {})
        self.assertEqual(self.daemon.status()["mapping_count"], 1)


class OccupiedPorts(LabTest):
    """A port that somebody else on the gateway uses is never handed out."""

    def granted(self, protocol, port):
        client = Client(self.lab)
        granted = client.map(protocol, port, port).external
        client.delete(protocol, port)
        return granted

    def test_a_local_socket(self):  # NPMP-56
        self.lab.tcp_listener("gw", 4000)
        self.lab.udp("gw", 4001)
        self.lab.tcp_listener("gw", 4002, "127.0.0.1")
        self.start()
        self.assertNotEqual(self.granted(TCP, 4000), 4000)
        self.assertNotEqual(self.granted(UDP, 4001), 4001)
        self.assertEqual(self.granted(TCP, 4002), 4002, "the Internet does not reach it")
        self.assertEqual(self.granted(UDP, 4000), 4000)

    def test_a_forward_of_the_administrator(self):
        self.start()
        self.assertEqual(self.granted(TCP, 4000), 4000)
        self.lab.nft("add table ip admin; add chain ip admin pre "
                     "{ type nat hook prerouting priority dstnat; }; "
                     "add rule ip admin pre iifname wan0 tcp dport 4000 dnat to 192.168.1.11:80")
        wait_until(lambda: self.granted(TCP, 4000) != 4000, 3, "it is noticed")
        self.lab.nft("delete table ip admin")
        wait_until(lambda: self.granted(TCP, 4000) == 4000, 3, "its end is noticed")

    def test_the_administrators_forward_wins_over_a_mapping(self):
        self.start()
        Client(self.lab).map(TCP, 4000, 4000)
        mine = service(self.lab, "tcp", "lan-a", 4000)
        theirs = service(self.lab, "tcp", "lan-b", 4000)
        self.assert_open(mine, 4000)
        self.lab.nft("add table ip admin; add chain ip admin pre "
                     "{ type nat hook prerouting priority dstnat; }; "
                     "add rule ip admin pre iifname wan0 tcp dport 4000 dnat to 192.168.1.11")
        self.lab.nft("insert rule inet host forward ip daddr 192.168.1.11 tcp dport 4000 accept")
        self.assert_open(theirs, 4000)
        self.assert_closed(mine, 4000)
