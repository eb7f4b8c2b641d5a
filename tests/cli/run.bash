# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# shellcheck disable=SC2034 # for the tests that load this
# run.bash - what the tests of "coolbpf run" share: a tool in the background, work for it, and proof that nothing is left.
bats_require_minimum_version 1.5.0
load common

# Objects of the tools in data/, built once for each file of tests.
build_tools() {
	need_bpf
	for tool in run flood; do
		"$COOLBPF" build "$SRC/tests/cli/data/$tool.bpf.c" -o "$BATS_FILE_TMPDIR/$tool.bpf.o"
	done
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir tmp
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	tool=$BATS_FILE_TMPDIR/run.bpf.o
	flood=$BATS_FILE_TMPDIR/flood.bpf.o
	# as long as a task's name may be, and nobody else's
	name=cbw$BATS_TEST_NUMBER-$$
	name=${name:0:15}
	pids=
}

teardown() {
	for pid in $pids; do
		kill -9 "$pid" 2>/dev/null
	done
	umount -q "$BATS_TEST_TMPDIR/full" 2>/dev/null || true
}

# A CPU that sleeps may pass a tracepoint's old code for some milliseconds more, and even once after it wakes.
wake_cpus() {
	for cpu in $(seq 0 $(($(nproc) - 1))); do
		taskset -c "$cpu" true || true # it may be another's
	done
}

# start ARGUMENT ...: "coolbpf run" in the background, its output in out and err, its process id in $running. Returns when
# the tool is attached.
start() {
	rm -f out err
	"$COOLBPF" run -v "$@" >out 2>err 3>&- &
	running=$!
	pids="$pids $running"
	for _ in $(seq 1200); do
		grep -qs "is running" err && sleep 0.2 && wake_cpus && return
		kill -0 "$running" 2>/dev/null || break
		sleep 0.05
	done
	echo "it does not run: $(cat err)"
	return 1
}

# stop [SIGNAL]: end it, and leave its exit status in $status.
stop() {
	kill -"${1:-INT}" "$running"
	finished
}

# Wait until it has ended by itself, for a minute at most.
finished() {
	status=0
	for _ in $(seq 1200); do
		kill -0 "$running" 2>/dev/null || break
		sleep 0.05
	done
	kill -9 "$running" 2>/dev/null && echo "it did not end: $(tail -5 err)"
	wait "$running" || status=$?
}

# work N: start N programs of the name $name, one after the other; their process ids go to the file "work".
work() {
	[ -e "$name" ] || cp "$(type -P true)" "$name"
	for _ in $(seq "$1"); do
		"./$name" 3>&- &
		echo $! >>work
		wait $!
	done
}

# wait_for COMMAND ...: until it succeeds, for a minute at most.
wait_for() {
	for _ in $(seq 1200); do
		"$@" && return
		sleep 0.05
	done
	echo "in vain: $*"
	return 1
}

lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

has_no() {
	! bpftool -j "$1" list 2>/dev/null | jq -e --arg n "$2" '.[] | select((.name // "") | startswith($n))' >/dev/null
}

# No program and no map of the tools above, and no temporary file.
nothing_left() {
	for n in cbrun cbflood; do
		wait_for has_no prog $n
		wait_for has_no map $n
	done
	[ -z "$(ls -A "$TMPDIR")" ] || { echo "left behind: $(ls -A "$TMPDIR")"; return 1; }
}
