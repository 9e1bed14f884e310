"""Events of UPnP (GENA): who is told what, when, and that nobody waits for others."""

import time

import natpmp
from lab import INET, LAN_A, LAN_A6, LAN_B, WAN
from labtest import LabTest
from ssdp import SITE_GROUP, locate
from upnp import (FIREWALL, FORWARDING, INTERFACE, IP, ControlPoint, Subscriber, renew, subscribe,
                  unsubscribe)

NEW_WAN = "203.0.113.7"
ENTRIES, UPDATES = "PortMappingNumberOfEntries", "SystemUpdateID"
SILENCE = 1.5  # seconds; events come within a fifth of one
UNKNOWN = "uuid:00000000-0000-4000-8000-000000000000"


class EventTest(LabTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.point = ControlPoint(self.lab, view=2)

    def subscribed(self, service=IP, point=None, **more):
        """(subscriber, SID) after the first event."""
        subscriber = Subscriber(self.lab, **more)
        reply = subscribe(point or self.point, service, subscriber.url)
        self.assertEqual(reply.status, 200)
        first = subscriber.next_event()
        self.assertEqual((first.sid, first.seq), (reply.headers["sid"], 0))
        return subscriber, reply.headers["sid"]

    def next_values(self, subscriber, sid, seq):
        event = subscriber.next_event()
        self.assertIsNotNone(event, "no event")
        self.assertEqual((event.sid, event.seq), (sid, seq))
        return event.values


class Subscriptions(EventTest):
    def test_the_first_event_tells_everything(self):  # GENA-01, 07, 08, IGD-130, 139, 140
        connection = {"PossibleConnectionTypes": "IP_Routed", "ConnectionStatus": "Connected",
                      "ExternalIPAddress": WAN, ENTRIES: "0"}
        udns = {view: self.connection_device(view) for view in (1, 2)}
        firewall = {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"}
        for view, service, values in (
                (1, IP, connection), (2, IP, {**connection, UPDATES: "0"}),
                (1, INTERFACE, {"PhysicalLinkStatus": "Up"}), (2, FIREWALL, firewall),
                *((view, FORWARDING, {"DefaultConnectionService":
                                      f"{udns[view]}:WANConnectionDevice:{view},"
                                      "urn:upnp-org:serviceId:WANIPConn1"}) for view in (1, 2))):
            with self.subTest(view=view, service=service):
                point, subscriber = ControlPoint(self.lab, view=view), Subscriber(self.lab)
                reply = subscribe(point, service, subscriber.url)
                self.assertEqual((reply.status, reply.body), (200, b""))
                self.assertEqual(reply.headers["timeout"], "Second-1800")
                self.assertRegex(reply.headers["sid"], "^uuid:[0-9a-f-]{36}$")
                first = subscriber.next_event()
                self.assertEqual((first.sid, first.seq), (reply.headers["sid"], 0))
                self.assertEqual(first.values, values)
                self.assertEqual((first.headers["nt"], first.headers["nts"]),
                                 ("upnp:event", "upnp:propchange"))
                self.assertEqual(first.headers["host"], f"{LAN_A}:{subscriber.port}")
                unsubscribe(point, service, first.sid)

    def connection_device(self, view):
        """The last of the three devices is the innermost."""
        point = ControlPoint(self.lab, view=view)
        return [found.text for found in point.description.iter() if found.tag.endswith("}UDN")][-1]

    def test_the_reply_comes_before_the_first_event(self):  # GENA-07
        frames, subscriber = self.lab.frames("lan-a", "eth0"), Subscriber(self.lab)
        subscribe(self.point, IP, subscriber.url)
        subscriber.next_event()
        frames.settimeout(2)
        seen = []
        while "NOTIFY" not in seen:
            frame = frames.recv(65535)
            seen += [name for name, mark in (("reply", b"\r\nSID: uuid:"), ("NOTIFY", b"NOTIFY /"))
                     if mark.lower() in frame.lower()]
        self.assertEqual(seen[0], "reply")

    def test_renewing_and_ending(self):  # GENA-03, 05, 06, Q-66
        subscriber, sid = self.subscribed()
        renewed = renew(self.point, IP, sid)
        self.assertEqual((renewed.status, renewed.headers["sid"], renewed.headers["timeout"]),
                         (200, sid, "Second-1800"))
        self.assertIsNone(subscriber.next_event(SILENCE))
        self.assertEqual(renew(self.point, FORWARDING, sid).status, 412)
        self.assertEqual(renew(self.point, IP, UNKNOWN).status, 412)
        self.point.add(40100, 4000)
        self.assertEqual(self.next_values(subscriber, sid, 1), {ENTRIES: "1", UPDATES: "1"})
        self.assertEqual(unsubscribe(self.point, IP, sid).status, 200)
        for again in unsubscribe, renew:
            self.assertEqual(again(self.point, IP, sid).status, 412)
        self.point.delete(40100)
        self.assertIsNone(subscriber.next_event(SILENCE))

    def test_only_ones_own_address_is_called(self):  # GENA-02, 13
        bystander = Subscriber(self.lab, "lan-b", LAN_B)
        outside = Subscriber(self.lab, "inet", INET)
        for callback in (bystander.url, outside.url, "http://192.168.1.1:5351/", "http://lan-a/",
                         f"https://{LAN_A}/", f"http://127.0.0.1:{bystander.port}/"):
            self.assertEqual(subscribe(self.point, IP, callback).status, 412, callback)
        self.assertEqual(subscribe(self.point, IP, "http://x", CALLBACK=None).status, 412)
        self.assertEqual(subscribe(self.point, IP, f"http://{LAN_A}/", NT=None).status, 412)
        self.assertEqual(subscribe(self.point, IP, f"http://{LAN_A}/", SID=UNKNOWN).status, 400)
        for nobody in bystander, outside:
            self.assertIsNone(nobody.next_event(0.5))

    def test_a_subscriber_over_ipv6(self):  # GENA-13, Q-90
        point = ControlPoint(self.lab, location=locate(self.lab, view=2, to=SITE_GROUP))
        subscriber, sid = self.subscribed(point=point, address=LAN_A6)
        self.point.add(40100, 4000)
        self.assertEqual(self.next_values(subscriber, sid, 1)[ENTRIES], "1")

    def test_the_second_url_is_tried(self):  # GENA-12
        subscriber = Subscriber(self.lab)
        dead = f"http://{LAN_A}:9/"
        subscribe(self.point, IP, "", CALLBACK=f"<{dead}><{subscriber.url}>")
        self.assertEqual(subscriber.next_event().seq, 0)


class Changes(EventTest):
    def test_port_mappings_of_all_protocols_are_told(self):  # IGD-008, 131, 132, 133, GENA-10
        first_view, _ = self.subscribed(point=ControlPoint(self.lab))
        subscriber, sid = self.subscribed()
        asker = natpmp.Client(self.lab)
        for seq, change, entries in (
                (1, lambda: self.point.add(40100, 4000), "1"),
                (2, lambda: asker.map(natpmp.UDP, 4001, 40101), "2"),
                (3, lambda: self.point.delete(40100), "1"),
                (4, lambda: asker.delete(natpmp.UDP, 4001), "0")):
            change()
            self.assertEqual(self.next_values(subscriber, sid, seq),
                             {ENTRIES: entries, UPDATES: str(seq)})
            self.assertEqual(first_view.next_event().values, {ENTRIES: entries})

    def test_a_change_without_another_number_is_told(self):  # IGD-132
        subscriber, sid = self.subscribed()
        self.point.add(40100, 4000)
        self.next_values(subscriber, sid, 1)
        self.point.add(40100, 4001)
        self.assertEqual(self.next_values(subscriber, sid, 2), {UPDATES: "2"})

    def test_the_end_of_a_lease_is_told(self):  # IGD-073, 132
        subscriber, sid = self.subscribed()
        self.point.add(40100, 4000, LeaseDuration=2)
        self.assertEqual(self.next_values(subscriber, sid, 1), {ENTRIES: "1", UPDATES: "1"})
        self.assertEqual(self.next_values(subscriber, sid, 2), {ENTRIES: "0", UPDATES: "2"})

    def test_a_range_is_one_change(self):  # IGD-104, 132
        subscriber, sid = self.subscribed()
        for number in 0, 1, 2:
            self.point.add(40100 + number, 4000 + number)
            self.next_values(subscriber, sid, number + 1)
        self.point.call(IP, "DeletePortMappingRange", NewStartPort=40100, NewEndPort=40102,
                        NewProtocol="UDP", NewManage=0)
        self.assertEqual(self.next_values(subscriber, sid, 4), {ENTRIES: "0", UPDATES: "4"})

    def test_another_external_address_is_told(self):  # IGD-134, 142
        subscriber, sid = self.subscribed()
        self.point.add(40100, 4000)
        self.next_values(subscriber, sid, 1)
        self.lab.ip("gw", "address flush dev wan0")
        self.lab.ip("gw", f"address add {NEW_WAN}/24 dev wan0")
        self.lab.ip("gw", f"route add default via {INET}")
        told, seq = {}, 1
        while told.get("ExternalIPAddress") != NEW_WAN:
            seq += 1
            told.update(self.next_values(subscriber, sid, seq))
        self.assertEqual(told.get("ConnectionStatus", "Connected"), "Connected")
        self.assertEqual(told.get(ENTRIES, "1"), "1")


class SlowReceivers(EventTest):
    def test_they_delay_nobody(self):  # GENA-15
        # The kernel takes their connections; nobody reads them.
        silent = [Subscriber(self.lab, "lan-b", LAN_B) for _ in range(8)]
        elsewhere = ControlPoint(self.lab, "lan-b", 2)
        for receiver in silent:
            self.assertEqual(subscribe(elsewhere, IP, receiver.url).status, 200)
        subscriber, sid = self.subscribed()
        for number in range(3):
            asked = time.monotonic()
            self.point.add(40100 + number, 4000 + number)
            event = subscriber.next_event()
            self.assertEqual((event.seq, event.values[ENTRIES]), (number + 1, str(number + 1)))
            self.assertLess(event.heard - asked, 2)
        for receiver in silent:
            receiver.listener.settimeout(5)
            receiver.listener.accept()

    def test_what_they_missed_is_in_the_next_event(self):  # GENA-10, 15, 18
        subscriber, sid = self.subscribed()
        for number in range(20):
            self.point.add(40100 + number, 4000 + number)
        told, seq = {}, 0
        while told.get(ENTRIES) != "20":
            seq += 1
            told.update(self.next_values(subscriber, sid, seq))
        self.assertEqual(told[UPDATES], "20")
        self.assertLess(seq, 20)
        self.assertIsNone(subscriber.next_event(SILENCE))
