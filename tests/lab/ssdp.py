"""Searches and announcements of UPnP (SSDP), octet by octet, and how they look on the wire."""

import select
import socket
import struct
from typing import NamedTuple

from lab import LabError
from pcp import resolved

GROUP, LINK_GROUP, SITE_GROUP = "239.255.255.250", "ff02::c", "ff05::c"
GROUPS = GROUP, LINK_GROUP, SITE_GROUP
PORT = 1900


def gateway_type(view):
    return f"urn:schemas-upnp-org:device:InternetGatewayDevice:{view}"


class Message(NamedTuple):
    """A start line and headers, as SSDP and GENA have them. Names of headers are in lower case."""

    start: str
    headers: dict
    source: tuple = None
    body: bytes = b""


def parse_message(octets, source=None):
    head, _, body = octets.partition(b"\r\n\r\n")
    start, *lines = head.decode().split("\r\n")
    headers = {name.strip().lower(): value.strip()
               for name, _, value in (line.partition(":") for line in lines)}
    return Message(start, headers, source, body)


def search_request(st, mx=1, to=GROUP, man='"ssdp:discover"'):
    """An M-SEARCH; a header set to None is left out."""
    host = f"[{to}]" if ":" in to else to
    headers = {"HOST": f"{host}:{PORT}", "MAN": man, "MX": mx, "ST": st}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join(["M-SEARCH * HTTP/1.1", *lines, "", ""]).encode()


class Searcher:
    """A UDP socket on a host that searches and hears the answers."""

    def __init__(self, lab, host="lan-a", source="", to=GROUP):
        self.lab, self.host, self.to = lab, host, to
        self.sock = lab.udp(host, 0, source or ("::" if ":" in to else ""))

    def send(self, octets):
        to = f"{self.to}%eth0" if self.to.startswith(("ff02", "fe80")) else self.to
        with self.lab.host(self.host):
            target = resolved(to, PORT)
        self.sock.sendto(octets, target)

    def search(self, st, mx=1, **more):
        self.send(search_request(st, mx, self.to, **more))

    def hear(self, timeout):
        """The next answer, or None."""
        self.sock.settimeout(timeout)
        try:
            return parse_message(*self.sock.recvfrom(2048))
        except TimeoutError:
            return None

    def hear_all(self, quiet=1.5):
        """The answers up to the first pause of `quiet` seconds."""
        return list(iter(lambda: self.hear(quiet), None))


def locate(lab, host="lan-a", view=1, to=GROUP, source=""):
    """The LOCATION that a search for the root device of a view brings."""
    searcher = Searcher(lab, host, source, to)
    for _ in range(3):
        searcher.search(gateway_type(view))
        if answer := searcher.hear(3):
            return answer.headers["location"]
    raise LabError(f"no answer to the search for {gateway_type(view)}")


# --- On the wire ----------------------------------------------------------------------------------

class Packet(NamedTuple):
    """A UDP datagram that somebody sent; `hops` is its TTL or hop limit."""

    source: tuple
    target: tuple
    hops: int
    payload: bytes


def parse_packet(frame):
    """The Packet in an Ethernet frame, or None for anything else."""
    kind, packet = frame[12:14], frame[14:]
    if kind == b"\x08\x00" and packet[9] == socket.IPPROTO_UDP:
        family, ends, hops, start = socket.AF_INET, packet[12:20], packet[8], (packet[0] & 15) * 4
    elif kind == b"\x86\xdd" and packet[6] == socket.IPPROTO_UDP:
        family, ends, hops, start = socket.AF_INET6, packet[8:40], packet[7], 40
    else:
        return None
    half = len(ends) // 2
    source, target = (socket.inet_ntop(family, end) for end in (ends[:half], ends[half:]))
    source_port, target_port, length = struct.unpack_from("!HHH", packet, start)
    return Packet((source, source_port), (target, target_port), hops,
                  packet[start + 8:start + length])


def packets_in(frames, quiet=0.0):
    """The SSDP datagrams that a raw socket sees until it is quiet for so many seconds."""
    packets = []
    while select.select([frames], [], [], quiet)[0]:
        packet = parse_packet(frames.recv(65535))
        if packet and PORT in (packet.source[1], packet.target[1]):
            packets.append(packet)
    return packets
