"""posternctl on gateways that are broken in one way each: what it says mends them."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from host_firewalls import Docker, Firewalld, ForwardDrop, Fw4, InputDrop, NoFilter, Ufw
from lab import ROOT, LabError, wait_until
from labtest import LabTest
from natpmp import SUCCESS, UDP, Client
from posternd import IN_THE_LAB, toml
from probe import UdpService

BINARY = pathlib.Path(os.environ.get("POSTERNCTL", ROOT / "build/release/bin/posternctl"))
HEALTHY, BROKEN = 0, 1
# Takes a port until its standard input ends.
HOLDER = """
import socket, sys
holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
holder.bind(("0.0.0.0", 5351))
print("bound", flush=True)
sys.stdin.read()
"""


class CtlTest(LabTest):

    def ctl(self, *arguments, as_user=()):
        """Runs posternctl in the gateway; returns its exit status and what it prints."""
        if not BINARY.exists():
            raise LabError(f"no posternctl at {BINARY}: run script/build")
        with self.lab.host("gw"):
            done = subprocess.run([*as_user, BINARY, *arguments], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def doctor(self):
        """The exit status, and the findings by their words."""
        status, printed = self.ctl("doctor", "--json")
        return status, {found["id"]: found for found in json.loads(printed)["findings"]}

    def assert_healthy(self):
        status, printed = self.ctl("doctor")
        self.assertEqual((status, printed), (HEALTHY, "Nothing wrong was found.\n"))

    def mend(self, word):
        """The doctor's only finding is `word`; what it prints is done, by a shell."""
        status, findings = self.doctor()
        self.assertEqual((status, list(findings)), (BROKEN, [word]), findings)
        for command in findings[word]["mend"]:
            self.lab.run("gw", "sh", "-c", command)
        return findings[word]


class Doctor(CtlTest):

    def setUp(self):
        super().setUp()
        self.start()

    def test_a_healthy_gateway(self):
        self.assert_healthy()

    def test_forward_chain_without_the_mark_rule(self):
        service = UdpService(self.lab, "lan-a", 4000)
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).result, SUCCESS)
        self.lab.nft("flush chain inet host forward")
        self.assert_closed(service, 4000)
        found = self.mend("forward-drops")
        self.assertIn("table inet host, chain forward (policy drop)", found["what"])
        self.assert_open(service, 4000)
        self.assert_healthy()

    def test_input_chain_that_drops_requests(self):
        self.lab.nft("flush chain inet host input")
        self.mend("input-drops")
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).result, SUCCESS)
        self.assert_healthy()

    def test_a_rule_of_iptables_in_the_way(self):
        # firewall = "auto" of the daemon would mend it by itself.
        self.daemon.terminate()
        self.start(firewall="none")
        service = UdpService(self.lab, "lan-a", 4000)
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).result, SUCCESS)
        self.lab.run("gw", "iptables-nft", "-P", "FORWARD", "DROP")
        self.assert_closed(service, 4000)
        self.mend("forward-drops")
        self.assert_open(service, 4000)
        self.assert_healthy()

    def test_a_chain_that_runs_before_ours(self):
        service = UdpService(self.lab, "lan-a", 4000)
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).result, SUCCESS)
        self.lab.nft("add table inet early; add chain inet early forward"
                     " { type filter hook forward priority -150; policy drop; }")
        self.assert_closed(service, 4000)
        self.mend("forward-drops")
        self.assert_open(service, 4000)

    def test_a_chain_that_rejects_behind_a_jump(self):
        self.lab.nft("add table ip other; add chain ip other refuse;"
                     "add rule ip other refuse ct state invalid drop;"
                     "add rule ip other refuse reject;"
                     "add chain ip other forward { type filter hook forward priority 10; };"
                     'add rule ip other forward iifname "wan0" jump refuse')
        found = self.mend("forward-drops")
        self.assertIn("by a rule in chain refuse", found["what"])
        self.assert_healthy()

    def test_forwarding_off(self):
        self.lab.run("gw", "sysctl", "-qw", "net.ipv4.ip_forward=0")
        self.mend("ipv4-forwarding-off")
        self.assert_healthy()

    def test_no_masquerade(self):
        self.lab.nft("flush chain inet host postrouting")
        self.mend("no-masquerade")
        self.assert_healthy()

    def test_no_masquerade_and_no_table_for_it(self):
        self.lab.nft("delete chain inet host postrouting")
        self.mend("no-masquerade")
        self.assert_healthy()

    def test_own_table_lost(self):
        # The daemon puts it back; a stopped one cannot.
        self.daemon.process.send_signal(19)  # SIGSTOP
        self.lab.nft("delete table inet postern")
        status, findings = self.doctor()
        self.assertEqual((status, list(findings)), (BROKEN, ["own-table-absent"]))

    def test_no_wan(self):
        self.lab.ip("gw", "link set wan0 down")
        status, findings = self.doctor()
        self.assertEqual(status, BROKEN)
        self.assertIn("no-default-route", findings)
        status, printed = self.ctl("doctor", "--wan", "wan0")
        self.assertEqual(status, BROKEN)
        self.assertIn("mend:    ip link set wan0 up", printed)

    def test_private_wan_address_is_a_warning(self):
        self.lab.ip("gw", "address add 100.64.7.7/24 dev wan0")
        self.lab.ip("gw", "address del 203.0.113.1/24 dev wan0")
        self.lab.ip("gw", "route replace default dev wan0")
        status, findings = self.doctor()
        self.assertEqual((status, list(findings)), (HEALTHY, ["wan-cgnat"]))

    def test_configuration_is_read(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "postern.toml")
            file.write_text(toml({**IN_THE_LAB, "forward_mark": 4}))
            status, printed = self.ctl("doctor", "--config", file)
            self.assertEqual(status, BROKEN)
            self.assertIn("meta mark and 0x00000004 == 0x00000004 accept", printed)
            file.write_text("wan =")
            status, printed = self.ctl("doctor", "--config", file)
            self.assertEqual(status, 78)
            self.assertIn(f"{file}:1: ", printed)

    def test_without_privileges(self):
        status, printed = self.ctl("doctor", as_user=(
            "setpriv", "--bounding-set=-all", "--inh-caps=-all", "--reuid=65534", "--clear-groups"))
        self.assertEqual(status, 4)
        self.assertIn("firewall-unreadable", printed)


