// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * slice_names.c - see slice_names.h.
 *
 * What was written for the program counts as a whole. Libraries are large, and most of them is not used: they are cut
 * into parts, which count when something that counts uses a name that they declare:
 *
 *   a macro               counts when its name is used. Names that macros glue together end in a number or an N in
 *                         libbpf's headers (___bpf_kprobe_args3), hence NAME3 counts when NAME is used
 *   a declaration         counts when the name that it declares is used; but the compiler reads all of them, so that the
 *                         typedefs in them must be there
 *   a function, a struct  counts: the compiler looks inside
 *
 * Directives other than #define hold names of macros only.
 */
#include "compile/slice_names.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/lex.h"

enum { PARAMS_MAX = 32 };

struct cb_slice_part {
	const char *from, *to;
	bool macro, taken;
	uint32_t next; /* part that declares the same name: its number + 1, or 0 */
};

/* How a text is read. */
struct reading {
	struct cb_slice_names *names;
	struct cb_lex lx;
	bool library;
	bool field; /* names may be fields wherever they stand */
	/* of the macro whose body is read: they stand for what the macro is given */
	struct {
		const char *text;
		size_t len;
	} params[PARAMS_MAX];
	size_t nparams;
};

/* ---- The table -------------------------------------------------------------------------------------------------- */

/* Room for one more in an array of items of this size. */
static bool room(struct cb_slice_names *n, void **array, uint32_t count, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 1024;
	void *grown;

	if (count < *cap)
		return true;
	grown = reallocarray(*array, more, size);
	if (!grown) {
		n->failed = true;
		return false;
	}
	*array = grown;
	*cap = more;
	return true;
}

static bool grow_slots(struct cb_slice_names *n)
{
	uint32_t nslots = n->nslots ? n->nslots * 2 : 4096, mask = nslots - 1;
	uint32_t *slots = calloc(nslots, sizeof(*slots));

	if (!slots) {
		n->failed = true;
		return false;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		uint32_t at = n->names[i].hash & mask;

		while (slots[at])
			at = (at + 1) & mask;
		slots[at] = i + 1;
	}
	free(n->slots);
	n->slots = slots;
	n->nslots = nslots;
	return true;
}

/* The number of a name + 1, or 0 when it is not there. *free_slot: where it would go. */
static uint32_t find(const struct cb_slice_names *n, const char *text, size_t len, uint32_t hash, uint32_t *free_slot)
{
	uint32_t at = hash & (n->nslots - 1);

	for (; n->nslots && n->slots[at]; at = (at + 1) & (n->nslots - 1)) {
		const struct cb_slice_name *name = &n->names[n->slots[at] - 1];

		if (name->hash == hash && name->len == len && !memcmp(name->text, text, len))
			return n->slots[at];
	}
	*free_slot = at;
	return 0;
}

/* The name, which is added when it was not there; NULL without memory. */
static struct cb_slice_name *intern(struct cb_slice_names *n, const char *text, size_t len)
{
	uint32_t hash = cb_btf_name_hash(text, len), slot, at;

	if (n->count >= n->nslots / 2 && !grow_slots(n))
		return NULL;
	at = find(n, text, len, hash, &slot);
	if (at)
		return &n->names[at - 1];
	if (!room(n, (void **)&n->names, n->count, &n->cap, sizeof(*n->names)))
		return NULL;
	n->names[n->count] = (struct cb_slice_name){.text = text, .len = (uint32_t)len, .hash = hash};
	n->slots[slot] = n->count + 1;
	return &n->names[n->count++];
}

uint8_t cb_slice_uses(const struct cb_slice_names *n, const char *text, size_t len)
{
	uint32_t slot, at = find(n, text, len, cb_btf_name_hash(text, len), &slot);

	return at ? n->names[at - 1].uses : 0;
}

/* ---- Parts of libraries ----------------------------------------------------------------------------------------- */

