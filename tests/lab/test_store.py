"""What outlives the daemon: after crashes, reboots, power cuts and with disks that fail."""

import contextlib
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

from lab import LAN_A, WAN, sleep_until, wait_until
from labtest import LabTest
from natpmp import UDP, Client
from pcp import UDP as PCP_UDP
from pcp import client_on
from probe import UdpService
from test_doctor import BINARY as POSTERNCTL

WRITTEN = 1.5  # seconds; more than store_delay


class Store(LabTest):
    def test_claims_outlive_a_crash_as_they_were(self):  # NPMP-79, PCP-114
        self.start()
        Client(self.lab).map(UDP, 4000, 4000, 600)
        owner = client_on(self.lab)
        owner.map(PCP_UDP, 4001, 4001, lifetime=600)
        time.sleep(WRITTEN)
        epoch = self.daemon.status()["epoch"]
        host = UdpService(self.lab, "lan-a", 4000)
        for end in self.daemon.kill, self.daemon.terminate:
            with self.subTest(end.__name__):
                end()
                self.daemon.start()
                self.assertEqual(self.daemon.mappings(),
                                 {("udp", 4000): (LAN_A, 4000, ["natpmp"]),
                                  ("udp", 4001): (LAN_A, 4001, ["pcp"])})
                self.assertGreaterEqual(self.daemon.status()["epoch"], epoch)
                stolen = owner.map(PCP_UDP, 4001, 4001, nonce=bytes(12))
                self.assertEqual(stolen.result, "NOT_AUTHORIZED")
                self.assert_open(host, 4000)

    def test_the_history_names_the_rule(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000, 600)
        rule, = {claim["rule"] for mapping in self.daemon.status()["mappings"]
                 for claim in mapping["claims"]}
        self.daemon.terminate()
        with contextlib.closing(sqlite3.connect(f"{self.daemon.state_dir}/postern.db")) as file:
            rows = file.execute("SELECT rule FROM history WHERE event = 'opened'").fetchall()
        self.assertTrue(rule)
        self.assertEqual(rows, [(rule,)])

    def test_what_closed_before_a_crash_stays_closed(self):
        self.start()
        client = Client(self.lab)
        client.map(UDP, 4000, 4000, 600)
        time.sleep(WRITTEN)
        client.delete(UDP, 4000)
        self.daemon.kill()  # before the store could hear of it
        self.daemon.start()
        self.assertEqual(self.daemon.mappings(), {})

    def test_a_lease_that_ends_while_the_daemon_is_dead_is_over(self):
        self.start()
        client = Client(self.lab)
        asked = time.monotonic()
        client.map(UDP, 4000, 4000, 4)
        client.map(UDP, 4001, 4001, 600)
        host = UdpService(self.lab, "lan-a", 4000)
        time.sleep(WRITTEN)
        self.daemon.kill()
        self.assert_open(host, 4000)
        sleep_until(asked + 4 + 3)  # the kernel has three seconds
        self.assert_closed(host, 4000)
        self.daemon.start()
        self.assertEqual(set(self.daemon.mappings()), {("udp", 4001)})

    def test_a_firewall_that_was_flushed_meanwhile_is_filled_again(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000, 600)
        time.sleep(WRITTEN)
        self.daemon.kill()
        self.lab.nft("delete table inet postern")
        self.daemon.start()
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 4000)
        self.assertEqual(self.daemon.mappings()["udp", 4000][2], ["natpmp"])

    def test_a_mapping_that_nobody_has_any_more_is_not_stolen_back(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000, 600)
        time.sleep(WRITTEN)
        self.daemon.kill()
        self.lab.nft("delete table inet postern")
        taken = self.lab.udp("gw", 4000, WAN)  # a service of the gateway itself
        self.daemon.start()
        self.assertEqual(self.daemon.mappings(), {})
        self.assertIn("4000", self.daemon.log())
        taken.close()


class Reboot(LabTest):
    """A reboot is imitated: the table is gone, and the store was written in another boot."""

    def setUp(self):
        super().setUp()
        self.start()
        Client(self.lab).map(UDP, 4000, 4000, 600)
        Client(self.lab).map(UDP, 4001, 4001, 30)

    def reboot(self, seconds_off):
        self.lab.nft("delete table inet postern")
        file = f"{self.daemon.state_dir}/postern.db"
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("UPDATE meta SET boot_id = 'another boot', wall_ms = wall_ms - ?",
                             (seconds_off * 1000,))
            database.commit()
        self.daemon.start()

    def test_leases_go_on_after_a_reboot(self):
        epoch = self.daemon.status()["epoch"]
        self.daemon.terminate()
        self.reboot(60)
        self.assertEqual(set(self.daemon.mappings()), {("udp", 4000)})
        left = self.daemon.status()["mappings"][0]["remaining_seconds"]
        self.assertTrue(500 < left <= 540, f"{left} s are left")
        self.assertGreaterEqual(self.daemon.status()["epoch"], epoch + 60)
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 4000)

    def test_after_a_power_cut_the_epoch_begins_anew(self):
        time.sleep(WRITTEN)
        self.daemon.kill()
        self.reboot(60)
        self.assertEqual(set(self.daemon.mappings()), {("udp", 4000)})
        self.assertLess(self.daemon.status()["epoch"], 3)

    def test_a_clock_that_cannot_be_right_counts_no_time(self):
        self.daemon.terminate()
        self.reboot(-86400)  # the store comes from tomorrow
        self.assertEqual(set(self.daemon.mappings()), {("udp", 4000), ("udp", 4001)})
        self.assertTrue(self.daemon.status()["store"]["elapsed_unknown"])

    def test_the_wall_clock_means_nothing_within_a_boot(self):
        for shift in -10 ** 9, -86400, 86400, 10 ** 9:
            with self.subTest(shift=shift):
                time.sleep(WRITTEN)
                self.daemon.kill()
                with contextlib.closing(
                        sqlite3.connect(f"{self.daemon.state_dir}/postern.db")) as database:
                    database.execute("UPDATE meta SET wall_ms = wall_ms + ?", (shift * 1000,))
                    database.commit()
                self.daemon.start()
                self.assertEqual(set(self.daemon.mappings()), {("udp", 4000), ("udp", 4001)})
                self.assertFalse(self.daemon.status()["store"]["elapsed_unknown"])


