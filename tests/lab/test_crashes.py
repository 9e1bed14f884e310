"""The daemon is killed at random moments under load: what was promised holds, and nothing else."""

import os
import random
import threading
import time

from crowd import Crowd
from held import held_by_firewall, kept_by_store, told_by
from lab import (INET, INET2, INET6, INET6_2, LAN_A, LAN_A6, LAN_B, LAN_B6, wait_until)
from labtest import LabTest
from pcp import UDP as PCP_UDP
from pcp import client_on
from probe import TcpService, UdpService

CRASHES = 200 if os.environ.get("POSTERN_SOAK") else 20
LEASE = 3600
SAMPLE = 3
HOSTS = {LAN_A: "lan-a", LAN_A6: "lan-a", LAN_B: "lan-b", LAN_B6: "lan-b"}
OWNED = "udp", "203.0.113.1", 5500


class Crashes(LabTest):
    settings = {"limits": {"requests_per_second": 0, "mappings_per_client": 1000}}

    def test_promises_outlive_a_kill_at_any_moment(self):
        seed = int(os.environ.get("POSTERN_SEED", random.randrange(2 ** 32)))
        print(f"seed {seed}", end=" ", flush=True)
        self.random = random.Random(seed)
        self.start()
        self.owner = client_on(self.lab, "lan-b")
        owned = self.owner.map(PCP_UDP, 5500, 5500, lifetime=LEASE)
        self.assertEqual(owned.result, "SUCCESS")
        crowd = Crowd(self.lab, seed)
        time.sleep(1.5)  # the store has the nonce now
        epochs = self.epochs()
        for crash in range(CRASHES):
            killer = threading.Timer(self.random.uniform(0.02, 0.6), self.daemon.kill)
            killer.start()
            crowd.run(self.daemon)
            killer.join()
            self.daemon.start()
            with self.subTest(crash=crash, seed=seed):
                before, epochs = epochs, self.epochs()
                for earlier, later in zip(before, epochs):
                    self.assertGreaterEqual(later, earlier, "nothing was lost")
                self.assert_holds(crowd)
                self.assert_is_owned()
        print([asker.answers for asker in crowd.askers], end=" ")
        for asker in crowd.askers:
            self.assertGreater(asker.answers, 5 * CRASHES, type(asker).__name__)

    def epochs(self):
        status = self.daemon.status()
        return status["epoch"], status["pinhole_epoch"]

    def assert_holds(self, crowd):
        found = told_by(self.daemon)
        wrong, refused = crowd.settle(found), crowd.take_refused()
        self.assertEqual(refused, [], "refused for no reason")
        self.assertEqual(wrong, [], "neither as it was nor as it was asked for")
        promises = crowd.promises
        self.assertEqual(set(found) - {OWNED}, set(promises), "what is open, and what should be")
        for key, told in promises.items():
            self.assertTrue(told.suits(found[key]), f"{key}: {found[key]} is not {told}")
        self.assert_agree("the firewall", held_by_firewall(self.lab), found)
        self.assert_packets_pass(promises)
        wait_until(lambda: self.daemon.status()["store"]["pending"] == 0, 5, "it is on the disk")
        self.assert_agree("the store", kept_by_store(self.daemon.state_dir), told_by(self.daemon))

    def assert_agree(self, who, held, found):
        self.assertEqual(set(held), set(found), who)
        for key, door in held.items():
            self.assertEqual(door[:2], found[key][:2], f"{who}: {key}")
            self.assertAlmostEqual(door.ends, found[key].ends, delta=2, msg=f"{who}: {key}")

    def assert_packets_pass(self, promises):
        """Of some; and of one it is tried who may not come in."""
        sample = self.random.sample(sorted(promises), min(SAMPLE, len(promises)))
        for key in sample:
            told = promises[key]
            self.assertTrue(self.is_reached(key, told, inside(told.remotes, key)), f"{key} is shut")
        strict = [key for key, told in promises.items() if len(told.remotes) == 1]
        if strict:
            key = self.random.choice(sorted(strict))
            stranger = outside(promises[key].remotes, key)
            self.assertFalse(self.is_reached(key, promises[key], stranger), f"{key} is too open")

    def is_reached(self, key, told, source):
        protocol, address, port = key
        kind = {"udp": UdpService, "tcp": TcpService}[protocol]
        host = kind(self.lab, HOSTS[told.inside[0]], told.inside[1], told.inside[0])
        try:
            return host.reached((address, port), source)
        finally:
            host.sock.close()

    def assert_is_owned(self):
        """Only who knows the nonce may renew, and need not ask again (PCP-114)."""
        stolen = self.owner.map(PCP_UDP, 5500, 5500, lifetime=LEASE, nonce=bytes(12))
        self.assertEqual(stolen.result, "NOT_AUTHORIZED")
        self.assertEqual(self.owner.map(PCP_UDP, 5500, 5500, lifetime=LEASE).external[1], 5500)


def inside(remotes, key):
    """One who may come in."""
    return min(remotes) if remotes else (INET6 if ":" in key[1] else INET)


def outside(remotes, key):
    """One who may not."""
    return next(source for source in ((INET6, INET6_2) if ":" in key[1] else (INET, INET2))
                if source not in remotes)
