"""The process: how it starts, what it says, and what it ends with."""

import os
import pathlib
import socket
import struct
import subprocess
import tempfile

from lab import LAN_A, ROOT
from labtest import LabTest
from posternd import BINARY, IN_THE_LAB, toml

GOOD = toml(IN_THE_LAB)


class Process(LabTest):

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="postern-lab-")
        self.addCleanup(directory.cleanup)
        self.config = pathlib.Path(directory.name, "postern.toml")

    def write(self, config):
        """The first two lines of what is written are not the test's, unless it has those keys."""
        own = "".join(f'{key} = "{self.config.parent}"\n'
                      for key in ("state_dir", "runtime_dir") if key not in config)
        self.config.write_text(own + config)

    def run_daemon(self, *arguments, config=GOOD, prefix=()):
        """Runs it to its end, which must come by itself."""
        self.write(config)
        with self.lab.host("gw"):
            return subprocess.run([*prefix, BINARY, "--config", self.config, *arguments],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=10)

    def generation(self):
        """The kernel counts every transaction of the firewall, also one that leaves nothing."""
        request = struct.pack("=IHHIIBBH", 20, 0xA10, 1, 1, 0, 0, 0, 0)  # NFT_MSG_GETGEN
        netfilter = self.lab.socket("gw", socket.AF_NETLINK, socket.SOCK_RAW, 12)
        netfilter.send(request)
        return struct.unpack_from(">I", netfilter.recv(4096), 24)[0]

    def test_a_good_configuration_is_said_to_be_good(self):
        done = self.run_daemon("--check-config")
        self.assertEqual((done.returncode, done.stdout), (0, "the configuration is good\n"))
        self.assertNotIn("postern", self.lab.nft("list tables"))

    def test_the_readmes_configuration_is_good(self):
        text = (ROOT / "README.md").read_text().partition("```toml\n")[2].partition("```")[0]
        self.assertIn("[pcp]", text)
        done = self.run_daemon("--check-config", config=text)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_bad_configuration_ends_with_78_and_names_file_and_line(self):
        for arguments in ((), ("--check-config",)):
            done = self.run_daemon(*arguments, config=GOOD + "[limits]\nmappings = 0\n")
            self.assertEqual(done.returncode, 78)
            self.assertIn(f"{self.config}:7: limits.mappings", done.stderr)
        self.assertNotIn("postern", self.lab.nft("list tables"))

    def test_a_wrong_option_ends_with_2_and_the_usage(self):
        done = self.run_daemon("--verbose")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--verbose is not an option", done.stderr)
        self.assertIn("usage: posternd", done.stderr)

    def test_an_unknown_backend_on_the_command_line_ends_with_2_and_the_known_ones(self):
        done = self.run_daemon("--backend", "pf")
        self.assertEqual(done.returncode, 2)
        self.assertIn('"pf"; write nftables or iptables or memory', done.stderr)

    def test_the_backend_of_the_command_line_counts_for_all_checks(self):
        config = toml({**IN_THE_LAB, "lan": ["wan0"]})
        self.assertEqual(self.run_daemon("-n", config=config).returncode, 78)
        self.assertEqual(self.run_daemon("-n", "-b", "memory", config=config).returncode, 0)

    def test_a_default_file_that_cannot_be_read_is_not_taken_for_absent(self):
        for make, code, text in (("true", 0, "good"),
                                 ("mkdir /etc/postern && cd /etc/postern &&"
                                  " ln -s postern.toml postern.toml", 78, "cannot be read")):
            script = f"mount -t tmpfs none /etc && {make} && exec {BINARY} --check-config"
            done = subprocess.run(["unshare", "--mount", "sh", "-c", script], text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(text, done.stdout + done.stderr)

    def test_too_few_descriptors_end_it_with_1_and_one_line(self):
        served = False
        for limit in range(4, 40):
            try:
                done = self.run_daemon(prefix=("timeout", "--signal=TERM", "1",
                                               "prlimit", f"--nofile={limit}"))
            except subprocess.TimeoutExpired:
                self.fail(f"TERM did not end it with {limit} descriptors")
            if done.returncode == 124:
                served = True
                break
            with self.subTest(limit=limit):
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertNotIn("terminate called", done.stderr)
        self.assertTrue(served)
        self.assertGreater(limit, 10)

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
        """Also one that shares neither LAN nor status port with it, and one that serves nothing."""
        self.start()
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        self.lab.ip("gw", "link add guest0 type bridge")
        handle = self.lab.run("gw", "nft", "-a", "list", "tables")
        before = self.generation()
        elsewhere = {"wan": "wan0", "lan": ["guest0"], "status": {"listen": "127.0.0.1:9999"}}
        for config in (IN_THE_LAB, elsewhere, {**elsewhere, "natpmp": {"enabled": False}},
                       {**elsewhere, "backend": "memory"}):
            with self.subTest(config):
                done = self.run_daemon(config=toml(config))
                self.assertEqual(done.returncode, 1)
                self.assertIn("another posternd serves this network namespace", done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertEqual(self.generation(), before, "the firewall was touched")
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

    def test_the_journals_levels_are_for_the_journal(self):
        with tempfile.NamedTemporaryFile("r") as log:
            file = os.fstat(log.fileno())
            for stream, begin in ((f"{file.st_dev}:{file.st_ino}", "<3>"), ("1:2", "20")):
                os.environ["JOURNAL_STREAM"] = stream
                self.addCleanup(os.environ.pop, "JOURNAL_STREAM", None)
                script = f'exec "$@" 2>{log.name}'
                self.run_daemon(config=toml({**IN_THE_LAB, "status": {"listen": "192.0.2.1:1"}}),
                                prefix=("sh", "-c", script, "sh"))
                last = pathlib.Path(log.name).read_text().splitlines()[-1]
                self.assertTrue(last.startswith(begin), last)

    def test_a_log_that_nobody_reads_does_not_end_it(self):
        self.write(GOOD)
        with self.lab.host("gw"):
            process = subprocess.Popen([BINARY, "--config", self.config], stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stderr.readline()
        process.stderr.close()
        for port in range(4000, 4003):
            self.lab.natpmpc("lan-a", "-a", port, port, "udp", 60)
        self.assertIsNone(process.poll())

    def test_it_warns_of_a_status_that_others_can_read(self):
        self.start(status={"listen": "0.0.0.0:5352"})
        self.assertIn("who reaches 0.0.0.0:5352 can read the status", self.daemon.log())

    def test_it_warns_when_the_default_route_leaves_through_the_lan(self):
        self.lab.ip("gw", f"route replace default via {LAN_A}")
        self.start(wan=None)
        self.assertIn("the default route leaves through br-lan", self.daemon.log())

    def test_hup_does_not_end_it(self):
        self.start()
        self.daemon.process.send_signal(1)
        self.assertEqual(self.daemon.status()["schema"], "postern.status/1")
        self.assertIsNone(self.daemon.process.poll())
        self.assertEqual(self.daemon.terminate(), 0)
