#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# run.sh [--runs N] [--json] [--check]: build a release of its own in build-bench, and measure; bench.c says what.
set -eu
cd "$(dirname "$0")/.."
build=${BENCH_BUILD:-build-bench}

[ -f "$build/build.ninja" ] || meson setup -Dbuildtype=release "$build" >/dev/null
ninja -C "$build" src/cli/coolbpf bench/bench bench/marker bench/ring_coolbpf bench/peer_execsnoop bench/peer_ring \
	bench/execsnoop.bpf.o bench/ring.bpf.o >"$build/bench.log" 2>&1 || {
	cat "$build/bench.log" >&2
	exit 1
}
exec "$build/bench/bench" "$@"
