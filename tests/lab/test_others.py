"""Others change our table behind our back: the next request that notices puts everything back."""

import time

from lab import sleep_until, wait_until
from labtest import LabTest
from natpmp import OUT_OF_RESOURCES, SUCCESS, UDP, Client
from probe import UdpService


class Others(LabTest):

    def setUp(self):
        super().setUp()
        self.start()
        self.begin = time.monotonic()
        self.client = Client(self.lab)

    def test_a_deleted_table_is_back_before_the_next_client_is_answered(self):  # NPMP-61
        first = UdpService(self.lab, "lan-a", 4000)
        second = UdpService(self.lab, "lan-a", 4001)
        self.assertEqual(self.client.map(UDP, 4000, 4000).result, SUCCESS)
        self.assert_open(first, 4000)
        self.lab.nft("delete table inet postern")
        sleep_until(self.begin + 1.1)  # everything is put back at most once a second
        self.assertEqual(self.client.map(UDP, 4001, 4001).result, SUCCESS)
        self.assert_open(first, 4000)
        self.assert_open(second, 4001)

    def test_an_element_in_the_way_is_soon_gone(self):
        self.lab.nft("add element inet postern dnat4"
                     " { 203.0.113.1 . udp . 4000 timeout 1h : 192.168.1.11 . 9 }")
        service = UdpService(self.lab, "lan-a", 4000)
        # The watch over our table may have been faster than this request.
        self.assertIn(self.client.map(UDP, 4000, 4000).result, (OUT_OF_RESOURCES, SUCCESS))
        wait_until(lambda: self.client.map(UDP, 4000, 4000).result == SUCCESS, 5, "it is gone")
        self.assert_open(service, 4000)
