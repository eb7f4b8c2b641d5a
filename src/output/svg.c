// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * svg.c - a flame graph: one SVG file that needs nothing else.
 *
 * Each call is a box, as wide as its share of the whole weight, standing on its caller; the outermost is at the bottom.
 * Calls from one place are sorted by name; where a box stands on the x axis says nothing else.
 *
 *	+-------+                    +------+
 *	| alloc |                    | copy |
 *	+-------+------+    +--------+------+
 *	| parse        |    | read          |
 *	+--------------+----+---------------+-------+
 *	| all                                       |
 *	+-------------------------------------------+
 *
 * The boxes are drawn here, each with a <title>, which browsers show on hover; without scripts the picture is complete.
 * flame.js, which stands in the file too, fits it to the window, zooms on a click and searches. For that each box says
 * between which weights it stands (data-from, data-to), for coordinates are rounded.
 *
 * Names come from traced programs: they are escaped as XML (quotes too), and characters that XML 1.0 does not allow are
 * replaced. None of them goes into the script's own text: it reads them from the picture.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "output/plan.h"
#include "output/stacks.h"

/* pixels */
enum {
	WIDTH = 1200,
	MARGIN = 10,
	ROW = 17,     /* a box and the gap above it */
	BASELINE = 4, /* of a label, above the lower end of its box; flame.js has the same */
	PADDING = 3,  /* left and right of a label; flame.js has the same */
	TOP = 62,     /* room for title and search */
	BOTTOM = 30,
};

/* A character of 12 pixels, monospaced, is at most as wide as this in the fonts that systems have for it. */
static const double CHARACTER = 7.25;
/* Between boxes side by side, where they are wide enough to miss it; flame.js has the same. */
static const double GAP = 0.5;
/* Thinner boxes are not drawn: they cannot be seen, and there may be very many. */
static const double THIN = 0.1;

struct place {
	uint64_t weight; /* of the call with all that it calls */
	uint64_t from;	 /* the weight to the left of it */
	uint32_t depth;	 /* 0: the root */
};

struct picture {
	const struct cb_stacks *s;
	struct place *places; /* of each call */
	uint32_t *boxes;      /* the calls that are wide enough to be seen, the root first */
	uint32_t n;
	uint32_t depth; /* of the deepest of them */
	double scale;	/* pixels per weight */
	const char *unit;
	struct cb_buf *out;
};

static const char flame_css[] =
#include "output/flame_css.inc"
	;
static const char flame_js[] =
#include "output/flame_js.inc"
	;

/* ---- Text ------------------------------------------------------------------------------------------------------------ */

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

/* "12,345" */
static void put_grouped(uint64_t v, struct cb_buf *out)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			cb_buf_ch(out, ',');
		cb_buf_ch(out, digits[i]);
	}
}

/* "1.50s", "4.0K bytes", "12,345 samples", "1 sample" */
static void put_weight(uint64_t weight, const char *unit, struct cb_buf *out)
{
	uint64_t ns = !strcmp(unit, "ns") ? 1 : !strcmp(unit, "us") ? 1000 : !strcmp(unit, "ms") ? 1000000 : 0;
	size_t len = strlen(unit);

	if (ns) {
		cb_put_duration(weight, ns, out);
		return;
	}
	if (!strcmp(unit, "bytes"))
		cb_put_bytes(weight, out);
	else
		put_grouped(weight, out);
	cb_buf_ch(out, ' ');
	put_xml(unit, weight == 1 && len && unit[len - 1] == 's' ? len - 1 : len, out);
}

/* The columns that a character takes: those from U+1100 on may be wide. flame.js has the same. */
static unsigned columns(char lead)
{
	return (unsigned char)lead >= 0xe1 ? 2 : 1;
}

/* As much of a name as a box of this width has room for; nothing when that says nothing. */
static void put_label(const char *name, size_t len, double width, struct cb_buf *out)
{
	size_t room = width > 2 * PADDING ? (size_t)((width - 2 * PADDING) / CHARACTER) : 0;
	size_t used = 0, end = 0;

	for (size_t i = 0; i < len; i++) {
		if ((name[i] & 0xc0) == 0x80)
			continue;
		used += columns(name[i]);
		if (used + 2 <= room)
			end = i + cb_utf8(name + i, len - i);
	}
	if (used <= room) {
		put_xml(name, len, out);
	} else if (end) {
		put_xml(name, end, out);
		cb_buf_str(out, "..");
	}
}

