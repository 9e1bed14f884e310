"""A host that hears everything on its link: what the gateway says unasked, over every protocol."""

import select
import socket
import time

import natpmp
import pcp
import ssdp
from lab import LabError

SO_RCVBUFFORCE = 33  # Python has no name for it


class Ear:
    def __init__(self, lab, host):
        self.frames = lab.frames(host, "eth0")
        self.frames.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
        self._heard = []

    def forget(self):
        """Only what comes from now on counts."""
        self.packets()
        self._heard.clear()

    def packets(self):
        """All UDP packets heard so far."""
        while select.select([self.frames], [], [], 0)[0]:
            if packet := ssdp.parse_packet(self.frames.recv(65535)):
                self._heard.append(packet)
        return self._heard

    def natpmp_announcements(self):
        """[(address of the gateway, AddressReply)]"""
        return [(packet.source[0], natpmp.parse_address(packet.payload))
                for packet in self.packets()
                if packet.target == ("224.0.0.1", pcp.CLIENT_PORT) and packet.payload[0] == 0]

    def pcp_announcements(self):
        """[(address of the gateway, epoch)]"""
        return [(packet.source[0], pcp.parse(packet.payload).epoch) for packet in self.packets()
                if packet.target[1] == pcp.CLIENT_PORT and packet.payload[:2] == b"\2\x80"]

    def ssdp_notices(self, nts):
        """[headers] of those that the gateway sent, of one kind: "ssdp:alive"."""
        messages = [ssdp.parse_message(packet.payload) for packet in self.packets()
                    if packet.payload.startswith(b"NOTIFY * HTTP/1.1\r\n")]
        return [message.headers for message in messages if message.headers["nts"] == nts]

    def wait_for(self, heard, timeout, what):
        """Until heard(self) is true; returns its value."""
        deadline = time.monotonic() + timeout
        while not (value := heard(self)):
            left = deadline - time.monotonic()
            if left < 0:
                raise LabError(f"not heard within {timeout} s: {what}; but {self._heard}")
            select.select([self.frames], [], [], min(left, 0.1))
        return value
