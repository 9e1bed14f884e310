"""HUP while traffic runs: other rules, other mappings of the administrator, and files with errors."""

import pathlib
import signal
import time

from lab import LAN_A, LAN_B, WAN, wait_until
from labtest import LabTest
from natpmp import REFUSED, UDP, Client
from pcp import UDP as PCP_UDP
from pcp import client_on
from posternd import BINARY
from probe import UdpService
from traffic import Traffic

RULE = {"name": "all", "action": "allow", "clients": ["lan"], "external_ports": "1024-65535",
        "internal_ports": "1024-65535"}
NOT_4000 = {"name": "not 4000", "action": "deny", "external_ports": "4000"}


class Reload(LabTest):
    def hup(self, said):
        seen = self.daemon.log().count(said)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.daemon.log().count(said) > seen, 5, said)

    def test_what_new_rules_forbid_is_closed_and_the_rest_goes_on(self):
        self.start(rule=[RULE])
        owner = client_on(self.lab)
        owner.map(PCP_UDP, 4000, 4000, lifetime=600)
        Client(self.lab).map(UDP, 4001, 4001, 600)
        forbidden = UdpService(self.lab, "lan-a", 4000)
        allowed = UdpService(self.lab, "lan-a", 4001)
        self.assert_open(forbidden, 4000)
        self.daemon.configure(rule=[NOT_4000, RULE])
        with Traffic(self.lab, allowed, WAN, 4001) as traffic:
            wait_until(lambda: traffic.arrived, 3, "traffic flows")
            self.hup("the configuration was read again")
            self.assert_closed(forbidden, 4000)
            reloaded = time.monotonic()
            wait_until(lambda: traffic.arrives_after(reloaded), 2, "the other one still does")
            self.assertLess(traffic.longest_gap(), 0.5)
        self.assertEqual(set(self.daemon.mappings()), {("udp", 4001)})
        told = owner.hear()  # a mapping update, unasked
        self.assertIsNotNone(told, "the client is told")
        self.assertEqual((told[1] & 0x7f, told[3]), (1, 2), "MAP, NOT_AUTHORIZED")
        self.assertEqual(int.from_bytes(told[4:8], "big"), 0, "its lifetime is over")
        again = client_on(self.lab).map(PCP_UDP, 4000, 4000)  # the other one hears news still
        self.assertEqual(again.result, "SUCCESS")
        self.assertNotEqual(again.external[1], 4000)

    def test_a_file_with_errors_changes_nothing(self):
        self.start(rule=[RULE])
        Client(self.lab).map(UDP, 4000, 4000, 600)
        host = UdpService(self.lab, "lan-a", 4000)
        self.daemon.configure(rule=[{**NOT_4000, "action": "forbid"}])
        self.hup("the configuration stays as it was")
        self.assertIn("rule.action", self.daemon.log())
        self.assertIn(str(self.daemon.config_file) + ":", self.daemon.log())
        self.assert_open(host, 4000)
        self.assertEqual(Client(self.lab).map(UDP, 4001, 4001, 600).external, 4001)

    def test_other_limits_on_requests_apply_at_once(self):
        self.start()
        host = UdpService(self.lab, "lan-a", 4001)
        Client(self.lab).map(UDP, 4001, 4001, 600)
        self.assertTrue(self.daemon.status()["backend"]["paces_requests"])
        with Traffic(self.lab, host, WAN, 4001) as traffic:
            wait_until(lambda: traffic.arrived, 3, "traffic flows")
            self.daemon.configure(limits={"requests_per_second": 7}, lifetime={"host_gone": "2h"})
            self.hup("the configuration was read again")
            self.assertNotIn("restart to apply", self.daemon.log())
            rules = self.lab.run("gw", "nft", "list", "chain", "inet", "postern", "pace")
            self.assertIn("limit rate over 7/second", rules)
            reloaded = time.monotonic()
            wait_until(lambda: traffic.arrives_after(reloaded), 2, "traffic flows on")
            self.assertLess(traffic.longest_gap(), 0.5)
        self.daemon.configure(limits={"requests_per_second": 0})
        self.hup("the configuration was read again")
        self.assertFalse(self.daemon.status()["backend"]["paces_requests"])

    def test_rules_that_never_decide_are_told(self):
        self.start(rule=[RULE])
        self.daemon.configure(rule=[RULE, {**RULE, "name": "too late"}])
        self.hup("rule \"too late\" can never decide")

    def test_static_mappings_come_and_go(self):
        self.start()
        Client(self.lab, "lan-b").map(UDP, 4000, 8000, 600)
        hosts = {name: UdpService(self.lab, name, 4000) for name in ("lan-a", "lan-b")}
        self.assert_open(hosts["lan-b"], 8000)
        self.daemon.configure(mapping=[{"name": "mine", "protocol": "udp", "external_port": 8000,
                                        "internal": f"{LAN_A}:4000"}])
        self.hup("the configuration was read again")
        self.assert_open(hosts["lan-a"], 8000)
        self.assertEqual(self.daemon.mappings()["udp", 8000], (LAN_A, 4000, ["static"]))
        self.assertEqual(Client(self.lab).delete(UDP, 4000).result, REFUSED)  # NPMP-69
        self.assert_open(hosts["lan-a"], 8000)
        self.daemon.configure(mapping=None)
        self.hup("the configuration was read again")
        self.assert_closed(hosts["lan-a"], 8000)
        self.assertEqual(Client(self.lab, "lan-b").map(UDP, 4000, 8000, 600).external, 8000)
        self.assert_open(hosts["lan-b"], 8000)

    def test_what_needs_a_restart_is_named(self):
        self.start()
        self.daemon.configure(state_dir="/elsewhere")
        self.hup("restart to apply state_dir")

    def test_the_operators_mappings_outlive_a_restart(self):
        self.start()
        self.posternctl("add", "udp", "8000", f"{LAN_B}:4000", "--description", "by hand")
        host = UdpService(self.lab, "lan-b", 4000)
        self.assert_open(host, 8000)
        time.sleep(1.5)
        self.daemon.kill()
        self.lab.nft("delete table inet postern")
        self.daemon.start()
        self.assertEqual(self.daemon.mappings()["udp", 8000], (LAN_B, 4000, ["operator"]))
        self.assert_open(host, 8000)
        number = self.daemon.status()["mappings"][0]["id"]
        self.posternctl("delete", str(number))
        self.assert_closed(host, 8000)

    def test_explain_says_what_would_happen(self):
        self.start(rule=[NOT_4000, RULE])
        told = self.posternctl("explain", LAN_A, "udp", "4000", "--external", "4000")
        self.assertIn("not 4000", told)
        told = self.posternctl("explain", LAN_A, "udp", "22")
        self.assertIn("not_authorized", told)
        self.assertEqual(self.daemon.mappings(), {})

    def posternctl(self, *arguments):
        return self.lab.run("gw", pathlib.Path(BINARY).with_name("posternctl"), *arguments,
                            "--config", self.daemon.config_file)
