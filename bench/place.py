"""The place of the measurement: a client, a gateway and a host outside, in network namespaces.

    client 192.168.1.10 -- lan0 192.168.1.1 [gateway] wan0 11.0.113.1 -- inet 11.0.113.99
"""

import os
import re
import signal
import subprocess

LAN_ADDRESS = "192.168.1.1"
CLIENT_ADDRESS = "192.168.1.10"
# miniupnpd refuses to work behind a private or documentation address. No packet leaves.
WAN_ADDRESS = "11.0.113.1"
INET_ADDRESS = "11.0.113.99"
LAN6, CLIENT6 = "2001:db8:1::1", "2001:db8:1::10"
WAN6, INET6 = "2001:db8:ff::1", "2001:db8:ff::99"
# The hosts that bench/measured_doors.h has mappings for; all are the client.
MAPPED_HOSTS, MAPPED_HOSTS6 = "10.1.0.0/16", "2001:db8:2::/64"

# What a router's own firewall has in the path of a request, the same for every server.
HOST_FIREWALL = """
table inet host {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname { "lo", "lan0" } accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "lan0" oifname "wan0" accept
		meta mark & 0x10000000 == 0x10000000 accept
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "wan0" masquerade
	}
}
"""

# Before other work on this machine, which would disturb the figures. Where the kernel groups
# processes by session (autogroup), the nice value of a process counts only inside its session.
PRIORITY = """
if [ -w /proc/self/autogroup ]; then echo -10 >/proc/self/autogroup; fi
exec nice -n -10 "$@"
"""


class BenchError(Exception):
    """The measurement cannot go on; the message says why."""


def command(*words, text=None, timeout=30):
    """Runs a command and returns its output; BenchError when it fails."""
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL if text is None else None)
    except FileNotFoundError as error:
        raise BenchError(f"no command {error.filename!r}: script/packages bench installs it") \
            from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"{' '.join(words)}: not done after {timeout} s") from None
    if done.returncode != 0:
        raise BenchError(f"{' '.join(words)}: exit status {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
    return done.stdout


class Place:
    """The namespaces, for the time of a with block."""

    def __init__(self):
        # The process id in the names tells whose they are, see _remove_leftovers().
        self.gateway = f"pstbench-{os.getpid()}-gw"
        self.client = f"pstbench-{os.getpid()}-client"
        self.inet = f"pstbench-{os.getpid()}-inet"
        # One CPU for the server and one for the generator, where there are two.
        cpus = sorted(os.sched_getaffinity(0))
        self.has_two_cpus = len(cpus) > 1
        self._cpu = {self.client: cpus[0], self.inet: cpus[0], self.gateway: cpus[-1]}

    def __enter__(self):
        _remove_leftovers()
        try:
            self._up()
        except BaseException:
            self._down()
            raise
        return self

    def __exit__(self, *_):
        self._down()

    def words(self, host, *words):
        """The command, on `host`, pinned to the CPU of that side. To be started with
        start_new_session=True: then its scheduling group is its own, and PRIORITY is about it."""
        pinned = ("taskset", "-c", str(self._cpu[host])) if self.has_two_cpus else ()
        return ("sh", "-c", PRIORITY, "sh", "ip", "netns", "exec", host, *pinned, *words)

    def nft(self, *words, text=None):
        return command("ip", "netns", "exec", self.gateway, "nft", *words, text=text, timeout=60)

    def clean_rules(self, extra=""):
        """Leaves the gateway with the firewall of the host, and `extra`, and nothing else."""
        self.nft("-f", "-", text="flush ruleset\n" + HOST_FIREWALL + extra)

    def route_flows(self):
        """Also IPv6, and ways from outside to the hosts that have mappings."""
        for host in self._cpu:
            self._sysctl(host, "net.ipv6.conf.all.disable_ipv6=0", "net.ipv4.conf.all.rp_filter=0",
                         "net.ipv4.conf.default.rp_filter=0")
        self._sysctl(self.gateway, "net.ipv6.conf.all.forwarding=1",
                     "net.ipv4.conf.lan0.rp_filter=0", "net.ipv4.conf.wan0.rp_filter=0")
        self._sysctl(self.client, "net.ipv4.conf.eth0.rp_filter=0")
        for host, side, address in ((self.gateway, "lan0", LAN6), (self.gateway, "wan0", WAN6),
                                    (self.client, "eth0", CLIENT6), (self.inet, "eth0", INET6)):
            command("ip", "-n", host, "address", "add", f"{address}/64", "dev", side, "nodad")
        for host, words in ((self.gateway, f"default via {INET_ADDRESS}"),
                            (self.gateway, f"default via {INET6}"),
                            (self.gateway, f"{MAPPED_HOSTS} via {CLIENT_ADDRESS}"),
                            (self.gateway, f"{MAPPED_HOSTS6} via {CLIENT6}"),
                            (self.client, f"default via {LAN_ADDRESS}"),
                            (self.client, f"default via {LAN6}"),
                            (self.client, f"local {MAPPED_HOSTS} dev lo"),
                            (self.client, f"local {MAPPED_HOSTS6} dev lo")):
            command("ip", "-n", host, "route", "add", *words.split())

    def _up(self):
        for host in self._cpu:
            command("ip", "netns", "add", host)
            command("ip", "-n", host, "link", "set", "lo", "up")
        self._sysctl(self.gateway, "net.ipv4.ip_forward=1")
        self._link("lan0", LAN_ADDRESS, self.client, CLIENT_ADDRESS)
        self._link("wan0", WAN_ADDRESS, self.inet, INET_ADDRESS)

    def _link(self, gateway_side, gateway_address, peer, peer_address):
        command("ip", "-n", self.gateway, "link", "add", gateway_side, "type", "veth",
                "peer", "name", "eth0", "netns", peer)
        for host, side, address in ((self.gateway, gateway_side, gateway_address),
                                    (peer, "eth0", peer_address)):
            command("ip", "-n", host, "address", "add", f"{address}/24", "dev", side)
            command("ip", "-n", host, "link", "set", side, "up")

    @staticmethod
    def _sysctl(host, *settings):
        command("ip", "netns", "exec", host, "sysctl", "-qw", *settings)

    def _down(self):
        for host in self._cpu:
            _remove(host)


def _remove(namespace):
    """Ends what still runs in the namespace, which is all ours, and removes it."""
    pids = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True)
    for pid in pids.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)


def _remove_leftovers():
    """Removes the namespaces of runs that were killed before they could."""
    for name in re.findall(r"^pstbench-\d+-\w+", command("ip", "netns", "list"), re.MULTILINE):
        if not os.path.exists(f"/proc/{name.split('-')[1]}"):
            _remove(name)
