#!/usr/bin/env -S python3 -B
"""A PCP client of a few lines (RFC 6887), for the tests and for trying things by hand.

By hand, from a host of the lab: script/lab exec lan-a tests/lab/pcp.py --help
"""

import argparse
import ipaddress
import os
import socket
import struct
import sys
from typing import NamedTuple

from lab import GATEWAY, LabError, reply_of

PORT = 5351
CLIENT_PORT = 5350  # where announcements go
ANNOUNCE, MAP, PEER = 0, 1, 2
TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
THIRD_PARTY, PREFER_FAILURE, FILTER, DESCRIPTION = 1, 2, 3, 128

RESULTS = ("SUCCESS", "UNSUPP_VERSION", "NOT_AUTHORIZED", "MALFORMED_REQUEST", "UNSUPP_OPCODE",
           "UNSUPP_OPTION", "MALFORMED_OPTION", "NETWORK_FAILURE", "NO_RESOURCES",
           "UNSUPP_PROTOCOL", "USER_EX_QUOTA", "CANNOT_PROVIDE_EXTERNAL", "ADDRESS_MISMATCH",
           "EXCESSIVE_REMOTE_PEERS")
ANY = "::"


class Reply(NamedTuple):
    """An answer, or what the gateway says unasked. An ANNOUNCE has no fields behind `epoch`."""

    opcode: int
    result: str
    lifetime: int
    epoch: int
    nonce: bytes = None
    protocol: int = None
    internal: int = None
    external: tuple = None  # (address, port)
    peer: tuple = None  # of a PEER: (address, port)
    options: tuple = ()  # (code, data) of each


def packed(address):
    """16 octets; IPv4 in its mapped form."""
    address = ipaddress.ip_address(address.partition("%")[0])
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed


def unpacked(octets):
    address = ipaddress.IPv6Address(octets)
    return str(address.ipv4_mapped or address)


def option(code, data=b""):
    return struct.pack("!BBH", code, 0, len(data)) + data + bytes(-len(data) % 4)


def prefer_failure():
    return option(PREFER_FAILURE)


def third_party(host):
    return option(THIRD_PARTY, packed(host))


def only_from(remote, length=None, port=0):
    """FILTER: this host or, with a prefix length of its own family, this network."""
    is_v4 = ":" not in remote
    length = (32 if is_v4 else 128) if length is None else length
    return option(FILTER, struct.pack("!BBH", 0, length + 96 * is_v4, port) + packed(remote))


def from_everybody():
    """FILTER with prefix length 0: removes the earlier ones."""
    return option(FILTER, bytes(4) + packed(ANY))


def description(text):
    return option(DESCRIPTION, text.encode())


def header(opcode, lifetime, client):
    return struct.pack("!BBHI16s", 2, opcode, 0, lifetime, packed(client))


def announce_request(client):
    return header(ANNOUNCE, 0, client)


def map_request(client, nonce, protocol, internal, external=0, address=ANY, lifetime=600,
                options=()):
    return (header(MAP, lifetime, client)
            + struct.pack("!12sB3xHH16s", nonce, protocol, internal, external, packed(address))
            + b"".join(options))


def peer_request(client, nonce, protocol, internal, peer, external=0, address=ANY, lifetime=600,
                 options=()):
    return (header(PEER, lifetime, client)
            + struct.pack("!12sB3xHH16s", nonce, protocol, internal, external, packed(address))
            + struct.pack("!H2x16s", peer[1], packed(peer[0])) + b"".join(options))


def parse(payload):
    """A Reply; LabError when it is no PCP response or not well-formed."""
    if len(payload) < 24 or len(payload) % 4 or payload[0] != 2 or not payload[1] & 0x80:
        raise LabError(f"not a PCP response: {payload.hex()}")
    opcode = payload[1] & 0x7F
    result, lifetime, epoch = struct.unpack_from("!xxxBII", payload)
    if payload[2] or (result == 0 and any(payload[12:24])):
        raise LabError(f"reserved octets are not 0: {payload.hex()}")
    head = opcode, RESULTS[result] if result < len(RESULTS) else str(result), lifetime, epoch
    size = {MAP: 60, PEER: 80}.get(opcode, 24)
    if size == 24 or len(payload) < size:
        return Reply(*head)
    nonce, protocol, internal, external, address = struct.unpack_from("!12sB3xHH16s", payload, 24)
    peer = None
    if opcode == PEER:
        port, remote = struct.unpack_from("!H2x16s", payload, 60)
        peer = unpacked(remote), port
    return Reply(*head, nonce, protocol, internal, (unpacked(address), external), peer,
                 tuple(parse_options(payload[size:])))


def parse_options(octets):
    while octets:
        code, length = struct.unpack_from("!BxH", octets)
        if len(octets) < 4 + length:
            raise LabError(f"an option is cut short: {octets.hex()}")
        yield code, octets[4:4 + length]
        octets = octets[4 + length + -length % 4:]


