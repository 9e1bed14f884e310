"""The daemon is killed at random moments under load: what was promised holds, and nothing else."""

import contextlib
import json
import os
import random
import select
import sqlite3
import threading
import time

from lab import GATEWAY
from labtest import LabTest
from natpmp import PORT, SUCCESS, UDP, map_request, parse_map
from pcp import UDP as PCP_UDP
from pcp import client_on

CRASHES = 200 if os.environ.get("POSTERN_SOAK") else 20
PORTS = range(4000, 4100)
IN_FLIGHT = 8
LEASE = 3600


class Load:
    """A host that opens and closes its ports at random, and remembers what it was told."""

    def __init__(self, lab, seed):
        self.random = random.Random(seed)
        self.sock = lab.udp("lan-a")
        self.sock.connect((GATEWAY, PORT))
        self.sock.setblocking(False)
        self.is_open = {port: False for port in PORTS}
        self.asked = {}  # port: whether it shall be open; no answer came yet
        self.answers = 0

    def run(self, daemon):
        """Until the daemon is gone; at most ten seconds."""
        end = time.monotonic() + 10
        while daemon.process.poll() is None and time.monotonic() < end:
            self.ask()
            select.select([self.sock], [], [], 0.01)
            self.hear()
        self.hear()

    def ask(self):
        idle = [port for port in PORTS if port not in self.asked]
        for port in self.random.sample(idle, max(0, IN_FLIGHT - len(self.asked))):
            wanted = self.random.random() < 0.6
            self.asked[port] = wanted
            with contextlib.suppress(OSError):
                self.sock.send(map_request(UDP, port, port if wanted else 0,
                                           LEASE if wanted else 0))

    def hear(self):
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while reply := self.sock.recv(2048):
                told = parse_map(reply, UDP)
                if told.internal not in self.asked:
                    continue
                self.answers += 1
                wanted = self.asked.pop(told.internal)
                if told.result == SUCCESS:
                    self.is_open[told.internal] = wanted

    def settle(self, mappings):
        """Takes what is there for what was neither promised nor refused."""
        for port in self.asked:
            self.is_open[port] = ("udp", port) in mappings
        self.asked.clear()


class Crashes(LabTest):
    settings = {"limits": {"requests_per_second": 0}}

    def test_promises_outlive_a_kill_at_any_moment(self):
        seed = random.randrange(2 ** 32)
        print(f"seed {seed}", end=" ", flush=True)
        moments = random.Random(seed)
        self.start()
        owner = client_on(self.lab, "lan-b")
        owned = owner.map(PCP_UDP, 5000, 5000, lifetime=LEASE)
        self.assertEqual(owned.result, "SUCCESS")
        load = Load(self.lab, seed)
        time.sleep(1.5)  # the store has the nonce now
        epoch = self.daemon.status()["epoch"]
        for crash in range(CRASHES):
            killer = threading.Timer(moments.uniform(0.02, 0.6), self.daemon.kill)
            killer.start()
            load.run(self.daemon)
            killer.join()
            self.daemon.start()
            with self.subTest(crash=crash, seed=seed):
                status = self.daemon.status()
                self.assertGreaterEqual(status["epoch"], epoch, "nothing was lost")
                epoch = status["epoch"]
                mappings = self.daemon.mappings()
                self.assert_promises(load, mappings)
                self.assert_firewall_agrees(mappings)
                self.assert_is_owned(owner)
            load.settle(mappings)
        self.assertGreater(load.answers, 10 * CRASHES)
        mappings = self.daemon.mappings()
        self.daemon.terminate()
        self.assert_store_agrees(mappings)

    def assert_promises(self, load, mappings):
        for port, is_open in load.is_open.items():
            if port not in load.asked:
                self.assertEqual(("udp", port) in mappings, is_open, f"port {port}")
        self.assertIn(("udp", 5000), mappings)

    def assert_firewall_agrees(self, mappings):
        listed = json.loads(self.lab.run("gw", "nft", "-j", "list map inet postern dnat4"))
        found = next(item["map"] for item in listed["nftables"] if "map" in item)
        doors = {door_of(element) for element in found.get("elem", [])}
        self.assertEqual(doors, {(name, port, inside, inner)
                                 for (name, port), (inside, inner, _) in mappings.items()})

    def assert_store_agrees(self, mappings):
        with contextlib.closing(sqlite3.connect(f"{self.daemon.state_dir}/postern.db")) as database:
            stored = set(database.execute("SELECT external_port, internal_address, internal_port"
                                          " FROM mapping"))
        self.assertEqual(stored, {(port, inside, inner)
                                  for (_, port), (inside, inner, _) in mappings.items()})

    def assert_is_owned(self, owner):
        """Only who knows the nonce may renew, and need not ask again (PCP-114)."""
        stolen = owner.map(PCP_UDP, 5000, 5000, lifetime=LEASE, nonce=bytes(12))
        self.assertEqual(stolen.result, "NOT_AUTHORIZED")
        self.assertEqual(owner.map(PCP_UDP, 5000, 5000, lifetime=LEASE).external[1], 5000)


def door_of(element):
    """Of [{"elem": {"val": {"concat": [address, protocol, port]}, …}}, {"concat": [address, port]}]."""
    key, value = element
    key = key["elem"]["val"] if "elem" in key else key
    _, protocol, port = key["concat"]
    inside, inner = value["concat"]
    return protocol, port, inside, inner
