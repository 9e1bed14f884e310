"""What many open mappings cost the first packet of a new flow: script/bench --data-plane."""

import json
import subprocess
from statistics import median

from place import WAN_ADDRESS, BenchError

FAMILIES = {"4": "IPv4 mappings", "6": "IPv6 pinholes"}
COUNTS = (1, 10000, 60000)
RULES = 1000  # mappings of the firewall that has a rule for each
MOST_COST = 1.3  # of one mapping's
FLOWS = {"postern": 20000, "rules": 2000}
LEAST_COUNTED = 0.95  # of the flows; the others were not carried through in one go


def run_rounds(place, binaries, rounds, out, progress):
    """All records of all rounds. Within a round everything is measured once, for the machine
    drifts."""
    place.route_flows()
    settings = [(family, kind, count) for family in FAMILIES
                for kind, count in [("postern", count) for count in COUNTS] + [("rules", RULES)]]
    records = []
    for number in range(rounds):
        start = number % len(settings)
        for family, kind, count in settings[start:] + settings[:start]:
            progress(f"round {number + 1} of {rounds}: {count:,} {FAMILIES[family]}, {kind}")
            record = measure(place, binaries, family, kind, count)
            records.append({"round": number, **record})
            if out:
                out.write(json.dumps(records[-1]) + "\n")
                out.flush()
    progress("")
    return records


def measure(place, binaries, family, kind, count):
    if kind == "postern":
        place.clean_rules()
        _run(place, place.gateway, binaries / "fill_doors", family, count)
    else:
        place.clean_rules(rule_each(family, count))
    # Without the elements of maps and sets.
    lines = len(place.nft("--terse", "list", "ruleset").splitlines())
    record = json.loads(_run(place, place.inet, binaries / "flow_load", place.gateway,
                             place.client, family, count, FLOWS[kind]))
    return {"family": family, "kind": kind, "count": count, "ruleset_lines": lines, **record}


def _run(place, host, program, *words):
    done = subprocess.run(place.words(host, str(program), *map(str, words)), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True,
                          timeout=120)
    if done.returncode != 0:
        raise BenchError(f"{program.name} {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def rule_each(family, count):
    """A table with a rule for each mapping, for comparison."""
    def host(index):
        return f"10.1.{index >> 8}.{index & 255}" if family == "4" else f"2001:db8:2::{index:x}"

    mark = "meta mark set meta mark | 0x10000000 accept"
    if family == "4":
        forwards = "\n".join(f"ip daddr {WAN_ADDRESS} udp dport {1024 + index} "
                             f"dnat ip to {host(index)}:9000" for index in range(count))
        pinholes = f"ct status dnat {mark}"
    else:
        forwards = ""
        pinholes = "\n".join(f"ip6 daddr {host(index)} udp dport 9000 {mark}"
                             for index in range(count))
    return f"""
table inet each {{
	chain prerouting {{
		type nat hook prerouting priority dstnat; policy accept;
		{forwards}
	}}
	chain forward {{
		type filter hook forward priority filter - 10; policy accept;
		{pinholes}
	}}
}}
"""


def table(records):
    lines = ["First packet of a new flow, in us of the whole path (medians of the rounds; ratios "
             "are medians of the ratios", "within each round)", "",
             f"{'':<16} {'open':>7} {'mean':>8} {'p10':>8} {'p50':>8} {'p90':>8}  of one mapping"]
    for family, name in FAMILIES.items():
        for kind, count in [("postern", count) for count in COUNTS] + [("rules", RULES)]:
            chosen = _of(records, family, kind, count)
            costs = "".join(f" {median(record[field] for record in chosen):>8.2f}"
                            for field in ("mean_us", "p10_us", "p50_us", "p90_us"))
            note = "  (a rule each)" if kind == "rules" else ""
            lines.append(f"{name:<16} {count:>7,}{costs} "
                         f"{ratio(records, family, kind, count):>14.2f}x{note}")
    return "\n".join(lines)


def bars(records):
    """The verdict lines, and whether all bars are met."""
    lines, verdicts = [], []

    def judge(is_met, text):
        verdicts.append(is_met)
        lines.append(f"{'PASS' if is_met else 'FAIL'}  {text}")

    for family, name in FAMILIES.items():
        for count in COUNTS[1:]:
            value = ratio(records, family, "postern", count)
            judge(value <= MOST_COST, f"first packet with {count:,} {name}, of one's: {value:.2f}x "
                  f"(at most {MOST_COST:.2f}x)")
    lines_of = {record["ruleset_lines"] for record in records if record["kind"] == "postern"}
    judge(len(lines_of) == 1, "as many lines of rules, whatever the number of mappings: "
          + ", ".join(map(str, sorted(lines_of))))
    lost = sum(record["lost"] for record in records)
    judge(lost == 0, f"every packet arrived: {lost} did not")
    shares = [record["counted"] / (0.95 * record["flows"]) for record in records]
    judge(min(shares) >= LEAST_COUNTED, f"carried through at once: {min(shares):.0%} in the worst "
          f"measurement (at least {LEAST_COUNTED:.0%}; others are not counted)")
    return "\n".join(lines), all(verdicts)


def ratio(records, family, kind, count):
    """The median over the rounds of the cost / the cost with one mapping."""
    one = {record["round"]: record["mean_us"] for record in _of(records, family, "postern", 1)}
    return median(record["mean_us"] / one[record["round"]]
                  for record in _of(records, family, kind, count))


def _of(records, family, kind, count):
    return [record for record in records
            if (record["family"], record["kind"], record["count"]) == (family, kind, count)]
