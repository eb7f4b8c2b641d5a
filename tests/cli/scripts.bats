#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The scripts behind make: the report must not take a crash for success, set-up must not act without need.

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir bin
}

# ran NAME STATUS TEXT: one line of meson's log
ran() {
	jq -cn --arg n "$1" --argjson s "$2" --arg t "$3" \
		'{name: $n, returncode: $s, stdout: $t, result: (if $s == 0 then "OK" else "FAIL" end), duration: 1}' >>log
}

report() {
	run python3 "$SRC/scripts/report.py" log "${1:-0}"
}

# fake NAME: a command of this name, with the text on standard input as script
fake() {
	cat >"bin/$1"
	chmod +x "bin/$1"
}

@test "report: bats and cmocka results are added up" {
	ran "a" 0 $'1..2\nok 1 first\nok 2 second\n'
	ran "b" 0 $'1..2\nok 1 - third\nok 2 - fourth\n# ok - tests\n'
	report
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "4 passed, 0 failed, 0 skipped" ]
}

@test "report: skips keep their reasons, in both ways of writing them" {
	ran "bats" 0 $'1..1\nok 1 name # skip no such device\n'
	ran "cmocka" 0 $'1..2\n# skip: no kprobes\nnot ok 1 # SKIP fires\nok 2 - other\n'
	ran "whole" 0 $'1..0 # SKIP nothing here\n'
	report
	[ "$status" -eq 0 ]
	[[ $output == *"bats: name: no such device"* ]]
	[[ $output == *"cmocka: fires: no kprobes"* ]]
	[[ $output == *"whole: nothing here"* ]]
	[ "${lines[-1]}" = "1 passed, 0 failed, 3 skipped" ]
}

@test "report: what was skipped in one place and passed in another is told, not counted" {
	ran "runtime / attach" 0 $'1..2\n# skip: no kprobes\nnot ok 1 # SKIP fires\nok 2 - other\n'
	ran "lab / matrix" 0 $'1..3\nok 1 - attach on k1: fires\nok 2 - attach on k2: fires # SKIP too old\nok 3 - attach on k1: other # SKIP k1 it is\n'
	report
	[ "$status" -eq 0 ]
	[[ $output == *"in another:"*"attach: fires: no kprobes; passed on k1"* ]]
	[[ $output == *"attach on k2: fires: too old; passed on k1"* ]]
	[[ $output == *"attach on k1: other: k1 it is; passed on this machine"* ]]
	[[ $output != *$'\n'"Skipped:"* ]]
	[ "${lines[-1]}" = "2 passed, 0 failed, 0 skipped" ]
}

@test "report: a failed test is named, with what it said" {
	ran "a" 1 $'1..4\n# before\nok 1 good\nnot ok 2 bad\n# 5 expected, 6 found\nok 3 fine\n# later\nnot ok 4 worse\n'
	report 1
	[ "$status" -eq 1 ]
	[[ $output == *$'  a: bad\n      # 5 expected, 6 found\n  a: worse\n'* ]]
	[[ $output != *before* && $output != *later* ]]
	[ "${lines[-1]}" = "2 passed, 2 failed, 0 skipped" ]
}

@test "report: of what a failed test said at length, the beginning and the end are told" {
	ran "a" 1 $'1..1\nnot ok 1 bad\n'"$(seq -f '# %.0f.' 100)"
	report 1
	[[ $output == *$'# 1.\n'*$'# 8.\n      [...]\n      # 89.\n'*$'# 100.\n'* ]]
	[[ $output != *"# 50."* ]]
}

@test "report: a program that ends early has failed" {
	ran "a" 139 $'1..3\nok 1 good\n'
	report 1
	[ "$status" -eq 1 ]
	[[ $output == *"a: 3 tests planned, 1 ended (exit status 139)"* ]]
	[ "${lines[-1]}" = "1 passed, 1 failed, 0 skipped" ]
}

@test "report: a program that fails behind its last test has failed" {
	ran "a" 1 $'1..1\nok 1 good\n'
	report 1
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = "1 passed, 1 failed, 0 skipped" ]
}

@test "report: a program that says nothing has failed" {
	ran "a" 0 ""
	report
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = "0 passed, 1 failed, 0 skipped" ]
}

@test "report: what only meson saw is a failure" {
	ran "a" 0 $'1..1\nok 1 good\n'
	report 2
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = "1 passed, 1 failed, 0 skipped" ]
}

