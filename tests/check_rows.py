#!/usr/bin/env python3
"""Every NPMP row is proved by a test that names it, or tests/README.md says why it is not.

A test proves rows by naming them: "NPMP-39" or "NPMP-39, 42". `--self-test` checks the check;
`--list` prints which files name each row.
"""

import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
ROWS = [f"{number:02}" for number in range(1, 96)]
CITATION = re.compile(r"\bNPMP-(\d\d(?:,\s*\d\d\b)*)")
TABLE_ROW = re.compile(r"^\| NPMP-(\d\d)( \(partly\))? \| (.*\S) \|$")
KINDS = (".cpp", ".h", ".py", ".scenario")


def cited_in(text):
    return {row for found in CITATION.findall(text) for row in re.split(r",\s*", found)}


def citations(root):
    """Which files name each row."""
    rows = {}
    for path in sorted(root.rglob("*")):
        if path.suffix in KINDS and path != Path(__file__).resolve():
            for row in cited_in(path.read_text()):
                rows.setdefault(row, []).append(path.relative_to(root).as_posix())
    return rows


def listed_in(text):
    """The rows of the table: whether each is partly proved, and whether there is a reason."""
    return {found[1]: found[2] is not None for line in text.splitlines() if (found := TABLE_ROW.match(line))}


def judge(cited, listed):
    wrong = []
    for row in ROWS:
        if row not in cited and row not in listed:
            wrong.append(f"NPMP-{row}: no test names it and tests/README.md gives no reason")
        elif row in cited and row in listed and not listed[row]:
            wrong.append(f"NPMP-{row}: named by {', '.join(cited[row])} and yet listed as not proved")
        elif row not in cited and listed[row]:
            wrong.append(f"NPMP-{row}: listed as partly proved, but no test names it")
    for row in sorted((set(cited) | set(listed)) - set(ROWS)):
        wrong.append(f"NPMP-{row}: there is no such row")
    return wrong


def self_test():
    whole = {row: ["a_test.cpp"] for row in ROWS}
    without = {row: files for row, files in whole.items() if row != "39"}
    good = [
        cited_in("// NPMP-39") == {"39"},
        cited_in("# NPMP-39, 42,\n 43; NPMP-01: 250 ms") == {"39", "42", "43", "01"},
        cited_in("NPMP-39 and 5351, NPMP-1, XNPMP-02") == {"39"},
        listed_in("| NPMP-46 | later |\n| NPMP-56 (partly) | half |\n| NPMP-57 |  |\nNPMP-58 x") ==
        {"46": False, "56": True},
        judge(whole, {}) == [],
        judge(without, {"39": False}) == [],
        len(judge(without, {})) == 1,
        len(judge(whole, {"39": False})) == 1,
        judge(whole, {"39": True}) == [],
        len(judge(without, {"39": True})) == 1,
        len(judge({**whole, "96": ["a"]}, {})) == 1,
    ]
    print("self-test:", "good" if all(good) else f"WRONG: {good}")
    return 0 if all(good) else 1


def main():
    if "--self-test" in sys.argv:
        return self_test()
    cited, listed = citations(TESTS), listed_in((TESTS / "README.md").read_text())
    if "--list" in sys.argv:
        for row in ROWS:
            print(f"NPMP-{row}:", ", ".join(cited.get(row, [])) or "-", "(partly)" if listed.get(row) else "")
        return 0
    wrong = judge(cited, listed)
    print("\n".join(wrong + [f"{len(cited)} rows proved, {len(listed)} listed, {len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
