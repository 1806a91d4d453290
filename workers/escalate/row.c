/* Rows as bytes. */
#include "row.h"

#include <msgpack.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "bytes.h"

#define ROW_VERSION	2u

/* Writing and reading in the same order; reading beyond the end gives zeros and says so. */
struct pen {
	uint8_t *p, *end;
};

struct eye {
	const uint8_t *p, *end;
	bool short_of;
};

static void
put_byte(struct pen *w, unsigned v)
{
	*w->p++ = (uint8_t)v;
}

static void
put_number(struct pen *w, uint64_t v)
{
	put_le64(w->p, v);
	w->p += 8;
}

static void
put_string(struct pen *w, const char *s)
{
	size_t len = strlen(s);

	put_le32(w->p, (uint32_t)len);
	memcpy(w->p + 4, s, len);
	w->p += 4 + len;
}

static unsigned
get_byte(struct eye *r)
{
	if (r->p >= r->end) {
		r->short_of = true;
		return (0);
	}
	return (*r->p++);
}

static uint64_t
get_number(struct eye *r)
{
	if (r->end - r->p < 8) {
		r->short_of = true;
		return (0);
	}
	r->p += 8;
	return (get_le64(r->p - 8));
}

static void
get_string(struct eye *r, char *out, size_t size)
{
	uint32_t len = 0;

	out[0] = '\0';
	if (r->end - r->p < 4 || (len = get_le32(r->p)) >= size || (size_t)(r->end - r->p) - 4 < len) {
		r->short_of = true;
		return;
	}
	memcpy(out, r->p + 4, len);
	out[len] = '\0';
	r->p += 4 + len;
}

/* ---- Keys ---- */

struct row_key
row_key(struct text subject, const char *rule)
{
	struct row_key k;
	size_t n = strlen(rule);

	memcpy(k.bytes, subject.s, subject.len);
	k.bytes[subject.len] = '\0';
	memcpy(k.bytes + subject.len + 1, rule, n);
	k.len = subject.len + 1 + n;
	return (k);
}

bool
row_key_read(struct row_key *k, const void *bytes, size_t len)
{
	if (len == 0 || len > sizeof(k->bytes) || memchr(bytes, '\0', len) == NULL)
		return (false);
	memcpy(k->bytes, bytes, len);
	k->len = len;
	return (true);
}

struct text
row_subject(const struct row_key *k)
{
	return ((struct text){ k->bytes, (uint32_t)((const char *)memchr(k->bytes, '\0', k->len) - k->bytes) });
}

struct text
row_rule(const struct row_key *k)
{
	struct text s = row_subject(k);

	return ((struct text){ k->bytes + s.len + 1, (uint32_t)(k->len - s.len - 1) });
}

void
obligation_id(const struct row_key *k, char out[OBLIGATION_SIZE])
{
	struct text s = row_subject(k), r = row_rule(k);

	if (r.len + 1 + s.len <= ID_CHARS_MAX)
		snprintf(out, OBLIGATION_SIZE, "%.*s/%.*s", (int)r.len, r.s, (int)s.len, s.s);
	else
		snprintf(out, OBLIGATION_SIZE, "%.*s/%.*s:%016llx", (int)r.len, r.s, (int)(ID_CHARS_MAX - 18 - r.len), s.s,
		    (unsigned long long)XXH64(s.s, s.len, 0));
}

static size_t
due_key(const struct row_key *k, int64_t due, uint8_t out[DUE_KEY_MAX])
{
	put_be64(out, (uint64_t)due ^ 1ull << 63);
	memcpy(out + 8, k->bytes, k->len);
	return (8 + k->len);
}

/* ---- Rows ---- */

bool
row_read(struct row *o, const void *bytes, size_t len)
{
	struct eye r = { bytes, (const uint8_t *)bytes + len, false };
	unsigned flags;

	memset(o, 0, sizeof(*o));
	if (get_byte(&r) != ROW_VERSION)
		return (false);
	o->state = (enum row_state)get_byte(&r);
	flags = get_byte(&r);
	o->breached = flags & 1;
	o->provisional = flags & 2;
	o->fixed = flags & 4;
	o->term.roll = flags & 8;
	o->term.close = flags & 16;
	o->reopened = flags & 32;
	o->final = flags & 64;
	o->superseded = flags & 128;
	o->term.mode = (enum calendar_mode)get_byte(&r);
	o->level = get_byte(&r);
	o->repeats = get_byte(&r);
	o->term.n = (int64_t)get_number(&r);
	o->opened = (int64_t)get_number(&r);
	o->due = (int64_t)get_number(&r);
	o->last_day = (int64_t)get_number(&r);
	o->breach = (int64_t)get_number(&r);
	o->opened_seq = get_number(&r);
	o->ended_seq = get_number(&r);
	o->ended = (int64_t)get_number(&r);
	o->paused = (int64_t)get_number(&r);
	o->paused_seq = get_number(&r);
	o->credit = (int64_t)get_number(&r);
	o->credit_days = (int64_t)get_number(&r);
	o->warned = (int64_t)get_number(&r);
	o->told = (int64_t)get_number(&r);
	o->rest = (int64_t)get_number(&r);
	o->rest_seq = get_number(&r);
	o->shift = (int64_t)get_number(&r);
	get_string(&r, o->household, sizeof(o->household));
	get_string(&r, o->merge, sizeof(o->merge));
	get_string(&r, o->owner, sizeof(o->owner));
	o->was_open = o->state == ROW_OPEN;
	o->was_due = o->due;
	return (!r.short_of);
}

