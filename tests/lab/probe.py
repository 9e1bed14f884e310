"""Packets sent to find out who receives them. Each probe carries a payload of its own."""

import contextlib
import itertools
import select
import socket
import struct
import threading
import time

from lab import INET, family_of

ABSENT_AFTER = 0.4  # seconds; a packet crosses the lab in far less than a millisecond
_numbers = itertools.count(1)


class UdpService:
    """A UDP port on a host, and the question who reaches it."""

    name = "UDP"

    def __init__(self, lab, host, port, address=""):
        self.lab = lab
        self.sock = lab.udp(host, port, address)
        self.fileno = self.sock.fileno
        self.alone = threading.Lock()  # for those who ask at the same time

    def reached(self, target, source=INET, by="inet"):
        """Sends one datagram from a fresh source port; who the host saw as its sender, or None."""
        token = _token()
        with contextlib.closing(self.lab.udp(by, self.lab.fresh_port(), source)) as caller:
            caller.sendto(token, target)
        return _sender_of(token, self)

    def receive(self):
        """What has arrived: (payload, sender)."""
        return self.sock.recvfrom(2048)


class TcpService:
    """A TCP port on a host, and the question who reaches it."""

    name = "TCP"

    def __init__(self, lab, host, port, address=""):
        self.lab = lab
        self.sock = lab.tcp_listener(host, port, address)
        self.fileno = self.sock.fileno
        self.alone = threading.Lock()  # for those who ask at the same time

    def reached(self, target, source=INET, by="inet"):
        """Connects from a fresh source port; who the host saw as its peer, or None."""
        token = _token()
        caller = self.lab.socket(by, family_of(source), socket.SOCK_STREAM)
        with contextlib.closing(caller):
            caller.bind((source, self.lab.fresh_port()))
            caller.settimeout(ABSENT_AFTER)
            try:
                caller.connect(target)
                caller.sendall(token)
            except OSError:
                return None
        return _sender_of(token, self)

    def receive(self):
        """What has arrived on the oldest waiting connection: (payload, peer)."""
        connection, peer = self.sock.accept()
        with contextlib.closing(connection):
            connection.settimeout(ABSENT_AFTER)
            try:
                return connection.recv(2048), peer
            except OSError:
                return b"", peer


def _token():
    return b"probe %d" % next(_numbers)


def _sender_of(token, service):
    """Who sent the token to the service; None when nothing came, or it came to somebody else."""
    deadline = time.monotonic() + ABSENT_AFTER
    while select.select([service], [], [], max(0, deadline - time.monotonic()))[0]:
        payload, sender = service.receive()
        if payload == token:
            return sender
    return None


def service(lab, protocol, host, port):
    return {"udp": UdpService, "tcp": TcpService}[protocol](lab, host, port)


def outbound(lab, host, port, to=INET):
    """The source that a host on the Internet sees of a datagram sent from `host`:`port`."""
    with contextlib.closing(lab.udp("inet", lab.fresh_port(), to)) as listener, \
            contextlib.closing(lab.udp(host, port)) as sender:
        listener.settimeout(ABSENT_AFTER)
        sender.sendto(b"outbound", listener.getsockname())
        return listener.recvfrom(2048)[1]


def udp_packet(source, target, payload):
    """An IPv4 datagram, so that source and target may be anything. UDP checksum 0: none."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, socket.IPPROTO_UDP,
                         0, socket.inet_aton(source[0]), socket.inet_aton(target[0]))
    checksum = sum(struct.unpack("!10H", header))
    checksum = ~((checksum & 0xFFFF) + (checksum >> 16)) & 0xFFFF
    return (header[:10] + struct.pack("!H", checksum) + header[12:]
            + struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload)


def parse_udp(frame):
    """(source, target, ttl, payload) of an Ethernet frame that holds UDP over IPv4, or None."""
    packet = frame[14:]
    if frame[12:14] != b"\x08\x00" or packet[9] != socket.IPPROTO_UDP:
        return None
    start = (packet[0] & 15) * 4
    source_port, target_port, length = struct.unpack_from("!HHH", packet, start)
    return ((socket.inet_ntoa(packet[12:16]), source_port),
            (socket.inet_ntoa(packet[16:20]), target_port),
            packet[8], packet[start + 8:start + length])


def captured(frames):
    """The UDP packets waiting in a raw socket, oldest first."""
    packets = []
    while select.select([frames], [], [], 0)[0]:
        if packet := parse_udp(frames.recv(65535)):
            packets.append(packet)
    return packets
