"""A NAT-PMP client of a few lines (RFC 6886), for requests that natpmpc cannot make."""

import socket
import struct
from typing import NamedTuple

from lab import GATEWAY, LabError, reply_of

PORT = 5351
UDP, TCP = 1, 2
SUCCESS, REFUSED, NETWORK_FAILURE, OUT_OF_RESOURCES = 0, 2, 3, 4

ADDRESS_REQUEST = bytes([0, 0])


class AddressReply(NamedTuple):
    result: int
    epoch: int
    address: str


class MapReply(NamedTuple):
    result: int
    epoch: int
    internal: int
    external: int
    lifetime: int


def map_request(protocol, internal, external=0, lifetime=60):
    return struct.pack("!BBHHHI", 0, protocol, 0, internal, external, lifetime)


def parse_address(payload):
    version, opcode, result, epoch, address = struct.unpack("!BBHI4s", payload)
    if (version, opcode) != (0, 0x80):
        raise LabError(f"not an address reply: {payload.hex()}")
    return AddressReply(result, epoch, socket.inet_ntoa(address))


def parse_map(payload, protocol):
    version, opcode, *fields = struct.unpack("!BBHIHHI", payload)
    if (version, opcode) != (0, 0x80 + protocol):
        raise LabError(f"not the reply to a map request: {payload.hex()}")
    return MapReply(*fields)


class Client:
    """Asks from a host of the lab. A reply from another address than the asked one is an error."""

    def __init__(self, lab, host="lan-a", server=GATEWAY):
        self.server = (server, PORT)
        self.sock = lab.udp(host)
        self.port = self.sock.getsockname()[1]

    def ask(self, payload, timeout=2.0):
        """The reply to a payload, or None when none came in time."""
        self.sock.sendto(payload, self.server)
        return reply_of(self.server, self.sock, timeout)

    def external_address(self):
        return parse_address(self._answer(ADDRESS_REQUEST))

    def map(self, protocol, internal, external=0, lifetime=60):
        request = map_request(protocol, internal, external, lifetime)
        return parse_map(self._answer(request), protocol)

    def delete(self, protocol, internal):
        return self.map(protocol, internal, 0, 0)

    def _answer(self, payload):
        reply = self.ask(payload)
        if reply is None:
            raise LabError(f"no reply to {payload.hex()}")
        return reply
