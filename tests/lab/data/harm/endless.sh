# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
trap '' INT TERM HUP QUIT PIPE
while :; do
	:
done
