#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf build --skeleton: the header compiles as C and C++, without warnings, and a program made with it works.

load common

setup_file() {
	"$COOLBPF" build "$sample_source" --skeleton "$BATS_FILE_TMPDIR/sample.h"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	header=$BATS_FILE_TMPDIR/sample.h
	warnings="-Wall -Wextra -Wpedantic -Werror"
	include="-I$SRC/include -I$BATS_FILE_TMPDIR"
}

@test "only the header is written" {
	[ "$(ls -A "$BATS_FILE_TMPDIR")" = sample.h ]
}

@test "with -o the object is written too, and is what the header holds" {
	"$COOLBPF" build "$sample_source" --skeleton s.h -o sample.bpf.o
	cat >dump.c <<-'END'
		#include "s.h"
		#include <stdio.h>
		int main(void) { return fwrite(sample_object, 1, sizeof(sample_object), stdout) != sizeof(sample_object); }
	END
	# shellcheck disable=SC2086 # words on purpose
	gcc -std=c11 $include dump.c -o dump -Wl,--unresolved-symbols=ignore-all
	LD_BIND_NOW= ./dump | cmp - sample.bpf.o
}

@test "it compiles as C11 with gcc and clang, also when nothing of it is used" {
	echo '#include "sample.h"' >empty.c
	for cc in gcc clang; do
		# shellcheck disable=SC2086
		$cc -std=c11 $warnings $include -c empty.c -o empty.o
	done
}

@test "it compiles as C++17" {
	need_command g++
	echo '#include "sample.h"' >empty.cc
	# shellcheck disable=SC2086 # anonymous structs are C11, and an extension of every C++ compiler
	g++ -std=c++17 -Wall -Wextra -Werror $include -c empty.cc -o empty.o
}

@test "two skeletons and the system's headers stand side by side" {
	sed 's/struct event/struct other/' "$sample_source" >second.bpf.c
	"$COOLBPF" build second.bpf.c --skeleton second.h
	cat >both.c <<-'END'
		#include <linux/types.h>
		#include <netinet/in.h>
		#include <netinet/tcp.h>
		#include "sample.h"
		#include "second.h"
	END
	# shellcheck disable=SC2086
	gcc -std=gnu11 -Wall -Wextra -Werror $include -c both.c -o both.o
}

@test "names that are no C identifiers are made ones" {
	cp "$sample_source" 2-odd.name.bpf.c
	"$COOLBPF" build 2-odd.name.bpf.c --skeleton odd.h
	grep -q 'struct _2_odd_name \*_2_odd_name_new(' odd.h
	echo '#include "odd.h"' >odd.c
	# shellcheck disable=SC2086
	gcc -std=c11 $warnings $include -c odd.c -o odd.o
}

@test "the layout is the program's" {
	cat >layout.c <<-'END'
		#include "sample.h"
		#include <stddef.h>
		_Static_assert(sizeof(struct sample_odd) == 9, "packed");
		_Static_assert(offsetof(struct sample_event, comm) == 16, "");
		_Static_assert(offsetof(struct sample_event, address) == 32, "");
		_Static_assert(offsetof(struct sample_event, odd) == 60, "");
		_Static_assert(_Generic(((struct sample_event *)0)->latency, uint64_t : 1, default : 0), "");
		_Static_assert(_Generic(((struct sample_event *)0)->flag, bool : 1, default : 0), "");
		_Static_assert(sample_MODE_ROOT == 7, "");
	END
	# shellcheck disable=SC2086
	gcc -std=c11 $warnings $include -c layout.c -o layout.o
}

@test "a program sets parameters, and gets typed events" {
	need_bpf
	cat >program.c <<-'END'
		#include "sample.h"
		#include <stdio.h>
		#include <string.h>
		#include <unistd.h>

		static int on_event(void *ctx, const struct sample_event *e)
		{
			if (!strcmp(e->comm, "cool-true") && !*(int *)ctx)
				printf("%llu %d %d %d %d %d %llx %u %u %d %c %d\n", (unsigned long long)e->latency, e->mode, e->flag,
				       e->address[15], e->port, e->inner.b, (unsigned long long)e->odd.wide, e->three_bits,
				       e->five_bits, e->array[2], e->text[0], e->deep),
					*(int *)ctx = 1;
			return 0;
		}

		static int on_number(void *ctx, const uint64_t *n)
		{
			*(uint64_t *)ctx = *n;
			return 0;
		}

		int main(int argc, char **argv)
		{
			struct sample *s = sample_new(NULL);
			uint64_t number = 0;
			int seen = 0;

			if (!s || argc != 2)
				return 2;
			if (sample_open(s) || sample_set_min(s, 12345) || sample_set_mode(s, sample_MODE_ALL) ||
			    sample_set_on(s, false) || sample_set_comm(s, "x") || sample_set_number(s, 4711) ||
			    sample_on_events(s, on_event, &seen) || sample_on_numbers(s, on_number, &number) ||
			    sample_load(s) || sample_attach(s)) {
				fprintf(stderr, "%s\n", sample_errmsg(s));
				return 1;
			}
			/* other programs that begin make events, too; and a CPU that slept may miss its first */
			for (int i = 0; !(seen && number); i++) {
				if (i % 100 == 0 && !fork())
					execl(argv[1], argv[1], (char *)NULL);
				if (sample_poll(s, 50) < 0)
					return 3;
			}
			printf("%llu\n", (unsigned long long)number);
			if (sample_set_min(s, 1) >= 0 || !*sample_errmsg(s))
				return 4; /* too late to set */
			sample_free(s);
			sample_free(NULL);
			return 0;
		}
	END
	# shellcheck disable=SC2046,SC2086
	gcc -std=gnu11 $warnings $include program.c "$BUILD/src/libcoolbpf.a" $(san_flags) \
		$(static_libs) -lm -o program
	cp /bin/true cool-true
	run timeout 20 ./program ./cool-true
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "12345 0 0 1 80 -3 1122334455667788 5 17 9 x -1" ]
	[ "${lines[1]}" = 4711 ]
}
