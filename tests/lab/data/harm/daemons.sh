#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
[ -e /lab.json ] || exit 1 # in a guest of the lab only
for i in 1 2 3 4 5; do
	(trap '' INT TERM HUP; setsid sh -c 'while :; do sleep 0.1; done' &) >/dev/null 2>&1 </dev/null
done
(setsid nc -l -p 4747 127.0.0.1 &) >/dev/null 2>&1 </dev/null