/* Its text is to be read, once. */
static void take(struct cb_slice_names *n, uint32_t part)
{
	if (n->part[part].taken || !room(n, (void **)&n->due, n->ndue, &n->due_cap, sizeof(*n->due)))
		return;
	n->part[part].taken = true;
	n->due[n->ndue++] = part;
}

static void use(struct cb_slice_names *n, const char *text, size_t len, uint8_t uses)
{
	struct cb_slice_name *name = intern(n, text, len);

	if (!name)
		return;
	name->uses |= uses;
	if (!(uses & (uint8_t)~CB_USE_DECLARED))
		return;
	for (uint32_t part = name->parts; part; part = n->part[part - 1].next)
		take(n, part - 1);
	name->parts = 0;
}

static void declares(struct cb_slice_names *n, uint32_t part, const char *text, size_t len)
{
	struct cb_slice_name *name = intern(n, text, len);

	if (!name)
		return;
	if (name->uses & (uint8_t)~CB_USE_DECLARED) {
		take(n, part);
	} else {
		n->part[part].next = name->parts;
		name->parts = part + 1;
	}
}

static bool add_part(struct cb_slice_names *n, const char *from, const char *to, bool macro)
{
	if (!room(n, (void **)&n->part, n->nparts, &n->parts_cap, sizeof(*n->part)))
		return false;
	n->part[n->nparts++] = (struct cb_slice_part){.from = from, .to = to, .macro = macro};
	return true;
}

/* A part that declares one name, or two that mean the same: a part is in one list only, so that the second gets a part of
 * its own. */
