"""The daemon under test: configuration, start, ways to end it, its status and its log."""

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import tempfile

from lab import ROOT, LabError, wait_until

BINARY = pathlib.Path(os.environ.get("POSTERND", ROOT / "build" / "release" / "bin" / "posternd"))
STATUS = ("127.0.0.1", 5352)
UDP_5351 = ":14E7 "  # as /proc/net/udp prints a socket bound to the port

IN_THE_LAB = {"wan": "wan0", "lan": ["br-lan"], "backend": "nftables"}
ON_LOOPBACK = {"wan": "lo", "lan": ["lo"], "backend": "memory", "external_address": "203.0.113.1"}


class Daemon:
    """posternd in the place that `enter` leads to, for example lambda: lab.host("gw")."""

    def __init__(self, enter, config):
        self._enter = enter
        self._listens = any(config.get(protocol, {}).get("enabled", True)
                            for protocol in ("natpmp", "pcp"))
        self._directory = tempfile.TemporaryDirectory(prefix="postern-lab-")
        self._config = pathlib.Path(self._directory.name, "postern.toml")
        own = {key: str(pathlib.Path(self._directory.name, key))  # of this test alone
               for key in ("state_dir", "runtime_dir")}
        self._settings = {**own, **config}
        self.state_dir = self._settings["state_dir"]
        self.config_file = self._config
        self._config.write_text(toml(self._settings))
        self.log_file = pathlib.Path(self._directory.name, "log")
        self.process = None

    def configure(self, **config):
        """Other settings, None for none; the daemon knows them once it reads them (HUP, start)."""
        self._settings.update(config)
        self._settings = {key: value for key, value in self._settings.items() if value is not None}
        self._config.write_text(toml(self._settings))

    def start(self):
        """Starts the daemon and waits until its ports answer."""
        if not BINARY.exists():
            raise LabError(f"no daemon at {BINARY}: run script/build")
        with self._enter(), open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([BINARY, "--config", self._config], stderr=log,
                                            stdin=subprocess.DEVNULL, stdout=log)
        wait_until(self._is_ready, 10, "the daemon is ready")
        return self

    @property
    def control_socket(self):
        return pathlib.Path(self._directory.name, "runtime_dir", "control.sock")

    def terminate(self):
        """TERM, as systemd does; returns the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError("TERM did not end the daemon within 5 s") from None

    def kill(self):
        """kill -9: the daemon gets no chance to say good-bye."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.kill()
        self._directory.cleanup()

    def status(self):
        """The status document."""
        with self._enter():
            connection = http.client.HTTPConnection(*STATUS, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/api/v1/status")
                response = connection.getresponse()
                body = response.read()
        if response.status != 200:
            raise LabError(f"status answered {response.status}: {body!r}")
        return json.loads(body)

    def mappings(self):
        """{(protocol, external port): (internal address, port, [frontends of the claims])}"""
        return {(m["protocol"], m["external"]["port"]):
                (m["internal"]["address"], m["internal"]["port"],
                 [claim["frontend"] for claim in m["claims"]])
                for m in self.status()["mappings"]}

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def _is_ready(self):
        if self.process.poll() is not None:
            raise LabError(f"the daemon ended with {self.process.returncode}:\n{self.log()}")
        with self._enter():
            bound = pathlib.Path("/proc/thread-self/net/udp").read_text()
        if self._listens and UDP_5351 not in bound:
            return False
        try:
            return self.status()
        except OSError:
            return False


def toml(config):
    """A configuration file from a dict: plain keys first, then [tables] and [[lists of tables]]."""
    plain, tables = [], []
    for key, value in config.items():
        if isinstance(value, dict):
            tables.append(f"[{key}]\n{toml(value)}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [f"[[{key}]]\n{toml(entry)}" for entry in value]
        else:
            plain.append(f"{key} = {json.dumps(value)}\n")  # JSON scalars and lists are TOML, too
    return "".join(plain + tables)
