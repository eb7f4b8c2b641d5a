// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_object.c - an object with anything in it is refused, or can be looked at: nothing is loaded, so no rights are
 * needed. libbpf is at work too, and believes more of a file than it should: what it cannot bear must be refused before.
 * Reads what strangers send.
 *
 * The seeds (tests/fuzz/seeds/object) are small objects as clang and libbpf's linker write them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "coolbpf/coolbpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

/* Every text and number that the object gives is read once. */
static size_t look(struct coolbpf *cb)
{
	struct coolbpf_event_map events;
	struct coolbpf_program program;
	struct coolbpf_param param;
	struct coolbpf_map map;
	size_t sum = length(coolbpf_name(cb)) + length(coolbpf_about(cb));

	for (size_t i = 0; !coolbpf_program_get(cb, i, &program); i++)
		sum += length(program.name) + length(program.section) + length(program.group);
	for (size_t i = 0; !coolbpf_param_get(cb, i, &param); i++) {
		sum += length(param.name) + length(param.help) + length(param.type) + length(param.value);
		coolbpf_param_set(cb, param.name, param.value);
	}
	for (size_t i = 0; !coolbpf_event_map_get(cb, i, &events); i++)
		sum += length(events.map);
	for (size_t i = 0; !coolbpf_map_get(cb, i, &map); i++)
		sum += length(map.name) + length(map.show) + length(map.hist);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* no BTF of a kernel: opening must not depend on the machine */
	const struct coolbpf_opts opts = {.sz = sizeof(opts), .btf_path = "/dev/null"};
	struct coolbpf *cb = coolbpf_new(&opts);

	if (!cb)
		abort();
	if (!coolbpf_open_memory(cb, data, size, "fuzz.bpf.o"))
		look(cb);
	else if (!length(coolbpf_errmsg(cb)))
		abort();
	coolbpf_free(cb);
	return 0;
}
