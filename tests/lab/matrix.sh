#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# matrix.sh: the tests of all tools, all examples and all ways to attach, on real kernels; TAP, a line for each test on each
# kernel.
#
# Kernels that are not in the cache are fetched; where that cannot be, those that are there must do, and without any all of it
# is skipped. A build with sanitizers runs a few tests on one kernel, with a guest whose coolbpf has sanitizers, too.
set -u
kernels="debian:5.10 debian:6.1 debian:6.12 debian:newest"
arm=debian:6.1/arm64

skip_all() {
	echo "1..0 # skip $1"
	exit 0
}

command -v qemu-system-x86_64 >/dev/null || skip_all "there is no qemu-system-x86_64 here"
[ "$(uname -m)" = x86_64 ] || skip_all "its kernels are for x86-64"

if nm "$COOLBPF" 2>/dev/null | grep -q __asan_init; then
	"$COOLBPF" lab fetch debian:6.1 >&2 || skip_all "the kernel debian:6.1 is neither in the cache nor to be had"
	exec "$COOLBPF" lab run -o tap --kernels debian:6.1 --coolbpf "$COOLBPF" "$SRC/examples/hello.lab" "$SRC/tools/execsnoop.lab" \
		"$SRC/tools/profile.lab" "$BUILD/tests/lab/attach_kprobe.lab"
fi

# shellcheck disable=SC2086 # words
"$COOLBPF" lab fetch $kernels >&2 || {
	there=
	for kernel in $kernels; do
		"$COOLBPF" lab kernels -o json "$kernel" 2>/dev/null | grep -q '"name"' && there="$there $kernel"
	done
	kernels=${there# }
}
[ -n "$kernels" ] || skip_all "no kernel is in the cache, and none is to be had"

# run_tests ARGUMENT ...: where a guest crashed, all once more, which is told: in an emulator of many threads a kernel that patches its
# own code may meet the old one (seen once in some thousand tests, on 7.3). A tool that crashes a kernel does so again.
run_tests() {
	"$COOLBPF" lab run -o tap "$@" >"$out" && { cat "$out"; return 0; }
	if ! grep -qE '^# +(crash|guest hang): ' "$out"; then
		cat "$out"
		return 1
	fi
	sed -nE 's/^# +(crash|guest hang): /# run again, for a guest was lost: /p' "$out"
	"$COOLBPF" lab run -o tap "$@"
}

out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
run_tests --kernels "$(echo "$kernels" | tr ' ' ',')" "$SRC/tools" "$SRC/examples" "$SRC/tests/lab/doctor.lab" \
	"$BUILD/tests/lab" || status=1
# the runtime's tests are programs for this machine
if [ -x "$SRC/build-arm64/coolbpf" ] && command -v qemu-system-aarch64 >/dev/null && "$COOLBPF" lab fetch "$arm" >&2; then
	run_tests --kernels "$arm" "$SRC/tools" "$SRC/examples" "$SRC/tests/lab/doctor.lab" || status=1
else
	echo "# without arm64: make static-arm64, qemu-system-aarch64 or the kernel $arm is missing"
fi
exit $status
