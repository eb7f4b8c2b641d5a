#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# check.sh BUILD [TEST ...]: run the tests of a build directory (all, or those named) and sum them up. Exit status 0 only when none failed.
set -u
build=$1
shift

meson test -C "$build" --no-rebuild --print-errorlogs --num-processes "${JOBS:-$(nproc)}" "$@" </dev/null
runner=$?
python3 "$(dirname "$0")/report.py" "$build/meson-logs/testlog.json" "$runner"
