#include "filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "bloom.h"
#include "bounds.h"

bool
pattern_valid(const char *s, uint32_t len)
{
	uint32_t word = 0;

	if (len == 0 || len > TYPE_CHARS_MAX)
		return (false);
	for (uint32_t i = 0; i <= len; i++) {
		if (i < len && s[i] != '.') {
			bool plain = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_' || s[i] == '-';

			if (!plain && s[i] != '*')
				return (false);
			continue;
		}
		/* A word ends: stars stand alone, two only at the end. */
		if (i == word)
			return (false);
		for (uint32_t k = word; k < i; k++)
			if (s[k] == '*' && !(i - word == 1 || (i - word == 2 && i == len && s[word] == '*' && s[word + 1] == '*')))
				return (false);
		word = i + 1;
	}
	return (true);
}

bool
pattern_matches(const char *p, const char *type, uint32_t len)
{
	const char *end = type + len;

	for (;;) {
		const char *word = type;

		if (strcmp(p, "**") == 0)
			return (type < end);
		while (type < end && *type != '.')
			type++;
		if (p[0] == '*')
			p++;
		else {
			size_t n = (size_t)(type - word);

			if (strncmp(p, word, n) != 0)
				return (false);
			p += n;
		}
		if (type == end || *p == '\0')
			return (type == end && *p == '\0');
		if (*p != '.')
			return (false);
		p++;
		type++;
	}
}

static struct filter_list *
list_of(struct filter *f, char kind)
{
	return (kind == 't' ? &f->type : kind == 's' ? &f->subject : kind == 'o' ? &f->source : &f->urgency);
}

static const char *
item_problem(char kind, const char *s, uint32_t len)
{
	switch (kind) {
	case 't':
		return (pattern_valid(s, len) ? NULL : "dotted words, * for one word, ** at the end for the rest");
	case 's':
		return (id_valid(s, len) ? NULL : "a subject is 1 to 64 characters of A-Z a-z 0-9 . _ : / -");
	case 'o':
		return (len > 0 && len <= SOURCE_CHARS_MAX && memchr(s, '\0', len) == NULL ? NULL : "a source has 1 to 128 characters");
	default:
		return (mp_equal(s, len, "routine") || mp_equal(s, len, "urgent") || mp_equal(s, len, "emergency") ? NULL :
		    "one of routine, urgent, emergency");
	}
}

static int
bad(struct data_fault *fault, int code, const char *name, uint32_t i, const char *detail)
{
	fault->code = code;
	snprintf(fault->path, sizeof(fault->path), "%s[%u]", name, i);
	snprintf(fault->detail, sizeof(fault->detail), "%s", detail);
	return (code);
}

int
filter_read(struct filter *f, char kind, struct mp *m, struct data_fault *fault)
{
	const char *name = kind == 't' ? "type" : kind == 's' ? "subject" : kind == 'o' ? "source" : "urgency";
	struct filter_list *l = list_of(f, kind);
	bool hashed = kind != 'u';
	uint32_t count, len;
	const char *s, *problem;

	if (!mp_array(m, &count) || count == 0)
		return (bad(fault, E_ARGUMENT, name, 0, "a list of strings, at least one"));
	if (count > FILTER_ITEMS_MAX)
		return (bad(fault, E_TOO_MANY, name, FILTER_ITEMS_MAX, "at most 64 items"));
	l->items = must_alloc(count * sizeof(*l->items));
	l->hashes = must_alloc(count * sizeof(*l->hashes));
	for (uint32_t i = 0; i < count; i++) {
		if (!mp_str(m, &s, &len))
			return (bad(fault, E_ARGUMENT, name, i, "must be a string"));
		if ((problem = item_problem(kind, s, len)) != NULL)
			return (bad(fault, kind == 't' ? E_PATTERN : E_ARGUMENT, name, i, problem));
		l->items[i] = strndup(s, len);
		l->count++;
		hashed = hashed && memchr(s, '*', len) == NULL;
		l->hashes[i] = bloom_hash(kind == 't' ? BLOOM_TYPE : kind == 's' ? BLOOM_SUBJECT : BLOOM_SOURCE, s, len);
	}
	if (!hashed) {
		free(l->hashes);
		l->hashes = NULL;
	}
	return (0);
}

static void
list_clear(struct filter_list *l)
{
	for (unsigned i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	free(l->hashes);
	memset(l, 0, sizeof(*l));
}

void
filter_clear(struct filter *f)
{
	list_clear(&f->type);
	list_clear(&f->subject);
	list_clear(&f->source);
	list_clear(&f->urgency);
}

bool
filter_is_open(const struct filter *f)
{
	return (f->type.count + f->subject.count + f->source.count + f->urgency.count == 0);
}

static bool
any_equal(const struct filter_list *l, const struct text *t)
{
	if (l->count == 0)
		return (true);
	for (unsigned i = 0; i < l->count; i++)
		if (t->s != NULL && mp_equal(t->s, t->len, l->items[i]))
			return (true);
	return (false);
}

static bool
any_pattern(const struct filter_list *l, const struct text *t)
{
	if (l->count == 0)
		return (true);
	for (unsigned i = 0; i < l->count; i++)
		if (pattern_matches(l->items[i], t->s, t->len))
			return (true);
	return (false);
}

bool
filter_matches(const struct filter *f, const struct event *e)
{
	/* No urgency given means routine. */
	static const struct text routine = { "routine", 7 };

	return (any_pattern(&f->type, &e->type) && any_equal(&f->subject, &e->subject) && any_equal(&f->source, &e->source) &&
	    any_equal(&f->urgency, e->urgency.s != NULL ? &e->urgency : &routine));
}

unsigned
filter_queries(const struct filter *f, struct month_query out[3])
{
	const struct filter_list *lists[] = { &f->subject, &f->source, &f->type };
	unsigned n = 0;

	for (unsigned i = 0; i < 3; i++)
		if (lists[i]->count > 0 && lists[i]->hashes != NULL)
			out[n++] = (struct month_query){ lists[i]->hashes, lists[i]->count };
	return (n);
}
