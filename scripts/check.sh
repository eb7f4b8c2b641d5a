#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# check.sh BUILD: run every test of a build directory and sum them up. Exit status 0 only when none failed.
set -u
build=$1

meson test -C "$build" --no-rebuild --print-errorlogs --num-processes "${JOBS:-$(nproc)}" </dev/null
runner=$?
python3 "$(dirname "$0")/report.py" "$build/meson-logs/testlog.json" "$runner"