bool
row_load(struct worker *w, const struct row_key *k, struct row *o)
{
	const void *v;
	size_t len;

	return (worker_get(w, OBLIGATIONS, k->bytes, k->len, &v, &len) && row_read(o, v, len));
}

static void
index_due(struct worker *w, const struct row_key *k, struct row *o)
{
	bool open = o->state == ROW_OPEN;
	uint8_t key[DUE_KEY_MAX];

	if (o->was_open && (!open || o->due != o->was_due))
		worker_delete(w, DUES, key, due_key(k, o->was_due, key));
	if (open && (!o->was_open || o->due != o->was_due))
		worker_put(w, DUES, key, due_key(k, o->due, key), "", 0);
	o->was_open = open;
	o->was_due = o->due;
}

void
row_store(struct worker *w, const struct row_key *k, struct row *o)
{
	uint8_t bytes[sizeof(*o)];
	struct pen p = { bytes, bytes + sizeof(bytes) };

	index_due(w, k, o);
	put_byte(&p, ROW_VERSION);
	put_byte(&p, o->state);
	put_byte(&p, o->breached | o->provisional << 1 | o->fixed << 2 | o->term.roll << 3 | o->term.close << 4 | o->reopened << 5 |
	    o->final << 6 | o->superseded << 7);
	put_byte(&p, o->term.mode);
	put_byte(&p, o->level);
	put_byte(&p, o->repeats);
	put_number(&p, (uint64_t)o->term.n);
	put_number(&p, (uint64_t)o->opened);
	put_number(&p, (uint64_t)o->due);
	put_number(&p, (uint64_t)o->last_day);
	put_number(&p, (uint64_t)o->breach);
	put_number(&p, o->opened_seq);
	put_number(&p, o->ended_seq);
	put_number(&p, (uint64_t)o->ended);
	put_number(&p, (uint64_t)o->paused);
	put_number(&p, o->paused_seq);
	put_number(&p, (uint64_t)o->credit);
	put_number(&p, (uint64_t)o->credit_days);
	put_number(&p, (uint64_t)o->warned);
	put_number(&p, (uint64_t)o->told);
	put_number(&p, (uint64_t)o->rest);
	put_number(&p, o->rest_seq);
	put_number(&p, (uint64_t)o->shift);
	put_string(&p, o->household);
	put_string(&p, o->merge);
	put_string(&p, o->owner);
	worker_put(w, OBLIGATIONS, k->bytes, k->len, bytes, (size_t)(p.p - bytes));
}

void
row_delete(struct worker *w, const struct row_key *k, struct row *o)
{
	o->state = ROW_NONE;
	index_due(w, k, o);
	worker_delete(w, OBLIGATIONS, k->bytes, k->len);
}

/* ---- What it is about ---- */

bool
about_load(struct worker *w, struct text subject, struct about *a)
{
	const void *v;
	struct eye r;
	size_t len;

	memset(a, 0, sizeof(*a));
	if (subject.len == 0 || !worker_get(w, SUBJECTS, subject.s, subject.len, &v, &len))
		return (false);
	r = (struct eye){ v, (const uint8_t *)v + len, false };
	if (get_byte(&r) != ROW_VERSION)
		return (false);
	a->seq = get_number(&r);
	a->when = (int64_t)get_number(&r);
	a->over_seq = get_number(&r);
	a->parent_seq = get_number(&r);
	a->handler_seq = get_number(&r);
	a->data_len = get_number(&r);
	a->over_len = get_number(&r);
	get_string(&r, a->type, sizeof(a->type));
	get_string(&r, a->household, sizeof(a->household));
	get_string(&r, a->handler, sizeof(a->handler));
	get_string(&r, a->handler_role, sizeof(a->handler_role));
	get_string(&r, a->parent, sizeof(a->parent));
	if (r.short_of || a->data_len > sizeof(a->data) || a->over_len > sizeof(a->over) || (size_t)(r.end - r.p) != a->data_len + a->over_len)
		return (false);
	memcpy(a->data, r.p, a->data_len);
	memcpy(a->over, r.p + a->data_len, a->over_len);
	return (true);
}

void
about_store(struct worker *w, struct text subject, const struct about *a)
{
	uint8_t bytes[sizeof(*a) + 64];
	struct pen p = { bytes, bytes + sizeof(bytes) };

	put_byte(&p, ROW_VERSION);
	put_number(&p, a->seq);
	put_number(&p, (uint64_t)a->when);
	put_number(&p, a->over_seq);
	put_number(&p, a->parent_seq);
	put_number(&p, a->handler_seq);
	put_number(&p, a->data_len);
	put_number(&p, a->over_len);
	put_string(&p, a->type);
	put_string(&p, a->household);
	put_string(&p, a->handler);
	put_string(&p, a->handler_role);
	put_string(&p, a->parent);
	memcpy(p.p, a->data, a->data_len);
	memcpy(p.p + a->data_len, a->over, a->over_len);
	p.p += a->data_len + a->over_len;
	worker_put(w, SUBJECTS, subject.s, subject.len, bytes, (size_t)(p.p - bytes));
}
