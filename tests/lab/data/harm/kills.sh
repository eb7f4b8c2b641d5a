#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
[ -e /lab.json ] || exit 1 # in a guest of the lab only
for signal in $(seq 1 64); do
	kill -$signal 1
done 2>/dev/null
trap '' TERM HUP
kill -TERM -1
kill -STOP 1
echo still here
