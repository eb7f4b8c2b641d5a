#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# shellcheck disable=SC2154,SC2030,SC2031 # set in run.bash, each test in a shell of its own
# coolbpf run: a tool's events and maps, in each form, and the options that choose among them.

load run

setup_file() {
	build_tools
}

@test "an example from its source, with the events of this machine" {
	start "$SRC/examples/hello.bpf.c" -o json
	work 3
	wait_for grep -q "\"$name\"" out
	stop
	[ "$status" -eq 0 ]
	[ "$(jq -r --arg n "$name" 'select(.name == $n) | .pid' out)" = "$(cat work)" ]
	nothing_left
}

@test "table: a header, and one aligned line for each event" {
	start "$tool" --comm "$name"
	work 12
	wait_for lines out 13
	stop
	[ "$(awk 'NR == 1 { print $1, $2, $3 }' out)" = "SEQ PID COMM" ]
	[ "$(awk 'NR > 1 && NR < 14 { print $1 }' out)" = "$(seq 12)" ]
	[ "$(awk 'NR > 1 && NR < 14 { print $2 }' out)" = "$(cat work)" ]
	# numbers end in one column
	[ "$(awk 'NR > 1 && NR < 14 { print index($0, $2) + length($2) }' out | sort -u | wc -l)" -eq 1 ]
}

@test "json: one object for each event, with what the kernel gave" {
	start "$tool" --comm "$name" -o json
	work 5
	wait_for lines out 5
	stop
	[ "$status" -eq 0 ]
	jq -e . out >/dev/null
	head -5 out >events
	[ "$(jq -r .seq events)" = "$(seq 5)" ]
	[ "$(jq -r .pid events)" = "$(cat work)" ]
	[ "$(jq -r .comm events | sort -u)" = "$name" ]
	[ "$(jq -r .text events | sort -u)" = "$(printf "a,\"b\"\\\\\t;'c'")" ]
	[ "$(jq -c '[.shift, .loud, .exec_time]' events | sort -u)" = '[-5,false,1500]' ]
	[ "$(jq -r .speed events | sort -u)" = SLOW ]
	# the map at the end: 1, 3 and 5 are odd
	tail -n +6 out | jq -s -e '[.. | numbers] | contains([3]) and contains([2])'
}

@test "json: 64-bit numbers are exact" {
	start "$tool" --comm "$name" --start 18446744073709551610 -o json
	work 2
	wait_for lines out 2
	stop
	[ "$(grep -o '"seq":[0-9]*' out | head -2 | tr '\n' ' ')" = '"seq":18446744073709551610 "seq":18446744073709551611 ' ]
}

@test "csv: a header and rows that a CSV reader takes back" {
	start "$tool" --comm "$name" -o csv --count 4
	work 4
	finished
	[ "$status" -eq 0 ]
	python3 - out work "$name" <<-'END'
		import csv, sys
		rows = list(csv.DictReader(open(sys.argv[1], newline="")))[:4]
		pids = open(sys.argv[2]).read().split()
		assert [r["seq"] for r in rows] == ["1", "2", "3", "4"], rows
		assert [r["pid"] for r in rows] == pids, (rows, pids)
		assert all(r["text"] == "a,\"b\"\\\t;'c'" for r in rows), rows
		assert all(r["comm"] == sys.argv[3] for r in rows), rows
	END
}

@test "-f writes to a file, and nothing to standard output" {
	echo "what was there before" >file
	start "$tool" --comm "$name" -o json -f file
	work 3
	wait_for lines file 3
	stop
	[ "$status" -eq 0 ]
	[ ! -s out ]
	[ "$(head -3 file | jq -r .pid)" = "$(cat work)" ]
}

@test "--duration ends it after that time" {
	before=$(date +%s%N)
	run timeout 30 "$COOLBPF" run "$tool" --comm "$name" --duration 700ms
	[ "$status" -eq 0 ]
	[ $((($(date +%s%N) - before) / 1000000)) -ge 700 ]
	nothing_left
}

