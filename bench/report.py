"""From the generator's records to tables and verdicts."""

from statistics import median

OPERATIONS = ("map", "renew")
WINDOW = 16
LEAST_OF_FLOOR = 0.7
LEAST_OF_EMPTY = 0.9
FULL = 10000


# A server that is asked without pause uses its whole CPU, if it can have it.
LEAST_SHARE = 0.8


def tables(records):
    return "\n".join([_rates(records), "", _latencies(records), "", *_warnings(records)])


def bars(records):
    """The verdict lines, and whether all bars are met."""
    servers = {record["server"] for record in records}
    if not {"postern", "floor_one"} <= servers:
        return "No bar is judged: that needs both postern and floor_one.", True
    lines, verdicts = [], []

    def judge(value, least, text):
        is_met = value is not None and value >= least
        verdicts.append(is_met)
        lines.append(f"{'PASS' if is_met else 'FAIL'}  {text}: {_times(value).strip()} "
                     f"(at least {least:.2f}x)")

    for operation in OPERATIONS:
        for present in _present(records):
            value = ratio(records, ("postern", present), ("floor_one", present), operation)
            judge(value, LEAST_OF_FLOOR, f"{operation} with {present:,} present, of floor_one")
    for operation in OPERATIONS:
        value = ratio(records, ("postern", FULL), ("postern", 0), operation)
        judge(value, LEAST_OF_EMPTY,
              f"{operation} with {FULL:,} present, of its own rate with none")
    # A rate says little when some of the requests failed.
    failed = sum(record["errors"] + record["lost"] for record in records
                 if record["server"] != "miniupnpd")
    verdicts.append(failed == 0)
    lines.append(f"{'PASS' if failed == 0 else 'FAIL'}  every request to Postern and the floors "
                 f"answered: {failed} were not")
    return "\n".join(lines), all(verdicts)


def ratio(records, over, under, operation, window=WINDOW):
    """The median over the rounds of rate / rate, each pair measured in the same round; a pair being
    (server, present). None when there is no such round."""
    rates = {}
    for record in records:
        if record["op"] == operation and record["window"] == window:
            key = (record["server"], record["present"], record["round"])
            rates[key] = record["requests_per_second"]
    ratios = [rate / rates[(*under, number)] for (*pair, number), rate in rates.items()
              if tuple(pair) == over and rates.get((*under, number))]
    return median(ratios) if ratios else None


def _present(records):
    return sorted({record["present"] for record in records})


def _servers(records):
    return list(dict.fromkeys(record["server"] for record in records))


def _median_of(records, server, operation, present, window, field):
    values = [record[field] for record in records
              if (record["server"], record["op"], record["present"], record["window"])
              == (server, operation, present, window)]
    return median(values) if values else None


def _number(value):
    return "-" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _times(value):
    return "-" if value is None else f"{value:.4f}x" if value < 0.1 else f"{value:.2f}x"


def _rates(records):
    lines = [f"Requests per second, {WINDOW} in flight (medians; ratios are medians of the ratios "
             "within each round)", "",
             "op     present  floor_one  floor_all    postern  of floor_one  of floor_all  "
             "miniupnpd  of floor_one"]
    notes = []
    for operation in OPERATIONS:
        for present in _present(records):
            def rate(server):
                return _number(_median_of(records, server, operation, present, WINDOW,
                                          "requests_per_second"))

            def times(server, floor):
                return _times(ratio(records, (server, present), (floor, present), operation))

            reached = _median_of(records, "miniupnpd", operation, present, WINDOW,
                                 "present_reached")
            mark = "*" if reached is not None and reached < present else " "
            if mark == "*":
                notes.append(f"* miniupnpd got to {reached:,.0f} mappings in the time it had.")
            lines.append(f"{operation:<6} {present:>7,} {rate('floor_one'):>10} "
                         f"{rate('floor_all'):>10} {rate('postern'):>10} "
                         f"{times('postern', 'floor_one'):>13} {times('postern', 'floor_all'):>13} "
                         f"{rate('miniupnpd'):>10}{mark} {times('miniupnpd', 'floor_one'):>12}")
    return "\n".join(lines + sorted(set(notes)))


def _latencies(records):
    lines = ["One request in flight: latency p50 / p99 in us; and CPU of the server per request in "
             f"us, with {WINDOW} in flight", "",
             "op     present  " + "".join(f"{name:>26}" for name in _servers(records))]
    for operation in OPERATIONS:
        for present in _present(records):
            cells = []
            for server in _servers(records):
                p50, p99 = (_number(_median_of(records, server, operation, present, 1, field))
                            for field in ("p50_us", "p99_us"))
                cpu = _number(_median_of(records, server, operation, present, WINDOW,
                                         "server_cpu_us_per_request"))
                cells.append(f"{p50 + ' / ' + p99 + '; ' + cpu:>26}")
            lines.append(f"{operation:<6} {present:>7,}  " + "".join(cells))
    return "\n".join(lines)


def _warnings(records):
    shares = [record["requests_per_second"] * record["server_cpu_us_per_request"] / 1e6
              for record in records
              if record["server"] == "floor_one" and record["window"] == WINDOW]
    if not shares or median(shares) >= LEAST_SHARE:
        return []
    return [f"WARNING: floor_one got only {median(shares):.0%} of a CPU. Other work on this "
            "machine took the rest,", "and these figures say little. Run this on a quiet machine.",
            ""]
