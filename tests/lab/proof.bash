# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# proof.bash - runs of the lab that many tests look into: boots cost seconds, so that a file's setup_file() does them all, and each
# of its tests reads what was reported.

load ../cli/common

data="$SRC/tests/lab/data"

# Those of these kernels that are in the cache, as a list for --kernels. Without any of them, or without qemu, the tests are skipped.
kernels_of() {
	need_command qemu-system-x86_64
	need_command jq
	local there wanted=
	there=$("$COOLBPF" lab kernels -o json 2>/dev/null | jq -r '.[].name')
	for name; do
		grep -qx "$name" <<<"$there" && wanted=$wanted,$name
	done
	kernels=${wanted#,}
	[ -n "$kernels" ] || skip "none of these kernels is in the cache: $* (coolbpf lab fetch gets them)"
}

# lab NAME ARGUMENT ...: a run, whose report becomes NAME.json, what it says NAME.said, and its exit status NAME.status.
lab() {
	local name=$BATS_FILE_TMPDIR/$1 status=0
	shift
	mkdir -p "$name.tmp"
	TMPDIR=$name.tmp "$COOLBPF" lab run -o json "$@" >"$name.json" 2>"$name.said" 3>&- || status=$?
	echo "$status" >"$name.status"
}

# need_run KERNEL: it was in the cache, and stands in a report.
need_run() {
	cat "$BATS_FILE_TMPDIR"/*.json | jq -es "any(.[].kernels[]; .name == \"$1\")" >/dev/null ||
		skip "$1 is not in the cache (coolbpf lab fetch $1)"
}

# told TEST KERNEL WANTED [PATTERN ...]: the verdict (pass, skip, or the kind of failure) is WANTED, and each pattern is found in the
# reason or the details.
told() {
	local test=$1 kernel=$2 wanted=$3 cell
	shift 3
	need_run "$kernel"
	cell=$(cat "$BATS_FILE_TMPDIR"/*.json | jq -s "[.[].results[] | select(.test == \"$test\" and .kernel == \"$kernel\")][0]")
	[ "$(jq -r '.failure // .verdict' <<<"$cell")" = "$wanted" ] || { echo "$cell"; return 1; }
	for pattern; do
		# shellcheck disable=SC2053 # a pattern
		[[ $(jq -r '.reason, (.notes[] | .title, .text)' <<<"$cell") == *$pattern* ]] ||
			{ echo "not in it: $pattern"; echo "$cell"; return 1; }
	done
}

# boots KERNEL NAME: how often it was booted in that run, without boots that failed for the emulator's sake.
boots() {
	jq ".kernels[] | select(.name == \"$1\") | .boots - .retried" "$BATS_FILE_TMPDIR/$2.json"
}

# Of no run a file is left.
nothing_is_left() {
	[ -z "$(find "$BATS_FILE_TMPDIR"/*.tmp -mindepth 1)" ] || { find "$BATS_FILE_TMPDIR"/*.tmp; return 1; }
}
