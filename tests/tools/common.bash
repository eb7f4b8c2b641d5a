# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# common.bash - what the tests of tools/ share. $COOLBPF and $SRC come from meson; without it COOLBPF names the command.
#
# A test starts a tool in the background, does something of which it knows what the tool must say, ends the tool, and
# reads the tool's JSON from $out with jq. start_tool returns when the tool is attached; stop_tool when it has written all.

SRC=${SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
COOLBPF=${COOLBPF:-coolbpf}
inside=() # in front of the tool's command: "ip netns exec NAME"
pinned=() # in front of the workload's: "taskset -c 0"

# In setup_file: compile the tool and the workloads once for all tests of a file. Without what tools need, start_tool skips.
prepare() {
	local status=0

	export cannot_run=
	[ "$(id -u)" -eq 0 ] || cannot_run="needs root"
	"$COOLBPF" doctor >"$BATS_FILE_TMPDIR/doctor" 2>&1 || status=$?
	case $status in
	0) ;;
	1) cannot_run=${cannot_run:-"this kernel lets no BPF tool run (coolbpf doctor says why)"} ;;
	*)
		cat "$BATS_FILE_TMPDIR/doctor"
		return 1
		;;
	esac
	[ -z "$cannot_run" ] || return 0
	"$COOLBPF" build "$SRC/tools/$1.bpf.c" -o "$BATS_FILE_TMPDIR/$1.bpf.o"
	cc -g -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -o "$BATS_FILE_TMPDIR/workload" \
		"$SRC/tests/tools/workload.c"
}

# In setup, where it does more than a tool does.
need_tools() {
	[ -z "$cannot_run" ] || skip "$cannot_run"
}

need_command() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

# wait_until SECONDS COMMAND ...: until the command succeeds.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# has_become NAME PID: the shell's child has begun the program.
has_become() {
	[ "$(cat "/proc/$2/comm" 2>/dev/null)" = "$1" ]
}

# start_tool NAME [OPTION ...]. Descriptor 3 is bats' own, 7 the workload's input: whoever inherits them keeps them open.
start_tool() {
	local name=$1
	shift
	need_tools
	out=$BATS_TEST_TMPDIR/out
	log=$BATS_TEST_TMPDIR/log
	"${inside[@]}" "$COOLBPF" run -v -o "${format:-json}" -f "$out" "$BATS_FILE_TMPDIR/$name.bpf.o" "$@" \
		</dev/null >"$log" 2>&1 3>&- 7>&- &
	tool=$!
	wait_until 20 grep -q 'is running' "$log" || {
		cat "$log"
		return 1
	}
	# a CPU that sleeps may pass a tracepoint's old code for some milliseconds more, and even once after it wakes
	sleep 0.2
}

# Events may still be on their way through the kernel when the workload has ended.
stop_tool() {
	sleep 0.2
	kill -INT "$tool"
	wait "$tool" || {
		cat "$log"
		return 1
	}
	tool=
	! grep 'were lost' "$log"
}

# start_workload WHAT ...: returns when it waits for "go" and makes no system call more; it has done its work when
# "finished" returns, and ends with end_workload.
start_workload() {
	need_tools
	rm -f "$BATS_TEST_TMPDIR/stdin" "$BATS_TEST_TMPDIR/said"
	mkfifo "$BATS_TEST_TMPDIR/stdin"
	"${pinned[@]}" "$BATS_FILE_TMPDIR/workload" "$@" <"$BATS_TEST_TMPDIR/stdin" >"$BATS_TEST_TMPDIR/said" 3>&- &
	workload=$!
	exec 7>"$BATS_TEST_TMPDIR/stdin"
	wait_until 20 grep -qs '^waits' "$BATS_TEST_TMPDIR/said"
}

go() {
	echo >&7
}

finished() {
	wait_until 60 grep -q '^done' "$BATS_TEST_TMPDIR/said"
}

end_workload() {
	exec 7>&-
	wait "$workload"
	workload=
}

# In teardown: nothing stays, whatever failed.
clean_up() {
	local pid

	for pid in $tool $workload; do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	exec 7>&-
	return 0
}

# Nanoseconds that the workload did not run while it worked, by its own account.
off_cpu() {
	awk '$1 == "done" { print $2 - $3 }' "$BATS_TEST_TMPDIR/said"
}

# equal WHAT EXPECTED FOUND
equal() {
	[ "$2" = "$3" ] || {
		echo "$1: expected $2, found $3"
		[ ! -f "$out" ] || head -c 4000 "$out"
		return 1
	}
}

# between WHAT LOW HIGH FOUND: integers
between() {
	if [[ ! $4 =~ ^-?[0-9]+$ ]] || [ "$4" -lt "$2" ] || [ "$4" -gt "$3" ]; then
		echo "$1: expected $2 to $3, found $4"
		[ ! -f "$out" ] || head -c 4000 "$out"
		return 1
	fi
}

# strace's results as the tools write them: "= 3" is 3, "= -1 ENOENT (...)" is -ENOENT
results() {
	sed -E 's/ = -1 (E[A-Z0-9]+)( .*)?$/ = -\1/; s/ = (-?[0-9]+)( .*)?$/ = \1/' "$@"
}

# query JQ-PROGRAM: over all lines of the tool's output
query() {
	jq -rs "$1" "$out"
}
