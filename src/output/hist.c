// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * hist.c - see hist.h. As people see them:
 *
 *		      ns : count distribution
 *	    1024 -> 2047 : 3     |*******                                 |
 *	    2048 -> 4095 : 17    |****************************************|
 *
 * The longest bar belongs to the slot with the largest count, the others are in proportion, rounded to the nearest star.
 */
#include "output/hist.h"

enum { BAR_MAX = 40, BAR_MIN = 10 };

void cb_hist_range(const struct cb_hist *h, size_t slot, uint64_t *from, uint64_t *to)
{
	unsigned __int128 low = 1, high;

	switch (h->kind) {
	case CB_HIST_LOG2:
		low = slot < 64 ? low << slot : (unsigned __int128)UINT64_MAX + 1;
		high = low * 2;
		break;
	case CB_HIST_LOG10:
		for (size_t i = 0; i < slot && low <= UINT64_MAX; i++)
			low *= 10;
		high = low * 10;
		break;
	default:
		low = (unsigned __int128)slot * h->step;
		high = low + h->step;
		break;
	}
	/* slot 0 of the logarithms also counts zero; what is beyond 64 bits does not happen */
	*from = h->kind != CB_HIST_LINEAR && !slot ? 0 : low > UINT64_MAX ? UINT64_MAX : (uint64_t)low;
	*to = high - 1 > UINT64_MAX ? UINT64_MAX : (uint64_t)(high - 1);
}

bool cb_hist_used(const struct cb_hist *h, size_t *first, size_t *end)
{
	*first = 0;
	*end = h->n;
	while (*end && !h->counts[*end - 1])
		--*end;
	while (*first < *end && !h->counts[*first])
		++*first;
	return *end;
}

static unsigned digits(uint64_t v)
{
	unsigned n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

static void pad(unsigned n, struct cb_buf *out)
{
	while (n--)
		cb_buf_ch(out, ' ');
}

static void put_bar(uint64_t count, uint64_t most, unsigned bar, struct cb_buf *out)
{
	unsigned stars = (unsigned)(((unsigned __int128)count * bar + most / 2) / most);

	cb_buf_ch(out, '|');
	for (unsigned i = 0; i < bar; i++)
		cb_buf_ch(out, i < stars ? '*' : ' ');
	cb_buf_str(out, "|\n");
}

void cb_hist_text(const struct cb_hist *h, unsigned width, struct cb_buf *out)
{
	const char *unit = *h->unit ? h->unit : "value";
	unsigned range_width, count_width = sizeof("count") - 1, number, bar = BAR_MAX, used;
	uint64_t from, to, most = 0;
	size_t first, end;

	if (!cb_hist_used(h, &first, &end))
		return;
	for (size_t i = first; i < end; i++)
		most = h->counts[i] > most ? h->counts[i] : most;
	cb_hist_range(h, end - 1, &from, &to);
	number = digits(to);
	range_width = h->kind == CB_HIST_LINEAR && h->step == 1 ? number : 2 * number + 4;
	if (range_width < strlen(unit))
		range_width = (unsigned)strlen(unit);
	if (count_width < digits(most))
		count_width = digits(most);
	used = range_width + 3 + count_width + 3;
	if (width && used + bar > width)
		bar = width > used + BAR_MIN ? width - used : BAR_MIN;

	pad(range_width - (unsigned)strlen(unit), out);
	cb_buf_str(out, unit);
	cb_buf_str(out, " : count");
	pad(count_width - (unsigned)strlen("count") + 1, out);
	cb_buf_str(out, "distribution\n");
	for (size_t i = first; i < end; i++) {
		size_t start = out->len, len;

		cb_hist_range(h, i, &from, &to);
		pad(number - digits(from), out);
		cb_buf_u64(out, from);
		if (from != to) {
			cb_buf_str(out, " -> ");
			cb_buf_u64(out, to);
		}
		len = out->len - start;
		if (len < range_width)
			pad(range_width - (unsigned)len, out);
		cb_buf_str(out, " : ");
		cb_buf_u64(out, h->counts[i]);
		pad(count_width - digits(h->counts[i]) + 1, out);
		put_bar(h->counts[i], most, bar, out);
	}
}

void cb_hist_json(const struct cb_hist *h, struct cb_buf *out)
{
	size_t first, end;

	if (*h->unit) {
		cb_buf_str(out, "\"unit\":\"");
		cb_buf_str(out, h->unit);
		cb_buf_str(out, "\",");
	}
	cb_buf_str(out, "\"buckets\":[");
	cb_hist_used(h, &first, &end);
	for (size_t i = first; i < end; i++) {
		uint64_t from, to;

		cb_hist_range(h, i, &from, &to);
		cb_buf_str(out, i > first ? ",{\"from\":" : "{\"from\":");
		cb_buf_u64(out, from);
		cb_buf_str(out, ",\"to\":");
		cb_buf_u64(out, to);
		cb_buf_str(out, ",\"count\":");
		cb_buf_u64(out, h->counts[i]);
		cb_buf_ch(out, '}');
	}
	cb_buf_ch(out, ']');
}
