// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * output_json.c - how many records a second one core formats as JSON lines into a file.
 *
 *	output_json [FILE] [RECORDS]
 *
 * The record is that of a typical tool: a time, two numbers, a task's name, a file's name, a duration, an enum. The
 * records come from 8 MiB of memory, more than the caches near the core hold, as they would from a ring buffer. Reading
 * a real ring buffer costs some ten nanoseconds more per record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "output/output.h"

struct record {
	uint64_t ts;
	uint32_t pid, uid;
	char comm[16];
	char file[64];
	uint64_t took;
	uint32_t mode;
	int32_t ret;
};

enum { ROUND = 8 << 20, DEFAULT_RECORDS = 10000000 };

static int record_type(struct btf *btf)
{
	int u32 = btf__add_int(btf, "unsigned int", 4, 0), u64 = btf__add_int(btf, "unsigned long long", 8, 0);
	int chr = btf__add_int(btf, "char", 1, BTF_INT_SIGNED), s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int comm = btf__add_typedef(btf, "lbc_comm_t", btf__add_array(btf, u32, chr, 16));
	int file = btf__add_array(btf, u32, chr, 64), ns = btf__add_typedef(btf, "lbc_ns_t", u64);
	int time = btf__add_typedef(btf, "lbc_time_t", u64), mode, id;

	mode = btf__add_enum(btf, "mode", 4);
	btf__add_enum_value(btf, "READ", 0);
	btf__add_enum_value(btf, "WRITE", 1);
	btf__add_enum_value(btf, "READ_WRITE", 2);
	id = btf__add_struct(btf, "record", sizeof(struct record));
	btf__add_field(btf, "ts", time, 0, 0);
	btf__add_field(btf, "pid", u32, 8 * 8, 0);
	btf__add_field(btf, "uid", u32, 12 * 8, 0);
	btf__add_field(btf, "comm", comm, 16 * 8, 0);
	btf__add_field(btf, "file", file, 32 * 8, 0);
	btf__add_field(btf, "took", ns, 96 * 8, 0);
	btf__add_field(btf, "mode", mode, 104 * 8, 0);
	btf__add_field(btf, "ret", s32, 108 * 8, 0);
	return id;
}

static struct record *make_records(size_t n)
{
	static const char *const comms[] = {"nginx", "postgres", "kworker/0:1", "systemd-journal"};
	struct record *r = calloc(n, sizeof(*r));

	for (size_t i = 0; r && i < n; i++) {
		r[i] = (struct record){
			.ts = 86400000000000 + i * 1237,
			.pid = (uint32_t)(i * 7919 % 4194304),
			.uid = i % 3 ? 1000 : 0,
			.took = (uint64_t)(i * 2654435761u % 100000000),
			.mode = i % 3,
			.ret = i % 10 ? (int32_t)(i % 100) : -2,
		};
		snprintf(r[i].comm, sizeof(r[i].comm), "%s", comms[i % 4]);
		snprintf(r[i].file, sizeof(r[i].file), "/var/lib/postgresql/15/main/base/%zu/%zu", i % 100, i);
	}
	return r;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/null";
	size_t n = argc > 2 ? strtoull(argv[2], NULL, 0) : DEFAULT_RECORDS, round = ROUND / sizeof(struct record);
	struct btf *btf = btf__new_empty();
	struct record *records = make_records(round);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct timespec start, end;
	struct cb_err e = {0};
	struct cb_plan *plan;
	struct cb_printer *printer;
	double seconds;
	off_t bytes;

	if (!btf || !records || fd < 0) {
		perror(path);
		return 1;
	}
	plan = cb_plan_new(btf, (uint32_t)record_type(btf), "record", NULL, &e);
	printer = plan ? cb_printer_new(plan, CB_JSON, fd, "record", false, &e) : NULL;
	if (!printer) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (size_t i = 0, k = 0; i < n; i++, k = k + 1 == round ? 0 : k + 1) {
		if (cb_printer_record(printer, &records[k], &e)) {
			fprintf(stderr, "%s\n", e.text);
			return 1;
		}
	}
	if (cb_printer_flush(printer, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	bytes = lseek(fd, 0, SEEK_CUR);
	printf("%.2f million records/s, %.0f ns/record, %.0f bytes/record (CPU time, to %s)\n",
	       (double)n / seconds / 1e6, seconds / (double)n * 1e9, (double)bytes / (double)n, path);
	cb_printer_free(printer);
	cb_plan_free(plan);
	btf__free(btf);
	free(records);
	close(fd);
	return 0;
}
