"""Clients that other people wrote: natpmpc and nmap."""

from lab import GATEWAY, LAN_A, LAN_B, WAN
from labtest import LabTest
from probe import UdpService, service


class Natpmpc(LabTest):
    def test_it_maps_renews_and_deletes(self):  # NPMP-29, 36, 47, 66
        self.start()
        self.assertIn(f"Public IP address : {WAN}", self.lab.natpmpc("lan-a"))
        for _ in range(2):
            told = self.lab.natpmpc("lan-a", "-a", 40100, 4000, "udp", 60)
            self.assertRegex(told, "public port 40100 protocol UDP to local port 4000 .* 60\n")
        self.assert_open(UdpService(self.lab, "lan-a", 4000), 40100)
        told = self.lab.natpmpc("lan-a", "-a", 1, 4000, "udp", 0)
        self.assertRegex(told, "public port 0 protocol UDP to local port 4000 .* 0\n")
        self.assertEqual(self.daemon.mappings(), {})

    def test_it_gets_another_port_when_the_wished_one_is_taken(self):  # NPMP-42
        self.start()
        self.lab.natpmpc("lan-a", "-a", 4000, 4000, "udp", 60)
        self.lab.natpmpc("lan-b", "-a", 4000, 4000, "udp", 60)
        ports = {place[0]: key[1] for key, place in self.daemon.mappings().items()}
        self.assertEqual(ports[LAN_A], 4000)
        self.assertNotEqual(ports[LAN_B], 4000)
        self.assert_open(UdpService(self.lab, "lan-b", 4000), ports[LAN_B])


class Nmap(LabTest):
    def test_it_finds_the_service(self):  # NPMP-29
        self.start()
        told = self.nmap("nat-pmp-info")
        self.assertIn("5351/udp open", told)
        self.assertIn(f"WAN IP: {WAN}", told)

    def test_it_maps_and_unmaps(self):  # NPMP-36, 66, 71
        self.start()
        for protocol in "udp", "tcp":
            with self.subTest(protocol):
                host = service(self.lab, protocol, "lan-a", 4000)
                self.assert_closed(host, 40100)
                told = self.nmap("nat-pmp-mapport", op="map", pubport=40100, privport=4000,
                                 protocol=protocol, lifetime=600)
                self.assertIn(f"Successfully mapped {protocol} {WAN}:40100 ->", told)
                self.assert_open(host, 40100)
                self.nmap("nat-pmp-mapport", op="unmap", pubport=40100, privport=4000,
                          protocol=protocol)
                self.assert_closed(host, 40100)
        self.nmap("nat-pmp-mapport", op="map", pubport=40101, privport=4001, protocol="udp")
        self.assertEqual(list(self.daemon.mappings()), [("udp", 40101)])
        self.nmap("nat-pmp-mapport", op="unmapall", protocol="udp")
        self.assertEqual(self.daemon.mappings(), {})

    def nmap(self, script, **arguments):
        wish = ",".join(f"{script}.{name}={value}" for name, value in arguments.items())
        return self.lab.run("lan-a", "nmap", "-n", "-Pn", "-sU", "-p", "5351", GATEWAY,
                            "--script", script, *(["--script-args", wish] if wish else []))
