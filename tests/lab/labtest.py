"""The base of all lab tests."""

import unittest

from lab import WAN, Lab
from posternd import IN_THE_LAB, Daemon


class LabTest(unittest.TestCase):
    """Every test has a lab of its own: building one takes a fifth of a second."""

    daemon = None
    config = {}  # of every daemon that the class starts, on top of IN_THE_LAB

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.down)
        self.lab.up()

    def start(self, **config):
        """Starts posternd in the gateway. A key set to None is left out of the configuration."""
        config = {**IN_THE_LAB, **self.config, **config}
        config = {key: value for key, value in config.items() if value is not None}
        self.daemon = Daemon(lambda: self.lab.host("gw"), config)
        self.addCleanup(self.daemon.close)
        return self.daemon.start()

    def reload_firewall(self):
        """The gateway's own rules are loaded again, as their administrator does."""
        self.lab.script("firewall")

    def assert_open(self, service, port, address=WAN):
        self.assertIsNotNone(service.reached((address, port)), f"{address}:{port} is closed")

    def assert_closed(self, service, port, address=WAN):
        self.assertIsNone(service.reached((address, port)), f"{address}:{port} is open")
