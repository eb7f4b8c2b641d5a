#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Completion for bash: what it offers is what --help lists.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	# shellcheck source=/dev/null
	source "$SRC/scripts/completion/coolbpf.bash"
}

# offers WORD ...: what is offered for the last word, one a line, sorted
offers() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_coolbpf
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

# The long options of a command's own help.
long_options() {
	"$COOLBPF" "$@" --help | grep '^ *-' | grep -oE '(^|[ ,])--[a-z][a-z-]+' | tr -d ' ,' | sort -u
}

@test "commands" {
	[ "$(offers coolbpf b)" = build ]
	for c in run build inspect doctor serve keygen lab help version; do
		offers coolbpf "" | grep -qx "$c"
	done
}

@test "every long option that a command's help lists, and no other" {
	for c in run build inspect doctor serve keygen; do
		diff <(long_options $c) <(offers coolbpf $c --)
	done
}

@test "the commands of the lab, with their options" {
	[ "$(offers coolbpf lab k)" = kernels ]
	for c in run fetch kernels module; do
		offers coolbpf lab "" | grep -qx $c
		diff <(long_options lab $c) <(offers coolbpf lab $c --)
	done
	[ "$(offers coolbpf lab run -o j)" = $'json\njunit' ]
	touch a.lab a.txt
	[ "$(offers coolbpf lab run a)" = a.lab ]
}

@test "output formats" {
	[ "$(offers coolbpf build --format s)" = $'skel\nso' ]
	[ "$(offers coolbpf run -o j)" = json ]
	[ "$(offers coolbpf inspect -o "")" = $'json\ntext' ]
}

@test "files of the kinds that a command takes" {
	touch a.bpf.c b.bpf.o c.txt
	mkdir d
	[ "$(offers coolbpf run "")" = $'a.bpf.c\nb.bpf.o\nd' ]
	[ "$(offers coolbpf build "")" = $'a.bpf.c\nd' ]
}

@test "a file name with a space stays one" {
	touch "a b.bpf.o"
	[ "$(offers coolbpf run a)" = "a b.bpf.o" ]
}

@test "the tool's own parameters behind its file" {
	build_sample
	tool=$BATS_FILE_TMPDIR/sample.bpf.o
	[ "$(offers "$COOLBPF" run "$tool" --mi)" = --min ]
	for p in --min --mode --on --comm --number --duration; do
		offers "$COOLBPF" run "$tool" -- | grep -qx -e "$p"
	done
	[ "$(offers "$COOLBPF" run "$tool" --on "")" = $'false\ntrue' ]
}

@test "the names of parameters behind -p" {
	build_sample
	[ "$(offers "$COOLBPF" run "$BATS_FILE_TMPDIR/sample.bpf.o" -p mi)" = min= ]
}

@test "a tool is asked once, and again when its file has changed" {
	build_sample
	cp "$BATS_FILE_TMPDIR/sample.bpf.o" tool.bpf.o
	printf '#!/bin/sh\necho asked >>asked\nexec "%s" "$@"\n' "$COOLBPF" >asking
	chmod +x asking
	for _ in 1 2 3; do
		COMP_WORDS=(./asking run tool.bpf.o --mi) COMP_CWORD=3
		_coolbpf
		[ "${COMPREPLY[*]}" = --min ]
	done
	[ "$(wc -l <asked)" -eq 1 ]
	"$COOLBPF" build "$SRC/examples/hello.bpf.c" -o tool.bpf.o
	_coolbpf
	[ "${COMPREPLY[*]}" = "" ]
	[ "$(wc -l <asked)" -eq 2 ]
}

@test "a tool in the home directory is found as the shell would" {
	build_sample
	cp "$BATS_FILE_TMPDIR/sample.bpf.o" home.bpf.o
	HOME=$PWD
	# shellcheck disable=SC2088 # the word as it stands on the command line
	[ "$(offers "$COOLBPF" run "~/home.bpf.o" --mi)" = --min ]
}

@test "a file that is no tool offers the options of run" {
	echo text >no.bpf.o
	diff <(long_options run) <(offers "$COOLBPF" run no.bpf.o --)
	[ "$(offers "$COOLBPF" run no.bpf.o -p "")" = "" ]
}
