"""Hosts that open, change and close their ports at random, over every protocol, and remember what
they were promised."""

import contextlib
import random
import select
import threading
import time
from typing import NamedTuple

import natpmp
import pcp
from lab import (GATEWAY, GATEWAY6, INET, INET2, INET6, INET6_2, LAN_A, LAN_A6, LAN_B, LAN_B6, WAN,
                 LabError)
from ssdp import SITE_GROUP, locate
from upnp import FIREWALL, IP, ControlPoint, Fault

LEASES = range(600, 3600)
WRITTEN = 1.5  # seconds; more than store_delay
PORTS_OF_NATPMP = range(4000, 4100)
PORTS_OF_PCP = range(5000, 5012)
PORTS_OF_UPNP = range(6000, 6012)
PORTS_OF_PINHOLES = range(7000, 7012)


class Promise(NamedTuple):
    """What a client was told. Moments are of time.monotonic()."""

    inside: tuple  # (address, port)
    remotes: frozenset  # who may come in, as addresses; empty: everybody
    ends: tuple  # the earliest and the latest moment
    told: float
    unique_id: int = None  # of a pinhole of UPnP

    def suits(self, found):
        """Whether this is the promise that `found`, of the status, keeps."""
        earliest, latest = self.ends
        return (self.inside == found.inside and self.remotes == found.remotes
                and earliest - 2 < found.ends < latest + 2)


def promise(inside, remotes, lease, asked, told, unique_id=None):
    return Promise(inside, frozenset(remotes), (asked + lease, told + lease), told, unique_id)


class Asker:
    """A client of one protocol, with ports of its own: one request at a time for each.

    Keys are (protocol, external address, external port).
    """

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.promises = {}  # key: Promise; what is not in it is closed
        self.asked = {}  # key: (Promise or None); no answer came yet
        self.answers = 0
        self.refused = []  # what was not granted though it should have been

    def note(self, key, promised):
        self.answers += 1
        self.asked.pop(key, None)
        self.promises.pop(key, None)
        if promised:
            self.promises[key] = promised

    def settle(self, found):
        """Of what was neither promised nor refused takes what is there: as it was, or as asked.
        Returns the keys of which it is neither."""
        wrong = []
        for key, wanted in self.asked.items():
            choices = [wanted, self.promises.pop(key, None)]
            there = found.get(key)
            kept = [choice for choice in choices
                    if (choice.suits(there) if choice and there else choice is there)]
            if not kept:
                wrong.append((key, there, choices))
            elif there:
                # Either may be what stands: a renewal for about as long.
                self.promises[key] = kept[0]
        self.asked.clear()
        return wrong


class DatagramAsker(Asker):
    """Asks for several ports at once, over UDP."""

    def __init__(self, lab, seed, host, server, ports, in_flight):
        super().__init__(seed)
        self.ports, self.in_flight = ports, in_flight
        self.sock = lab.udp(host, 0, "::" if ":" in server else "")
        self.sock.connect(pcp.resolved(server, natpmp.PORT))
        self.sock.setblocking(False)

    def ask(self):
        idle = [port for port in self.ports if self.key_of(port) not in self.asked]
        for port in self.random.sample(idle, max(0, self.in_flight - len(self.asked))):
            lease = self.random.choice(LEASES) if self.random.random() < 0.6 else 0
            remotes = self.some_remotes()
            now = time.monotonic()
            self.asked[self.key_of(port)] = (
                promise(self.inside_of(port), remotes, lease, now, now + 10) if lease else None)
            with contextlib.suppress(OSError):
                self.sock.send(self.request(port, lease, remotes))

    def hear(self):
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while reply := self.sock.recv(2048):
                result, port, lease = self.read(reply)
                key = self.key_of(port)
                if key not in self.asked:
                    continue
                wanted = self.asked[key]
                if result not in (natpmp.SUCCESS, "SUCCESS"):
                    self.refused.append((key, result))
                    self.asked.pop(key)
                elif wanted:
                    earliest = wanted.ends[0]
                    self.note(key, wanted._replace(ends=(earliest, time.monotonic() + lease),
                                                   told=time.monotonic()))
                else:
                    self.note(key, None)

    def some_remotes(self):
        return ()