class Client:
    """Asks from the network namespace in which it was made; its mappings share one nonce.

    A reply from another address or port than the asked one is an error.
    """

    def __init__(self, server=GATEWAY, source="", nonce=None):
        self.server = resolved(server, PORT)
        self.nonce = os.urandom(12) if nonce is None else nonce
        family = socket.AF_INET6 if len(self.server) == 4 else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        if not source:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(self.server)
                source = probe.getsockname()
        self.sock.bind(source if isinstance(source, tuple) else resolved(source, 0))
        self.address, self.port = self.sock.getsockname()[:2]
        self.address = self.address.partition("%")[0]

    def close(self):
        self.sock.close()

    def ask(self, payload, timeout=2.0):
        """The reply to a payload, or None when none came in time."""
        self.sock.sendto(payload, self.server)
        return self.hear(timeout)

    def hear(self, timeout=2.0):
        """What the gateway says next, or None."""
        return reply_of(self.server, self.sock, timeout)

    def map(self, protocol, internal, external=0, **more):
        """`more`: address, lifetime, options, nonce."""
        more = {"nonce": self.nonce, **more}
        return self._reply(map_request(self.address, more.pop("nonce"), protocol, internal,
                                       external, **more))

    def delete(self, protocol, internal, **more):
        return self.map(protocol, internal, lifetime=0, **more)

    def peer(self, protocol, internal, peer, external=0, **more):
        """`peer`: address and port of the other end of the flow."""
        more = {"nonce": self.nonce, **more}
        return self._reply(peer_request(self.address, more.pop("nonce"), protocol, internal, peer,
                                        external, **more))

    def announce(self):
        return self._reply(announce_request(self.address))

    def _reply(self, request):
        reply = self.ask(request)
        if reply is None:
            raise LabError(f"no reply to {request.hex()}")
        parsed = parse(reply)
        if parsed.opcode != request[1]:
            raise LabError(f"not the reply to {request.hex()}: {reply.hex()}")
        # The request's own words come back in every reply (PCP-060, 132).
        if reply[24:42] != request[24:42] or (parsed.opcode == PEER
                                              and reply[60:80] != request[60:80]):
            raise LabError(f"the reply does not repeat {request.hex()}: {reply.hex()}")
        return parsed


def client_on(lab, host="lan-a", server=GATEWAY, source="", **more):
    """A client on a host of the lab, closed together with it."""
    with lab.host(host):
        return lab.closing(Client(server, source, **more))


def resolved(address, port):
    """The socket address of a numeric address; "fe80::1%eth0" needs the interface's namespace."""
    return socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM,
                              flags=socket.AI_NUMERICHOST)[0][4]


# --- The command ----------------------------------------------------------------------------------

def endpoint(text):
    """("198.51.100.7", 80) of "198.51.100.7:80" or "[2001:db8::1]:80"; else ValueError."""
    address, _, port = text.rpartition(":")
    return unpacked(packed(address.strip("[]"))), int(port)


def filter_of(text):
    address, _, length = text.partition("/")
    return from_everybody() if text == "all" else only_from(address, *map(int, length.split()))


def options_of(arguments):
    yield from [third_party(arguments.third_party)] if arguments.third_party else []
    if arguments.kind == "map":
        yield from [prefer_failure()] * arguments.prefer_failure
        yield from arguments.only_from


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Asks a gateway over PCP (RFC 6887) and prints its answer.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples: pcp.py map tcp 4000\n          pcp.py -g 2001:db8:1::1 map udp 4000\n"
               "          pcp.py map udp 4000 --only-from 203.0.113.99\n"
               "          pcp.py peer udp 4000 203.0.113.99:7000\n          pcp.py delete udp 4000")
    parser.add_argument("-g", "--gateway", default=GATEWAY, help=f"its address ({GATEWAY})")
    parser.add_argument("--nonce", type=bytes.fromhex, default=bytes(12),
                        help="24 hexadecimal digits; whoever knows it may renew (all 0)")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("announce", help="only ask for the epoch")
    for kind, meaning in (("map", "open a port"), ("peer", "claim a port for one remote peer"),
                          ("delete", "close a port")):
        sub = kinds.add_parser(kind, help=meaning)
        sub.add_argument("protocol", choices=("tcp", "udp"))
        sub.add_argument("internal", type=int, help="the port on this host")
        sub.add_argument("--third-party", metavar="HOST", help="on behalf of this host")
        if kind == "delete":
            continue
        if kind == "peer":
            sub.add_argument("peer", type=endpoint, metavar="ADDRESS:PORT")
        sub.add_argument("--external", type=int, default=0, help="the wished external port")
        sub.add_argument("--address", default=ANY, help="the wished external address")
        sub.add_argument("--lifetime", type=int, default=600, help="seconds (600)")
        if kind == "map":
            sub.add_argument("--prefer-failure", action="store_true", help="this port or none")
            sub.add_argument("--only-from", type=filter_of, action="append", default=[],
                             metavar="PREFIX", help="who may use it; \"all\" lifts earlier ones")
    return parser.parse_args()


def answer_to(arguments, client):
    if arguments.kind == "announce":
        return client.announce()
    protocol = {"tcp": TCP, "udp": UDP}[arguments.protocol]
    wish = {"options": list(options_of(arguments))}
    if arguments.kind == "delete":
        return client.delete(protocol, arguments.internal, **wish)
    wish.update(external=arguments.external, address=arguments.address, lifetime=arguments.lifetime)
    if arguments.kind == "peer":
        return client.peer(protocol, arguments.internal, arguments.peer, **wish)
    return client.map(protocol, arguments.internal, **wish)


def main():
    arguments = parse_arguments()
    try:
        reply = answer_to(arguments, Client(arguments.gateway, nonce=arguments.nonce))
    except (LabError, OSError) as failure:
        print(f"pcp.py: {failure}", file=sys.stderr)
        return 1
    print(f"{reply.result}, for {reply.lifetime} s, epoch {reply.epoch}")
    if reply.result == "SUCCESS" and reply.lifetime:
        print("external address %s, port %d" % reply.external)
    return 0 if reply.result == "SUCCESS" else 1


if __name__ == "__main__":
    sys.exit(main())
