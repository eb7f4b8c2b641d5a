#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""report.py TESTLOG RUNNER_STATUS: sum up meson's testlog.json, in which every test program printed TAP.

Prints failed tests with what they said of it, skipped tests with their reasons, and as the last line "N passed, N failed,
N skipped". The exit status is 0 only when nothing failed and meson itself (RUNNER_STATUS) found nothing wrong.

A test that runs on several kernels ("NAME on KERNEL: TEST" of the lab, "NAME: TEST" here) and is skipped on some of them is
shown by itself, with those on which it passed, and is not counted: it has run.

A program that ends with an exit status although all its lines say "ok", prints fewer results than its plan announced,
or prints none at all counts as one failure more: a crash never looks like success.
"""
import json
import re
import sys

RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*?)(?:\s*#\s*(skip|todo)\b[:\s]*(.*))?$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*skip\S*\s*(.*))?", re.IGNORECASE)
REASON = "# skip: "
SAID_FIRST, SAID_LAST = 8, 12  # lines of what a failed test said, at most
ON_KERNEL = re.compile(r"^(?P<program>\S+) on (?P<kernel>\S+): (?P<test>.*)$")


class Totals:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []  # (program: test, why)
        self.ran = {}  # (program, test): the places where it passed

    def key(self, program, name):
        """What is tried, and where: ("attach_kprobe", "multi"), "debian:6.1"."""
        on = ON_KERNEL.match(name)
        if on:
            return (on["program"], on["test"]), on["kernel"]
        return (program.split(" / ")[-1], name), "this machine"

    def ran_elsewhere(self):
        """Skips of tests that passed in another place: (row, places), and what is left of the skips."""
        elsewhere, left = [], []
        for program, name, why in self.skipped:
            places = self.ran.get(self.key(program, name)[0])
            row = f"{program}: {name}: {why}" if name else f"{program}: {why}"
            if places:
                elsewhere.append(f"{row}; passed on {', '.join(places)}")
            else:
                left.append(row)
        return elsewhere, left


def told(row, lines):
    """A failure and what was said of it: of a long story the beginning and the end."""
    if len(lines) > SAID_FIRST + SAID_LAST:
        lines = [*lines[:SAID_FIRST], "[...]", *lines[-SAID_LAST:]]
    return "\n      ".join([row, *lines])


def read_tap(program, text, errors, status, totals):
    planned = results = bad = 0
    silent = True
    reason = ""
    row = said = None  # the test that failed last, and what it says until the next result
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned += int(plan.group(1))
            silent = False
            if plan.group(1) == "0":
                totals.skipped.append((program, "", plan.group(2) or "no reason given"))
            continue
        if line.startswith(REASON):
            reason = line[len(REASON):]
            continue
        result = RESULT.match(line)
        if not result:
            if said is not None and line.startswith("#"):
                said.append(line)
                totals.failed[-1] = told(row, said)
            continue
        said = None
        failed, _, name, directive, why = result.groups()
        results += 1
        silent = False
        if directive and directive.lower() == "skip":
            # bats: "ok 1 name # skip reason"; cmocka: "not ok 1 # SKIP name" with the reason on a line before it
            name, why = (name, why) if name else (why, reason)
            totals.skipped.append((program, name, why or reason or "no reason given"))
        elif failed:
            bad += 1
            row, said = f"{program}: {name}", []
            totals.failed.append(row)
        else:
            totals.passed += 1
            key, place = totals.key(program, name)
            places = totals.ran.setdefault(key, [])
            if place not in places:
                places.append(place)
        reason = ""
    if results < planned:
        totals.failed.append(
            told(f"{program}: {planned} tests planned, {results} ended (exit status {status})", errors.splitlines()))
    elif status != 0 and not bad:
        totals.failed.append(told(f"{program}: exit status {status} though no test failed", errors.splitlines()))
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
            read_tap(name, test.get("stdout", ""), test.get("stderr", ""), test["returncode"], totals)
    if runner and not totals.failed:
        totals.failed.append(f"meson test: exit status {runner}")
    elsewhere, skipped = totals.ran_elsewhere()
    for title, rows in (("Failed", totals.failed), ("Skipped in one place, passed in another", elsewhere), ("Skipped", skipped)):
        if rows:
            print(f"\n{title}:")
            for row in rows:
                print(f"  {row}")
    print(f"\n{totals.passed} passed, {len(totals.failed)} failed, {len(skipped)} skipped")
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