class NatPmpAsker(DatagramAsker):
    def __init__(self, lab, seed):
        super().__init__(lab, seed, "lan-a", GATEWAY, PORTS_OF_NATPMP, 8)

    def key_of(self, port):
        return "udp", WAN, port

    def inside_of(self, port):
        return LAN_A, port

    def request(self, port, lease, _remotes):
        return natpmp.map_request(natpmp.UDP, port, port if lease else 0, lease)

    def read(self, reply):
        told = natpmp.parse_map(reply, natpmp.UDP)
        return told.result, told.internal, told.lifetime


class PcpAsker(DatagramAsker):
    """Asks with filters: each request says anew who may come in."""

    def __init__(self, lab, seed, client, external, server, remotes):
        super().__init__(lab, seed, "lan-b", server, PORTS_OF_PCP, 3)
        self.client, self.external, self.remotes = client, external, remotes
        self.nonce = self.random.randbytes(12)

    def key_of(self, port):
        return "udp", self.external, port

    def inside_of(self, port):
        return self.client, port

    def some_remotes(self):
        return self.random.sample(self.remotes, self.random.choice((0, 0, 1, 2)))

    def request(self, port, lease, remotes):
        options = [pcp.from_everybody(), *map(pcp.only_from, remotes)] if lease else []
        return pcp.map_request(self.client, self.nonce, pcp.UDP, port, port if lease else 0,
                               lifetime=lease, options=options)

    def read(self, reply):
        told = pcp.parse(reply)
        return told.result, told.internal, told.lifetime


class UpnpAsker(Asker):
    """Asks for one thing at a time, over HTTP."""

    def __init__(self, seed, ports):
        super().__init__(seed)
        self.ports = ports

    def ask(self):
        if self.asked:  # the daemon died
            time.sleep(0.01)
            return
        port = self.random.choice(self.ports)
        key = self.key_of(port)
        before = self.promises.get(key)
        if before and self.random.random() < 0.4:
            self.close(port, key, before)
        else:
            self.open(port, key, before, self.random.choice(LEASES))

    def exchange(self, wanted, call):
        """The answer to what makes {key: Promise or None} of its keys, or None when there is none.
        Fault for a refusal."""
        self.asked.update(wanted)
        try:
            answer = call()
        except Fault:
            for key in wanted:
                self.asked.pop(key)
            raise
        except (LabError, OSError, ValueError, EOFError):
            return None  # the daemon died: nobody knows
        for key, promised in wanted.items():
            told = time.monotonic()
            self.note(key, promised and promised._replace(ends=(
                promised.ends[0], told + promised.ends[0] - promised.told), told=told))
        return answer

    def wish(self, inside, remotes, lease, before=None):
        """What is asked for now; `told` is when, until it is told."""
        asked = time.monotonic()
        wanted = promise(inside, remotes, lease, asked, asked + 10,
                         before.unique_id if before else None)
        return wanted._replace(told=asked)


class PortMappings(UpnpAsker):
    """Every second port is for one remote host."""

    def __init__(self, lab, seed):
        super().__init__(seed, PORTS_OF_UPNP)
        self.point = ControlPoint(lab, "lan-a", 2)

    def key_of(self, port):
        return "tcp", WAN, port

    @staticmethod
    def remote_of(port):
        return INET if port % 2 else ""

    def open(self, port, key, before, lease):
        action = "AddPortMapping" if before else self.random.choice(
            ("AddPortMapping", "AddAnyPortMapping"))
        remote = self.remote_of(port)
        wanted = self.wish((LAN_A, port), [remote] if remote else [], lease)
        try:
            self.exchange({key: wanted}, lambda: self.point.add(
                port, port, action, Protocol="TCP", RemoteHost=remote, LeaseDuration=lease))
        except Fault as fault:
            self.refused.append((key, action, fault.code))

    def close(self, port, key, _before):
        last = min(port + 2, self.ports[-1])
        try:
            if self.random.random() < 0.2:
                gone = {self.key_of(one): None for one in range(port, last + 1)}
                self.exchange(gone, lambda: self.point.call(
                    IP, "DeletePortMappingRange", NewStartPort=port, NewEndPort=last,
                    NewProtocol="TCP", NewManage=0))
            else:
                self.exchange({key: None}, lambda: self.point.delete(
                    port, "TCP", self.remote_of(port)))
        except Fault as fault:
            self.refused.append((key, "delete", fault.code))


