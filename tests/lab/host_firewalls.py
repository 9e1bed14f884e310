"""The firewalls that people run on their gateways, each for real inside the lab's gateway.

Every one of them lets the LAN out, translates IPv4 behind the WAN address, and holds one forward of
its administrator: UDP 9000 to lan-b, for INET2 and INET6_2 and for nobody else. The real ones work
on copies of their files; those of this machine stay as they are.
"""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile

from lab import INET2, INET6_2, LAN_B, LAN_B6, ROOT, LabError, wait_until

PACKAGING = ROOT / "packaging" / "firewall"
FORWARDED = 9000  # the port of the administrator's forward


def translation(source=""):
    """In nftables' words, the address translation of every gateway.

    With a `source` only that one's packets are translated to lan-b; without one the filter decides.
    """
    return f"""
    chain dstnat {{
        type nat hook prerouting priority dstnat;
        iifname "wan0" {source} udp dport {FORWARDED} dnat ip to {LAN_B}:{FORWARDED}
    }}
    chain srcnat {{
        type nat hook postrouting priority srcnat;
        oifname "wan0" meta nfproto ipv4 masquerade
    }}
"""


RESTRICTED = f"ip saddr {INET2}"  # for translation()
OWN_FORWARD = f"""
        ip saddr {INET2} ip daddr {LAN_B} udp dport {FORWARDED} accept
        ip6 saddr {INET6_2} ip6 daddr {LAN_B6} udp dport {FORWARDED} accept
"""


class HostFirewall:
    """Up to its end the gateway has this firewall instead of the lab's own."""

    filters_forwarded = True  # else IPv6 hosts are open to everybody, whatever Postern does
    tools = ()

    def __init__(self, lab):
        self.lab = lab
        self._directory = tempfile.TemporaryDirectory(prefix="postern-lab-")
        self.directory = pathlib.Path(self._directory.name)

    @classmethod
    def missing(cls):
        """The first of its programs that this machine has not; None when all are there."""
        return next((tool for tool in cls.tools if not shutil.which(tool)), None)

    def up(self):
        self.lab.nft("flush ruleset")
        self.load()

    def load(self):
        """Starts it where there is none."""
        raise NotImplementedError

    def reload(self):
        """What its administrator does after a change."""
        self.load()

    def reloads(self):
        """Everything that happens to it in a year: {words: how it is done}."""
        return {"a reload": self.reload, "a flush of everything": self.come_back}

    def come_back(self):
        self.lab.nft("flush ruleset")
        self.reload()

    def close(self):
        self._directory.cleanup()

    def gateway(self, *command):
        return self.lab.run("gw", *map(str, command))


class NftablesFile(HostFirewall):
    """Debian's nftables.service: /etc/nftables.conf, which begins with a flush of everything."""

    rules = translation(RESTRICTED)

    def load(self):
        file = self.directory / "nftables.conf"
        file.write_text(f"flush ruleset\ntable inet host {{{self.rules}}}\n")
        self.gateway("nft", "-f", file)


class NoFilter(NftablesFile):
    filters_forwarded = False


class ForwardDrop(NftablesFile):
    rules = translation() + f"""
    chain forward {{
        type filter hook forward priority filter; policy drop;
        include "{PACKAGING}/nftables/postern-accept.nft"
        ct state established,related accept
        iifname "br-lan" oifname "wan0" accept
{OWN_FORWARD}    }}
"""

    def reloads(self):
        return {**super().reloads(), "a reload of its own table alone": self.replace}

    def replace(self):
        """Its chains stand behind Postern's in their hooks from now on."""
        self.lab.nft("table inet host\ndelete table inet host\n"
                     f"table inet host {{{self.rules}}}\n")


class InputDrop(NftablesFile):
    filters_forwarded = False
    rules = translation(RESTRICTED) + f"""
    chain input {{
        type filter hook input priority filter; policy drop;
        include "{PACKAGING}/nftables/postern-accept.nft"
        ct state established,related accept
        iifname "lo" accept
        meta l4proto {{ icmp, ipv6-icmp }} accept
    }}
"""


