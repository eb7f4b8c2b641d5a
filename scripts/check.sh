#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# check.sh BUILD [TEST ...]: run the tests of a build directory (all, or those named) and sum them up. Exit status 0 only when none failed.
#
# Where tracefs or the BPF file system is not mounted, root's tests get them in a mount namespace of their own.
set -u
build=$1

if [ "$(id -u)" -eq 0 ] && [ -z "${COOLBPF_CHECK_MOUNTED-}" ] &&
	! { mountpoint -q /sys/kernel/tracing && mountpoint -q /sys/fs/bpf; }; then
	# shellcheck disable=SC2016 # for the other shell
	COOLBPF_CHECK_MOUNTED=1 exec unshare --mount --propagation slave sh -c '
		mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
		mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
		exec "$0" "$@"' "$0" "$@"
fi
shift

meson test -C "$build" --no-rebuild --print-errorlogs --num-processes "${JOBS:-$(nproc)}" "$@" </dev/null
runner=$?
python3 "$(dirname "$0")/report.py" "$build/meson-logs/testlog.json" "$runner"
