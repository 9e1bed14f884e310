#!/usr/bin/python3
"""A BitTorrent client without torrents: maps its port at the gateway until its input ends.

Prints each external port that it got; what happens goes to stderr. Runs with Debian's own Python,
for which libtorrent is packed.
"""

import select
import sys

import libtorrent

SETTINGS = {
    "listen_interfaces": "0.0.0.0:%(port)d,[::]:%(port)d",
    "enable_natpmp": True,  # PCP first, then NAT-PMP
    "enable_upnp": False,
    "enable_lsd": False,
    "enable_dht": True,  # answers pings
    "dht_bootstrap_nodes": "",
    "alert_mask": int(libtorrent.alert.category_t.port_mapping_notification)
                  | int(libtorrent.alert.category_t.port_mapping_log_notification),
}


def main():
    listen = SETTINGS["listen_interfaces"] % {"port": int(sys.argv[1])}
    session = libtorrent.session({**SETTINGS, "listen_interfaces": listen})
    while not select.select([sys.stdin], [], [], 0)[0]:
        session.wait_for_alert(100)
        for alert in session.pop_alerts():
            print(alert.message(), file=sys.stderr, flush=True)
            if isinstance(alert, libtorrent.portmap_alert):
                print(alert.external_port, flush=True)


if __name__ == "__main__":
    main()