class Fw4(HostFirewall):
    """OpenWrt's firewall4, imitated: the chains that its template makes, and our include files."""

    def load(self):
        includes = PACKAGING / "fw4" / "usr" / "share" / "nftables.d" / "chain-pre"
        file = self.directory / "fw4.nft"
        file.write_text(f"""
table inet fw4
flush table inet fw4
table inet fw4 {{
    chain input {{
        type filter hook input priority filter; policy drop;
        iif "lo" accept
        include "{includes}/input/*.nft"
        ct state vmap {{ established : accept, related : accept, invalid : drop }}
        meta l4proto {{ icmp, ipv6-icmp }} accept
        jump handle_reject
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        include "{includes}/forward/*.nft"
        ct state vmap {{ established : accept, related : accept, invalid : drop }}
        iifname "br-lan" oifname "wan0" accept
        iifname "wan0" jump forward_wan
        jump handle_reject
    }}
    chain forward_wan {{{OWN_FORWARD}        ct status dnat accept
    }}
    chain handle_reject {{
        meta l4proto tcp reject with tcp reset
        reject with icmpx type port-unreachable
    }}
{translation(RESTRICTED)}}}
""")
        self.gateway("nft", "-f", file)


class Docker(HostFirewall):
    """What Docker makes of a host, through iptables-nft: FORWARD drops."""

    tools = "iptables-nft-restore", "iptables-nft"
    families = {"iptables-nft": (INET2, LAN_B), "ip6tables-nft": (INET6_2, LAN_B6)}

    def load(self):
        for tool, (source, target) in self.families.items():
            nat = "" if ":" in target else f"""*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
:DOCKER -
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -o wan0 -j MASQUERADE
-A DOCKER -i wan0 -p udp --dport {FORWARDED} -j DNAT --to-destination {target}:{FORWARDED}
COMMIT
"""
            file = self.directory / tool
            file.write_text(nat + f"""*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:DOCKER-USER -
-A FORWARD -j DOCKER-USER
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i br-lan -o wan0 -j ACCEPT
-A DOCKER-USER -s {source} -d {target} -p udp --dport {FORWARDED} -j ACCEPT
COMMIT
""")
            self.gateway(f"{tool}-restore", file)

    def reloads(self):
        return {"a restart of Docker": self.restart, **super().reloads()}

    def restart(self):
        """Docker puts its jump first again."""
        for tool in self.families:
            self.gateway(tool, "-P", "FORWARD", "DROP")
            self.gateway(tool, "-D", "FORWARD", "-j", "DOCKER-USER")
            self.gateway(tool, "-I", "FORWARD", "-j", "DOCKER-USER")


class Ufw(HostFirewall):
    tools = "ufw", "iptables"

    def load(self):
        shutil.copytree("/etc/ufw", self.directory / "etc", dirs_exist_ok=True)
        shutil.copy(PACKAGING / "ufw" / "applications.d" / "postern",
                    self.directory / "etc" / "applications.d")
        default = pathlib.Path("/etc/default/ufw").read_text()
        (self.directory / "default").write_text(default + 'IPT_MODULES=""\nIPV6=yes\n')
        rules = self.directory / "etc" / "before.rules"
        # As ufw's manual has it for gateways.
        rules.write_text(f"""*nat
-F
-A PREROUTING -i wan0 -p udp --dport {FORWARDED} -j DNAT --to-destination {LAN_B}:{FORWARDED}
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
""" + rules.read_text())
        self.ufw("--force", "enable")
        self.ufw("route", "allow", "in", "on", "br-lan", "out", "on", "wan0")
        for source, target in (INET2, LAN_B), (INET6_2, LAN_B6):
            self.ufw("route", "allow", "proto", "udp", "from", source,
                     "to", target, "port", FORWARDED)

    def reload(self):
        self.ufw("reload")

    def reloads(self):
        return {**super().reloads(), "disable and enable": self.disable_and_enable}

    def disable_and_enable(self):
        self.ufw("disable")
        self.ufw("--force", "enable")

    def ufw(self, *arguments):
        """Runs ufw on the copies."""
        return self.gateway("unshare", "--mount", "sh", "-ec", """
            mount --bind "$0/etc" /etc/ufw
            mount --bind "$0/default" /etc/default/ufw
            mount -t tmpfs none /run
            exec ufw "$@" """, self.directory, *arguments)


