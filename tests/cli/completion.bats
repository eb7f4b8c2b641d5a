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
	"$COOLBPF" "$1" --help | grep -oE '(^|[ ,])--[a-z]+' | tr -d ' ,' | sort -u
}

@test "commands" {
	[ "$(offers coolbpf b)" = build ]
	for c in run build inspect doctor help version; do
		offers coolbpf "" | grep -qx "$c"
	done
}

@test "every long option that a command's help lists, and no other" {
	for c in run build inspect doctor; do
		diff <(long_options $c) <(offers coolbpf $c --)
	done
}

@test "output formats" {
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

@test "a file that is no tool offers the options of run" {
	echo text >no.bpf.o
	offers "$COOLBPF" run no.bpf.o -- | grep -qx -e --duration
}