@test "set-up: with everything there it does nothing, for anybody" {
	fake dpkg-query <<<'#!/bin/sh
shift 3; for p; do echo "ii  $p"; done'
	fake apt-get <<<'#!/bin/sh
echo "apt-get $*" >>calls'
	PATH=$PWD/bin:$PATH run "$SRC/scripts/setup.sh"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ ! -e calls ]
}

@test "set-up: what is missing is installed, with the lists that are there" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	fake dpkg-query <<<'#!/bin/sh
shift 3; for p; do [ "$p" = meson ] || [ "$p" = clang ] || echo "ii  $p"; done; exit 1'
	fake apt-cache <<<'#!/bin/sh
exit 0'
	fake apt-get <<<'#!/bin/sh
echo "apt-get $*" >>calls'
	PATH=$PWD/bin:$PATH run "$SRC/scripts/setup.sh"
	[ "$status" -eq 0 ]
	[ "$(cat calls)" = "apt-get install -y -q --no-install-recommends meson clang" ]
}

@test "set-up: the lists are fetched when a package is not in them" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	fake dpkg-query <<<'#!/bin/sh
shift 3; for p; do [ "$p" = meson ] || echo "ii  $p"; done; exit 1'
	fake apt-cache <<<'#!/bin/sh
exit 100'
	fake apt-get <<<'#!/bin/sh
echo "apt-get $*" >>calls'
	PATH=$PWD/bin:$PATH run "$SRC/scripts/setup.sh"
	[ "$status" -eq 0 ]
	[ "$(cat calls)" = $'apt-get update -q\napt-get install -y -q --no-install-recommends meson' ]
}

@test "set-up: a package that was removed but left its configuration is missing" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	fake dpkg-query <<<'#!/bin/sh
shift 3; for p; do [ "$p" = meson ] && echo "rc  $p" || echo "ii  $p"; done'
	fake apt-cache <<<'#!/bin/sh
exit 0'
	fake apt-get <<<'#!/bin/sh
echo "apt-get $*" >>calls'
	PATH=$PWD/bin:$PATH run "$SRC/scripts/setup.sh"
	[ "$(cat calls)" = "apt-get install -y -q --no-install-recommends meson" ]
}

@test "set-up: without root, what is missing is named" {
	fake dpkg-query <<<'#!/bin/sh
shift 3; for p; do [ "$p" = meson ] || echo "ii  $p"; done; exit 1'
	fake apt-get <<<'#!/bin/sh
echo "apt-get $*" >>calls'
	fake id <<<'#!/bin/sh
echo 1000'
	PATH=$PWD/bin:$PATH run "$SRC/scripts/setup.sh"
	[ "$status" -eq 1 ]
	[[ $output == *"as root: apt-get install meson"* ]]
	[ ! -e calls ]
}

@test "set-up: on another distribution it says so" {
	ln -s "$(command -v cat)" "$(command -v sed)" bin
	PATH=$PWD/bin run /bin/sh "$SRC/scripts/setup.sh"
	[ "$status" -eq 1 ]
	[[ $output == *"this is not Debian"* ]]
}

@test "so-libs: what is not there is an error that says what to do" {
	XDG_CACHE_HOME=$PWD/empty run "$SRC/scripts/so-libs.sh" --where
	[ "$status" -eq 1 ]
	[[ $output == *"so-libs: zig and the libraries for the format .so are not in $PWD/empty/coolbpf-build; run: make setup"* ]]
}

@test "so-libs: what cannot be fetched is an error that names it, and leaves nothing" {
	fake python3 <<<'#!/bin/sh
echo "no network" >&2; exit 1'
	XDG_CACHE_HOME=$PWD/empty PATH=$PWD/bin:$PATH run "$SRC/scripts/so-libs.sh"
	[ "$status" -eq 1 ]
	[[ $output == *"no network"* ]]
	[[ $output == *"so-libs: pip cannot install ziglang=="* ]]
	[ "$(ls empty/coolbpf-build)" = lock ]
}

@test "so-libs: without a package that it takes the version of, it says which" {
	fake dpkg-query <<<'#!/bin/sh
exit 1'
	XDG_CACHE_HOME=$PWD/empty PATH=$PWD/bin:$PATH run "$SRC/scripts/so-libs.sh"
	[ "$status" -eq 1 ]
	[[ $output == *"so-libs: libbpf-dev is not installed; run: make setup"* ]]
}

@test "make help names every target" {
	run make -s -C "$SRC" help
	[ "$status" -eq 0 ]
	targets=$(sed -n 's/^\.PHONY: all //p' "$SRC/Makefile")
	[ -n "$targets" ]
	for t in $targets; do
		[ "$t" = help ] || [[ $output == *"make $t "* ]]
	done
}