class Firewalld(HostFirewall):
    """With a system bus of its own, and with our helper beside it."""

    tools = "firewalld", "firewall-cmd", "dbus-daemon"

    def __init__(self, lab):
        super().__init__(lab)
        self.bus = f"unix:path={self.directory}/bus"
        self.processes = []

    def load(self):
        self.write_configuration()
        bus_configuration = self.directory / "bus.conf"
        bus_configuration.write_text(f"""
            <busconfig>
              <type>system</type>
              <listen>{self.bus}</listen>
              <auth>EXTERNAL</auth>
              <policy context="default">
                <allow user="root"/>
                <allow own="*"/>
                <allow send_destination="*"/>
                <allow receive_sender="*"/>
              </policy>
            </busconfig>""")
        self.run("dbus-daemon", "--nofork", "--nopidfile", f"--config-file={bus_configuration}")
        wait_until((self.directory / "bus").exists, 5, "the bus is there")
        self.start_firewalld()
        self.run(PACKAGING / "firewalld" / "postern-firewalld")

    def write_configuration(self):
        place = self.directory / "firewalld"
        shutil.copytree(PACKAGING / "firewalld" / "usr" / "lib" / "firewalld", place)
        shutil.copy("/etc/firewalld/firewalld.conf", place)
        own = f'<port port="{FORWARDED}" protocol="udp"/>'
        for file, content in {
            "zones/internal.xml": """<zone>
                <interface name="br-lan"/>
                <service name="postern"/>
              </zone>""",
            "zones/external.xml": f"""<zone>
                <interface name="wan0"/>
                <masquerade/>
                <rule family="ipv4">
                  <source address="{INET2}"/>
                  <forward-port port="{FORWARDED}" protocol="udp" to-addr="{LAN_B}"/>
                </rule>
              </zone>""",
            "policies/out.xml": """<policy target="ACCEPT">
                <ingress-zone name="internal"/>
                <egress-zone name="external"/>
              </policy>""",
            "policies/in.xml": f"""<policy target="CONTINUE">
                <ingress-zone name="external"/>
                <egress-zone name="internal"/>
                <rule family="ipv6">
                  <source address="{INET6_2}"/>
                  <destination address="{LAN_B6}"/>
                  {own}
                  <accept/>
                </rule>
              </policy>""",
        }.items():
            (place / file).parent.mkdir(exist_ok=True)
            (place / file).write_text(content)

    def start_firewalld(self):
        self.firewalld = self.run("unshare", "--mount", "sh", "-ec",
                                  'mount -t tmpfs none /run\nexec firewalld "$@"', "sh", "--nofork",
                                  "--nopid", "--log-target=console",
                                  f"--system-config={self.directory}/firewalld")
        wait_until(self.is_running, 10, "firewalld runs")

    def is_running(self):
        try:
            return self.command("--state")
        except LabError:
            return False

    def reload(self):
        self.command("--reload")

    def reloads(self):
        return {**super().reloads(), "a restart": self.restart}

    def come_back(self):
        """After a flush firewalld 1.3 fails to delete what is gone; asked again, it loads all."""
        with contextlib.suppress(LabError):
            super().come_back()
        self.reload()

    def restart(self):
        self.firewalld.terminate()
        self.firewalld.wait()
        self.start_firewalld()

    def command(self, *arguments):
        return self.gateway("env", f"DBUS_SYSTEM_BUS_ADDRESS={self.bus}", "firewall-cmd",
                            *arguments)

    def run(self, *command):
        """Starts a program that stays."""
        with self.lab.host("gw"), open(self.directory / "log", "ab") as log:
            process = subprocess.Popen(["env", f"DBUS_SYSTEM_BUS_ADDRESS={self.bus}", *command],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
        super().close()
