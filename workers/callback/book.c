/* Storing a callback, with every figure and list that it is in. */
#include "callback.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

static void
month_key(struct key *k, int64_t month, unsigned kind)
{
	k->len = 0;
	key_number(k, (uint64_t)month);
	k->bytes[k->len++] = (uint8_t)kind;
}

void
book_tally(struct worker *w, int64_t month, unsigned kind, struct tally *m)
{
	struct key k;

	month_key(&k, month, kind);
	record_get(w, MONTHS, SHAPE_TALLY, k.bytes, k.len, m);
}

void
book_tally_put(struct worker *w, int64_t month, unsigned kind, const struct tally *m)
{
	struct key k;

	month_key(&k, month, kind);
	record_put(w, MONTHS, SHAPE_TALLY, k.bytes, k.len, m);
}

/* What it counts for, so many times: once, or less once. */
static void
count(struct worker *w, const struct callback *c, int64_t by)
{
	bool open = c->state == IS_OPEN, done = c->state == IS_DONE, ended = done || c->state == IS_ATTEMPTED, called = open || ended;
	struct tally m;

	if (c->month == 0 || c->state == IS_CANCELLED)
		return;
	book_tally(w, c->month, c->kind, &m);
	m.n += by;
	m.done += done ? by : 0;
	m.attempted += c->state == IS_ATTEMPTED ? by : 0;
	m.open += open || c->state == IS_PLANNED ? by : 0;
	m.classified += c->state != IS_RATING ? by : 0;
	if (c->mandatory) {
		m.mandatory += called ? by : 0;
		m.mandatory_open += open ? by : 0;
		m.mandatory_done += done ? by : 0;
		m.mandatory_ended += ended ? by : 0;
	} else {
		m.picked += called && c->drawn ? by : 0;
		m.optional_open += open ? by : 0;
		m.optional_done += done ? by : 0;
		m.optional_ended += ended ? by : 0;
		m.drawn_done += done && c->drawn ? by : 0;
		m.drawn_last += done && c->drawn && c->last_days == 1 ? by : 0;
		m.drawn_after += done && c->drawn && c->last_days == 2 ? by : 0;
	}
	book_tally_put(w, c->month, c->kind, &m);
}

static void
share_key(struct key *k, int64_t month, char what, const char *name)
{
	k->len = 0;
	key_number(k, (uint64_t)month);
	k->bytes[k->len++] = (uint8_t)what;
	key_text(k, name);
}

void
book_share(struct worker *w, int64_t month, char what, const char *name, struct share *s)
{
	struct key k;

	share_key(&k, month, what, name);
	record_get(w, SHARES, SHAPE_SHARE, k.bytes, k.len, s);
}

static void
count_share(struct worker *w, const struct callback *c, char what, const char *name, int64_t by)
{
	struct share s;
	struct key k;

	if (name[0] == '\0')
		return;
	share_key(&k, c->month, what, name);
	record_get(w, SHARES, SHAPE_SHARE, k.bytes, k.len, &s);
	s.finished += by;
	s.called += c->state == IS_OPEN || c->state == IS_DONE || c->state == IS_ATTEMPTED ? by : 0;
	record_put(w, SHARES, SHAPE_SHARE, k.bytes, k.len, &s);
}

static void
load_key(struct key *k, int64_t month, const char *role, const char *staff)
{
	k->len = 0;
	key_text(key_part(key_number(k, (uint64_t)month), role), staff);
}

void
book_load_of(struct worker *w, int64_t month, const char *role, const char *staff, struct load *l)
{
	struct key k;

	load_key(&k, month, role, staff);
	record_get(w, LOADS, SHAPE_LOAD, k.bytes, k.len, l);
}

static void
count_load(struct worker *w, const struct callback *c, int64_t by)
{
	struct load l;
	struct key k;

	if (c->load_month == 0 || c->staff[0] == '\0' || !(c->state == IS_OPEN || c->state == IS_DONE || c->state == IS_ATTEMPTED))
		return;
	load_key(&k, c->load_month, c->role, c->staff);
	record_get(w, LOADS, SHAPE_LOAD, k.bytes, k.len, &l);
	l.assigned += by;
	l.done += c->state == IS_DONE ? by : 0;
	l.attempted += c->state == IS_ATTEMPTED ? by : 0;
	record_put(w, LOADS, SHAPE_LOAD, k.bytes, k.len, &l);
}

/* The lists that it stands in, or no longer. */
static void
list(struct worker *w, const struct callback *c, bool stands)
{
	bool open = c->state == IS_OPEN || c->state == IS_PLANNED;
	struct key k = { .len = 0 };

	if (open) {
		struct line l = { .kind = c->kind, .plan = c->plan, .opens = c->opens };

		key_text(key_instant(&k, c->due), c->id);
		memcpy(l.role, c->role, sizeof(l.role));
		memcpy(l.staff, c->staff, sizeof(l.staff));
		if (stands)
			record_put(w, AGENDA, SHAPE_LINE, k.bytes, k.len, &l);
		else
			worker_delete(w, AGENDA, k.bytes, k.len);
	}
	if (open && c->household[0] != '\0') {
		k.len = 0;
		key_text(key_part(&k, c->household), c->id);
		if (stands)
			worker_put(w, PENDING, k.bytes, k.len, "", 1);
		else
			worker_delete(w, PENDING, k.bytes, k.len);
	}
	if (c->month != 0 && (open || c->state == IS_ATTEMPTED)) {
		month_key(&k, c->month, c->kind);
		key_text(&k, c->id);
		if (stands)
			worker_put(w, GAPS, k.bytes, k.len, "", 1);
		else
			worker_delete(w, GAPS, k.bytes, k.len);
	}
	if (c->state == IS_CANDIDATE) {
		k.len = 0;
		key_text(key_number(key_number(&k, (uint64_t)c->month), (uint64_t)c->draw), c->id);
		if (stands)
			worker_put(w, POOL, k.bytes, k.len, "", 1);
		else
			worker_delete(w, POOL, k.bytes, k.len);
	}
}

static void
stand(struct worker *w, const struct callback *c, bool stands)
{
	int64_t by = stands ? 1 : -1;

	count(w, c, by);
	count_load(w, c, by);
	if (c->kind == KIND_REPAIR && c->month != 0 && c->state != IS_CANCELLED) {
		count_share(w, c, 't', c->trade, by);
		count_share(w, c, 's', c->repairer, by);
	}
	list(w, c, stands);
}

bool
book_load(struct turn *t, const char *id, struct callback *c)
{
	return (record_get(t->w, CALLBACKS, SHAPE_CALLBACK, id, strlen(id), c));
}

void
book_store(struct turn *t, const struct callback *c)
{
	struct callback before;

	if (book_load(t, c->id, &before))
		stand(t->w, &before, false);
	stand(t->w, c, true);
	record_put(t->w, CALLBACKS, SHAPE_CALLBACK, c->id, strlen(c->id), c);
}

void
book_note(struct turn *t, const char *id, const char *what, const char *by, const char *fmt, ...)
{
	struct entry e = { .when = t->now };
	struct key k = { .len = 0 };
	va_list ap;

	snprintf(e.what, sizeof(e.what), "%s", what);
	snprintf(e.by, sizeof(e.by), "%s", by);
	va_start(ap, fmt);
	vsnprintf(e.detail, sizeof(e.detail), fmt, ap);
	va_end(ap);
	key_text(key_instant(key_number(key_part(&k, id), t->seq), t->now), what);
	record_put(t->w, HISTORY, SHAPE_ENTRY, k.bytes, k.len, &e);
}