/* ---- Kinds of code --------------------------------------------------------------------------------------------------- */

/* A name's end says what kind of code it is; flame graph tools know the same ones. The colours of a kind lie between two
 * (red, green, blue). */
static const struct kind {
	const char *suffix, *name;
	uint8_t from[3], to[3];
} kinds[] = {
	{"", "user", {232, 98, 58}, {250, 206, 92}},
	{"_[k]", "kernel", {92, 150, 226}, {150, 202, 246}},
	{"_[i]", "inlined", {62, 186, 176}, {136, 226, 206}},
	{"_[j]", "JIT", {122, 190, 84}, {186, 222, 120}},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), SUFFIX = 4 };

/* *len: of the name without its suffix. */
static const struct kind *kind_of(const struct cb_frame_name *name, size_t *len)
{
	*len = name->len;
	if (*len <= SUFFIX)
		return &kinds[0];
	for (size_t i = 1; i < KINDS; i++) {
		if (!memcmp(name->text + *len - SUFFIX, kinds[i].suffix, SUFFIX)) {
			*len -= SUFFIX;
			return &kinds[i];
		}
	}
	return &kinds[0];
}

/* Between the two colours of the kind, by the name, so that a function looks the same in every picture; grey for none. */
static void put_colour(const struct kind *k, const char *name, size_t len, struct cb_buf *out)
{
	uint64_t hash = cb_hash(name, len);
	unsigned at[3] = {hash >> 40 & 0xff, hash >> 20 & 0xff, hash >> 40 & 0xff};

	if (!k) {
		cb_buf_str(out, "#d8d8d4");
		return;
	}
	cb_buf_ch(out, '#');
	for (int i = 0; i < 3; i++)
		cb_buf_printf(out, "%02x", (unsigned)k->from[i] + (unsigned)(k->to[i] - k->from[i]) * at[i] / 255);
}

/* ---- Places ---------------------------------------------------------------------------------------------------------- */

/* Callers before what they call; what one call calls by name. */
static int by_place(const void *a, const void *b, void *ctx)
{
	const struct cb_call *calls = ctx;
	const struct cb_call *x = &calls[*(const uint32_t *)a], *y = &calls[*(const uint32_t *)b];

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return strcmp(x->name->text, y->name->text);
}

/* A call stands behind its caller in the list, so one pass backwards adds up the weights, and one forwards finds the
 * depths. */
static int find_places(struct picture *p)
{
	const struct cb_call *calls = p->s->calls;
	uint32_t n = p->s->n;
	uint64_t from = 0;

	p->places = calloc(n, sizeof(*p->places));
	p->boxes = calloc(n, sizeof(*p->boxes));
	if (!p->places || !p->boxes)
		return -ENOMEM;
	for (uint32_t i = n; --i > 0;) {
		p->places[i].weight += calls[i].weight;
		p->places[calls[i].parent].weight += p->places[i].weight;
	}
	p->n = 1;
	for (uint32_t i = 1; i < n; i++) {
		p->places[i].depth = p->places[calls[i].parent].depth + 1;
		if ((double)p->places[i].weight * p->scale < THIN)
			continue;
		p->boxes[p->n++] = i;
		p->depth = p->places[i].depth > p->depth ? p->places[i].depth : p->depth;
	}
	qsort_r(p->boxes + 1, p->n - 1, sizeof(*p->boxes), by_place, (void *)calls);
	for (uint32_t i = 1; i < p->n; i++) {
		struct place *place = &p->places[p->boxes[i]];
		uint32_t parent = calls[p->boxes[i]].parent;

		if (i == 1 || parent != calls[p->boxes[i - 1]].parent)
			from = p->places[parent].from;
		place->from = from;
		from += place->weight;
	}
	return 0;
}

/* ---- The file -------------------------------------------------------------------------------------------------------- */

