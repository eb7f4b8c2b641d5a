#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# demo.sh COOLBPF: live events of this machine in some ten seconds, from three small sources, with a little work in the
# background so that there is something to see.
set -eu
coolbpf=$1
cd "$(dirname "$0")/.."

if ! "$coolbpf" doctor >/dev/null; then
	"$coolbpf" doctor
	exit 1
fi

# show TITLE WORKLOAD ARGUMENTS...: run a tool while WORKLOAD runs; both end by themselves
show() {
	printf '\n--- %s\n$ coolbpf run' "$1"
	workload=$2
	shift 2
	for word; do
		case $word in
		*[!A-Za-z0-9_./=:-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	$workload >/dev/null 2>&1 &
	"$coolbpf" run "$@"
	wait $!
}

commands() {
	for _ in 1 2 3; do
		sleep 1
		uname -r
		ls /
	done
}

connections() {
	python3 - <<-'END'
		import socket, time
		server = socket.create_server(("::1", 0), family=socket.AF_INET6)
		for _ in range(3):
		    time.sleep(1)
		    for family, address in ((socket.AF_INET6, server.getsockname()[:2]), (socket.AF_INET, ("127.0.0.1", 9))):
		        with socket.socket(family) as s:
		            s.connect_ex(address)
	END
}

writes() {
	for _ in 1 2 3 4 5; do
		sleep 0.4
		dd if=/dev/zero of=/dev/null bs=4k count=500
		dd if=/dev/zero of=/dev/null bs=100 count=200
	done
}

show "each program that starts" commands examples/hello.bpf.c --duration 3500ms
show "each connection: durations, errors and addresses by their types" connections \
	examples/events.bpf.c --duration 3500ms
show "how large the writes of dd are" writes examples/histogram.bpf.c --duration 2500ms
cat <<'END'

More of these are in examples/ and tools/; "coolbpf run FILE --help" shows what each can do, "coolbpf doctor" what this
kernel offers.
END
