// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* spec_expect.c - the line behind "expect", see spec.h. */
#include "lab/spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char forms[] = "event [CONDITION], no event [CONDITION], N events [where CONDITION], row MAP [CONDITION], "
			    "no row MAP [CONDITION], N rows MAP [where CONDITION], "
			    "sum FIELD N [MAP] [where CONDITION], exit N, output TEXT, no output TEXT, error TEXT, "
			    "no error TEXT, lost N";

enum { PERCENT_MAX = 1000000 };

struct parser {
	const char *at;
	struct cb_lab_expect *out;
	struct cb_err *e;
};

static int no_memory(struct parser *p)
{
	return cb_fail(p->e, ENOMEM, "out of memory");
}

static void skip_space(struct parser *p)
{
	p->at += strspn(p->at, " \t");
}

/* The length of the word that stands here. */
static size_t word_len(struct parser *p)
{
	skip_space(p);
	return strcspn(p->at, " \t");
}

static bool take(struct parser *p, const char *word)
{
	size_t n = word_len(p);

	if (n != strlen(word) || strncmp(p->at, word, n))
		return false;
	p->at += n;
	skip_space(p);
	return true;
}

/* ---- N --------------------------------------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* "+5", "-10%", "+10%+5"; cut up in place. */
static int parse_terms(struct parser *p, char *text, struct cb_lab_bound *out)
{
	while (*text) {
		size_t n = 1 + strcspn(text + 1, "+-");
		char sign = *text, *number = text + 1, next = text[n];
		bool percent = text[n - 1] == '%';
		__int128 v;

		text[percent ? n - 1 : n] = '\0';
		if (!isdigit((unsigned char)*number) || !cb_lab_number(number, &v))
			return cb_fail(p->e, EINVAL,
				       "behind + or - a number is expected, or one with %%, and not \"%s\"", number);
		if (percent && v > PERCENT_MAX)
			return cb_fail(p->e, EINVAL, "%s%% is more than %d%%", number, PERCENT_MAX);
		*(percent ? &out->percent : &out->add) += sign == '-' ? -v : v;
		text += n;
		*text = next;
	}
	return 0;
}

/* text: "10", "$a", "$a+5", "$a-10%"; cut up in place. */
static int parse_bound(struct parser *p, char *text, struct cb_lab_bound *out)
{
	/* the sign in front of a number is the number's */
	size_t base = *text ? 1 + strcspn(text + 1, "+-") : 0;
	char *value = text;
	int err = parse_terms(p, text + base, out);

	if (err)
		return err;
	text[base] = '\0';
	if (*value == '$') {
		size_t n = 1;

		while (is_name_char(value[n]))
			n++;
		if (n == 1 || value[n] || isdigit((unsigned char)value[1]))
			return cb_fail(p->e, EINVAL, "\"%s\" is no name of a truth", value);
		out->truth = strdup(value + 1);
		return out->truth ? 0 : no_memory(p);
	}
	if (cb_lab_number(value, &out->number))
		return 0;
	return cb_fail(p->e, EINVAL,
		       "\"%s\" is neither a number nor $NAME, nor a range of them such as 10..20, $a-10%%..$a+10%%",
		       value);
}

static int copy_bound(struct parser *p, const struct cb_lab_bound *from, struct cb_lab_bound *to)
{
	*to = *from;
	to->truth = from->truth ? strdup(from->truth) : NULL;
	return from->truth && !to->truth ? no_memory(p) : 0;
}

static int parse_range_text(struct parser *p, char *text, struct cb_lab_range *r)
{
	char *dots = strstr(text, "..");
	int err;

	if (!dots) {
		r->has_low = r->has_high = true;
		err = parse_bound(p, text, &r->low);
		return err ? err : copy_bound(p, &r->low, &r->high);
	}
	*dots = '\0';
	r->has_low = *text;
	r->has_high = dots[2];
	if (!r->has_low && !r->has_high)
		return cb_fail(p->e, EINVAL, "a range has one end at least: 10.., ..20, 10..20");
	err = r->has_low ? parse_bound(p, text, &r->low) : 0;
	if (!err && r->has_high)
		err = parse_bound(p, dots + 2, &r->high);
	if (!err && r->has_low && r->has_high && !r->low.truth && !r->high.truth && !r->low.percent &&
	    !r->high.percent && r->low.number + r->low.add > r->high.number + r->high.add)
		err = cb_fail(p->e, EINVAL, "the range %s..%s is empty", text, dots + 2);
	return err;
}

static int parse_range(struct parser *p)
{
	size_t n = word_len(p);
	char *text = strndup(p->at, n);
	int err;

	if (!text)
		return no_memory(p);
	err = n ? parse_range_text(p, text, &p->out->range)
		: cb_fail(p->e, EINVAL, "a number, $NAME or a range is expected at the end");
	free(text);
	p->at += n;
	skip_space(p);
	return err;
}

