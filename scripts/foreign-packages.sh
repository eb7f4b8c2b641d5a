#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# foreign-packages.sh ARCH DIR PACKAGE...: unpack these packages of another architecture, and all that they depend on, into DIR.
#
# Nothing is installed and the machine's dpkg and apt stay as they are: apt-get runs as a program, for that architecture
# alone, with its state and its cache in a directory that is gone afterwards. The packages come from where this machine takes
# Debian's, and are verified as always: the signatures by the machine's keys, the files by their hashes.
set -eu
arch=$1 to=$2
shift 2

die() {
	echo "foreign-packages: $*" >&2
	exit 1
}

for tool in apt-get dpkg-deb; do
	command -v $tool >/dev/null || die "$tool is missing; this needs Debian 12 or 13"
done
work=$(mktemp -d "$to-work-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$to"
: >"$work/status" # dpkg's: nothing is there, so that all dependencies come

# shellcheck disable=SC2016 # apt's own variables
apt-get indextargets --format '$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
	sed -n 's/^Debian|//p' | awk '!seen[$0]++' >"$work/sources.list"
[ -s "$work/sources.list" ] || die "apt knows no place of Debian's packages; run: apt-get update"

# apt DOES-WHAT ARGUMENT...
apt() {
	what=$1
	shift
	apt-get -q -o APT::Architecture="$arch" -o APT::Architectures::="$arch" -o APT::Sandbox::User="$(id -un)" \
		-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$work/state" \
		-o Dir::State::lists="$work/state/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
		-o Acquire::Languages=none "$@" >"$work/log" 2>&1 </dev/null || {
		tail -n 20 "$work/log" >&2
		die "apt-get cannot $what"
	}
}
apt "fetch the lists of packages for $arch" update
apt "fetch packages for $arch" install --yes --no-install-recommends --download-only "$@"
for package in "$work"/cache/archives/*.deb; do
	dpkg-deb -x "$package" "$to" || die "$package cannot be unpacked"
	rm "$package"
done
