#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf lab run: what it says of wrong calls and tests; and one boot with everything in it.

load ../cli/common

setup() {
	cd "$BATS_TEST_TMPDIR"
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir tmp
	printf '#include "lbc.h"\nLBC_EVENTS(events, __u32, 4096);\nSEC("raw_tp/sched_process_exec")\nint on_exec(void *ctx)\n{\n\t__u32 pid = bpf_get_current_pid_tgid() >> 32;\n\n\tlbc_emit(ctx, events, &pid);\n\treturn 0;\n}\nchar LICENSE[] SEC("license") = "GPL";\n' >one.bpf.c
	printf 'expect event\n' >one.lab
}

# A cache without kernels, where a test wants no boot.
no_kernels() {
	export COOLBPF_CACHE=$BATS_TEST_TMPDIR/cache
}

# A kernel of the real cache that this machine boots without asking for more.
need_kernel() {
	kernel=$("$COOLBPF" lab kernels -o json 2>/dev/null | jq -r '[.[] | select(.arch == "x86_64")][0].name // empty')
	[ -n "$kernel" ] || skip "there is no kernel in the cache (coolbpf lab fetch debian:6.1)"
	need_command qemu-system-x86_64
}

nothing_is_left() {
	[ -z "$(ls tmp)" ] || { ls -R tmp; return 1; }
}

@test "wrong options" {
	no_kernels
	run "$COOLBPF" lab run -o xml
	assert_failed 2 'there is no output format "xml"; there is table, junit, html, json, tap'
	run "$COOLBPF" lab run --jobs none
	assert_failed 2 '--jobs: "none" is not a number from 1 to 1024'
	run "$COOLBPF" lab run --timeout soon
	assert_failed 2 '--timeout: "soon" is not a time'
	run "$COOLBPF" lab run --coolbpf mips=/bin/true
	assert_failed 2 'neither FILE nor x86_64=FILE nor arm64=FILE'
	run "$COOLBPF" lab run --coolbpf ./none
	assert_failed 1 './none: No such file'
	run "$COOLBPF" lab run --bad
	assert_failed 2 'there is no option --bad'
}

@test "a report that cannot be written is told before the run" {
	run "$COOLBPF" lab run -o html -f none/report.html one.lab
	assert_failed 1 "cannot write none/report.html: No such file or directory"
}

@test "tests that are not there" {
	no_kernels
	run "$COOLBPF" lab run none.lab
	assert_failed 1 "none.lab: No such file"
	run env COOLBPF_TOOLS="$PWD" "$COOLBPF" lab run other
	assert_failed 1 "there is no test of a tool other: $PWD/other.lab"
	run "$COOLBPF" lab run tmp
	assert_failed 1 "there is no test in tmp: no file ends in .lab"
	run "$COOLBPF" lab run one.bpf.c
	assert_failed 1 "one.bpf.c is no test: its name does not end in .lab"
	run env COOLBPF_TOOLS=/nowhere "$COOLBPF" lab run
	assert_failed 1 "cannot look for tests in /nowhere"
}

@test "a wrong directive is told with its file and line, and what there is" {
	no_kernels
	printf 'about x\nexpct event\n' >one.lab
	run "$COOLBPF" lab run one.lab
	assert_failed 1 'one.lab:2: there is no directive "expct"; there is about, run,'
	printf 'expect event a ==\n' >one.lab
	run "$COOLBPF" lab run one.lab
	assert_failed 1 'one.lab:1: expect: the condition is wrong at column 5'
}

@test "kernels that are not there" {
	no_kernels
	run "$COOLBPF" lab run one.lab
	assert_failed 1 "there are no kernels yet; fetch some: coolbpf lab fetch debian:5.10"
	run "$COOLBPF" lab run --kernel ./vmlinuz one.lab
	assert_failed 1 "./vmlinuz"
	run "$COOLBPF" lab run --kernel ,modules=tmp one.lab
	assert_failed 1 '",modules=tmp" names no kernel image'
	printf 'no kernel' >vmlinuz
	run "$COOLBPF" lab run --kernel ./vmlinuz one.lab
	assert_failed 1 "vmlinuz"
}

@test "a choice of kernels that chooses none, and one that is none" {
	need_kernel
	run "$COOLBPF" lab run --kernels 'debian:9.99' one.lab
	assert_failed 1 'no kernel in the cache is chosen by "debian:9.99"'
	printf 'exclude <<5 reason\nexpect event\n' >one.lab
	run "$COOLBPF" lab run --kernels "$kernel" one.lab
	assert_failed 1 'one.lab:1: '
	nothing_is_left
}

