// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * svg.c - a flame graph: one SVG file that needs nothing else.
 *
 * Each frame is a box, as wide as its share of all samples, standing on its caller; the outermost frame is at the bottom.
 * Stacks are sorted by frames, so that equal ones lie side by side and become one box. A frame's place on the x axis
 * says nothing else.
 *
 * The boxes are drawn here, with a <title> that browsers show on hover; flame.js, which stands in the file too, zooms on
 * a click and searches. Without scripts the picture is still complete.
 *
 * Colours come from a hash of the name, so that a function looks the same in every picture. Their hue tells user code
 * (red to yellow), kernel (blue), inlined functions (green) apart.
 *
 * Names come from traced programs: they are escaped as XML (quotes too), bytes that XML 1.0 does not allow are replaced.
 * None of them goes into the script's own text: it reads them from the picture.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hmap.h"
#include "output/plan.h"
#include "output/stacks.h"

enum {
	WIDTH = 1200,
	MARGIN = 10,
	ROW = 17, /* height of a frame with the gap above it */
	TOP = 56, /* room for title and search */
	BOTTOM = 34,
	DEPTH_MAX = 1024,
};

/* pixels that a character of the 12-pixel monospaced font takes at most; flame.js has the same */
static const double CHARACTER = 7.25;
/* boxes that are thinner than this are not drawn: they cannot be seen, and there may be very many */
static const double THIN = 0.1;

struct box {
	const char *name;
	size_t len;
	uint64_t start, end; /* in weight */
};

struct picture {
	uint64_t total;
	unsigned depth; /* of the deepest stack */
	const char *unit;
	struct cb_buf *out;
};

static const char flame_js[] =
#include "output/flame.inc"
	;

/* ---- Order ------------------------------------------------------------------------------------------------------ */

/* By frames: ';' counts as less than every character of a name, so that "a;b" comes before "a.part". */
static int by_frames(const void *a, const void *b)
{
	const struct cb_stack *const *x = a, *const *y = b;
	const char *p = (*x)->text, *q = (*y)->text;

	for (; *p && *p == *q; p++)
		q++;
	if (!*p || !*q)
		return !*q - !*p;
	if (*p == ';' || *q == ';')
		return *p == ';' ? -1 : 1;
	return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
}

static unsigned depth_of(const char *text)
{
	unsigned depth = 1;

	for (; (text = strchr(text, ';')); text++)
		depth++;
	return depth < DEPTH_MAX ? depth : DEPTH_MAX;
}

/* ---- Text ------------------------------------------------------------------------------------------------------- */

/* XML 1.0, 2.2 and 2.4 */
static void put_xml(const char *s, size_t n, struct cb_buf *out)
{
	while (n) {
		size_t len = cb_utf8(s, n);
		bool bad = !len || ((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f ||
			   (len == 3 && !memcmp(s, "\xef\xbf", 2) && (unsigned char)s[2] >= 0xbe);

		if (bad)
			cb_buf_str(out, "\xef\xbf\xbd");
		else if (*s == '&')
			cb_buf_str(out, "&amp;");
		else if (*s == '<')
			cb_buf_str(out, "&lt;");
		else if (*s == '>')
			cb_buf_str(out, "&gt;");
		else if (*s == '"')
			cb_buf_str(out, "&quot;");
		else if (*s == '\'')
			cb_buf_str(out, "&#39;");
		else
			cb_buf_add(out, s, len);
		s += len ? len : 1;
		n -= len ? len : 1;
	}
}

/* "1.50s", "4.0K bytes", "12,345 samples" */
static void put_weight(uint64_t weight, const char *unit, struct cb_buf *out)
{
	uint64_t ns = !strcmp(unit, "ns") ? 1 : !strcmp(unit, "us") ? 1000 : !strcmp(unit, "ms") ? 1000000 : 0;
	char digits[32];
	int n;

	if (ns) {
		cb_put_duration(weight, ns, out);
		return;
	}
	if (!strcmp(unit, "bytes")) {
		cb_put_bytes(weight, out);
	} else {
		n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)weight);
		for (int i = 0; i < n; i++) {
			if (i && (n - i) % 3 == 0)
				cb_buf_ch(out, ',');
			cb_buf_ch(out, digits[i]);
		}
	}
	cb_buf_ch(out, ' ');
	put_xml(unit, strlen(unit), out);
}