@test "--count ends it after exactly so many events" {
	for n in 1 7; do
		rm -f work
		start "$tool" --comm "$name" -o json --count $n
		work 10
		finished
		[ "$status" -eq 0 ]
		[ "$(grep -c '"seq"' out)" -eq $n ]
		[ "$(jq -r 'select(.seq) | .pid' out)" = "$(head -$n work)" ]
	done
	nothing_left
}

@test "--count is exact in a flood, too" {
	dd if=/dev/zero of=/dev/null bs=1 count=100000000 2>/dev/null 3>&- &
	pids="$pids $!"
	run --separate-stderr timeout 20 "$COOLBPF" run "$flood" --pid $! -o json --count 5000
	[ "$status" -eq 0 ]
	[ "$(grep -c '"seq"' <<<"$output")" -eq 5000 ]
	[ "$(jq .seq <<<"$output" | sort -n | uniq | wc -l)" -eq 5000 ]
}

@test "--interval prints the maps again and again, under the time" {
	SECONDS=0
	start "$tool" --comm "$name" --interval 300ms
	work 2
	times() { grep -cE '^[0-9]{2}:[0-9]{2}:[0-9]{2}  run$' out; }
	at_least() { [ "$(times)" -ge "$1" ]; }
	wait_for at_least 3
	stop
	[ "$status" -eq 0 ]
	# once more at the end, and SECONDS are whole ones
	[ "$(times)" -le $(((SECONDS + 1) * 10 / 3 + 2)) ]
}

@test "--filter lets through what matches" {
	start "$tool" --comm "$name" -o json --filter 'seq > 3 && seq <= 6 && comm ~ "cbw*"'
	work 8
	wait_for grep -q '"seq":6' out
	stop
	[ "$(jq -r 'select(.seq) | .seq' out)" = "$(seq 4 6)" ]
}

@test "--filter that makes no sense is a wrong call" {
	for filter in 'nothing == 1' 'seq >' 'seq == "x"' '('; do
		run "$COOLBPF" run "$tool" --filter "$filter"
		assert_failed 2 "--filter"
	done
	nothing_left
}

@test "options of the tool, in every form" {
	start "$tool" --comm="$name" --shift -300 --loud --speed fast --exec-time 2ms -p start=0x10 -o json
	work 1
	wait_for lines out 1
	stop
	[ "$(head -1 out | jq -c '[.seq, .shift, .loud, .speed, .exec_time]')" = '[16,-300,true,"FAST",2000000]' ]
}

@test "a switch may stand last, and may be given a value" {
	for form in --loud "--loud true" --loud=on "-p loud=yes"; do
		rm -f work
		# shellcheck disable=SC2086
		start "$tool" --comm "$name" -o json $form
		work 1
		wait_for lines out 1
		stop
		[ "$(head -1 out | jq .loud)" = true ]
	done
}

@test "wrong options are wrong calls, and say what there is" {
	run "$COOLBPF" run "$tool" --nothing 1
	assert_failed 2 "there is no option --nothing"
	[[ $output == *"comm, start, shift, loud, speed, exec_time"* ]]
	run "$COOLBPF" run "$tool" --start
	assert_failed 2 "needs a value"
	run "$COOLBPF" run "$tool" --start many
	assert_failed 2 "\"many\" is not a number"
	run "$COOLBPF" run "$tool" --speed medium
	assert_failed 2 "SLOW, FAST"
	run "$COOLBPF" run "$tool" --shift 3000000000
	assert_failed 2 "-2147483648 to 2147483647"
	run "$COOLBPF" run "$tool" -o xml
	assert_failed 2 "table, json, csv, folded, svg"
	run "$COOLBPF" run "$tool" --duration soon
	assert_failed 2 "is not a time"
	run "$COOLBPF" run "$tool" --count 0
	assert_failed 2 "above zero"
	run "$COOLBPF" run "$tool" and more
	assert_failed 2 "one word too many"
	run "$COOLBPF" run
	assert_failed 2 "which tool?"
	run "$COOLBPF" run --nothing "$tool"
	assert_failed 2 "there is no option --nothing"
	run "$COOLBPF" run "$tool" -p loud
	assert_failed 2 "NAME=VALUE"
	run "$COOLBPF" run "$tool" -a nobody=lo
	assert_failed 2 "there is no program nobody"
	nothing_left
}

