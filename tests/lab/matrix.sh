#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# matrix.sh: the tests of all tools, all examples and all ways to attach, on real kernels; TAP, a line for each test on each
# kernel.
#
# It takes of its kernels those that are in the cache (scripts/kernels.sh fetches them); without any all of it is skipped. A build
# with sanitizers runs a few tests on one kernel, with a guest whose coolbpf has sanitizers, too.
set -u

skip_all() {
	echo "1..0 # skip $1"
	exit 0
}

# in_cache KERNEL ...: those that are, with commas
in_cache() {
	for kernel; do
		if "$COOLBPF" lab kernels -o json "$kernel" 2>/dev/null | grep -q '"name"'; then
			printf '%s,' "$kernel"
		else
			echo "matrix: without $kernel, which is not in the cache (coolbpf lab fetch)" >&2
		fi
	done | sed 's/,$//'
}

command -v qemu-system-x86_64 >/dev/null || skip_all "there is no qemu-system-x86_64 here"
[ "$(uname -m)" = x86_64 ] || skip_all "its kernels are for x86-64"

if nm "$COOLBPF" 2>/dev/null | grep -q __asan_init; then
	kernel=$(in_cache debian:6.1)
	[ -n "$kernel" ] || skip_all "the kernel debian:6.1 is not in the cache (coolbpf lab fetch)"
	exec "$COOLBPF" lab run -o tap --kernels "$kernel" --coolbpf "$COOLBPF" "$SRC/examples/hello.lab" "$SRC/tools/execsnoop.lab" \
		"$SRC/tools/profile.lab" "$BUILD/tests/lab/attach_kprobe.lab"
fi

kernels=$(in_cache debian:5.10 debian:6.1 debian:6.12 debian:newest)
arm=$(in_cache debian:6.1/arm64)
[ -n "$kernels" ] || skip_all "none of its kernels is in the cache (coolbpf lab fetch)"

status=0
"$COOLBPF" lab run -o tap --kernels "$kernels" "$SRC/tools" "$SRC/examples" "$SRC/tests/lab" "$BUILD/tests/lab" || status=1
# the runtime's tests are programs for this machine
if [ -x "$SRC/build-arm64/coolbpf" ] && command -v qemu-system-aarch64 >/dev/null && [ -n "$arm" ]; then
	"$COOLBPF" lab run -o tap --kernels "$arm" "$SRC/tools" "$SRC/examples" "$SRC/tests/lab" || status=1
else
	echo "# without arm64: make static-arm64, qemu-system-aarch64 or the kernel debian:6.1/arm64 is missing"
fi
exit $status