/* ---- Boxes ------------------------------------------------------------------------------------------------------ */

enum code { CODE_ALL, CODE_USER, CODE_KERNEL, CODE_INLINED };

/* What kind of code it is, by the name's end, which is then taken off. */
static enum code code_of(const char *name, size_t *len)
{
	if (*len > 4 && !memcmp(name + *len - 4, "_[k]", 4)) {
		*len -= 4;
		return CODE_KERNEL;
	}
	if (*len > 4 && !memcmp(name + *len - 4, "_[i]", 4)) {
		*len -= 4;
		return CODE_INLINED;
	}
	return CODE_USER;
}

static unsigned colour_of(enum code code, const char *name, size_t len)
{
	uint64_t hash = cb_hash(name, len);
	unsigned a = (unsigned)(hash >> 40 & 0xff), b = (unsigned)(hash >> 20 & 0xff);

	switch (code) {
	case CODE_KERNEL:
		return (90 + a * 60 / 255) << 16 | (150 + b * 50 / 255) << 8 | (225 + a * 25 / 255);
	case CODE_INLINED:
		return (110 + a * 60 / 255) << 16 | (195 + b * 40 / 255) << 8 | (100 + a * 40 / 255);
	case CODE_USER:
		return (235 + a * 18 / 255) << 16 | (115 + b * 105 / 255) << 8 | (60 + a * 30 / 255);
	default:
		return 0xd8d8d8;
	}
}

static void put_label(const char *name, size_t len, double width, struct cb_buf *out)
{
	size_t room = width > 6 ? (size_t)((width - 6) / CHARACTER) : 0, end = 0, seen = 0;

	if (room < 3)
		return;
	if (cb_columns(name, len) <= room) {
		put_xml(name, len, out);
		return;
	}
	for (; end < len; end++)
		if ((name[end] & 0xc0) != 0x80 && seen++ == room - 2)
			break;
	put_xml(name, end, out);
	cb_buf_str(out, "..");
}

static void put_box(const struct picture *p, const struct box *b, unsigned depth)
{
	static const char *const notes[] = {"", "", "kernel, ", "inlined, "};
	double scale = (double)(WIDTH - 2 * MARGIN) / (double)p->total;
	double x = MARGIN + (double)b->start * scale, width = (double)(b->end - b->start) * scale;
	unsigned y = TOP + (p->depth - depth) * ROW;
	size_t len = b->len;
	enum code code = depth ? code_of(b->name, &len) : CODE_ALL;

	if (width < THIN)
		return;
	cb_buf_str(p->out, "<g><title>");
	put_xml(b->name, len, p->out);
	cb_buf_printf(p->out, " (%s", notes[code]);
	put_weight(b->end - b->start, p->unit, p->out);
	cb_buf_printf(p->out,
		      ", %.2f%%)</title><rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%d\" fill=\"#%06x\"/>",
		      (double)(b->end - b->start) * 100 / (double)p->total, x, y, width, ROW - 1,
		      colour_of(code, b->name, len));
	cb_buf_printf(p->out, "<text x=\"%.2f\" y=\"%u\">", x + 3, y + 12);
	put_label(b->name, len, width, p->out);
	cb_buf_str(p->out, "</text></g>\n");
}

/* Walk the sorted stacks with the boxes that are open, outermost at 1; box 0 is everything. A stack that leaves the one
 * before it at some depth closes, and so draws, all boxes from there on. */
