#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# A broken tool is told from one that works, on each kernel, and for each way to be broken the lab has a word. The tools, modules
# and their tests are in data/.

load proof

setup_file() {
	kernels_of debian:5.10 debian:6.1
	lab both --kernels "$kernels" "$data/verdict" "$data/module" "$data/missing"
	lab one_by_one --kernels "$kernels" --jobs 1 "$data"/verdict/{right,lies,silent,newer,newer_excluded,nohook,status}.lab
	"$COOLBPF" lab kernels -o json | jq -e 'any(.[]; .name == "debian:5.10-nobpf")' >/dev/null &&
		lab without --kernels debian:5.10-nobpf "$data/missing"
	kernels=$("$COOLBPF" lab kernels -o json |
		jq -r '[.[].name | select(. == "debian:6.12" or . == "debian:newest")] | join(",")')
	[ -z "$kernels" ] || lab newer --kernels "$kernels" "$data/module"
}

# told on both kernels
both() {
	told "$1" debian:5.10 "${@:2}"
	told "$1" debian:6.1 "${@:2}"
}

@test "a tool that is right passes" {
	both right pass
}

@test "a wrong value is told with what was expected, what came near it, and the truth" {
	for kernel in debian:5.10 debian:6.1; do
		told lies $kernel "wrong value" "1 expected, 0 found" 'nearest: {"pid":*,"comm":"busybox"}' "truths: child="
	done
}

@test "events that come twice are a wrong value, and both are shown" {
	both doubles "wrong value" "1 expected, 2 found" "matches: *matches: "
}

@test "a tool that sees nothing: no event" {
	both silent "no event" "no event came"
}

@test "a tool that does not load on 5.10 only: the verifier's words there, and well on 6.1" {
	told newer debian:5.10 "load refused" "on_exec" "call unknown#174" "invalid func unknown#174"
	told newer debian:6.1 pass
}

@test "where its test knows this, it is skipped there with the reason" {
	told newer_excluded debian:5.10 skip "there are no attach cookies before 5.15"
	told newer_excluded debian:6.1 pass
}

@test "a tool that no verifier lets in: its line of source, and the verifier's" {
	both unsafe "load refused" "unsafe.bpf.c:13" "R0 invalid mem access 'map_value_or_null'"
}

@test "a hook that is not there" {
	both nohook "hook missing" "kprobe no_such_function_anywhere" "no function of that name"
}

@test "exit statuses, wanted and not wanted" {
	both status "exit status" "exit status 3" "no such luck"
	both status_expected pass
}

@test "a workload that fails, and one that does not end" {
	both workload "workload failed" "ls: /no/such/file: No such file or directory" "about to fail"
	both workload_hangs "workload failed" "was killed"
}

@test "a command that does not end, with what it has printed" {
	both hangs timeout "begun"
}

@test "a program whose TAP says not ok" {
	both tap "not ok" "1 of 3: second"
}

@test "what is left behind: a probe, a pinned program, a pinned map; the next boot is without" {
	told leaves_probe debian:6.1 "left behind" "1 BPF programs, maps, links or probes are still there behind it: probe p:lab/left do_exit"
	told leaves_program debian:6.1 "left behind" "BPF program [1-9]* left_program"
	told leaves_map debian:6.1 "left behind" "BPF map [1-9]* left_map"
	both leaves_then pass
}

@test "a module is built against each kernel's headers, inserted, used, removed, and inserted anew" {
	for kernel in debian:5.10 debian:6.1 debian:6.12 debian:newest; do
		told a_used $kernel pass
		told b_removed $kernel pass
		told c_notes $kernel pass
	done
}

@test "a warning of the kernel's fails the test it comes in, unless that one allows it, and none behind it" {
	for kernel in debian:5.10 debian:6.1 debian:6.12 debian:newest; do
		told d_warns $kernel "kernel warning" "lab_proof.c:" "something is wrong"
		told e_warns_allowed $kernel pass
		told f_behind $kernel pass
	done
}

@test "a module that does not compile, one that does not insert, one that is not there" {
	told g_unbuildable debian:6.1 "module failed" "unbuildable.c:5:14: error: 'there_is_no_such_thing' undeclared"
	told h_unloadable debian:6.1 "module failed" "cannot insert the module*unloadable.ko: No such device" "the device is not there"
	told i_unknown debian:6.1 "module failed" "there is no module no_such_module"
}

@test "without eBPF, by a filter and by a kernel that has none, run and doctor say so" {
	for kernel in debian:5.10 debian:6.1 debian:5.10-nobpf; do
		told run $kernel pass
		told doctor $kernel pass
	done
}

@test "what needs eBPF is skipped on a kernel without, with the reason" {
	told needs debian:6.1 pass
	told needs debian:5.10-nobpf skip "this kernel has no eBPF"
}

@test "without BTF, and without tracing, run says so" {
	both untyped pass
	both untraced pass
}

@test "one guest at a time: the same verdicts as with two" {
	local cells='.results[] | [.test, .kernel, .verdict, .failure]'
	jq -c "$cells" "$BATS_FILE_TMPDIR/one_by_one.json" | sort >"$BATS_TEST_TMPDIR/one"
	jq -c "$cells" "$BATS_FILE_TMPDIR/both.json" | sort >"$BATS_TEST_TMPDIR/both"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/one")" -ge 7 ]
	[ -z "$(comm -23 "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/both")" ]
}

@test "few boots: one for each kernel, and one behind each test that leaves something" {
	need_run debian:6.1
	[ "$(boots debian:6.1 both)" -eq 4 ]
}

@test "the exit status tells that something has failed; no file is left" {
	[ "$(cat "$BATS_FILE_TMPDIR/both.status")" -eq 1 ]
	nothing_is_left
}
