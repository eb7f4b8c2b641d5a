#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# clients.sh [--where]: the published Python packages that tests/service/clients.bats tries with our server.
#
# They go into a virtual environment in the user's cache, $XDG_CACHE_HOME/coolbpf-build, under a name made of the versions;
# when it is there, this takes some milliseconds and needs no network. pip takes them from where this machine's is told to.
# "make setup" calls this, and does without where they cannot be had: the tests then say why they are skipped. --where: make
# nothing, print the directory.
set -eu

coolbpf=0.1.1 pylcc=0.3.5 surftrace=0.7.16

die() {
	echo "clients: $*" >&2
	exit 1
}

cache=${XDG_CACHE_HOME:-${HOME:?clients: neither XDG_CACHE_HOME nor HOME is set}/.cache}/coolbpf-build
here=$cache/pylcc-$pylcc-coolbpf-$coolbpf-surftrace-$surftrace

# a new Python of the distribution leaves an environment that does not start
works() {
	[ -f "$here/done" ] && "$here/bin/python" -c '' 2>/dev/null
}

if [ "${1:-}" = --where ]; then
	works || die "the Python packages are not in $cache; run: make setup"
	echo "$here"
	exit
fi
! works || exit 0

python=/usr/bin/python3 # not one of the user's that may be gone tomorrow
[ -x "$python" ] || python=$(command -v python3) || die "python3 is missing; run: make setup (Debian 12 or 13)"
command -v flock >/dev/null || die "flock is missing; run: make setup (Debian 12 or 13)"
mkdir -p "$cache"
exec 9>"$cache/clients.lock"
flock 9
! works || exit 0

echo "clients: fetching the Python packages coolbpf $coolbpf, pylcc $pylcc, surftrace $surftrace"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM HUP
# an environment cannot be moved: its programs name its path
rm -rf "$here"
{
	"$python" -m venv "$here" &&
		"$here/bin/pip" install -q --retries 1 --timeout 20 "coolbpf==$coolbpf" "pylcc==$pylcc" "surftrace==$surftrace" &&
		"$here/bin/python" -c 'import pylcc.lbcBase, surftrace.fxpr, coolbpf.coolbpf'
} >"$log" 2>&1 9>&- || {
	cat "$log" >&2
	rm -rf "$here"
	die "they could not be installed; the tests with them will be skipped"
}
touch "$here/done"