@test "--help of a tool: its purpose, options, events and maps" {
	run "$COOLBPF" run "$tool" --help
	[ "$status" -eq 0 ]
	[[ $output == *"Starts of programs of one name"* ]]
	[[ $output == *"--exec_time lbc_ns_t "*"a duration (default: 1500ns)"* ]]
	[[ $output == *"--shift __s32 "*"(default: -5)"* ]]
	[[ $output == *"--speed enum speed "*"(default: SLOW)"* ]]
	[[ $output == *"Events (cbrun_events):"*"seq"*"comm"*"text"* ]]
	[[ $output == *"cbrun_counts  table"* ]]
	nothing_left
}

@test "--help needs no root" {
	need_root
	chmod 755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$COOLBPF" run "$tool" --help
	[ "$status" -eq 0 ]
	[[ $output == *"Starts of programs"* ]]
}

@test "-v says which hooks are taken" {
	cat >choice.bpf.c <<-'END'
		#include "lbc.h"
		SEC("tp/signal/no_such|signal_generate") int cbrun_choice(void *c) { return 0; }
		char LICENSE[] SEC("license") = "GPL";
	END
	run "$COOLBPF" run -v choice.bpf.c -d 100ms
	[ "$status" -eq 0 ]
	[[ $output == *"cbrun_choice: tp/signal/no_such is not taken: this kernel has no such tracepoint"* ]]
	[[ $output == *"cbrun_choice: hook signal/signal_generate is taken"* ]]
	[[ $output != *"libbpf: "* ]]
	for twice in "-vv" "-v -v" "-vqv" "--verbose --verbose"; do
		# shellcheck disable=SC2086 # words on purpose
		run "$COOLBPF" run $twice choice.bpf.c -d 100ms
		[ "$status" -eq 0 ]
		[[ $output == *"hook signal/signal_generate is taken"* ]]
		[[ $output == *"libbpf: "* ]]
	done
	run "$COOLBPF" run -vx choice.bpf.c
	assert_failed 2 "there is no option -x"
}

@test "-a says where a program goes" {
	cat >where.bpf.c <<-'END'
		#include "lbc.h"
		LBC_HASH(cbrun_calls, __u32, __u64, 16);
		SEC("uprobe") int cbrun_where(void *c)
		{
			__u32 key = 7;
			__u64 one = 1;
			bpf_map_update_elem(&cbrun_calls, &key, &one, BPF_ANY);
			return 0;
		}
		char LICENSE[] SEC("license") = "GPL";
	END
	run "$COOLBPF" run where.bpf.c -d 100ms
	assert_failed 1 "no program of where says where to attach"
	start where.bpf.c -a cbrun_where=libc:getppid -o json
	bash -c 'echo $PPID' >/dev/null
	python3 -c 'import os; os.getppid()'
	stop
	[ "$status" -eq 0 ]
	grep -q 7 out
}

@test "an iterator's text, once; also to a file" {
	cat >tasks.bpf.c <<-'END'
		#include "lbc.h"
		LBC_PARAM(__u32, pid, 0, "");
		SEC("iter/task") int cbrun_tasks(struct bpf_iter__task *ctx)
		{
			struct task_struct *t = ctx->task;
			if (t && t->pid == pid)
				BPF_SEQ_PRINTF(ctx->meta->seq, "%d %s\n", t->pid, t->comm);
			return 0;
		}
		char LICENSE[] SEC("license") = "GPL";
	END
	run --separate-stderr "$COOLBPF" run tasks.bpf.c --pid $$
	[ "$status" -eq 0 ]
	[ "$output" = "$$ $(cat /proc/$$/comm)" ]
	run --separate-stderr "$COOLBPF" run tasks.bpf.c --pid $$ -f file
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(cat file)" = "$$ $(cat /proc/$$/comm)" ]
	nothing_left
}

