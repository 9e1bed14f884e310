"""The process: how it starts, what it says, and what it ends with."""

import os
import pathlib
import socket
import subprocess
import tempfile

from labtest import LabTest
from posternd import BINARY, IN_THE_LAB, toml

GOOD = toml(IN_THE_LAB)


class Process(LabTest):

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="postern-lab-")
        self.addCleanup(directory.cleanup)
        self.config = pathlib.Path(directory.name, "postern.toml")

    def run_daemon(self, *arguments, config=GOOD, prefix=()):
        """Runs it to its end, which must come by itself."""
        self.config.write_text(config)
        with self.lab.host("gw"):
            return subprocess.run([*prefix, BINARY, "--config", self.config, *arguments],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=10)

    def test_a_good_configuration_is_said_to_be_good(self):
        done = self.run_daemon("--check-config")
        self.assertEqual((done.returncode, done.stdout), (0, "the configuration is good\n"))
        self.assertNotIn("postern", self.lab.nft("list tables"))

    def test_a_bad_configuration_ends_with_78_and_names_file_and_line(self):
        for arguments in ((), ("--check-config",)):
            done = self.run_daemon(*arguments, config=GOOD + "[limits]\nmappings = 0\n")
            self.assertEqual(done.returncode, 78)
            self.assertIn(f"{self.config}:5: limits.mappings", done.stderr)
        self.assertNotIn("postern", self.lab.nft("list tables"))

    def test_a_wrong_option_ends_with_2_and_the_usage(self):
        done = self.run_daemon("--verbose")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--verbose is not an option", done.stderr)
        self.assertIn("usage: posternd", done.stderr)

    def test_help_and_version_are_asked_for_and_so_no_errors(self):
        self.assertIn("usage: posternd", self.run_daemon("--help").stdout)
        self.assertRegex(self.run_daemon("--version").stdout, r"^posternd \d+\.\d+\.\d+\n$")

    def test_an_unknown_lan_ends_with_6_and_the_candidates(self):
        with self.lab.host("gw"):
            subprocess.run(["sh", "-c", "ip link add guest0 type bridge && ip link set guest0 up &&"
                            " ip address add 192.168.7.1/24 dev guest0"], check=True)
        done = self.run_daemon(config='wan = "wan0"\n')
        self.assertEqual(done.returncode, 6)
        self.assertIn("may be any of br-lan, guest0", done.stderr)

    def test_the_only_other_interface_is_the_lan(self):
        self.start(lan=None)
        self.assertEqual([lan["interface"] for lan in self.daemon.status()["lan"]], ["br-lan"])

    def test_without_the_privilege_it_ends_with_4_and_names_it(self):
        done = self.run_daemon(prefix=("setpriv", "--inh-caps", "-net_admin", "--bounding-set",
                                       "-net_admin"))
        self.assertEqual(done.returncode, 4)
        self.assertIn("CAP_NET_ADMIN", done.stderr)

    def test_a_second_daemon_ends_without_harm_to_the_first(self):
        self.start()
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        handle = self.lab.run("gw", "nft", "-a", "list", "tables")
        done = self.run_daemon()
        self.assertEqual(done.returncode, 1)
        self.assertIn("UDP port 5351 on br-lan: Address already in use", done.stderr)
        self.assertEqual(self.lab.run("gw", "nft", "-a", "list", "tables"), handle)
        self.assertIn("udp . 4000", self.lab.nft("list map inet postern dnat4"))

    def test_the_service_manager_hears_when_the_ports_answer(self):
        name = str(self.config.with_name("notify"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name)
            manager.settimeout(5)
            os.environ["NOTIFY_SOCKET"] = name
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)
            self.start()
            self.assertEqual(manager.recv(100), b"READY=1")
            self.assertEqual(self.daemon.terminate(), 0)
            self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_hup_does_not_end_it(self):
        self.start()
        self.daemon.process.send_signal(1)
        self.assertEqual(self.daemon.status()["schema"], "postern.status/1")
        self.assertIsNone(self.daemon.process.poll())
        self.assertEqual(self.daemon.terminate(), 0)
