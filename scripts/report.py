#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""report.py TESTLOG RUNNER_STATUS: sum up meson's testlog.json, in which every test program printed TAP.

Prints failed tests, skipped tests with their reasons, and as the last line "N passed, N failed, N skipped". The exit
status is 0 only when nothing failed and meson itself (RUNNER_STATUS) found nothing wrong.

A program that ends with an exit status although all its lines say "ok", prints fewer results than its plan announced,
or prints none at all counts as one failure more: a crash never looks like success.
"""
import json
import re
import sys

RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*?)(?:\s*#\s*(skip|todo)\b[:\s]*(.*))?$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*skip\S*\s*(.*))?", re.IGNORECASE)
REASON = "# skip: "


class Totals:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []


def read_tap(program, text, status, totals):
    planned = results = bad = 0
    silent = True
    reason = ""
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned += int(plan.group(1))
            silent = False
            if plan.group(1) == "0":
                totals.skipped.append((program, plan.group(2) or "no reason given"))
            continue
        if line.startswith(REASON):
            reason = line[len(REASON):]
            continue
        result = RESULT.match(line)
        if not result:
            continue
        failed, _, name, directive, why = result.groups()
        results += 1
        silent = False
        if directive and directive.lower() == "skip":
            # bats: "ok 1 name # skip reason"; cmocka: "not ok 1 # SKIP name" with the reason on a line before it
            name, why = (name, why) if name else (why, reason)
            totals.skipped.append((f"{program}: {name}", why or reason or "no reason given"))
        elif failed:
            bad += 1
            totals.failed.append(f"{program}: {name}")
        else:
            totals.passed += 1
        reason = ""
    if results < planned:
        totals.failed.append(f"{program}: {planned} tests planned, {results} ended (exit status {status})")
    elif status != 0 and not bad:
        totals.failed.append(f"{program}: exit status {status} though no test failed")
    elif silent:
        totals.failed.append(f"{program}: no TAP output (exit status {status})")


def main():
    log, runner = sys.argv[1], int(sys.argv[2])
    totals = Totals()
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            test = json.loads(line)
            name = test["name"].split(":", 1)[-1]  # behind the project's, "SUITE / NAME"
            if test["result"] == "TIMEOUT":
                totals.failed.append(f"{name}: timed out after {test['duration']:.0f} s")
            read_tap(name, test.get("stdout", ""), test["returncode"], totals)
    if runner and not totals.failed:
        totals.failed.append(f"meson test: exit status {runner}")
    for title, rows in (("Failed", totals.failed), ("Skipped", [f"{n}: {w}" for n, w in totals.skipped])):
        if rows:
            print(f"\n{title}:")
            for row in rows:
                print(f"  {row}")
    print(f"\n{totals.passed} passed, {len(totals.failed)} failed, {len(totals.skipped)} skipped")
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