static void set_range(struct parser *p, bool none)
{
	p->out->range = none ? (struct cb_lab_range){.has_low = true, .has_high = true}
			     : (struct cb_lab_range){.has_low = true, .low.number = 1};
}

/* ---- What ------------------------------------------------------------------------------------------------------ */

/* The rest of the line. */
static int parse_condition(struct parser *p)
{
	take(p, "where");
	if (!*p->at)
		return 0;
	p->out->cond = cb_lab_cond_new(p->at, p->e);
	return p->out->cond ? 0 : -errno;
}

static int parse_word(struct parser *p, char **out, const char *what)
{
	size_t n = word_len(p);

	if (!n)
		return cb_fail(p->e, EINVAL, "%s is expected at the end", what);
	*out = strndup(p->at, n);
	p->at += n;
	skip_space(p);
	return *out ? 0 : no_memory(p);
}

static int parse_rows(struct parser *p)
{
	int err = parse_word(p, &p->out->map, "a map's name");

	p->out->subject = CB_LAB_ROWS;
	return err ? err : parse_condition(p);
}

static int parse_events(struct parser *p)
{
	p->out->subject = CB_LAB_EVENTS;
	return parse_condition(p);
}

static int parse_sum(struct parser *p)
{
	int err = parse_word(p, &p->out->field, "a field's name");

	p->out->subject = CB_LAB_SUM;
	if (!err)
		err = parse_range(p);
	if (!err && *p->at && strncmp(p->at, "where", word_len(p)))
		err = parse_word(p, &p->out->map, "a map's name");
	if (!err && *p->at && !take(p, "where"))
		err = cb_fail(p->e, EINVAL, "\"where CONDITION\" or the end is expected at \"%s\"", p->at);
	return err ? err : parse_condition(p);
}

static int parse_glob(struct parser *p, enum cb_lab_subject subject)
{
	p->out->subject = subject;
	if (!*p->at)
		return cb_fail(p->e, EINVAL,
			       "a text is expected at the end: a pattern for a whole line, as in *attached*");
	p->out->glob = strdup(p->at);
	return p->out->glob ? 0 : no_memory(p);
}

static int parse_number_of(struct parser *p, enum cb_lab_subject subject)
{
	int err = parse_range(p);

	p->out->subject = subject;
	if (!err && *p->at)
		err = cb_fail(p->e, EINVAL, "the end is expected at \"%s\"", p->at);
	return err;
}

static int unknown(struct parser *p)
{
	return cb_fail(p->e, EINVAL, "\"%.*s\" is nothing that can be expected; there is: %s", (int)word_len(p), p->at,
		       forms);
}

static int parse_seen(struct parser *p, bool none)
{
	set_range(p, none);
	if (take(p, "event"))
		return parse_events(p);
	if (take(p, "row"))
		return parse_rows(p);
	if (take(p, "output"))
		return parse_glob(p, CB_LAB_OUTPUT);
	if (take(p, "error"))
		return parse_glob(p, CB_LAB_STDERR);
	return none ? cb_fail(p->e, EINVAL, "behind \"no\" there is: event, row, output, error") : 1;
}

static int parse_count(struct parser *p)
{
	int err = parse_range(p);

	if (err)
		return err;
	if (take(p, "events") || take(p, "event"))
		return parse_events(p);
	if (take(p, "rows") || take(p, "row"))
		return parse_rows(p);
	return cb_fail(p->e, EINVAL, "behind a number there is: events [where CONDITION], rows MAP [where CONDITION]");
}

static int parse(struct parser *p)
{
	int err;

	skip_space(p);
	if (!*p->at)
		return cb_fail(p->e, EINVAL, "what is expected? There is: %s", forms);
	if (take(p, "no"))
		return parse_seen(p, true);
	err = parse_seen(p, false);
	if (err <= 0)
		return err;
	p->out->range = (struct cb_lab_range){0};
	if (take(p, "sum"))
		return parse_sum(p);
	if (take(p, "exit"))
		return parse_number_of(p, CB_LAB_EXIT);
	if (take(p, "lost"))
		return parse_number_of(p, CB_LAB_LOST);
	return isdigit((unsigned char)*p->at) || *p->at == '$' || *p->at == '.' ? parse_count(p) : unknown(p);
}

int cb_lab_expect_parse(const char *text, struct cb_lab_expect *out, struct cb_err *e)
{
	struct parser p = {.at = text, .out = out, .e = e};
	int err;

	*out = (struct cb_lab_expect){.text = strdup(text + strspn(text, " \t"))};
	err = out->text ? parse(&p) : no_memory(&p);
	if (err)
		cb_lab_expect_free(out);
	return err;
}

void cb_lab_expect_free(struct cb_lab_expect *x)
{
	free(x->text);
	free(x->on);
	free(x->range.low.truth);
	free(x->range.high.truth);
	free(x->map);
	free(x->field);
	free(x->glob);
	cb_lab_cond_free(x->cond);
	*x = (struct cb_lab_expect){0};
}
