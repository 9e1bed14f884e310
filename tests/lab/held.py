"""What the daemon says that it has, what the firewall holds and what the store keeps, in one form:
{(protocol, external address, external port): Held}."""

import contextlib
import ipaddress
import json
import pathlib
import shutil
import sqlite3
import tempfile
import time
from typing import NamedTuple


class Held(NamedTuple):
    inside: tuple  # (address, port)
    remotes: frozenset  # addresses, or prefixes of more than one; empty: everybody
    ends: float  # by time.monotonic()


def told_by(daemon):
    """Of the status document, whose seconds are rounded up."""
    status, now = daemon.status(), time.monotonic()
    return {(mapping["protocol"], *mapping["external"].values()):
            Held(tuple(mapping["internal"].values()),
                 frozenset(prefix(filter_["remote"]) for filter_ in mapping["filters"]),
                 now + mapping["remaining_seconds"])
            for mapping in status["mappings"]}


def prefix(text):
    network = ipaddress.ip_network(text)
    return str(network.network_address if network.num_addresses == 1 else network)


# --- The firewall ---------------------------------------------------------------------------------

def elements(listed, name):
    """[(key, value, seconds left)] of a map or set."""
    container, = (item[kind] for item in listed for kind in ("map", "set")
                  if item.get(kind, {}).get("name") == name)
    found = []
    for element in container.get("elem", []):
        key, value = element if isinstance(element, list) else (element, {"concat": ()})
        found.append((tuple(key["elem"]["val"]["concat"]), tuple(value["concat"]),
                      key["elem"]["expires"]))
    return found


def held_by_firewall(lab):
    """Of the elements of the table; AssertionError where those of one door do not fit together."""
    listed = json.loads(lab.run("gw", "nft", "-j", "list table inet postern"))["nftables"]
    now = time.monotonic()
    assert not elements(listed, "dnat4_range") and not elements(listed, "pin6_range")
    doors = {}
    for name in "dnat4", "dnat4_host", "pin6", "pin6_host":
        for key, inside, left in elements(listed, name):
            remotes = key[:1] if name.endswith("_host") else ()
            address, protocol, port = key[-3:]
            add(doors, (protocol, address, port), inside or (address, port), remotes, now + left)
    pins = {(protocol, address, port) for (address, protocol, port), *_ in elements(listed, "pin4")}
    outbound = {(key[0], *value): key[1:] for key, value, _ in elements(listed, "snat4")}
    forwards = {key: held.inside for key, held in doors.items() if ":" not in key[1]}
    assert outbound == forwards, f"outbound: {outbound}, inbound: {forwards}"
    assert pins == {(key[0], *inside) for key, inside in forwards.items()}, pins
    return doors


def add(doors, key, inside, remotes, ends):
    before = doors.get(key)
    if before:
        assert before.inside == inside and before.remotes and remotes, f"{before}, {inside}"
        remotes = before.remotes.union(remotes)
    doors[key] = Held(inside, frozenset(remotes), ends)


# --- The store ------------------------------------------------------------------------------------

@contextlib.contextmanager
def copy_of(state_dir):
    """The database as it is on the disk now. The daemon has the file itself for its own."""
    with tempfile.TemporaryDirectory(prefix="postern-lab-") as directory:
        for file in pathlib.Path(state_dir).glob("postern.db*"):
            shutil.copy(file, directory)
        with contextlib.closing(sqlite3.connect(f"{directory}/postern.db")) as database:
            yield database


def kept_by_store(state_dir):
    """What the store would bring back."""
    boot_to_monotonic = time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)
    kept = {}
    with copy_of(state_dir) as database:
        for number, protocol, *ends in database.execute(
                "SELECT id, protocol, external_address, external_port, internal_address,"
                " internal_port FROM mapping"):
            claims = database.execute("SELECT ends, remote_address FROM claim WHERE mapping = ?",
                                      (number,)).fetchall()
            filters = database.execute("SELECT remote FROM filter WHERE mapping = ?", (number,))
            remotes = {prefix(remote) for remote, in filters}
            if remotes or all(remote for _, remote in claims):
                remotes.update(remote for _, remote in claims if remote)
            kept[{6: "tcp", 17: "udp"}[protocol], ends[0], ends[1]] = Held(
                tuple(ends[2:]), frozenset(remotes),
                max(moment for moment, _ in claims) / 1000 + boot_to_monotonic)
    return kept
