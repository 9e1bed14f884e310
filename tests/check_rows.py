#!/usr/bin/env python3
"""Every row of the requirements is proved by a test that names it, or tests/README.md says why it is not.

A test proves rows by naming them: "NPMP-39", "NPMP-39, 42" or "PCP-060, 061". In the table of the README a
run may stand for its rows: "IGD-040 to 048". `--self-test` checks the check; `--list` prints which files name
each row.
"""

import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
# First and last number of each run of rows; the numbers of some series have gaps between the sections.
RUNS = {
    "NPMP": [(1, 95)],
    "PCP": [(1, 8), (10, 25), (30, 35), (40, 50), (60, 88), (100, 108), (110, 116), (120, 127), (130, 138), (140, 154),
            (160, 164), (170, 176), (180, 185), (190, 197), (200, 205), (210, 220), (230, 238), (240, 246)],
    "IGD": [(1, 13), (20, 30), (40, 48), (60, 85), (100, 117), (130, 142), (150, 167), (180, 182)],
    "SSDP": [(1, 20), (30, 46)],
    "HTTP": [(1, 16)],
    "SOAP": [(1, 13)],
    "GENA": [(1, 19)],
    "SEC": [(1, 7)],
    "Q": [(1, 39), (50, 68), (70, 94), (200, 200)],
}
# At least; Q-200 has one more.
DIGITS = {series: 3 if series in ("PCP", "IGD") else 2 for series in RUNS}
ROWS = [f"{series}-{number:0{DIGITS[series]}}"
        for series, runs in RUNS.items() for first, last in runs for number in range(first, last + 1)]
# A series and the digits of its numbers.
NUMBERS = (("(?:NPMP|SSDP|HTTP|SOAP|GENA|SEC)", "2"), ("(?:PCP|IGD)", "3"), ("Q", "2,3"))
CITATION = re.compile(r"\b(" + "|".join(
    rf"{series}-\d{{{digits}}}(?:,\s*\d{{{digits}}}\b)*" for series, digits in NUMBERS) + r")(?!\d)")
TABLE_ROW = re.compile(r"^\| (" + "|".join(
    rf"{series}-\d{{{digits}}}(?:(?:, | to )\d{{{digits}}})*" for series, digits in NUMBERS) +
    r")( \(partly\))? \| (.*\S) \|$")
KINDS = (".cpp", ".h", ".py", ".scenario")


def rows_of(named):
    """ "NPMP-39, 42" names two rows, "NPMP-39 to 42" four."""
    series, numbers = named.split("-")
    rows = set()
    for part in re.split(r",\s*", numbers):
        first, _, last = part.partition(" to ")
        run = ROWS[ROWS.index(f"{series}-{first}"):ROWS.index(f"{series}-{last}") + 1] if last else []
        rows.update(run or [f"{series}-{first}"])
    return rows


def cited_in(text):
    return set().union(*(rows_of(named) for named in CITATION.findall(text)))


def citations(root):
    """Which files name each row."""
    rows = {}
    for path in sorted(root.rglob("*")):
        if path.suffix in KINDS and path != Path(__file__).resolve():
            for row in cited_in(path.read_text()):
                rows.setdefault(row, []).append(path.relative_to(root).as_posix())
    return rows


def listed_in(text):
    """The rows of the tables: whether each is partly proved, and whether there is a reason."""
    return {row: found[2] is not None for line in text.splitlines() if (found := TABLE_ROW.match(line))
            for row in rows_of(found[1])}


def judge(cited, listed):
    wrong = []
    for row in ROWS:
        if row not in cited and row not in listed:
            wrong.append(f"{row}: no test names it and tests/README.md gives no reason")
        elif row in cited and row in listed and not listed[row]:
            wrong.append(f"{row}: named by {', '.join(cited[row])} and yet listed as not proved")
        elif row not in cited and listed[row]:
            wrong.append(f"{row}: listed as partly proved, but no test names it")
    for row in sorted((set(cited) | set(listed)) - set(ROWS)):
        wrong.append(f"{row}: there is no such row")
    return wrong


def self_test():
    whole = {row: ["a_test.cpp"] for row in ROWS}
    without = {row: files for row, files in whole.items() if row != "NPMP-39"}
    good = [
        len(ROWS) == 95 + 177 + 111 + 37 + 16 + 13 + 19 + 7 + 84,
        cited_in("// NPMP-39") == {"NPMP-39"},
        cited_in("# NPMP-39, 42,\n 43; NPMP-01: 250 ms") == {"NPMP-39", "NPMP-42", "NPMP-43", "NPMP-01"},
        cited_in("NPMP-39 and 5351, NPMP-1, XNPMP-02") == {"NPMP-39"},
        cited_in("// PCP-010, 013\n// NPMP-18, PCP-031") == {"PCP-010", "PCP-013", "NPMP-18", "PCP-031"},
        cited_in("PCP-10, PCP-0101, XPCP-011, PCP-012, 5351") == {"PCP-012"},
        listed_in("| NPMP-46 | later |\n| NPMP-56 (partly) | half |\n| NPMP-57 |  |\nNPMP-58 x") ==
        {"NPMP-46": False, "NPMP-56": True},
        listed_in("| PCP-001, 002 | later |\n| PCP-003, 004 (partly) | half |") ==
        {"PCP-001": False, "PCP-002": False, "PCP-003": True, "PCP-004": True},
        cited_in("// IGD-020, SOAP-13, Q-200, Q-05, 88\n// HTTP-08, GENA-01 to 03") ==
        {"IGD-020", "SOAP-13", "Q-200", "Q-05", "Q-88", "HTTP-08", "GENA-01"},
        cited_in("IGD-20, SEC-001, FAQ-12, HTTP-1.1, Q-1") == set(),
        listed_in("| IGD-012 to 021, 023 | later |\n| Q-38 to 51 (partly) | half |") ==
        {"IGD-012": False, "IGD-013": False, "IGD-020": False, "IGD-021": False, "IGD-023": False,
         "Q-38": True, "Q-39": True, "Q-50": True, "Q-51": True},
        judge(whole, {}) == [],
        judge(without, {"NPMP-39": False}) == [],
        len(judge(without, {})) == 1,
        len(judge(whole, {"NPMP-39": False})) == 1,
        judge(whole, {"NPMP-39": True}) == [],
        len(judge(without, {"NPMP-39": True})) == 1,
        len(judge({**whole, "NPMP-96": ["a"]}, {})) == 1,
        len(judge({**whole, "PCP-009": ["a"]}, {"PCP-026": False})) == 2,
    ]
    print("self-test:", "good" if all(good) else f"WRONG: {good}")
    return 0 if all(good) else 1


def main():
    if "--self-test" in sys.argv:
        return self_test()
    cited, listed = citations(TESTS), listed_in((TESTS / "README.md").read_text())
    if "--list" in sys.argv:
        for row in ROWS:
            print(f"{row}:", ", ".join(cited.get(row, [])) or "-", "(partly)" if listed.get(row) else "")
        return 0
    wrong = judge(cited, listed)
    print("\n".join(wrong + [f"{len(cited)} rows proved, {len(listed)} listed, {len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
