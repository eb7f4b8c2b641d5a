// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cmd_inspect.c - coolbpf inspect: what an object holds, without loading it. Needs no rights.
 *
 * Everything comes from coolbpf.h and libbpf's view of the object; text and JSON print the same facts.
 */
#include "cli/cli.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/type.h"
#include "cli/inspect.h"
#include "cli/json.h"
#include "cli/table.h"
#include "output/output.h"

static const char help[] = "Usage: coolbpf inspect [OPTION ...] FILE.bpf.o|FILE.bpf.c\n"
			   "\n"
			   "Show the programs, hooks, maps, parameters, events and sizes of an object.\n"
			   "\n"
			   "Options:\n"
			   "  -o, --output text|json  how to print (default: text)\n" CB_CLI_SOURCE_HELP
			   "  -h, --help              show this text\n";

static const char *dash(const char *text)
{
	return *text ? text : "-";
}

static const char *program_type(const struct bpf_program *prog)
{
	const char *type = libbpf_bpf_prog_type_str(bpf_program__type(prog));

	return type ? type : "unknown";
}

static const char *map_type(const struct coolbpf_map *m)
{
	const char *type = libbpf_bpf_map_type_str(m->type);

	return type ? type : "unknown";
}

/* The type's name, or its size where the object does not say a type. */
static const char *key_or_value(const struct coolbpf *cb, uint32_t type_id, uint32_t bytes, char *out, size_t size)
{
	if (type_id)
		return cb_btf_type_name(coolbpf_btf(cb), type_id, out, size);
	if (bytes)
		snprintf(out, size, "%u bytes", bytes);
	else
		snprintf(out, size, "-");
	return out;
}

static uint64_t round8(uint64_t n)
{
	return (n + 7) / 8 * 8;
}