static void put_box(const struct picture *p, uint32_t call)
{
	const struct place *place = &p->places[call];
	const struct cb_frame_name *name = p->s->calls[call].name;
	double width = (double)place->weight * p->scale, x = MARGIN + (double)place->from * p->scale;
	uint64_t y = TOP + (uint64_t)(p->depth - place->depth) * ROW;
	size_t len = strlen("all"), label_at, label;
	const struct kind *kind = name ? kind_of(name, &len) : NULL;
	const char *text = name ? name->text : "all";

	cb_buf_printf(p->out, "<g data-from=\"%" PRIu64 "\" data-to=\"%" PRIu64 "\"><title>", place->from,
		      place->from + place->weight);
	put_xml(text, len, p->out);
	cb_buf_str(p->out, " (");
	if (kind && kind != &kinds[0])
		cb_buf_printf(p->out, "%s, ", kind->name);
	put_weight(place->weight, p->unit, p->out);
	cb_buf_printf(p->out,
		      ", %.2f%%)</title><rect x=\"%.2f\" y=\"%" PRIu64 "\" width=\"%.2f\" height=\"%d\" fill=\"",
		      (double)place->weight * 100 / (double)p->s->total, x, y, width > 4 * GAP ? width - GAP : width,
		      ROW - 1);
	put_colour(kind, text, len, p->out);
	cb_buf_str(p->out, "\"/>");
	label_at = p->out->len;
	cb_buf_printf(p->out, "<text x=\"%.2f\" y=\"%" PRIu64 "\">", x + PADDING, y + ROW - 1 - BASELINE);
	label = p->out->len;
	put_label(text, len, width, p->out);
	if (p->out->len == label)
		p->out->len = label_at;
	else
		cb_buf_str(p->out, "</text>");
	cb_buf_str(p->out, "</g>\n");
}

/* A word for each kind of code that there is, in its colour. */
static void put_legend(const struct picture *p)
{
	bool seen[KINDS] = {false};
	unsigned x = MARGIN;

	for (uint32_t i = 1; i < p->n; i++) {
		size_t len;

		seen[kind_of(p->s->calls[p->boxes[i]].name, &len) - kinds] = true;
	}
	for (size_t i = 0; i < KINDS; i++) {
		if (!seen[i])
			continue;
		cb_buf_printf(p->out, "<rect x=\"%u\" y=\"%d\" width=\"11\" height=\"11\" fill=\"", x, TOP - 26);
		put_colour(&kinds[i], "", 0, p->out);
		cb_buf_printf(p->out, "\"/><text x=\"%u\" y=\"%d\">%s</text>\n", x + 16, TOP - 16, kinds[i].name);
		x += 16 + (unsigned)((double)strlen(kinds[i].name) * CHARACTER) + 14;
	}
}

static void put_opening(const struct picture *p, const char *title)
{
	uint64_t height = TOP + ((uint64_t)p->depth + 1) * ROW + BOTTOM;

	cb_buf_printf(
		p->out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%" PRIu64 "\">\n<style>\n%s</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fcfcfa\"/>\n<text id=\"title\" x=\"50%%\" y=\"24\">",
		WIDTH, height, flame_css);
	put_xml(title, strlen(title), p->out);
	cb_buf_str(p->out, "</text>\n<text id=\"total\" x=\"50%\" y=\"42\">");
	put_weight(p->s->total, p->unit, p->out);
	cb_buf_str(p->out, "</text>\n");
	put_legend(p);
	cb_buf_printf(p->out,
		      "<g id=\"controls\"><text id=\"reset\" x=\"%d\" y=\"24\">reset zoom</text>\n"
		      "<text id=\"matched\" x=\"100%%\" dx=\"-%d\" y=\"%d\"/>\n"
		      "<foreignObject id=\"box\" y=\"8\" width=\"200\" height=\"24\">"
		      "<input xmlns=\"http://www.w3.org/1999/xhtml\" id=\"search\" placeholder=\"search (Ctrl-F)\"/>"
		      "</foreignObject></g>\n"
		      "<text id=\"details\" x=\"%d\" y=\"%" PRIu64 "\"/>\n<g id=\"frames\">\n",
		      MARGIN, MARGIN, TOP - 16, MARGIN, height - 10);
}

int cb_stacks_svg(const struct cb_stacks *s, const char *title, const char *unit, struct cb_buf *out)
{
	struct picture p = {.s = s, .unit = unit, .out = out};
	int err = 0;

	if (s->total) {
		p.scale = (double)(WIDTH - 2 * MARGIN) / (double)s->total;
		err = find_places(&p);
	}
	if (!err) {
		put_opening(&p, title);
		for (uint32_t i = 0; i < p.n; i++)
			put_box(&p, p.boxes[i]);
		cb_buf_printf(out, "</g>\n<script><![CDATA[\n%s]]></script>\n</svg>\n", flame_js);
	}
	free(p.places);
	free(p.boxes);
	return err ? err : out->failed ? -ENOMEM : 0;
}