class Pinholes(UpnpAsker):
    def __init__(self, lab, seed):
        super().__init__(seed, PORTS_OF_PINHOLES)
        self.point = ControlPoint(lab, "lan-a", location=locate(lab, "lan-a", 2, SITE_GROUP))
        self.unwritten = set()  # keys of those whose numbers the daemon may have forgotten
        self.beside = {}  # key: until when a claim of an earlier run may stand beside the own one

    def note(self, key, promised):
        if not promised:
            self.beside.pop(key, None)
        super().note(key, self.lasting(key, promised))

    def lasting(self, key, promised):
        """Until the end of the other claim, if that is later."""
        if not promised:
            return None
        earliest, latest = promised.ends
        return promised._replace(ends=(earliest, max(latest, self.beside.get(key, 0))))

    def settle(self, found):
        self.asked = {key: self.lasting(key, wanted) for key, wanted in self.asked.items()}
        wrong = super().settle(found)
        late = time.monotonic() - WRITTEN
        self.unwritten.update(key for key, told in self.promises.items() if told.told > late)
        return wrong

    def key_of(self, port):
        return "udp", LAN_A6, port

    @staticmethod
    def remote_of(port):
        return INET6 if port % 2 else ""

    def open(self, port, key, before, lease):
        remote = self.remote_of(port)
        wanted = self.wish((LAN_A6, port), [remote] if remote else [], lease, before)
        if before and before.unique_id and self.random.random() < 0.5:
            self.with_id(key, before, {key: wanted}, "UpdatePinhole", NewLeaseTime=lease)
            return
        if before and key in self.unwritten:
            self.beside[key] = max(before.ends[1], self.beside.get(key, 0))
        try:
            answer = self.exchange({key: wanted}, lambda: self.point.call(
                FIREWALL, "AddPinhole", RemoteHost=remote, RemotePort=0, InternalClient=LAN_A6,
                InternalPort=port, Protocol=17, LeaseTime=lease))
        except Fault as fault:
            self.refused.append((key, "AddPinhole", fault.code))
            return
        if answer:
            self.unwritten.discard(key)
            self.promises[key] = self.promises[key]._replace(unique_id=int(answer["UniqueID"]))

    def close(self, port, key, before):
        if before.unique_id:
            self.with_id(key, before, {key: None}, "DeletePinhole")
        else:
            self.open(port, key, before, self.random.choice(LEASES))

    def with_id(self, key, before, wanted, action, **more):
        try:
            self.exchange(wanted, lambda: self.point.call(
                FIREWALL, action, UniqueID=before.unique_id, **more))
        except Fault as fault:
            if fault.code == 704 and key in self.unwritten:
                self.promises[key] = before._replace(unique_id=None)
            else:
                self.refused.append((key, action, fault.code, before, time.monotonic()))


class Crowd:
    """All of them at once."""

    def __init__(self, lab, seed):
        self.datagrams = [NatPmpAsker(lab, seed),
                          PcpAsker(lab, seed + 1, LAN_B, WAN, GATEWAY, [INET, INET2]),
                          PcpAsker(lab, seed + 2, LAN_B6, LAN_B6, GATEWAY6, [INET6, INET6_2])]
        self.http = [PortMappings(lab, seed + 3), Pinholes(lab, seed + 4)]
        self.askers = self.datagrams + self.http

    def run(self, daemon):
        """Until the daemon is gone; at most ten seconds."""
        end = time.monotonic() + 10

        def goes_on():
            return daemon.process.poll() is None and time.monotonic() < end

        def ask_on(asker):
            while goes_on():
                asker.ask()

        threads = [threading.Thread(target=ask_on, args=(asker,)) for asker in self.http]
        for thread in threads:
            thread.start()
        while goes_on():
            for asker in self.datagrams:
                asker.ask()
            select.select([asker.sock for asker in self.datagrams], [], [], 0.01)
            for asker in self.datagrams:
                asker.hear()
        for thread in threads:
            thread.join()
        for asker in self.datagrams:
            asker.hear()

    def settle(self, found):
        return [wrong for asker in self.askers for wrong in asker.settle(found)]

    @property
    def promises(self):
        return {key: told for asker in self.askers for key, told in asker.promises.items()}

    def take_refused(self):
        taken = [refused for asker in self.askers for refused in asker.refused]
        for asker in self.askers:
            asker.refused.clear()
        return taken
