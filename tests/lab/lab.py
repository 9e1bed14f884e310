"""The lab of script/lab, seen from Python: namespaces, and commands and sockets on their hosts."""

import atexit
import contextlib
import ctypes
import itertools
import os
import pathlib
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "script" / "lab"

LAN_A, LAN_B, GATEWAY = "192.168.1.10", "192.168.1.11", "192.168.1.1"
WAN, INET, INET2 = "203.0.113.1", "203.0.113.99", "203.0.113.98"
LAN_A6, LAN_B6, GATEWAY6 = "2001:db8:1::10", "2001:db8:1::11", "2001:db8:1::1"
WAN6 = "2001:db8:ff::1"
INET6, INET6_2 = "2001:db8:ff::99", "2001:db8:ff::98"

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
_libc = ctypes.CDLL(None, use_errno=True)
_labs = itertools.count()


class LabError(Exception):
    """The lab did not do what it was asked; the message says what."""


def why_not():
    """Why this machine does not permit a lab; None when it does."""
    check = subprocess.run([SCRIPT, "check"], env=_environment(f"pst{os.getpid()}"),
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check.returncode == 0:
        return None
    return check.stderr.strip().removeprefix("script/lab: ") or "script/lab check failed"


def wait_until(condition, timeout, what):
    """Polls until condition() is true and returns its value; LabError at the deadline."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise LabError(f"not within {timeout} s: {what}")
        time.sleep(0.02)
    return value


def sleep_until(moment):
    """Sleeps to a moment of time.monotonic(): for leases, which really have to pass."""
    time.sleep(max(0.0, moment - time.monotonic()))


class Lab:
    """One lab. Its name holds the process id, so that tests may run at the same time."""

    def __init__(self, name=None):
        self.name = name or f"pst{os.getpid()}x{next(_labs)}"
        self._open = contextlib.ExitStack()
        self._ports = itertools.count(20000)

    def up(self):
        atexit.register(self.down)  # also when a signal ends the test half-way
        self.script("up")
        return self

    def down(self):
        """Closes the sockets (an open one keeps its namespace alive) and removes the namespaces."""
        self._open.close()
        self.script("down")
        atexit.unregister(self.down)

    def script(self, *arguments):
        done = subprocess.run([SCRIPT, *arguments], env=_environment(self.name), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode != 0:
            raise LabError(f"script/lab {arguments[0]}: {done.stderr or done.stdout}")
        return done.stdout

    @contextlib.contextmanager
    def host(self, name):
        """The calling thread stands on host `name`; sockets and children made there stay there."""
        with open("/proc/thread-self/ns/net", "rb") as back, \
                open(f"/run/netns/{self.name}-{name}", "rb") as there:
            _enter(there)
            try:
                yield
            finally:
                _enter(back)

    def run(self, host, *command, timeout=30):
        """Runs a command on a host and returns its output; LabError when it failed."""
        with self.host(host):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=timeout)
        if done.returncode != 0:
            raise LabError(f"{' '.join(command)} on {host}: exit status {done.returncode}\n"
                           f"{done.stdout}{done.stderr}")
        return done.stdout

    def nft(self, commands):
        """Runs nft commands in the gateway and returns what they print."""
        return self.run("gw", "nft", commands)

    def ip(self, host, command):
        return self.run(host, "ip", *command.split())

    def natpmpc(self, host, *arguments):
        """The real client: no arguments, or -a EXTERNAL INTERNAL PROTOCOL [LIFETIME]."""
        return self.run(host, "natpmpc", "-g", GATEWAY, *map(str, arguments))

    def closing(self, resource):
        """Has `resource` closed together with the lab."""
        return self._open.enter_context(contextlib.closing(resource))

    def socket(self, host, *arguments):
        with self.host(host):
            return self.closing(socket.socket(*arguments))

    def udp(self, host, port=0, address=""):
        """A bound UDP socket on a host."""
        sock = self.socket(host, family_of(address), socket.SOCK_DGRAM)
        sock.bind((address, port))
        return sock

    def tcp_listener(self, host, port, address=""):
        sock = self.socket(host, family_of(address), socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(16)
        return sock

    def frames(self, host, interface):
        """A raw socket that sees and sends the frames of one interface."""
        sock = self.socket(host, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.bind((interface, ETH_P_ALL))
        return sock

    def mac(self, host, interface):
        return self.frames(host, interface).getsockname()[4]

    def fresh_port(self):
        """A source port not used in this lab before: running flows outlive their door."""
        return next(self._ports)


def reply_of(server, sock, timeout):
    """The server's next datagram, or None; from another address or port it is an error."""
    sock.settimeout(timeout)
    try:
        reply, source = sock.recvfrom(2048)
    except TimeoutError:
        return None
    if source != server:
        raise LabError(f"asked {server}, but {source} answered")  # NPMP-02, PCP-005
    return reply


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _environment(name):
    return {**os.environ, "POSTERN_LAB": name}


def _enter(namespace):
    if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
