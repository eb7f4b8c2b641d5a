#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# shellcheck disable=SC2154,SC2030,SC2031 # set in run.bash, each test in a shell of its own
# coolbpf run: how it ends - by a signal, by an output that takes no more - and that nothing of it stays.

load run

setup_file() {
	build_tools
}

# Two programs have odd numbers, one an even one.
final_map() {
	grep -A3 '^cbrun_counts' out | awk '$1 == 1 && $2 == 2' | grep -q . &&
		grep -A3 '^cbrun_counts' out | awk '$1 == 0 && $2 == 1' | grep -q .
}

@test "SIGINT detaches, prints the final maps, and the exit status is 0" {
	start "$tool" --comm "$name"
	work 3
	wait_for lines out 4
	run ! grep -q cbrun_counts out
	stop INT
	[ "$status" -eq 0 ]
	final_map
	nothing_left
}

@test "SIGTERM does the same" {
	start "$tool" --comm "$name"
	work 3
	wait_for lines out 4
	stop TERM
	[ "$status" -eq 0 ]
	final_map
	nothing_left
}

@test "SIGHUP does the same" {
	start "$tool" --comm "$name"
	work 3
	wait_for lines out 4
	stop HUP
	[ "$status" -eq 0 ]
	final_map
	nothing_left
}

@test "events that came just before the signal are printed" {
	for _ in 1 2 3 4 5; do
		rm -f work
		start "$tool" --comm "$name" -o json
		work 4
		stop INT
		[ "$(jq -r 'select(.seq) | .pid' out)" = "$(cat work)" ]
	done
}

@test "a signal ends it in the middle of a flood" {
	dd if=/dev/zero of=/dev/null bs=1 count=1000000000 2>/dev/null 3>&- &
	pids="$pids $!"
	for signal in INT TERM; do
		start "$flood" --pid $! -o json -f /dev/null
		sleep 0.3
		stop $signal
		[ "$status" -eq 0 ]
	done
	nothing_left
}

@test "--duration ends it in the middle of a flood" {
	dd if=/dev/zero of=/dev/null bs=1 count=1000000000 2>/dev/null 3>&- &
	pids="$pids $!"
	start "$flood" --pid $! -o json -f /dev/null -d 500ms
	finished
	[ "$status" -eq 0 ]
}

@test "a pipe that closes is said, and is a failure" {
	dd if=/dev/zero of=/dev/null bs=1 count=1000000000 2>/dev/null 3>&- &
	pids="$pids $!"
	for format in json table csv; do
		{ status=0; timeout 20 "$COOLBPF" run "$flood" --pid $! -o $format 2>err || status=$?; echo "$status" >status; } |
			head -1 >first
		output=$(cat err)
		status=$(cat status)
		assert_failed 1 "Broken pipe"
		lines first 1
	done
	nothing_left
}

@test "a full disk is said, names the file, and leaves whole lines" {
	tiny_disk full
	dd if=/dev/zero of=/dev/null bs=1 count=1000000000 2>/dev/null 3>&- &
	pids="$pids $!"
	run timeout 20 "$COOLBPF" run "$flood" --pid $! -o json -f full/out
	assert_failed 1 "full/out"
	[[ $output == *"No space left on device"* ]]
	[ -s full/out ]
	[ "$(tail -c 1 full/out | od -An -c | tr -d ' ')" = '\n' ]
	jq -e .seq full/out >/dev/null
	nothing_left
}

@test "a full disk, for a flame graph that is written at the end" {
	tiny_disk full
	head -c 20000 /dev/zero >full/filler 2>/dev/null || true
	cat >stack.bpf.c <<-'END'
		#include "lbc.h"
		struct where { lbc_ustack_t ustack; __u32 tgid; };
		LBC_STACK(cbrun_stacks, 1024);
		LBC_HASH(cbrun_where, struct where, __u64, 1024);
		LBC_SHOW(cbrun_where, "stacks");
		LBC_ATTACH("cpu-clock,freq=200")
		SEC("perf_event") int cbrun_sample(struct bpf_perf_event_data *ctx)
		{
			struct where w = {.ustack = bpf_get_stackid(ctx, &cbrun_stacks, USER_STACKID_FLAGS),
					  .tgid = bpf_get_current_pid_tgid() >> 32};
			__u64 one = 1, *n = bpf_map_lookup_elem(&cbrun_where, &w);
			if (n)
				*n += 1;
			else
				bpf_map_update_elem(&cbrun_where, &w, &one, BPF_ANY);
			return 0;
		}
		char LICENSE[] SEC("license") = "GPL";
	END
	dd if=/dev/zero of=/dev/null bs=1 count=1000000000 2>/dev/null 3>&- &
	pids="$pids $!"
	run timeout 20 "$COOLBPF" run stack.bpf.c -d 300ms -o svg -f full/out.svg
	assert_failed 1 "full/out.svg"
	# no half of a picture, and no temporary file
	[ "$(ls -A full)" = filler ]
	nothing_left
}

@test "an output that cannot be opened is said before anything is loaded" {
	run "$COOLBPF" run "$tool" -f /no/such/directory/out
	assert_failed 1 "/no/such/directory/out"
	run "$COOLBPF" run "$tool" -f .
	assert_failed 1 "."
	nothing_left
}

@test "a closed standard output is a failure, not a file of somebody else's" {
	cat >exec.bpf.c <<-'END'
		#include "lbc.h"
		LBC_EVENTS(cbrun_events, __u32, 65536);
		SEC("raw_tp/sched_process_exec") int cbrun_exec(void *c)
		{
			__u32 pid = 0;
			lbc_emit(c, cbrun_events, &pid);
			return 0;
		}
		char LICENSE[] SEC("license") = "GPL";
	END
	"$COOLBPF" build exec.bpf.c
	"$COOLBPF" run -v exec.bpf.o >&- 2>err 3>&- &
	running=$!
	wait_for grep -q "is running" err
	type -P true | sh
	finished
	output=$(cat err)
	assert_failed 1 "Bad file descriptor"
	run bash -c '"$COOLBPF" run "'"$tool"'" --help >&-'
	assert_failed 1 "cannot write to standard output"
	nothing_left
}

@test "killed without a chance to clean up, it leaves nothing either" {
	start "$tool" --comm "$name"
	kill -9 "$running"
	wait "$running" || true
	nothing_left
}