class UnderHostFirewalls(CtlTest):
    """Each with what packaging/firewall has for it: then there is nothing to complain about."""

    def check(self, firewall_type):
        if tool := firewall_type.missing():
            self.skipTest(f"needs {tool}: script/packages test")
        firewall = firewall_type(self.lab)
        self.addCleanup(firewall.close)
        firewall.up()
        self.start()
        self.assert_healthy()

    def test_no_filter(self):
        self.check(NoFilter)

    def test_forward_drop(self):
        self.check(ForwardDrop)

    def test_input_drop(self):
        self.check(InputDrop)

    def test_fw4(self):
        self.check(Fw4)

    def test_docker(self):
        self.check(Docker)

    def test_ufw(self):
        self.check(Ufw)

    def test_firewalld(self):
        self.check(Firewalld)

    def test_ufw_that_nobody_looks_after(self):
        firewall = Ufw(self.lab)
        if tool := firewall.missing():
            self.skipTest(f"needs {tool}: script/packages test")
        self.addCleanup(firewall.close)
        firewall.up()
        self.start(firewall="none")
        status, printed = self.ctl("doctor", "--json")
        self.assertEqual(status, BROKEN)
        mends = [mend for found in json.loads(printed)["findings"] for mend in found["mend"]]
        # FORWARD and INPUT, of iptables and ip6tables.
        self.assertEqual(len(mends), 4, printed)
        for mend in mends:
            self.lab.run("gw", "sh", "-c", mend)
        self.assert_healthy()


class PortTaken(CtlTest):

    def test_the_holder_is_named_and_ended(self):
        with self.lab.host("gw"):
            holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        with contextlib.ExitStack() as stack:
            stack.enter_context(holder)
            stack.callback(holder.kill)
            self.assertEqual(holder.stdout.readline(), "bound\n")
            status, findings = self.doctor()
            self.assertEqual(status, BROKEN)
            self.assertEqual(list(findings), ["port-taken", "posternd-not-running"])
            self.assertIn("UDP port 5351 is taken by python", findings["port-taken"]["what"])
            self.assertEqual(findings["port-taken"]["mend"], [f"kill {holder.pid}"])
            self.lab.run("gw", "sh", "-c", findings["port-taken"]["mend"][0])
            holder.wait(timeout=5)
        self.start()
        self.assert_healthy()


class Teardown(CtlTest):

    def test_nothing_of_ours_is_left(self):
        self.lab.run("gw", "iptables-nft", "-P", "FORWARD", "DROP")
        before = self.lab.nft("list ruleset")
        self.start()
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).result, SUCCESS)
        wait_until(lambda: 'comment "postern"' in self.lab.nft("list table ip filter")
                   or "--comment postern" in self.lab.run("gw", "iptables-nft", "-S"),
                   5, "the mark rule is there")
        status, printed = self.ctl("teardown")
        self.assertEqual(status, 1)
        self.assertIn("posternd runs", printed)
        self.assertIn("table inet postern", self.lab.nft("list ruleset"))
        self.daemon.terminate()
        status, printed = self.ctl("teardown")
        self.assertEqual(status, 0)
        self.assertIn("removed table inet postern\n", printed)
        self.assertIn("removed the mark rule in ip filter FORWARD\n", printed)
        after = self.lab.nft("list ruleset")
        self.assertNotIn("table inet postern", after)
        self.assertEqual(without_counters(after), without_counters(before))
        self.assertEqual(self.ctl("teardown"), (0, "There was nothing to remove.\n"))

    def test_the_iptables_backend(self):
        self.start(backend="iptables")
        self.assertEqual(Client(self.lab).map(UDP, 4000, 4000).result, SUCCESS)
        self.daemon.terminate()
        self.assertIn("POSTERN-", self.lab.nft("list ruleset"))
        status, printed = self.ctl("teardown")
        self.assertEqual(status, 0, printed)
        self.assertIn("removed chain POSTERN-FORWARD of table filter", printed)
        self.assertNotIn("POSTERN", self.lab.nft("list ruleset"))


def without_counters(ruleset):
    """What nft prints, without the figures that change by themselves."""
    return [line.split(" counter ")[0] for line in ruleset.splitlines()]
