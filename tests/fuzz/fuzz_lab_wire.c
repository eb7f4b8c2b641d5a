// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fuzz_lab_wire.c - what comes over a guest's serial port; and the file that tells the agent of its jobs. */
#include <stdlib.h>
#include <string.h>

#include "lab/plan.h"
#include "lab/wire.h"

struct seen {
	size_t frames, text;
};

/* What was read can be written, and is then the same. */
static void on_frame(void *ctx, json_t *message)
{
	struct cb_buf again = {0};
	struct seen *s = ctx;

	s->frames++;
	if (!json_is_object(message))
		abort();
	/* one with many escapes may be longer in ASCII than a line */
	cb_wire_frame(&again, message);
	cb_buf_free(&again);
}

static void on_text(void *ctx, const char *line, size_t len)
{
	struct seen *s = ctx;

	s->text += len;
	if (!len || memchr(line, '\n', len))
		abort();
}

static struct seen read_all(const uint8_t *data, size_t size, size_t step)
{
	struct seen s = {0};
	struct cb_wire w = {.frame = on_frame, .text = on_text, .ctx = &s};

	for (size_t i = 0; i < size; i += step)
		cb_wire_feed(&w, data + i, i + step < size ? step : size - i);
	cb_wire_end(&w);
	cb_wire_free(&w);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = read_all(data, size, size ? size : 1), bytes = read_all(data, size, 1);
	struct cb_lab_plan plan;

	/* however it comes */
	if (whole.frames != bytes.frames || whole.text != bytes.text || whole.text > size)
		abort();
	if (!cb_lab_plan_read(&plan, (const char *)data, size, NULL))
		cb_lab_plan_free(&plan);
	return 0;
}
