#!/usr/bin/env -S python3 -B
"""Asks the gateway far too often, for a time, and ends: flood.py KIND RATE SECONDS [SOURCE ...].

KIND is one of KINDS. The requests come from the addresses SOURCE by turns, or from the host's own.
Prints how many it sent, and how many answers came. Stands alone: it runs on a host of the lab.
"""

import ctypes
import itertools
import os
import socket
import struct
import sys
import time

GATEWAY = "192.168.1.1"
KINDS = "natpmp-map", "natpmp-address", "pcp-map", "ssdp-search", "http"
TICK = 0.002  # seconds between two bursts
CONNECTIONS = 16
BATCH = 32  # datagrams in one call of the kernel
VARIETY = 4096  # different requests
_libc = ctypes.CDLL(None)


def natpmp_map(number):
    return struct.pack("!BBHHHI", 0, 1, 0, 1024 + number % 60000, 0, 3600)


def pcp_map(number, client):
    mapped = bytes(10) + b"\xff\xff" + socket.inet_aton(client)
    return (struct.pack("!BBHI", 2, 1, 0, 3600) + mapped + os.urandom(12)
            + struct.pack("!B3xHH", 17, 1024 + number % 60000, 0) + bytes(16))


def ssdp_search(number):
    target = "ssdp:all", "upnp:rootdevice", "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
    return (f"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
            f"MX: 1\r\nST: {target[number % 3]}\r\n\r\n").encode()


class Part(ctypes.Structure):
    """struct iovec"""

    _fields_ = [("start", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class Message(ctypes.Structure):
    """struct mmsghdr"""

    _fields_ = [("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32),
                ("parts", ctypes.POINTER(Part)), ("part_count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("padding", ctypes.c_int), ("sent", ctypes.c_uint)]


def batch_of(payloads):
    """Messages for sendmmsg(), which takes them in one call."""
    messages = (Message * len(payloads))()
    for message, payload in zip(messages, payloads):
        message.parts = ctypes.pointer(Part(payload, len(payload)))
        message.part_count = 1
    return messages


class Datagrams:
    """Requests over UDP, from one socket for each source. They are made before the flood begins."""

    def __init__(self, kind, sources):
        make = {
            "natpmp-map": lambda number, _: natpmp_map(number),
            "natpmp-address": lambda number, _: b"\0\0",
            "pcp-map": pcp_map,
            "ssdp-search": lambda number, _: ssdp_search(number),
        }[kind]
        target = GATEWAY, 1900 if kind == "ssdp-search" else 5351
        self.answers = 0
        self.sockets = []
        batches = []
        for source in sources:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((source, 0))
            sock.connect(target)
            sock.setblocking(False)
            self.sockets.append(sock)
            batches += [(sock.fileno(), batch_of([make(number, source) for number in
                                                  range(first, first + BATCH)]))
                        for first in range(0, VARIETY // len(sources), BATCH)]
        # The sources take turns.
        batches = [batches[i::len(batches) // len(sources)]
                   for i in range(len(batches) // len(sources))]
        self.batches = itertools.cycle(itertools.chain(*batches))

    def send(self, numbers):
        sent, left = 0, len(numbers)
        while left > 0:
            number, batch = next(self.batches)
            count = min(left, BATCH)
            left -= count
            # Less than all: it is full, or the gateway's answer to an earlier one was an error.
            sent += max(0, _libc.sendmmsg(number, batch, count, socket.MSG_DONTWAIT))
        return sent

    def hear(self):
        for sock in self.sockets:
            while True:
                try:
                    sock.recv(2048)
                except OSError:
                    break
                self.answers += 1


class Connections:
    """Requests over HTTP, many on each of some connections, which are opened again when they end."""

    REQUEST = b"GET /none HTTP/1.1\r\nHost: 192.168.1.1:5351\r\n\r\n"

    def __init__(self, sources):
        self.sources = itertools.cycle(sources)
        self.sockets = [None] * CONNECTIONS
        self.answers = 0

    def send(self, numbers):
        sent, each = 0, max(1, len(numbers) // CONNECTIONS)
        for i in range(CONNECTIONS):
            if sent >= len(numbers):
                break
            try:
                if self.sockets[i] is None:
                    self.sockets[i] = self.open()
                self.sockets[i].send(self.REQUEST * each)
                sent += each
            except BlockingIOError:
                sent += each  # Not connected yet, or full: it was tried.
            except OSError:
                self.close(i)
        return sent

    def hear(self):
        for i, sock in enumerate(self.sockets):
            try:
                octets = sock.recv(65536) if sock else None
            except BlockingIOError:
                continue
            except OSError:
                octets = b""
            self.answers += octets.count(b"HTTP/1.1 ") if octets else 0
            if octets == b"":
                self.close(i)

    def open(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.bind((next(self.sources), 0))
        sock.connect_ex((GATEWAY, 5351))
        return sock

    def close(self, i):
        self.sockets[i].close()
        self.sockets[i] = None


def main():
    kind, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    sources = sys.argv[4:] or [""]
    if kind == "pcp-map" and sources == [""]:
        sys.exit("pcp-map needs its source")
    flood = Connections(sources) if kind == "http" else Datagrams(kind, sources)
    begin = time.monotonic()
    asked = sent = 0
    while (passed := time.monotonic() - begin) < seconds:
        # What is due by now, but never more than 50 ms of it at once.
        due = min(int(passed * rate), asked + max(1, rate // 20))
        sent += flood.send(range(asked, due))
        asked = due
        flood.hear()
        time.sleep(max(0.0, begin + passed + TICK - time.monotonic()))
    print(sent, flood.answers)


if __name__ == "__main__":
    main()
