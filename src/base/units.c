// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * units.c - see units.h.
 *
 * A decimal with a fraction is kept as digits / 10^places in 128 bits, so that "1.5ms" and "18446744073709551615" are
 * both exact.
 */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

struct decimal {
	unsigned __int128 digits;
	unsigned __int128 scale; /* 10 to the number of places behind the point */
};

static int parse_decimal(const char **text, struct decimal *out)
{
	const char *p = *text;
	int any = 0, places = -1;

	*out = (struct decimal){.scale = 1};
	for (;; p++) {
		if (*p == '.' && places < 0) {
			places = 0;
			continue;
		}
		if (!isdigit((unsigned char)*p))
			break;
		any = 1;
		if (out->digits > UINT64_MAX)
			return -ERANGE;
		/* nine places are enough for nanoseconds of a second; more are read and dropped */
		if (places >= 0 && places++ >= 9)
			continue;
		out->digits = out->digits * 10 + (unsigned)(*p - '0');
		if (places >= 0)
			out->scale *= 10;
	}
	*text = p;
	return any ? 0 : -EINVAL;
}

static int scaled(const struct decimal *d, uint64_t unit, uint64_t *out)
{
	unsigned __int128 v = d->digits * unit / d->scale;

	if (v > UINT64_MAX)
		return -ERANGE;
	*out = (uint64_t)v;
	return 0;
}

/* Digits of base 8 or 16 to the end of the text. */
static int parse_base(const char *p, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	if (!*p)
		return -EINVAL;
	for (; *p; p++) {
		unsigned digit;

		if (isdigit((unsigned char)*p))
			digit = (unsigned)(*p - '0');
		else if (isxdigit((unsigned char)*p))
			digit = (unsigned)(tolower((unsigned char)*p) - 'a' + 10);
		else
			return -EINVAL;
		if (digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return -ERANGE;
	}
	*out = v;
	return 0;
}

int cb_parse_number(const char *text, struct cb_number *out)
{
	static const char prefixes[] = "KMGT";
	struct decimal d;
	uint64_t unit = 1;
	int err;

	*out = (struct cb_number){.negative = *text == '-'};
	if (*text == '-' || *text == '+')
		text++;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return parse_base(text + 2, 16, &out->magnitude);
	if (text[0] == '0' && (text[1] == 'o' || isdigit((unsigned char)text[1])))
		return parse_base(text + 1 + (text[1] == 'o'), 8, &out->magnitude);
	err = parse_decimal(&text, &d);
	if (err)
		return err;
	if (*text) {
		const char *found = strchr(prefixes, toupper((unsigned char)*text));

		if (found) {
			unit = 1ULL << 10 * (found - prefixes + 1);
			text++;
			if (text[0] == 'i' && text[1] == 'B')
				text++;
		}
		if (*text == 'B')
			text++;
	}
	if (*text || (unit == 1 && d.scale != 1))
		return -EINVAL;
	return scaled(&d, unit, &out->magnitude);
}

int cb_parse_duration(const char *text, uint64_t default_unit, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1},	    {"us", 1000},	  {"ms", 1000000},	 {"s", 1000000000},
		{"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000},
	};
	struct decimal d;
	int err = parse_decimal(&text, &d);

	if (err)
		return err;
	if (!*text)
		return default_unit || !d.digits ? scaled(&d, default_unit, ns) : -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(text, units[i].name))
			return scaled(&d, units[i].ns, ns);
	return -EINVAL;
}
