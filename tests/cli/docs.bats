#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The manual says what the code does: nothing is missing from it, its examples compile, its references lead somewhere.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	man=$SRC/docs/man
}

# A page as a reader sees it, without line breaks.
page() {
	mandoc -T utf8 -O width=1000 "$man/$1" 2>/dev/null | col -bx
}

# missing_from PAGE: those of the words on standard input, one a line, that are not in the page
missing_from() {
	page "$1" | grep -oE '[A-Za-z_-][A-Za-z0-9_.-]*' | sed 's/\.*$//' | sort -u >"words of $1"
	sort -u | grep -vxF -f "words of $1" | tee /dev/stderr
}

# examples FILE: write each example of a page or of README.md that has a name to a file of that name
examples() {
	case $1 in
	*.md) awk '/^<!-- example: /{name = $3; next} /^```$/{name = ""; on = 0} on{print >name} /^```c$/ && name{on = 1}' "$1" ;;
	*) awk '/^\.\\" example: /{name = $3; next} /^\.Ed/{name = ""; on = 0} on{print >name} /^\.Bd -literal/ && name{on = 1}' "$1" ;;
	esac
	for f in *.c; do
		sed -i 's/^\\&//; s/\\e/\\/g' "$f"
	done
}

@test "mandoc warns of nothing in any page" {
	need_command mandoc
	for p in "$man"/*; do
		mandoc -T lint -W warning "$p" 2>/dev/null
	done
	[ -f "$man/coolbpf.1" ]
}

@test "references to our own pages and links in README.md lead somewhere" {
	sed -n 's/^\.Xr \([a-z-]*coolbpf[a-z-]*\) \([1-8]\).*/\1.\2/p' "$man"/* | sort -u >pages
	grep -qx coolbpf-run.1 pages
	while read -r p; do
		[ -f "$man/$p" ] || { echo "no page: $p"; return 1; }
	done <pages
	grep -oE '\]\([^)#]+\)' "$SRC/README.md" | tr -d '])(' | grep -v '^http' >links
	[ -s links ]
	while read -r l; do
		[ -e "$SRC/$l" ] || { echo "README.md links to $l"; return 1; }
	done <links
}

@test "every option that a command's help lists is in its page" {
	for c in run build inspect doctor serve keygen; do
		"$COOLBPF" $c --help | sed -n 's/^ *\(-.*\)$/\1/p' | grep -oE '(^| )(--[a-z][a-z-]+|-[A-Za-z])' | tr -d ' ' >options
		grep -qx -e --help options
		[ -z "$(missing_from coolbpf-$c.1 <options)" ]
	done
	for c in run fetch kernels module; do
		"$COOLBPF" lab $c --help | sed -n 's/^ *\(-.*\)$/\1/p' | grep -oE '(^| )(--[a-z][a-z-]+|-[A-Za-z])' | tr -d ' ' >options
		grep -qx -e --help options
		[ -z "$(missing_from coolbpf-lab.1 <options)" ]
	done
}

@test "every directive of .lab files, every kind of failure and every member of the JSON report is in coolbpf-lab.1" {
	sed -n '/^} directives\[\] = {/,/^};/p' "$SRC/src/lab/spec.c" | grep -oE '\{"[a-z-]+"' | tr -d '{"' >directives
	grep -qx no-ebpf directives
	[ -z "$(missing_from coolbpf-lab.1 <directives)" ]
	sed -n 's/.*\[CB_LAB_WHY_[A-Z_]*\] = "\(.*[a-z]\)",/\1/p' "$SRC/src/lab/result.c" >kinds
	grep -qx 'load refused' kinds
	while read -r k; do
		page coolbpf-lab.1 | grep -q "$k" || { echo "not in coolbpf-lab.1: $k"; return 1; }
	done <kinds
	grep -oE '\b(text|number|truth|seconds|open_bracket)\(out, "[a-z_]+"' "$SRC/src/lab/report_json.c" | grep -oE '"[a-z_]+"' | tr -d '"' >members
	grep -qx boot_seconds members
	[ -z "$(missing_from coolbpf-lab.1 <members)" ]
}

@test "the tests in coolbpf-lab.1 are read as they are" {
	awk '/^\.\\" example: .*\.lab/{name = $3; next} /^\.Ed/{name = ""; on = 0} on{print >name} /^\.Bd -literal/ && name{on = 1}' "$man/coolbpf-lab.1"
	for f in first.lab counts.lab; do
		[ -s $f ]
		COOLBPF_CACHE=$PWD/none run "$COOLBPF" lab run $f
		[[ $output == *"there are no kernels yet"* ]] || { echo "$f: $output"; return 1; }
	done
}

@test "every command is in coolbpf.1, and every environment variable that the code reads" {
	"$COOLBPF" help | sed -n 's/^  \([a-z]*\)  .*/\1/p' >commands
	grep -qx run commands
	[ -z "$(missing_from coolbpf.1 <commands)" ]
	grep -rhoE 'getenv\("[A-Z_]+"\)' "$SRC/src" | grep -oE '[A-Z_]+' >variables
	grep -qx BPF_CUSTOM_BTF variables
	[ -z "$(grep -vx HOME variables | missing_from coolbpf.1)" ]
}

