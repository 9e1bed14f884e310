"""Traffic that runs while something happens."""

import threading
import time


class Traffic:
    """Datagrams from the Internet to one external endpoint, 50 a second, each from a new port."""

    def __init__(self, lab, service, address, port):
        self.lab, self.service, self.to = lab, service, (address, port)
        self.arrived = []  # when, by time.monotonic()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _run(self):
        self.service.sock.settimeout(0.0)
        while not self._ending.wait(0.02):
            sock = self.lab.udp("inet", 0, "::" if ":" in self.to[0] else "")
            try:
                sock.sendto(b"traffic", self.to)
            except OSError:
                pass  # the way there may be gone
            sock.close()
            try:
                while self.service.sock.recv(2048):
                    self.arrived.append(time.monotonic())
            except OSError:
                pass

    def arrives_after(self, moment):
        return any(when > moment for when in list(self.arrived))

    def longest_gap(self):
        """In seconds, between two that arrived one after the other."""
        moments = list(self.arrived)
        return max((later - earlier for earlier, later in zip(moments, moments[1:])), default=0)