@test "a tool that does not compile fails alone, and nothing boots for it" {
	need_kernel
	echo 'this is no C' >>one.bpf.c
	run "$COOLBPF" lab run --kernels "$kernel" -o tap one.lab
	[ "$status" -eq 1 ]
	[[ $output == *"not ok 1 - one on $kernel"*"build failed: "*"one.bpf.c:"* ]]
	[[ $output == *"# boots: 0, retried: 0"* ]]
	nothing_is_left
}

@test "files that are missing are told with their line" {
	need_kernel
	printf 'file none.txt\nworkload none.sh\nexpect event\n' >one.lab
	run "$COOLBPF" lab run --kernels "$kernel" -o tap one.lab
	[ "$status" -eq 1 ]
	[[ $output == *"build failed: one.lab:2: "*"none.sh"* ]]
}

@test "excluded tests are skipped with their reason, without a boot" {
	need_kernel
	printf 'exclude * nothing for it to see\nexpect event\n' >one.lab
	run "$COOLBPF" lab run --kernels "$kernel" -o tap one.lab
	[ "$status" -eq 0 ]
	[[ $output == *"ok 1 - one on $kernel # SKIP nothing for it to see"* ]]
}

@test "one boot: a tool, a command, a program of the host's in C and in TAP, in each format of report" {
	need_kernel
	need_command xmllint
	printf 'workload\n\t/bin/busybox true &\n\techo pid=$!\n\twait\nexpect 1 events where events == $pid\n' >one.lab
	printf 'command sh -c "./work; cat data"\nfile one.lab data\ncc work.c -DTEXT="\\"from c\\""\nexpect output from c\nexpect output expect 1*\n' >two.lab
	printf '#include <stdio.h>\nint main(void) { puts(TEXT); return 0; }\n' >work.c
	printf '#!/bin/sh\necho 1..2\necho ok 1 - first\necho ok 2 - second "# skip not here"\n' >prog
	chmod +x prog
	printf 'tap prog\n' >three.lab
	printf 'expect event events == 0\n' >four.lab
	cp one.bpf.c four.bpf.c
	run "$COOLBPF" lab run --kernels "$kernel" -o json -f out.json .
	[ "$status" -eq 1 ] || { echo "$output"; return 1; }
	[[ $output == *"3 passed, 1 failed, 0 skipped"* ]] || { echo "$output"; return 1; }
	[ "$(jq -r '.results[] | select(.test == "four") | .failure' out.json)" != null ]
	[ "$(jq -r '.results[] | select(.test == "three") | .inner[1].reason' out.json)" = "not here" ]
	[ "$(jq '[.results[] | select(.verdict == "pass")] | length' out.json)" -eq 3 ] || { cat out.json; return 1; }
	[ "$(jq '.kernels[0] | .boots - .retried' out.json)" -eq 1 ]
	nothing_is_left
}

@test "a test that panics the kernel and one that does not end are the only ones that are lost" {
	need_kernel
	printf 'command sh -c "echo c >/proc/sysrq-trigger; sleep 5"\n' >a.lab
	printf 'command sleep 100\ntimeout 1s\n' >b.lab
	printf 'command true\n' >c.lab
	run "$COOLBPF" lab run --kernels "$kernel" -o json -f out.json a.lab b.lab c.lab
	[ "$status" -eq 1 ] || { echo "$output"; return 1; }
	[ "$(jq -c '[.results[] | [.test, .verdict, .failure]]' out.json)" = '[["a","fail","crash"],["b","fail","timeout"],["c","pass",null]]' ] ||
		{ cat out.json; return 1; }
	[ "$(jq '.kernels[0] | .boots - .retried' out.json)" -eq 2 ]
	[[ $(jq -r '.results[0].reason' out.json) == *"Kernel panic"* ]] || { cat out.json; return 1; }
	nothing_is_left
}

@test "Ctrl-C: exit status 130, what was finished is reported, nothing is left" {
	need_kernel
	printf 'workload\n\t/bin/busybox true\nexpect event\n' >one.lab
	printf 'duration 50s\nexpect event\n' >slow.lab
	cp one.bpf.c slow.bpf.c
	# a shell's background jobs ignore SIGINT
	env --default-signal=INT "$COOLBPF" lab run --kernels "$kernel" -o tap one.lab slow.lab >out 2>err 3>&- &
	pid=$!
	for _ in $(seq 1200); do
		grep -q "one: ok" err && break
		sleep 0.1
	done
	kill -INT $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 130 ] || { cat out err; return 1; }
	grep -qx "ok 1 - one on $kernel" out
	grep -qx "ok 2 - slow on $kernel # SKIP not run: interrupted" out
	nothing_is_left
	run pgrep -P $pid
	[ -z "$output" ]
}