@test "every function of coolbpf.h is in libcoolbpf.3 with its arguments" {
	gcc -E -P -D_Bool=bool "$SRC/include/coolbpf/coolbpf.h" | tr '\n' ' ' | tr ';' '\n' |
		grep -oE '[a-z_ ]+[ *]+coolbpf_[a-z_]+\(.*\)' | grep -v typedef | tr -d ' ' | sed 's/\<_Bool\>/bool/g' >functions
	[ "$(wc -l <functions)" -eq "$(sed -n '/global:/,/local:/s/^\tcoolbpf/&/p' "$SRC/src/coolbpf.map" | wc -l)" ]
	page libcoolbpf.3 | tr -d ' \n' >flat
	while IFS= read -r f; do
		grep -qF -e "$f" flat || { echo "not in libcoolbpf.3: $f"; return 1; }
	done <functions
}

@test "every macro and display type of lbc.h is in coolbpf-lbc.7" {
	grep -oE '^#define (LBC_[A-Z0-9_]+|lbc_[a-z0-9_]+)' "$SRC/include/coolbpf/lbc.h" | sed 's/#define //' | grep -v '^lbc_swap' >names
	sed -n 's/^typedef .* \(lbc_[a-z0-9_]*\)[[;].*/\1/p; s/^} .*\(lbc_[a-z0-9_]*\);.*/\1/p' "$SRC/include/coolbpf/lbc.h" >>names
	for n in LBC_PARAM LBC_EVENTS lbc_emit lbc_ns_t lbc_comm_t lbc_ipv6_t; do
		grep -qx $n names
	done
	[ -z "$(missing_from coolbpf-lbc.7 <names)" ]
}

@test "every kind of section and every perf event that the runtime knows is in coolbpf-lbc.7" {
	sed -n '/kinds\[\] = {/,/^};/s/^\t{"\([^"]*\)", attach_.*/\1/p' "$SRC/src/runtime/target.c" | sed 's/\..$//; s/\.frags$//' >words
	grep -qx kprobe words
	sed -n 's/^\t{"\([^"]*\)", PERF_TYPE.*/\1/p' "$SRC/src/runtime/target.c" >>words
	grep -qx cycles words
	[ -z "$(missing_from coolbpf-lbc.7 <words)" ]
}

@test "the examples of the manual and of README.md compile without a warning" {
	for p in "$man"/* "$SRC/README.md"; do
		examples "$p"
	done
	for f in hello.bpf.c sizes.bpf.c old.bpf.c program.c events.c maps.c stack.c; do
		[ -s $f ] || { echo "not found: $f"; return 1; }
	done
	for f in *.bpf.c; do
		run "$COOLBPF" build "$f"
		[ "$status" -eq 0 ] && [ -z "$output" ] || { echo "$f: $output"; return 1; }
	done
	"$COOLBPF" build hello.bpf.c --skeleton hello.h
	for f in *.c; do
		[[ $f != *.bpf.c ]] || continue
		gcc -std=c11 -Wall -Wextra -Werror -I"$SRC/include" -fsyntax-only "$f"
	done
}

@test "the examples of the manual run" {
	need_bpf
	examples "$man/coolbpf.1"
	examples "$man/coolbpf-lbc.7"
	# the others want kprobes
	for f in hello sizes reserve attach; do
		run "$COOLBPF" run $f.bpf.c --duration 100ms
		[ "$status" -eq 0 ] || { echo "$f: $output"; return 1; }
	done
}

@test "a program of the manual works" {
	need_bpf
	examples "$man/coolbpf.1"
	examples "$man/libcoolbpf.3"
	"$COOLBPF" build hello.bpf.c
	# shellcheck disable=SC2046 # words on purpose
	gcc -I"$SRC/include" events.c "$BUILD/src/libcoolbpf.a" $(static_libs) -lm $(san_flags) -o program
	./program >out 2>err 3>&- &
	# it catches SIGINT, the second bit, once it is attached
	until [ $((0x0$(awk '$1 == "SigCgt:" { print $2 }' /proc/$!/status) & 2)) -ne 0 ]; do
		kill -0 $!
		sleep 0.05
	done
	for _ in 1 2 3; do
		/bin/true
		sleep 0.1
	done
	kill -INT $!
	/bin/true # ends a wait that began just before the signal
	wait $!
	[ ! -s err ]
	grep -qx '[0-9]* true' out
}

@test "every tool is in README.md and in coolbpf-tools.7" {
	for t in "$SRC"/tools/*.bpf.c; do
		basename "$t" .bpf.c
	done >tools
	[ -z "$(missing_from coolbpf-tools.7 <tools)" ]
	while read -r t; do
		grep -q "$t" "$SRC/README.md" || { echo "not in README.md: $t"; return 1; }
	done <tools
}
