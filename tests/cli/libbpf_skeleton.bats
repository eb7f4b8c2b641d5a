#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf build --format skel: a header for libbpf, with the interface that bpftool's has.

load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	cat >vars.h <<-'END'
		enum color { RED, BLUE = 5 };
		struct pair { int a; long long b; };
	END
	cat >vars.bpf.c <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "vars.h"
		const volatile int wanted = 7;
		const volatile char text[10] = "hello";
		const volatile enum color color = BLUE;
		const volatile struct pair pair = {1, 2};
		static volatile int hidden = 3;
		int count = 5;
		char small = 1;
		long long wide = 9;
		long long seen;
		struct { int x; struct { short y[3]; }; } anonymous;
		const int cold SEC(".rodata.cold") = 11;
		struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__type(key, int);
			__type(value, long long);
		} results SEC(".maps");
		SEC("raw_tracepoint/sys_enter") int on_enter(void *ctx)
		{
			int zero = 0;
			long long *r = bpf_map_lookup_elem(&results, &zero);

			hidden++;
			small += anonymous.x + anonymous.y[0];
			count += wanted + cold + text[0] + color + pair.a;
			if (r)
				*r = wide;
			seen++;
			return 0;
		}
		SEC("raw_tracepoint/sys_exit") int on_exit(void *ctx) { return 0; }
		char LICENSE[] SEC("license") = "GPL";
	END
	"$COOLBPF" build vars.bpf.c
	"$COOLBPF" build --format skel vars.bpf.c
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	made=$BATS_FILE_TMPDIR/vars.skel.h
	include="-I$BATS_FILE_TMPDIR $(pkg-config --cflags libbpf)"
}

# interface FILE: the struct of a skeleton and what its functions are, in one form
interface() {
	# shellcheck disable=SC2086
	gcc -E -P -D__attribute__\(x\)= $include "$1" | tr -s ' \t\n' ' ' |
		grep -oE 'struct vars_bpf \{ struct bpf_object_skeleton.*\} \*(bss|data|rodata_cold); \};|static (inline )?[a-z_ ]+[ *]+vars_bpf__[a-z_]+ ?\([^)]*\)' |
		sed 's/^static //; s/^inline //; s/ \([*;(]\)/\1/g; s/[*] */*/g; s/\([({]\) */\1/g' | sort -u
}

@test "struct, members and functions are those of bpftool's" {
	need_command bpftool
	bpftool gen skeleton "$BATS_FILE_TMPDIR/vars.bpf.o" >theirs.h 2>/dev/null
	interface "$made" >ours
	interface theirs.h >theirs
	grep -q "vars_bpf__open_opts" ours
	grep -q "rodata_cold" ours
	[ "$(grep -c 'vars_bpf__' ours)" -ge 10 ]
	diff ours theirs
}

@test "what libbpf is told is what bpftool's tells it" {
	need_command bpftool
	bpftool gen skeleton "$BATS_FILE_TMPDIR/vars.bpf.o" 2>/dev/null | grep -E '^\ts->(maps|progs)\[|_cnt = ' | sort >theirs
	grep -E '^\ts->(maps|progs)\[|_cnt = ' "$made" | sort | diff - theirs
	[ -s theirs ]
}

@test "it compiles as C and as C++, without a warning, also when nothing of it is used" {
	for header in vars.h "vars.skel.h"; do
		printf '#include "%s"\n' $header
	done >empty.c
	cp empty.c empty.cc
	for cc in gcc clang; do
		# shellcheck disable=SC2086
		$cc -std=gnu11 -Wall -Wextra -Werror -include stdbool.h $include -c empty.c -o empty.o
	done
	need_command g++
	# shellcheck disable=SC2086
	g++ -std=c++17 -Wall -Wextra -Werror $include -c empty.cc -o empty.o
}

@test "a type of the user's that is another does not compile" {
	cat >wrong.c <<-'END'
		enum color { RED };
		struct pair { int a; };
		#include "vars.skel.h"
	END
	# shellcheck disable=SC2086
	run gcc $include -c wrong.c -o wrong.o
	[ "$status" -ne 0 ]
	[[ $output == *"pair has another size"* ]]
}

@test "of an object it is made, too, and is the same" {
	cp "$BATS_FILE_TMPDIR/vars.bpf.o" .
	"$COOLBPF" build --format skel vars.bpf.o -o object.h
	cmp object.h "$made"
	"$COOLBPF" build --format skel "$SRC/tests/cli/data/plain.bpf.c" -o /dev/stdout | grep -q "struct plain_bpf {"
}

@test "a program with it opens, sets, loads, attaches, reads" {
	need_bpf
	cat >program.c <<-'END'
		#include <bpf/bpf.h>
		#include <stdio.h>
		#include <string.h>
		#include <unistd.h>
		#include "vars.h"
		#include "vars.skel.h"

		int main(void)
		{
			struct vars_bpf *s = vars_bpf__open();
			long long result = 0;
			size_t size;
			int zero = 0;

			if (!s)
				return 1;
			printf("%d %s %d %lld %d %d %lld %d\n", s->rodata->wanted, s->rodata->text, s->rodata->color, s->rodata->pair.b,
			       s->rodata_cold->cold, s->data->count, s->data->wide, s->data->small);
			*(int *)&s->rodata->wanted = 100;
			s->data->wide = 4711;
			if (bpf_map__set_max_entries(s->maps.results, 2) || vars_bpf__load(s))
				return 2;
			if (vars_bpf__attach(s) || !s->links.on_enter || !s->links.on_exit)
				return 3;
			getppid();
			if (bpf_map_lookup_elem(bpf_map__fd(s->maps.results), &zero, &result))
				return 4;
			printf("%lld %d\n", result, s->bss->seen > 0 && s->data->count >= 5 + 100);
			printf("%s %d\n", bpf_program__name(s->progs.on_exit), !memcmp(vars_bpf__elf_bytes(&size), "\177ELF", 4));
			vars_bpf__detach(s);
			vars_bpf__destroy(s);
			vars_bpf__destroy(NULL);
			s = vars_bpf__open_and_load();
			vars_bpf__destroy(s);
			return !s;
		}
	END
	# shellcheck disable=SC2046,SC2086
	gcc -Wall -Wextra -Werror $include program.c $(pkg-config --libs libbpf) -o program
	run ./program
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "7 hello 5 2 11 5 9 1" ]
	[ "${lines[1]}" = "4711 1" ]
	[ "${lines[2]}" = "on_exit 1" ]
}

@test "every tool has one" {
	for t in "$SRC"/tools/*.bpf.c; do
		"$COOLBPF" build --format skel "$t"
	done
	[ "$(find . -name '*.skel.h' | wc -l)" -eq "$(find "$SRC/tools" -name '*.bpf.c' | wc -l)" ]
}
