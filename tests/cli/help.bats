#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Help, version, and what is said about a wrong call.

load common

commands="run build inspect doctor lab serve keygen help version"

@test "help lists every command" {
	run "$COOLBPF" help
	[ "$status" -eq 0 ]
	for c in $commands; do
		[[ $output == *"  $c "* ]]
	done
}

@test "--help and -h are help" {
	diff <("$COOLBPF" help) <("$COOLBPF" --help)
	diff <("$COOLBPF" help) <("$COOLBPF" -h)
}

@test "help goes to standard output, and to standard error after a wrong call" {
	[ -n "$("$COOLBPF" help 2>/dev/null)" ]
	run bash -c '"$COOLBPF" 2>/dev/null'
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	run bash -c '"$COOLBPF" 2>&1'
	[[ $output == "Usage: coolbpf COMMAND"* ]]
}

@test "every command has its own help" {
	for c in run build inspect doctor lab serve keygen; do
		run "$COOLBPF" $c --help
		[ "$status" -eq 0 ]
		[[ $output == "Usage: coolbpf $c "* ]]
		diff <("$COOLBPF" $c --help) <("$COOLBPF" help $c)
	done
}

@test "the version is the project's" {
	version=$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$SRC/meson.build")
	for v in version --version -V; do
		run "$COOLBPF" $v
		[ "$status" -eq 0 ]
		[ "$output" = "coolbpf $version" ]
	done
}

@test "an unknown command is a usage error that names it" {
	run "$COOLBPF" frobnicate
	assert_failed 2 'there is no command "frobnicate"'
	run "$COOLBPF" help frobnicate
	assert_failed 2 'there is no command "frobnicate"'
}

@test "an unknown option is a usage error that names it" {
	for c in run build inspect doctor lab serve keygen; do
		run "$COOLBPF" $c --frobnicate
		assert_failed 2 "there is no option --frobnicate"
		run "$COOLBPF" $c -Z
		assert_failed 2 "there is no option -Z"
	done
}

@test "an option without its value is a usage error that names it" {
	for c in run build inspect doctor; do
		run "$COOLBPF" $c --output
		assert_failed 2 "--output needs a value"
		run "$COOLBPF" $c -o
		assert_failed 2 "needs a value"
	done
}

@test "a value for an option that takes none is a usage error" {
	for c in run build inspect doctor; do
		run "$COOLBPF" $c --help=x
		assert_failed 2 "--help takes no value"
	done
}

@test "an unknown output format is a usage error" {
	for c in inspect doctor; do
		run "$COOLBPF" $c -o yaml x
		assert_failed 2 '"yaml"'
	done
}

@test "no file, and two files where one is wanted, are usage errors" {
	for c in build inspect; do
		run "$COOLBPF" $c
		assert_failed 2 "which file?"
		run "$COOLBPF" $c a.bpf.c b.bpf.c
		assert_failed 2 "one file at a time"
	done
	run "$COOLBPF" doctor file
	assert_failed 2 "takes no file"
}

@test "a full disk behind standard output is an error" {
	for c in help version "help run" doctor; do
		run bash -c "'$COOLBPF' $c >/dev/full"
		assert_failed 1 "cannot write to standard output: No space left on device"
	done
}

@test "a closed pipe behind standard output is an error, not a signal" {
	for c in help doctor; do
		run into_closed_pipe "$COOLBPF" $c
		assert_failed 1 "cannot write to standard output: Broken pipe"
	done
}

@test "closed standard output is an error" {
	run bash -c "'$COOLBPF' version >&-"
	assert_failed 1 "cannot write to standard output"
}
