#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The documentation names every tool with every option, and no tool or option that there is not.

load common

# names of a tool's parameters, in the order of the source
params() {
	sed -nE 's/^LBC_PARAM\([^,]+, ([a-z_]+),.*/\1/p' "$1"
}

# section FILE BEGIN NAME END: the lines between BEGIN NAME and the next BEGIN or END
section() {
	awk -v begin="$2" -v name="$3" -v end="$4" '
		index($0, begin) == 1 || (end != "" && index($0, end) == 1) { inside = $0 == begin name; next }
		inside' "$1"
}

@test "docs/tools.md: each tool has a section with its options and an example" {
	for tool in "$SRC"/tools/*.bpf.c; do
		name=$(basename "$tool" .bpf.c)
		text=$(section "$SRC/docs/tools.md" "## " "$name" "")
		[ -n "$text" ] || { echo "no section $name"; return 1; }
		grep -q "^    # coolbpf run tools/$name.bpf.c" <<<"$text"
		for option in $(params "$tool"); do
			grep -q -e "\`--$option\b" <<<"$text" || { echo "$name: --$option is not there"; return 1; }
		done
		for option in $(grep -o -e '`--[a-z_]*' <<<"$(grep -A9 '^Options:' <<<"$text")" | tr -d '`-'); do
			params "$tool" | grep -qx "$option" || { echo "$name has no --$option"; return 1; }
		done
	done
	equal "sections" "$(basename -s .bpf.c "$SRC"/tools/*.bpf.c | sort)" \
		"$(sed -n 's/^## //p' "$SRC/docs/tools.md" | sort)"
}

@test "coolbpf-tools(7): each tool has a section with its options" {
	page=$SRC/docs/man/coolbpf-tools.7
	for tool in "$SRC"/tools/*.bpf.c; do
		name=$(basename "$tool" .bpf.c)
		text=$(section "$page" ".Ss " "$name" ".Sh")
		[ -n "$text" ] || { echo "no section $name"; return 1; }
		equal "$name" "$(params "$tool" | sort)" "$(sed -nE 's/^\.It Fl -([a-z_]+).*/\1/p' <<<"$text" | sort)"
	done
}

@test "coolbpf-tools(7) is a clean page" {
	need_command mandoc
	run mandoc -T lint -W warning "$SRC/docs/man/coolbpf-tools.7"
	equal "warnings" "" "$output"
}

@test "each tool says what it is for" {
	for tool in "$SRC"/tools/*.bpf.c; do
		grep -q '^LBC_ABOUT("..*")' "$tool"
		[[ $(sed -n 1p "$tool") == "// SPDX-License-Identifier: GPL-2.0" ]]
	done
}
