#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
[ -e /lab.json ] || exit 1 # in a guest of the lab only
trap '' INT TERM HUP QUIT PIPE
while :; do
	:
done