static void add_macro(struct cb_slice_names *n, const char *from, const char *to, const char *name, size_t len)
{
	size_t base = len;

	if (add_part(n, from, to, true))
		declares(n, n->nparts - 1, name, len);
	while (base && isdigit((unsigned char)name[base - 1]))
		base--;
	if (base == len && base && name[base - 1] == 'N')
		base--;
	if (base && base < len && add_part(n, from, to, true))
		declares(n, n->nparts - 1, name, base);
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static bool is_tag_keyword(const struct cb_lex *lx)
{
	return lx->kind == CB_WORD_NAME &&
	       (cb_lex_says(lx, "struct", 6) || cb_lex_says(lx, "union", 5) || cb_lex_says(lx, "enum", 4));
}

static bool is_param(const struct reading *r, const char *text, size_t len)
{
	for (size_t i = 0; i < r->nparams; i++)
		if (r->params[i].len == len && !memcmp(r->params[i].text, text, len))
			return true;
	return false;
}

/* Behind the name in "struct NAME": does a '*' follow, perhaps after words such as const? */
static bool pointer_follows(struct cb_lex lx)
{
	for (int words = 0; words < 4; words++) {
		enum cb_word kind = cb_lex_next(&lx);

		if (kind != CB_WORD_NAME)
			return cb_lex_is(&lx, '*');
	}
	return false;
}

/* The word is "struct", "union" or "enum": go to its tag, if it has one here. */
static void read_tag(struct reading *r)
{
	struct cb_lex ahead = r->lx;

	if (cb_lex_next(&ahead) != CB_WORD_NAME)
		return;
	r->lx = ahead;
	/* struct __attribute__((packed)) NAME: the name is met as a plain one */
	if (cb_lex_says(&r->lx, "__attribute__", 13))
		r->names->tags_anywhere |= !r->library;
	else if (!is_param(r, r->lx.text, r->lx.len))
		use(r->names, r->lx.text, r->lx.len, pointer_follows(r->lx) ? CB_USE_POINTER_TAG : CB_USE_TAG);
	else if (!r->library)
		r->names->tags_anywhere = true;
}

/* Of the CO-RE relocations the one that compares all members. */
static bool asks_for_whole_types(const struct cb_lex *lx)
{
	static const char *const names[] = {"bpf_core_type_matches", "BPF_TYPE_MATCHES",
					    "__builtin_preserve_type_info"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (cb_lex_says(lx, names[i], strlen(names[i])))
			return true;
	return false;
}

/* To the end of the text, or of the directive. */
static void read_words(struct reading *r, bool directive)
{
	bool member = false; /* the word before is "." or "->" */

	for (;;) {
		enum cb_word kind = cb_lex_next(&r->lx);
		uint8_t uses;

		if (kind == CB_WORD_NONE || (directive && kind == CB_WORD_EOL))
			return;
		if (kind == CB_WORD_HASH && !directive)
			return; /* the caller's */
		if (kind != CB_WORD_NAME) {
			member = cb_lex_is(&r->lx, '.') || cb_lex_says(&r->lx, "->", 2);
			if (!r->library && kind == CB_WORD_OTHER && cb_lex_says(&r->lx, "##", 2))
				r->names->exact = r->names->tags_anywhere = true;
			continue;
		}
		if (is_tag_keyword(&r->lx)) {
			read_tag(r);
			continue;
		}
		if (!r->library && asks_for_whole_types(&r->lx))
			r->names->exact = true;
		uses = (member ? 0 : CB_USE_PLAIN) | (member || r->field ? CB_USE_FIELD : 0);
		if (!is_param(r, r->lx.text, r->lx.len))
			use(r->names, r->lx.text, r->lx.len, uses);
		member = false;
	}
}

/* The name of a macro behind #define, and its parameters. */
static bool read_macro_head(struct reading *r, const char **name, size_t *len)
{
	r->nparams = 0;
	if (cb_lex_next(&r->lx) != CB_WORD_NAME)
		return false;
	*name = r->lx.text;
	*len = r->lx.len;
	if (r->lx.at == r->lx.end || *r->lx.at != '(')
		return true;
	while (cb_lex_next(&r->lx) != CB_WORD_EOL && !cb_lex_is(&r->lx, ')'))
		if (r->lx.kind == CB_WORD_NAME && r->nparams < PARAMS_MAX) {
			r->params[r->nparams].text = r->lx.text;
			r->params[r->nparams++].len = r->lx.len;
		}
	return true;
}

static void skip_directive(struct cb_lex *lx)
{
	while (lx->kind != CB_WORD_EOL && lx->kind != CB_WORD_NONE)
		cb_lex_next(lx);
}

static bool is_define(struct cb_lex *lx)
{
	return cb_lex_next(lx) == CB_WORD_NAME && cb_lex_says(lx, "define", 6);
}

/* Of what counts: everything in it. */
static void read_text(struct cb_slice_names *names, const char *from, const char *to, bool library)
{
	struct reading r = {
		.names = names, .lx = cb_lex_of(from, (size_t)(to - from)), .library = library, .field = !library};
	const char *name;
	size_t len;

	for (;;) {
		read_words(&r, false);
		if (r.lx.kind != CB_WORD_HASH)
			return;
		if (is_define(&r.lx) && read_macro_head(&r, &name, &len))
			read_words(&r, true);
		else
			skip_directive(&r.lx);
		r.nparams = 0;
	}
}

/* from is behind #define */
static void read_macro(struct cb_slice_names *names, const char *from, const char *to)
{
	struct reading r = {.names = names, .lx = cb_lex_of(from, (size_t)(to - from)), .library = true, .field = true};
	const char *name;
	size_t len;

	r.lx.in_directive = true;
	if (read_macro_head(&r, &name, &len) && r.lx.kind != CB_WORD_EOL)
		read_words(&r, true);
}

/* ---- Cutting libraries ------------------------------------------------------------------------------------------ */

/* What is known of the declaration that is being passed. */
struct declaration {
	const char *from;
	const char *name; /* NULL: not found yet */
	size_t len;
	bool body;	   /* has braces */
	bool name_is_sure; /* "(*NAME" */
	int braces, parens;
	bool star; /* "(*" has just been seen */
	/* the name before the first '(' */
	const char *last;
	size_t last_len;
};

static void end_declaration(struct cb_slice_names *n, struct declaration *d, const char *to)
{
	if (d->from && (d->body || d->name)) {
		if (add_part(n, d->from, to, false)) {
			if (d->body)
				take(n, n->nparts - 1);
			else
				declares(n, n->nparts - 1, d->name, d->len);
		}
	}
	*d = (struct declaration){0};
}

static bool is_word(const struct declaration *d, const char *word)
{
	return d->last_len == strlen(word) && !memcmp(d->last, word, d->last_len);
}

/* A word of a declaration outside of braces: what does it declare, which typedefs does it use? */
static void pass_word(struct cb_slice_names *n, struct cb_lex *lx, struct declaration *d)
{
	if (lx->kind == CB_WORD_NAME) {
		if (is_tag_keyword(lx)) {
			struct cb_lex ahead = *lx;

			if (cb_lex_next(&ahead) == CB_WORD_NAME)
				*lx = ahead;
			return;
		}
		if (d->star && !cb_lex_says(lx, "const", 5)) {
			if (!d->name_is_sure) {
				d->name = lx->text;
				d->len = lx->len;
				d->name_is_sure = true;
			}
			d->star = false;
		}
		d->last = lx->text;
		d->last_len = lx->len;
		use(n, lx->text, lx->len, CB_USE_DECLARED);
		return;
	}
	d->star = (cb_lex_is(lx, '*') && d->parens && !d->last) || (d->star && cb_lex_is(lx, '*'));
	if (cb_lex_is(lx, '(')) {
		if (d->last && is_word(d, "_Static_assert"))
			d->body = true;
		if (!d->name && d->last && !is_word(d, "__attribute__")) {
			d->name = d->last;
			d->len = d->last_len;
		}
		d->last = NULL;
		d->parens++;
	} else if (cb_lex_is(lx, ')')) {
		d->parens--;
	}
}

static void cut_declaration(struct cb_slice_names *n, struct cb_lex *lx, struct declaration *d)
{
	if (!d->from)
		d->from = lx->text;
	if (cb_lex_is(lx, '{')) {
		d->body = true;
		d->braces++;
	} else if (cb_lex_is(lx, '}')) {
		if (--d->braces <= 0)
			end_declaration(n, d, lx->at);
	} else if (cb_lex_is(lx, ';') && !d->braces) {
		end_declaration(n, d, lx->at);
	} else if (!d->braces) {
		pass_word(n, lx, d);
	}
}

static void cut_library(struct cb_slice_names *n, const struct cb_slice_text *text)
{
	struct cb_lex lx = cb_lex_of(text->text, text->len);
	struct declaration d = {0};

	while (cb_lex_next(&lx) != CB_WORD_NONE) {
		if (lx.kind == CB_WORD_HASH) {
			if (is_define(&lx)) {
				const char *from = lx.at, *name;
				size_t len;

				if (cb_lex_next(&lx) == CB_WORD_NAME) {
					name = lx.text;
					len = lx.len;
					skip_directive(&lx);
					add_macro(n, from, lx.at, name, len);
				}
			}
			skip_directive(&lx);
		} else if (lx.kind != CB_WORD_EOL) {
			cut_declaration(n, &lx, &d);
		}
	}
	/* a text that ends in the middle of a declaration goes on in another one */
	d.body = d.from != NULL;
	end_declaration(n, &d, text->text + text->len);
}

int cb_slice_names_of(const struct cb_slice_text *texts, size_t n, struct cb_slice_names *names, struct cb_err *e)
{
	*names = (struct cb_slice_names){0};
	for (size_t i = 0; i < n; i++)
		if (texts[i].library)
			cut_library(names, &texts[i]);
	for (size_t i = 0; i < n; i++)
		if (!texts[i].library)
			read_text(names, texts[i].text, texts[i].text + texts[i].len, false);
	while (names->ndue && !names->failed) {
		const struct cb_slice_part part = names->part[names->due[--names->ndue]];

		if (part.macro)
			read_macro(names, part.from, part.to);
		else
			read_text(names, part.from, part.to, true);
	}
	return names->failed ? cb_fail(e, ENOMEM, "out of memory") : 0;
}

void cb_slice_names_free(struct cb_slice_names *names)
{
	free(names->names);
	free(names->slots);
	free(names->part);
	free(names->due);
	*names = (struct cb_slice_names){0};
}
