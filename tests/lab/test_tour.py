"""The tour of script/run tells the truth by its exit status, and leaves nothing behind."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from lab import ROOT, WAN, Lab, wait_until
from labtest import LabTest
from posternd import BINARY

TOUR = [sys.executable, "-B", ROOT / "tests" / "lab" / "tour.py"]


class Tour(LabTest):
    def test_in_the_lab(self):
        tour = self.tour()
        self.assertEqual(tour.wait(60), 0, self.output(tour))
        self.assertIn("every step was seen to work", self.output(tour))
        self.assert_nothing_left(tour)

    def test_on_loopback(self):
        with self.lab.host("lan-a"):  # so that several can run at once
            tour = self.tour("--loopback")
        self.assertEqual(tour.wait(60), 0, self.output(tour))
        self.assertIn("every step was seen to work", self.output(tour))
        self.assert_nothing_left(tour)

    def test_a_daemon_that_opens_nothing_fails_the_tour(self):
        with tempfile.TemporaryDirectory() as directory:
            liar = pathlib.Path(directory, "posternd")
            liar.write_text(f'#!/bin/sh\nexec {BINARY} "$@" --backend memory\n')
            liar.chmod(0o755)
            tour = self.tour(POSTERND=str(liar))
            self.assertEqual(tour.wait(60), 1)
        self.assertIn("FAILED: UDP from", self.output(tour))
        self.assert_nothing_left(tour)

    def test_a_stopped_tour_leaves_nothing(self):
        for number in signal.SIGTERM, signal.SIGINT:
            with self.subTest(number):
                tour = self.tour()
                wait_until(lambda: "asks for" in self.output(tour), 10, "the tour begins")
                tour.send_signal(number)
                self.assertEqual(tour.wait(20), 130)
                self.assert_nothing_left(tour)

    def test_a_visitor_may_stay(self):
        tour = self.tour("--stay", POSTERN_LAB=f"{self.lab.name}visit")
        wait_until(lambda: "stays up until" in self.output(tour), 30, "the tour is over")
        visited = Lab(f"{self.lab.name}visit")
        visited.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        visited.run("inet", "bash", "-c", f"echo hello >/dev/udp/{WAN}/4000")
        wait_until(lambda: "hello" in self.output(tour), 3, "the visitor's packet is shown")
        tour.send_signal(signal.SIGINT)
        self.assertEqual(tour.wait(20), 0)
        self.assertEqual(list(pathlib.Path("/run/netns").glob(f"{visited.name}-*")), [])

    def tour(self, *arguments, **environment):
        log, files = tempfile.NamedTemporaryFile(), tempfile.TemporaryDirectory()
        self.addCleanup(log.close)
        self.addCleanup(files.cleanup)
        environment = {**os.environ, "TMPDIR": files.name, **environment}
        tour = subprocess.Popen([*TOUR, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                stderr=log, env=environment)
        self.addCleanup(tour.wait)
        self.addCleanup(tour.terminate)
        tour.log, tour.files = pathlib.Path(log.name), files.name
        return tour

    def output(self, tour):
        return tour.log.read_text()

    def assert_nothing_left(self, tour):
        self.assertEqual(list(pathlib.Path("/run/netns").glob(f"pst{tour.pid}x*")), [])
        self.assertEqual(os.listdir(tour.files), [])