@test "events that were lost are counted and said" {
	dd if=/dev/zero of=/dev/null bs=1 count=100000000 2>/dev/null 3>&- &
	pids="$pids $!"
	mkfifo slow
	"$COOLBPF" run "$flood" --pid $! -o json -d 1s >slow 2>err 3>&- &
	running=$!
	pids="$pids $running"
	(sleep 1.5; cat) <slow >out
	finished
	[ "$status" -eq 0 ]
	grep -qE '^coolbpf: [0-9]+ events of cbflood_events were lost' err
	# what was printed and what was lost are all that the counter says: the last number seen is at most their sum
	lost=$(grep -oE '[0-9]+ events' err | awk '{ n += $1 } END { print n }')
	last=$(jq -s 'map(.seq) | max' out)
	[ "$last" -le $((lost + $(jq -s length out))) ]
	[ "$lost" -gt 0 ]
}

@test "several tools at once do not disturb each other" {
	start "$tool" --comm "$name" -o json --count 3
	first=$running
	mv out out1
	start "$tool" --comm "$name" --start 100 -o json --count 3
	work 3
	finished
	[ "$status" -eq 0 ]
	running=$first
	finished
	[ "$status" -eq 0 ]
	[ "$(jq -r 'select(.seq) | .seq' out1)" = "$(seq 1 3)" ]
	[ "$(jq -r 'select(.seq) | .seq' out)" = "$(seq 100 102)" ]
}

@test "tracepoints work where tracefs is not mounted, and none is left mounted" {
	need_command unshare
	cat >point.bpf.c <<-'END'
		#include "lbc.h"
		SEC("tp/sched/sched_process_exec") int cbrun_point(void *c) { return 0; }
		char LICENSE[] SEC("license") = "GPL";
	END
	# shellcheck disable=SC2016
	run unshare -m sh -c 'while umount /sys/kernel/tracing 2>/dev/null; do :; done
		while umount -l /sys/kernel/debug 2>/dev/null; do :; done
		"$COOLBPF" run point.bpf.c -d 100ms && ! grep -q " /sys/kernel/tracing " /proc/mounts'
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a bare name is a tool of COOLBPF_TOOLS; a file of that name goes before it" {
	cd "$BATS_TEST_TMPDIR"
	COOLBPF_TOOLS=$SRC/examples run "$COOLBPF" run hello --help
	[ "$status" -eq 0 ]
	[[ $output == *"run [OPTION ...] $SRC/examples/hello.bpf.c "* ]]
	echo nonsense >hello
	COOLBPF_TOOLS=$SRC/examples run "$COOLBPF" run hello --help
	[ "$status" -eq 1 ]
	[[ $output == *"hello is not an ELF object"* ]]
	run "$COOLBPF" run no_such_tool
	[ "$status" -eq 1 ]
	[[ $output == *"cannot open no_such_tool: No such file or directory"* ]]
}

@test "standard output keeps what it holds when the stacks go to a file" {
	cd "$BATS_TEST_TMPDIR"
	echo before >out
	"$COOLBPF" run -q -d 500ms -o folded -f stacks "$SRC/tools/profile.bpf.c" --idle >>out
	[ "$(cat out)" = before ]
	[ -s stacks ]
}

@test "--ready tells on a descriptor when the tool is attached, once, and closes it" {
	mkfifo ready
	"$COOLBPF" run --ready 9 "$tool" --comm "$name" -d 30s >out 2>err 9>ready 3>&- &
	running=$!
	pids="$pids $running"
	exec 8<ready
	# the pipe ends though the tool runs on
	[ "$(timeout 20 cat <&8)" = ready ]
	kill -0 "$running"
	# what happens from now on is seen
	wake_cpus
	work 1
	wait_for grep -q "$name" out
	stop INT
	[ "$status" -eq 0 ]
	nothing_left
}

@test "--ready on standard error leaves it open" {
	run --separate-stderr "$COOLBPF" run --ready 2 "$tool" -d 100ms
	[ "$status" -eq 0 ]
	[ "$stderr" = ready ]
}

@test "a tool that is refused never says that it is ready" {
	run "$COOLBPF" run --ready 9 no-such.bpf.o 9>ready
	[ "$status" -eq 1 ]
	[ ! -s ready ]
}
