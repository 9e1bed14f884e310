#!/usr/bin/env -S python3 -B
"""Asks the gateway far too often, for a time, and ends: flood.py KIND RATE SECONDS [SOURCE ...].

KIND is one of KINDS. The requests come from the addresses SOURCE by turns, or from the host's own.
Prints how many it sent, and how many answers came. Stands alone: it runs on a host of the lab.
"""

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


class Datagrams:
    """Requests over UDP, from one socket for each source."""

    def __init__(self, kind, sources):
        self.make = {
            "natpmp-map": lambda number, _: natpmp_map(number),
            "natpmp-address": lambda number, _: b"\0\0",
            "pcp-map": pcp_map,
            "ssdp-search": lambda number, _: ssdp_search(number),
        }[kind]
        self.target = GATEWAY, 1900 if kind == "ssdp-search" else 5351
        self.answers = 0
        self.sockets = []
        for source in sources:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((source, 0))
            sock.connect(self.target)
            sock.setblocking(False)
            self.sockets.append(sock)

    def send(self, numbers):
        sent = 0
        for number in numbers:
            sock = self.sockets[number % len(self.sockets)]
            try:
                sock.send(self.make(number, sock.getsockname()[0]))
                sent += 1
            except OSError:  # full, or the gateway's answer to an earlier one was an ICMP error
                pass
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