class Disk(LabTest):
    def test_a_full_disk_keeps_what_it_has_and_the_rest_is_served_from_memory(self):
        with small_disk(self) as disk:
            self.start(state_dir=str(disk / "state"))
            client = Client(self.lab)
            client.map(UDP, 4000, 4000, 600)
            time.sleep(WRITTEN)
            with contextlib.suppress(OSError), open(disk / "filler", "wb") as filler:
                while True:
                    filler.write(b"x" * 4096)
                    filler.flush()
            for port in range(4001, 4101):
                self.assertEqual(client.map(UDP, port, port, 600).external, port)
            wait_until(lambda: self.store()["state"] == "memory_only", 10, "the status says so")
            added = self.lab.run("gw", str(POSTERNCTL), "add", "tcp", "8080",
                                 f"{LAN_A}:80", "--socket", str(self.daemon.control_socket))
            self.assertIn("warning: the disk takes nothing at the moment", added)
            self.assertTrue(self.store()["trouble"])
            self.assert_open(UdpService(self.lab, "lan-a", 4050), 4050)
            self.daemon.kill()
            self.lab.nft("delete table inet postern")
            self.daemon.start()
            self.assertIn(("udp", 4000), self.daemon.mappings())
            (disk / "filler").unlink()
            Client(self.lab).map(UDP, 4200, 4200, 600)
            wait_until(lambda: self.store()["state"] == "ok", 70, "it is written again")
            self.assertEqual(self.store()["trouble"], "")
            wait_until(lambda: "leases are on the disk again" in self.daemon.log(), 10, "it is said")

    def test_a_damaged_database_is_moved_aside(self):
        for damage in b"", b"not a database at all" * 400:
            with self.subTest(damage=damage[:8]):
                self.start()
                Client(self.lab).map(UDP, 4000, 4000, 600)
                self.daemon.terminate()
                file = pathlib.Path(self.daemon.state_dir, "postern.db")
                for extra in file.parent.glob("postern.db-*"):
                    extra.unlink()
                file.write_bytes(damage or file.read_bytes()[:3000])
                self.daemon.start()
                self.assertEqual(self.daemon.mappings()["udp", 4000][2], ["recovered"])
                self.assertTrue(list(file.parent.glob("postern.db.damaged-*")))
                self.assertIn("postern.db", self.daemon.log())
                self.daemon.close()
                self.lab.nft("delete table inet postern")

    def test_a_directory_that_cannot_be_written_is_no_reason_not_to_serve(self):
        with small_disk(self) as disk:
            (disk / "state").write_text("a file where the directory should be")
            self.start(state_dir=str(disk / "state"))
            self.assertEqual(Client(self.lab).map(UDP, 4000, 4000, 600).external, 4000)
            self.assertEqual(self.store()["state"], "memory_only")

    def test_a_database_that_another_process_has_is_told_and_left_alone(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000, 600)
        self.daemon.terminate()
        file = pathlib.Path(self.daemon.state_dir, "postern.db")
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            self.daemon.start()
            self.assertEqual(self.store()["state"], "memory_only")
            self.assertIn("another process uses it", self.store()["trouble"])
            self.assertFalse(file.with_name("postern.db.behind").exists())
            self.daemon.terminate()
            other.execute("ROLLBACK")

    def test_without_delay_a_reply_means_that_it_is_on_the_disk(self):
        self.start(store_delay="0s")
        for port in range(4000, 4010):
            self.assertEqual(Client(self.lab).map(UDP, port, port, 600).external, port)
            self.daemon.kill()
            with contextlib.closing(sqlite3.connect(f"{self.daemon.state_dir}/postern.db")) as file:
                rows = file.execute("SELECT count(*) FROM mapping WHERE external_port = ?", (port,))
                self.assertEqual(rows.fetchone(), (1,))
            self.daemon.start()

    def test_nobody_else_may_read_it(self):
        self.start()
        Client(self.lab).map(UDP, 4000, 4000, 600)
        time.sleep(WRITTEN)
        for file in pathlib.Path(self.daemon.state_dir).glob("postern.db*"):
            self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)

    def store(self):
        return self.daemon.status()["store"]


@contextlib.contextmanager
def small_disk(test):
    """A file system of 4 MiB."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-lab-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "postern-lab", directory], check=True)
    try:
        yield directory
    finally:
        if test.daemon:
            test.daemon.kill()
        subprocess.run(["umount", directory], check=True)
        shutil.rmtree(directory)
