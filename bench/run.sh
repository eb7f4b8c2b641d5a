#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# run.sh [load|compile|lab] [--runs N] [--json] [--check]: build a release of its own in build-bench, and measure what loading and
# reading cost (bench.c), what compiling costs (compile.py), what guests cost (lab.py), or all of it.
set -eu
cd "$(dirname "$0")/.."
build=${BENCH_BUILD:-build-bench}
part=all
case "${1:-}" in
load | compile | lab)
	part=$1
	shift
	;;
esac

[ -f "$build/build.ninja" ] || meson setup -Dbuildtype=release "$build" >/dev/null
ninja -C "$build" src/cli/coolbpf bench/bench bench/marker bench/ring_coolbpf bench/peer_execsnoop bench/peer_ring \
	bench/execsnoop.bpf.o bench/ring.bpf.o bench/slice >"$build/bench.log" 2>&1 || {
	cat "$build/bench.log" >&2
	exit 1
}
status=0
wants() {
	[ "$part" = all ] || [ "$part" = "$1" ]
}
if wants load; then "$build/bench/bench" "$@" || status=1; fi
if wants compile; then python3 bench/compile.py "$build" "$@" || status=1; fi
if wants lab; then python3 bench/lab.py "$build" "$@" || status=1; fi
exit $status