/* Bytes of the data that a full map holds; the kernel's own bookkeeping comes on top. */
static uint64_t map_bytes(const struct coolbpf_map *m)
{
	uint64_t copies = 1;

	if (m->type == BPF_MAP_TYPE_RINGBUF)
		return m->max_entries;
	if (m->percpu && libbpf_num_possible_cpus() > 0)
		copies = (uint64_t)libbpf_num_possible_cpus();
	if (m->type == BPF_MAP_TYPE_ARRAY || m->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return m->max_entries * copies * round8(m->value_size);
	return m->max_entries * (round8(m->key_size) + copies * round8(m->value_size));
}

static uint32_t btf_bytes(const struct coolbpf *cb)
{
	uint32_t size = 0;

	btf__raw_data(coolbpf_btf(cb), &size);
	return size;
}

static size_t instructions(const struct coolbpf *cb)
{
	struct coolbpf_program p;
	size_t sum = 0;

	for (size_t i = 0; !coolbpf_program_get(cb, i, &p); i++)
		sum += bpf_program__insn_cnt(p.prog);
	return sum;
}

/* NULL when the object does not say what the map carries. */
static struct cb_plan *event_plan(const struct coolbpf *cb, const struct coolbpf_event_map *m)
{
	return m->type_id ? cb_plan_new(coolbpf_btf(cb), m->type_id, "value", NULL, NULL) : NULL;
}

/* ---- Text ------------------------------------------------------------------------------------------------------- */

static void text_programs(const struct coolbpf *cb)
{
	static const char *const titles[] = {"PROGRAM", "TYPE", "HOOK", "GROUP", ">INSNS", NULL};
	struct cb_table t = {.titles = titles};
	struct coolbpf_program p;

	for (size_t i = 0; !coolbpf_program_get(cb, i, &p); i++) {
		cb_table_cell(&t, "%s", p.name);
		cb_table_cell(&t, "%s", program_type(p.prog));
		cb_table_cell(&t, "%s", p.section);
		cb_table_cell(&t, "%s", dash(p.group));
		cb_table_cell(&t, "%zu", bpf_program__insn_cnt(p.prog));
	}
	putchar('\n');
	cb_table_print(&t);
}

static void text_maps(const struct coolbpf *cb)
{
	static const char *const titles[] = {"MAP", "TYPE", "KEY", "VALUE", ">ENTRIES", ">BYTES", "SHOW", NULL};
	struct cb_table t = {.titles = titles};
	struct coolbpf_map m;
	char type[128];

	for (size_t i = 0; !coolbpf_map_get(cb, i, &m); i++) {
		if (m.internal)
			continue;
		cb_table_cell(&t, "%s", m.name);
		cb_table_cell(&t, "%s", map_type(&m));
		cb_table_cell(&t, "%s", key_or_value(cb, m.key_type_id, m.key_size, type, sizeof(type)));
		cb_table_cell(&t, "%s", key_or_value(cb, m.value_type_id, m.value_size, type, sizeof(type)));
		cb_table_cell(&t, "%u", m.max_entries);
		cb_table_cell(&t, "%llu", (unsigned long long)map_bytes(&m));
		cb_table_cell(&t, "%s", *m.show ? m.show : *m.hist ? m.hist : "-");
	}
	if (!t.count)
		return;
	putchar('\n');
	cb_table_print(&t);
}

static void text_params(struct coolbpf *cb)
{
	static const char *const titles[] = {"PARAMETER", "TYPE", "DEFAULT", "MEANING", NULL};
	struct cb_table t = {.titles = titles};
	struct coolbpf_param p;

	for (size_t i = 0; !coolbpf_param_get(cb, i, &p); i++) {
		cb_table_cell(&t, "--%s", p.name);
		cb_table_cell(&t, "%s", p.type);
		cb_table_cell(&t, "%s", dash(p.value));
		cb_table_cell(&t, "%s", p.help);
	}
	if (!t.count)
		return;
	putchar('\n');
	cb_table_print(&t);
}

static void text_events(struct coolbpf *cb)
{
	static const char *const titles[] = {"EVENTS", "TYPE", "FIELD", "FIELD TYPE", NULL};
	struct cb_table t = {.titles = titles};
	struct coolbpf_event_map m;
	char type[128];

	for (size_t i = 0; !coolbpf_event_map_get(cb, i, &m); i++) {
		struct cb_plan *plan = event_plan(cb, &m);

		key_or_value(cb, m.type_id, 0, type, sizeof(type));
		for (size_t f = 0; f < (plan ? cb_plan_fields(plan) : 1); f++) {
			cb_table_cell(&t, "%s", f ? "" : m.map);
			cb_table_cell(&t, "%s", f ? "" : type);
			cb_table_cell(&t, "%s", plan ? cb_plan_field_name(plan, f) : "-");
			cb_table_cell(&t, "%s", plan ? cb_plan_field_type(plan, f) : "-");
		}
		cb_plan_free(plan);
	}
	if (!t.count)
		return;
	putchar('\n');
	cb_table_print(&t);
}

static void print_text(struct coolbpf *cb)
{
	size_t size;

	coolbpf_object_data(cb, &size);
	printf("%s%s%s\n", coolbpf_name(cb), *coolbpf_about(cb) ? ": " : "", coolbpf_about(cb));
	printf("%zu bytes, of which BTF %u; %zu instructions in %zu programs\n", size, btf_bytes(cb), instructions(cb),
	       coolbpf_program_count(cb));
	text_programs(cb);
	text_maps(cb);
	text_params(cb);
	text_events(cb);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void json_type(struct cb_json *j, const char *key, const struct coolbpf *cb, uint32_t type_id)
{
	char type[128];

	if (type_id)
		cb_json_text(j, key, cb_btf_type_name(coolbpf_btf(cb), type_id, type, sizeof(type)));
	else
		cb_json_null(j, key);
}

static void json_programs(struct cb_json *j, const struct coolbpf *cb)
{
	struct coolbpf_program p;

	cb_json_open(j, "programs", '[');
	for (size_t i = 0; !coolbpf_program_get(cb, i, &p); i++) {
		cb_json_open(j, NULL, '{');
		cb_json_text(j, "name", p.name);
		cb_json_text(j, "type", program_type(p.prog));
		cb_json_text(j, "section", p.section);
		cb_json_text(j, "group", p.group);
		cb_json_u64(j, "instructions", bpf_program__insn_cnt(p.prog));
		cb_json_close(j, '}');
	}
	cb_json_close(j, ']');
}

static void json_maps(struct cb_json *j, const struct coolbpf *cb)
{
	struct coolbpf_map m;

	cb_json_open(j, "maps", '[');
	for (size_t i = 0; !coolbpf_map_get(cb, i, &m); i++) {
		cb_json_open(j, NULL, '{');
		cb_json_text(j, "name", m.name);
		cb_json_text(j, "type", map_type(&m));
		json_type(j, "key", cb, m.key_type_id);
		json_type(j, "value", cb, m.value_type_id);
		cb_json_u64(j, "key_size", m.key_size);
		cb_json_u64(j, "value_size", m.value_size);
		cb_json_u64(j, "max_entries", m.max_entries);
		cb_json_u64(j, "bytes", map_bytes(&m));
		cb_json_text(j, "show", m.show);
		cb_json_text(j, "hist", m.hist);
		cb_json_bool(j, "internal", m.internal);
		cb_json_close(j, '}');
	}
	cb_json_close(j, ']');
}

static void json_params(struct cb_json *j, struct coolbpf *cb)
{
	struct coolbpf_param p;

	cb_json_open(j, "params", '[');
	for (size_t i = 0; !coolbpf_param_get(cb, i, &p); i++) {
		cb_json_open(j, NULL, '{');
		cb_json_text(j, "name", p.name);
		cb_json_text(j, "type", p.type);
		cb_json_text(j, "default", p.value);
		cb_json_text(j, "help", p.help);
		cb_json_close(j, '}');
	}
	cb_json_close(j, ']');
}

static void json_events(struct cb_json *j, struct coolbpf *cb)
{
	struct coolbpf_event_map m;

	cb_json_open(j, "events", '[');
	for (size_t i = 0; !coolbpf_event_map_get(cb, i, &m); i++) {
		struct cb_plan *plan = event_plan(cb, &m);

		cb_json_open(j, NULL, '{');
		cb_json_text(j, "map", m.map);
		json_type(j, "type", cb, m.type_id);
		cb_json_open(j, "fields", '[');
		for (size_t f = 0; plan && f < cb_plan_fields(plan); f++) {
			cb_json_open(j, NULL, '{');
			cb_json_text(j, "name", cb_plan_field_name(plan, f));
			cb_json_text(j, "type", cb_plan_field_type(plan, f));
			cb_json_close(j, '}');
		}
		cb_json_close(j, ']');
		cb_json_close(j, '}');
		cb_plan_free(plan);
	}
	cb_json_close(j, ']');
}

void cb_inspect_json(struct coolbpf *cb, struct cb_buf *out)
{
	struct cb_json j = {.out = out};
	size_t size;

	coolbpf_object_data(cb, &size);
	cb_json_open(&j, NULL, '{');
	cb_json_text(&j, "name", coolbpf_name(cb));
	cb_json_text(&j, "about", coolbpf_about(cb));
	cb_json_u64(&j, "bytes", size);
	cb_json_u64(&j, "btf_bytes", btf_bytes(cb));
	cb_json_u64(&j, "instructions", instructions(cb));
	json_programs(&j, cb);
	json_maps(&j, cb);
	json_params(&j, cb);
	json_events(&j, cb);
	cb_json_close(&j, '}');
}

static int print_json(struct coolbpf *cb)
{
	struct cb_buf out = {0};
	bool failed;

	cb_inspect_json(cb, &out);
	puts(cb_buf_cstr(&out));
	failed = out.failed;
	cb_buf_free(&out);
	return failed ? cb_cli_fail("out of memory") : CB_CLI_OK;
}

/* ---- The command ------------------------------------------------------------------------------------------------ */

static int inspect(const struct coolbpf_opts *opts, const char *path, bool json)
{
	struct coolbpf *cb = coolbpf_new(opts);
	int status = CB_CLI_OK;

	if (!cb)
		return cb_cli_fail("out of memory");
	if (coolbpf_open_file(cb, path))
		status = cb_cli_fail("%s", coolbpf_errmsg(cb));
	else if (json)
		status = print_json(cb);
	else
		print_text(cb);
	coolbpf_free(cb);
	return status;
}

int cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, CB_CLI_SOURCE_LONG, {0}};
	struct cb_cli_source source;
	int opt, status = -1;
	bool json = false;

	cb_cli_source_init(&source);
	opterr = 0;
	while (status < 0 && (opt = getopt_long(argc, argv, ":o:h" CB_CLI_SOURCE_SHORT, options, NULL)) != -1) {
		int taken = cb_cli_source_option(&source, opt, optarg);

		if (taken < 0) {
			status = cb_cli_fail("out of memory");
		} else if (taken) {
			continue;
		} else if (opt == 'h') {
			fputs(help, stdout);
			status = CB_CLI_OK;
		} else if (opt != 'o') {
			status = cb_cli_bad_option("inspect", opt, argv);
		} else if (!strcmp(optarg, "json") || !strcmp(optarg, "text")) {
			json = !strcmp(optarg, "json");
		} else {
			status = cb_cli_usage("inspect", "-o takes text or json, not \"%s\"", optarg);
		}
	}
	if (status < 0 && argc - optind != 1)
		status = cb_cli_usage("inspect", argc == optind ? "which file?" : "one file at a time");
	if (status < 0)
		status = inspect(&source.opts, argv[optind], json);
	cb_cli_source_free(&source);
	return status;
}