static int put_boxes(const struct picture *p, const struct cb_stack **list, size_t n)
{
	struct box *open = calloc(DEPTH_MAX + 1, sizeof(*open));
	unsigned depth = 0;
	uint64_t at = 0;

	if (!open)
		return -ENOMEM;
	open[0] = (struct box){.name = "all", .len = 3};
	for (size_t i = 0; i <= n; i++) {
		const char *frame = i < n ? list[i]->text : "";
		unsigned d = 0;
		bool same = true;

		while (*frame && d < DEPTH_MAX) {
			size_t len = strcspn(frame, ";");

			d++;
			same = same && d <= depth && open[d].len == len && !memcmp(open[d].name, frame, len);
			if (!same) {
				for (; depth >= d; depth--) {
					open[depth].end = at;
					put_box(p, &open[depth], depth);
				}
				open[d] = (struct box){.name = frame, .len = len, .start = at};
				depth = d;
			}
			frame += len + (frame[len] == ';');
		}
		for (; depth > d; depth--) {
			open[depth].end = at;
			put_box(p, &open[depth], depth);
		}
		if (i < n)
			at += list[i]->weight;
	}
	open[0].end = at;
	put_box(p, &open[0], 0);
	free(open);
	return 0;
}

/* ---- The file --------------------------------------------------------------------------------------------------- */

static void put_opening(const struct picture *p, const char *title)
{
	unsigned height = TOP + (p->depth + 1) * ROW + BOTTOM;

	cb_buf_printf(p->out,
		      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\">\n",
		      WIDTH, height, WIDTH, height);
	cb_buf_str(p->out, "<style>\n"
			   "text { font: 12px monospace; fill: #202020; }\n"
			   "#frames text { pointer-events: none; }\n"
			   "#frames g:hover rect { stroke: #000000; stroke-width: 0.7; }\n"
			   "#frames .found rect { fill: #d63fd6; }\n"
			   "#frames .outside { opacity: 0.5; }\n"
			   "#title { font: bold 16px sans-serif; text-anchor: middle; }\n"
			   "#subtitle { font: 12px sans-serif; text-anchor: middle; fill: #606060; }\n"
			   "#matched { text-anchor: end; }\n"
			   "#unzoom { cursor: pointer; fill: #1a4fb4; display: none; }\n"
			   "#frames rect { cursor: pointer; }\n"
			   "input { font: 12px monospace; width: 180px; box-sizing: border-box; }\n"
			   "</style>\n");
	cb_buf_printf(p->out,
		      "<rect width=\"%d\" height=\"%u\" fill=\"#fcfcfa\"/>\n<text id=\"title\" x=\"%d\" y=\"24\">",
		      WIDTH, height, WIDTH / 2);
	put_xml(title, strlen(title), p->out);
	cb_buf_printf(p->out, "</text>\n<text id=\"subtitle\" x=\"%d\" y=\"42\">", WIDTH / 2);
	put_weight(p->total, p->unit, p->out);
	cb_buf_printf(p->out,
		      "</text>\n<text id=\"unzoom\" x=\"%d\" y=\"24\">reset zoom</text>\n"
		      "<text id=\"details\" x=\"%d\" y=\"%u\"> </text>\n"
		      "<text id=\"matched\" x=\"%d\" y=\"%u\"> </text>\n"
		      "<foreignObject x=\"%d\" y=\"8\" width=\"190\" height=\"28\">"
		      "<input xmlns=\"http://www.w3.org/1999/xhtml\" id=\"search\" placeholder=\"search (regex)\"/>"
		      "</foreignObject>\n<g id=\"frames\">\n",
		      MARGIN, MARGIN, height - 12, WIDTH - MARGIN, height - 12, WIDTH - MARGIN - 190);
}

int cb_stacks_svg(const struct cb_stacks *s, const char *title, const char *unit, struct cb_buf *out)
{
	size_t n = cb_stacks_count(s);
	const struct cb_stack **list = cb_stacks_list(s);
	struct picture p = {.unit = unit, .out = out};
	int err = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		unsigned depth = depth_of(list[i]->text);

		p.depth = depth > p.depth ? depth : p.depth;
		if (__builtin_add_overflow(p.total, list[i]->weight, &p.total))
			err = -EOVERFLOW;
	}
	qsort(list, n, sizeof(struct cb_stack *), by_frames);
	if (!err) {
		put_opening(&p, title);
		if (p.total)
			err = put_boxes(&p, list, n);
		cb_buf_str(out, "</g>\n<script><![CDATA[\n");
		cb_buf_str(out, flame_js);
		cb_buf_str(out, "]]></script>\n</svg>\n");
	}
	free(list);
	return err ? err : out->failed ? -ENOMEM : 0;
}
