"""The servers that are compared. Each is started fresh in the gateway, over clean rules."""

import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time

from place import LAN_ADDRESS, WAN_ADDRESS, BenchError

START_LIMIT = 10  # seconds


class Server:
    """One server: start(), then pid and kernel_doors(), then stop()."""

    name = ""
    tables = ""  # nftables text that must be there before the server

    def __init__(self, place, binaries):
        self.place = place
        self.binaries = binaries
        self.pid = None
        self._process = None
        self._directory = None

    def start(self):
        self.place.clean_rules(self.tables)
        self._directory = tempfile.TemporaryDirectory(prefix="pstbench-")
        self.directory = pathlib.Path(self._directory.name)
        self._launch()
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} does not answer after {START_LIMIT} s:\n"
                                 f"{self.log()}")
            time.sleep(0.05)

    def stop(self):
        """At once: what it would tidy up goes with the next clean_rules()."""
        if self.pid:
            _kill(self.pid)
        if self._process:
            self._process.wait()
        self.pid = self._process = None
        if self._directory:
            self._directory.cleanup()
            self._directory = None

    def log(self):
        file = self.directory / "log"
        return file.read_text(errors="replace")[-2000:] if file.exists() else ""

    def kernel_doors(self):
        """How many mappings the kernel holds, by its own account."""
        raise NotImplementedError

    def _words(self):
        raise NotImplementedError

    def _launch(self):
        with open(self.directory / "log", "wb") as log:
            self._process = subprocess.Popen(self.place.words(self.place.gateway, *self._words()),
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             start_new_session=True)
        # sh, nice, ip and taskset become the server: it has the process id of the command.
        self.pid = self._process.pid

    def _answers(self):
        if self._process and self._process.poll() is not None:
            raise BenchError(f"{self.name} ended with status {self._process.returncode}:\n"
                             f"{self.log()}")
        words = self.place.words(self.place.client, str(self.binaries / "natpmp_load"),
                                 "--target", LAN_ADDRESS, "--run", "address:1:1",
                                 "--reply-ms", "200", "--resends", "0")
        done = subprocess.run(words, capture_output=True, text=True, timeout=10,
                              start_new_session=True)
        return done.returncode == 0 and json.loads(done.stdout)["requests"] == 1


class Floor(Server):
    """natpmp_floor, see bench/floor.cpp."""

    def __init__(self, place, binaries, is_together):
        super().__init__(place, binaries)
        self.name = "floor_all" if is_together else "floor_one"
        self._options = ["--together"] if is_together else []

    def kernel_doors(self):
        return self.place.nft("list", "map", "inet", "floor", "dnat4").count("expires")

    def _words(self):
        return (str(self.binaries / "natpmp_floor"), LAN_ADDRESS, WAN_ADDRESS, *self._options)


class Postern(Server):
    """The daemon, with the defaults but for the limits."""

    name = "postern"
    CONFIG = """
wan = "wan0"
lan = ["lan0"]
[natpmp]
enabled = true
[status]
listen = "127.0.0.1:5352"
[limits]
mappings_per_client = 65535
mappings = 65535
requests_per_second = 0
"""

    def __init__(self, place, binaries, posternd):
        super().__init__(place, binaries)
        self.posternd = posternd

    def kernel_doors(self):
        return self.place.nft("list", "map", "inet", "postern", "dnat4").count("expires")

    def _words(self):
        config = self.directory / "postern.toml"
        config.write_text(f'state_dir = "{self.directory}"\nruntime_dir = "{self.directory}"\n'
                          f'{self.CONFIG}')
        return (str(self.posternd), "--config", str(config))


class Miniupnpd(Server):
    """Debian's miniupnpd-nftables as its packaging would run it: as a daemon that logs to syslog
    at its usual level, with the tables of its nft_init.sh. Its syslog is a sink of our own, which
    reads and forgets, in a mount namespace where /dev/log is that sink: on a console its logging
    would slow it down, and flatter us."""

    name = "miniupnpd"
    tables = """
table inet filter {
	chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
	chain miniupnpd { }
	chain prerouting { type nat hook prerouting priority -100; policy accept;
		jump prerouting_miniupnpd; }
	chain postrouting { type nat hook postrouting priority 100; policy accept;
		jump postrouting_miniupnpd; }
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
}
"""
    CONFIG = """
ext_ifname=wan0
listening_ip=lan0
port=0
enable_natpmp=yes
enable_upnp=yes
secure_mode=yes
clean_ruleset_interval=0
uuid=6d696e69-7570-6e70-6400-000000000000
allow 1024-65535 192.168.1.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""
    # The private /dev has the sink's socket as /dev/log, and what a daemon needs beside it.
    ENTER = """set -e
for node in null urandom; do mount --bind /dev/$node {dev}/$node; done
mount --rbind {dev} /dev
exec {words}
"""

    def kernel_doors(self):
        chain = self.place.nft("list", "chain", "inet", "filter", "prerouting_miniupnpd")
        return len(re.findall(r"\bdnat\b", chain))

    def stop(self):
        super().stop()
        sink, self._sink = getattr(self, "_sink", None), None
        if sink:
            sink.close()

    def log(self):
        return self._sink.last if self._sink else ""

    def _launch(self):
        dev = self.directory / "dev"
        dev.mkdir()
        for node in ("null", "urandom"):
            (dev / node).touch()
        self._sink = SyslogSink(dev / "log")
        config, pid_file = self.directory / "conf", self.directory / "pid"
        config.write_text(self.CONFIG)
        daemon = ("miniupnpd", "-f", str(config), "-P", str(pid_file))
        entering = self.ENTER.format(dev=shlex.quote(str(dev)), words=shlex.join(daemon))
        words = self.place.words(self.place.gateway, "unshare", "--mount", "sh", "-c", entering)
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=START_LIMIT, start_new_session=True)
        if done.returncode != 0:
            raise BenchError(f"miniupnpd: {done.stderr}{self.log()}")
        self.pid = _read_pid(pid_file)


class SyslogSink:
    """A syslog socket whose reader forgets all but the last message."""

    def __init__(self, path):
        self.last = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.2)
        self._is_open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def close(self):
        self._is_open = False
        self._reader.join()
        self._socket.close()

    def _read(self):
        while self._is_open:
            try:
                self.last = self._socket.recv(4096).decode(errors="replace")
            except TimeoutError:
                pass


def _read_pid(file):
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        text = file.read_text() if file.exists() else ""
        if text.endswith("\n"):
            return int(text)
        time.sleep(0.02)
    raise BenchError(f"no process id in {file}")


def _kill(pid):
    """Kills and waits until the process is gone; it need not be our child."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.01)
    raise BenchError(f"process {pid} does not end")
