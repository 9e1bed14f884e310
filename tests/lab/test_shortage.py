"""A running daemon that gets no more descriptors, and a network that changes without a pause."""

import pathlib
import resource
import time

from lab import WAN, wait_until
from labtest import LabTest
from natpmp import SUCCESS, UDP, Client
from posternd import STATUS, UDP_5351


class Shortage(LabTest):

    def limit_descriptors(self, limit):
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_NOFILE, (limit, 4096))

    def processor_time(self):
        fields = pathlib.Path(f"/proc/{self.daemon.process.pid}/stat").read_text().split()
        return (int(fields[13]) + int(fields[14])) / 100

    def used_within(self, seconds):
        before = self.processor_time()
        time.sleep(seconds)
        return self.processor_time() - before

    def ports(self):
        with self.lab.host("gw"):
            return pathlib.Path("/proc/thread-self/net/udp").read_text().count(UDP_5351)

    def test_status_clients_wait_and_do_not_keep_it_busy(self):
        self.start()
        self.limit_descriptors(3)
        waiting = self.lab.socket("gw")
        waiting.connect(STATUS)
        self.assertLess(self.used_within(1.5), 0.3)
        self.limit_descriptors(1024)
        waiting.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting.settimeout(3)
        self.assertIn(b"200 OK", waiting.recv(4096))

    def test_changes_of_the_network_are_still_seen(self):
        self.start()
        client = Client(self.lab)
        self.assertEqual(client.external_address()[::2], (SUCCESS, WAN))
        self.limit_descriptors(3)
        self.lab.ip("gw", f"address delete {WAN}/24 dev wan0")
        self.lab.ip("gw", "address add 203.0.113.7/24 dev wan0")
        wait_until(lambda: client.external_address().address == "203.0.113.7", 3, "it is told")
        self.assertEqual(client.map(UDP, 4000, 4000).external, 4000)

    def test_a_port_that_could_not_be_opened_is_tried_again(self):
        self.start(lan=["br-lan", "guest0"])
        self.assertEqual(self.ports(), 1)
        self.limit_descriptors(3)
        self.lab.ip("gw", "link add guest0 type bridge")
        self.lab.ip("gw", "address add 192.168.7.1/24 dev guest0")
        self.lab.ip("gw", "link set guest0 up")
        wait_until(lambda: "guest0: Too many open files" in self.daemon.log(), 3, "it is told")
        time.sleep(2.2)
        self.assertEqual(self.daemon.log().count("Too many open files"), 1)
        self.limit_descriptors(1024)
        wait_until(lambda: self.ports() == 2, 3, "the port is open")
        self.assertIn("served again", self.daemon.log())

    def test_a_network_that_never_rests_does_not_keep_it_busy(self):
        self.start()
        client = Client(self.lab)
        for change in ("route {} 198.51.100.0/24 dev wan0", "address {} 203.0.113.7/24 dev wan0"):
            turns = "".join(f"{change.format(verb)}\n" for verb in ("add", "delete")) * 5000
            with self.subTest(change):
                before = self.processor_time()
                begin = time.monotonic()
                batch = pathlib.Path(self.daemon.log_file).with_name("batch")
                batch.write_text(turns)
                self.lab.run("gw", "ip", "-force", "-batch", str(batch))
                spent = time.monotonic() - begin
                used = self.processor_time() - before
                self.assertLess(used, 0.1 + 0.3 * spent)
                self.assertEqual(client.external_address()[::2], (SUCCESS, WAN))
