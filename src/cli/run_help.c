// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* run_help.c - the help of "coolbpf run", and of a tool: its parameters, events and maps. */
#include <stdio.h>
#include <string.h>

#include "cli/run.h"

void cb_run_usage(void)
{
	fputs("Usage: coolbpf run [OPTION ...] FILE.bpf.c|FILE.bpf.o|TOOL [--NAME VALUE ...]\n"
	      "\n"
	      "Load a tool, attach it, print its events, and its maps at the end. Ctrl-C ends it. A TOOL is the name "
	      "of one that\n"
	      "is installed (execsnoop) or stands in $COOLBPF_TOOLS.\n"
	      "\n"
	      "  -o, --output FORMAT     table (default), json, csv; folded or svg for stacks\n"
	      "  -f, --file FILE         write to FILE instead of standard output\n"
	      "  -d, --duration TIME     end after this time (10s, 500ms; a number alone counts seconds)\n"
	      "  -i, --interval TIME     print the maps every so often\n"
	      "  -n, --count N           end after N events\n"
	      "      --filter EXPR       only events that match, as in 'pid == 42 && comm ~ \"ngi*\"'\n"
	      "      --ready FD          write a line to this file descriptor and close it when the tool is attached\n"
	      "  -p, --param NAME=VALUE  a parameter of the tool; --NAME VALUE behind FILE is the same\n"
	      "  -a, --attach PROG=WHERE where to attach one of its programs\n" CB_CLI_SOURCE_HELP
	      "  -v, --verbose           say which hooks were taken and why; twice: what libbpf says\n"
	      "  -q, --quiet             no messages but errors\n"
	      "  -h, --help              this text; with a FILE also the tool's own options and events\n",
	      stdout);
}

static void print_params(struct coolbpf *cb)
{
	struct coolbpf_param p;
	int width = 0;

	for (size_t i = 0; !coolbpf_param_get(cb, i, &p); i++) {
		int n = (int)(strlen(p.name) + strlen(p.type));

		width = n > width ? n : width;
	}
	for (size_t i = 0; !coolbpf_param_get(cb, i, &p); i++) {
		if (!i)
			printf("\nOptions:\n");
		printf("  --%s %s%*s  %s (default: %s)\n", p.name, p.type,
		       width - (int)(strlen(p.name) + strlen(p.type)), "", p.help, *p.value ? p.value : "\"\"");
	}
}

static void print_fields(struct coolbpf *cb, uint32_t type_id, const char *name)
{
	struct cb_plan *plan = cb_plan_new(coolbpf_btf(cb), type_id, name, NULL, NULL);
	int width = 0;

	for (size_t i = 0; plan && i < cb_plan_fields(plan); i++) {
		int n = (int)strlen(cb_plan_field_name(plan, i));

		width = n > width ? n : width;
	}
	for (size_t i = 0; plan && i < cb_plan_fields(plan); i++)
		printf("  %-*s  %s\n", width, cb_plan_field_name(plan, i), cb_plan_field_type(plan, i));
	cb_plan_free(plan);
}

void cb_run_tool_help(const struct run_args *a, struct coolbpf *cb)
{
	struct coolbpf_event_map ev;
	struct coolbpf_map m;

	printf("Usage: coolbpf run [OPTION ...] %s [--NAME VALUE ...]\n", a->file);
	if (*coolbpf_about(cb))
		printf("\n%s\n", coolbpf_about(cb));
	print_params(cb);
	for (size_t i = 0; !coolbpf_event_map_get(cb, i, &ev); i++) {
		printf("\nEvents (%s):\n", ev.map);
		if (ev.type_id)
			print_fields(cb, ev.type_id, ev.map);
	}
	for (size_t i = 0, shown = 0; !coolbpf_map_get(cb, i, &m); i++)
		if (*m.show || *m.hist)
			printf("%s  %s  %s\n", shown++ ? "" : "\nMaps shown:\n", m.name,
			       *m.show ? m.show : "histogram");
	printf("\n\"coolbpf run --help\" lists the options of every tool.\n");
}
