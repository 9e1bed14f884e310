"""The control socket of a running daemon, and posternctl through it."""

import json
import stat

from lab import LAN_A, LAN_B
from pcp import UDP as PCP_UDP
from pcp import client_on, third_party
from test_doctor import CtlTest

DONE, FAILED, NO_PRIVILEGE = 0, 1, 4
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Control(CtlTest):

    def setUp(self):
        super().setUp()
        self.start()

    def ask(self, *words, as_user=()):
        return self.ctl(*words, "--socket", str(self.daemon.control_socket), as_user=as_user)

    def test_list_shows_what_clients_opened(self):
        self.assertEqual(self.ask("list"), (DONE, "There are no mappings.\n"))
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        status, printed = self.ask("list")
        self.assertEqual(status, DONE)
        self.assertRegex(printed, r"(?m)^\d+ +udp +203.0.113.1:4000 +\S+:4000 .* natpmp ")
        mappings = json.loads(self.ask("list", "--json")[1])["mappings"]
        self.assertEqual([mapping["external"]["port"] for mapping in mappings], [4000])

    def test_history_shows_what_happened(self):
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        self.lab.natpmpc("lan-a", "-a", 4001, 4001, "udp", 60)
        status, printed = self.ask("history")
        self.assertEqual(status, DONE, printed)
        self.assertRegex(printed, r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +opened +asked +natpmp "
                                  r".*203.0.113.1:4000")
        entries = json.loads(self.ask("history", "--json", "--limit", "1")[1])["entries"]
        self.assertEqual([entry["external"] for entry in entries], ["203.0.113.1:4001"])
        self.assertEqual(self.ask("history", "--client", "192.168.1.99"),
                         (DONE, "There is no such entry in the history.\n"))
        self.assertEqual(self.ask("history", "--client", "x")[0], 2)

    def test_a_refusal_by_pcp_alone_stands_in_the_history(self):
        owner = client_on(self.lab)
        self.assertEqual(owner.map(PCP_UDP, 4000, 4000, options=[third_party(LAN_B)]).result,
                         "UNSUPP_OPTION")
        status, printed = self.ask("history", "--kind", "refused")
        self.assertEqual(status, DONE, printed)
        self.assertIn("no_third_party", printed)
        self.assertIn(f"{LAN_B}:4000", printed)
        self.assertIn("no_third_party", self.daemon.log())

    def test_what_nothing_keeps_is_said(self):
        self.daemon.terminate()
        self.start(store="none")
        status, printed = self.ask("add", "tcp", "8080", f"{LAN_A}:80")
        self.assertEqual(status, DONE, printed)
        self.assertIn("warning: nothing is kept", printed)
        status, printed = self.ask("history")
        self.assertEqual(status, FAILED)
        self.assertIn('store = "none"', printed)

    def test_where_nothing_may_be_lost_an_answer_means_that_the_disk_has_it(self):
        self.daemon.terminate()
        self.start(store_delay="0s")
        for port in range(8000, 8010):
            status, printed = self.ask("add", "tcp", str(port), f"{LAN_A}:80")
            self.assertEqual(status, DONE, printed)
            self.assertNotIn("warning", printed)
            self.daemon.kill()
            self.daemon.start()
            self.assertIn(("tcp", port), self.daemon.mappings())

    def test_the_socket_lives_as_long_as_the_daemon(self):
        socket = self.daemon.control_socket
        self.assertEqual(stat.S_IMODE(socket.stat().st_mode), 0o600)
        self.daemon.kill()
        self.assertTrue(socket.exists())
        status, printed = self.ask("list")
        self.assertEqual(status, FAILED)
        self.assertIn("posternd does not run", printed)
        self.daemon.start()
        self.assertEqual(self.ask("list")[0], DONE)
        self.assertEqual(self.daemon.terminate(), 0)
        self.assertFalse(socket.exists())

    def test_others_may_not_ask(self):
        top = self.daemon.control_socket.parent.parent
        top.chmod(0o755)
        status, printed = self.ask("list", as_user=AS_NOBODY)
        self.assertEqual(status, NO_PRIVILEGE, printed)
        # Nor change anything where the file would let them.
        self.daemon.control_socket.chmod(0o666)
        self.assertEqual(self.ask("list", as_user=AS_NOBODY)[0], DONE)
        status, printed = self.ask("delete", "1", as_user=AS_NOBODY)
        self.assertEqual(status, NO_PRIVILEGE, printed)
        self.assertIn("forbidden", printed)

    def test_a_daemon_without_its_socket_serves_all_the_same(self):
        self.daemon.terminate()
        self.start(runtime_dir="/proc/postern")
        self.assertIn("control socket: /proc/postern", self.daemon.log())
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
