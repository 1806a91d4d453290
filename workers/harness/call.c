/* One callback, and what it may do within. */
#include "call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "emit.h"

static void
begin(struct worker *w, const struct cause *c)
{
	w->cause = *c;
	w->failed = false;
	w->reason[0] = '\0';
	emission_clear(w);
	state_record(w->state);
}

static bool
end(struct worker *w, int result)
{
	if (result != 0 && !w->failed)
		worker_fail(w, "it failed without saying why");
	if (!w->failed) {
		state_keep(w->state);
		emission_deliver(w);
		return (true);
	}
	state_undo(w->state);
	emission_clear(w);
	w->next_known = false;
	return (false);
}

bool
call_update(struct worker *w, const struct cause *c, const struct worker_event *v)
{
	begin(w, c);
	return (end(w, w->kind->update(w, v)));
}

bool
call_due(struct worker *w, const struct cause *c, const struct timer *t, bool replayed)
{
	struct worker_timer given = { t->name, t->name_len, t->due, t->cause, t->payload, t->len, replayed };

	begin(w, c);
	return (end(w, w->kind->due(w, &given)));
}

bool
call_activated(struct worker *w, const struct cause *c, const char *kind)
{
	begin(w, c);
	return (end(w, w->kind->activated != NULL ? w->kind->activated(w, kind) : 0));
}

void *
worker_user(const struct worker *w)
{
	return (w->user);
}

int64_t
worker_now(const struct worker *w)
{
	return (w->cause.now);
}

uint64_t
worker_cause(const struct worker *w)
{
	return (w->cause.seq);
}

int
worker_fail(struct worker *w, const char *fmt, ...)
{
	va_list ap;

	/* The first reason is the reason. */
	if (!w->failed) {
		va_start(ap, fmt);
		vsnprintf(w->reason, sizeof(w->reason), fmt, ap);
		va_end(ap);
	}
	w->failed = true;
	return (-1);
}

bool
call_may_change(struct worker *w)
{
	if (w->query != NULL)
		worker_fail(w, "a query changes nothing");
	return (w->query == NULL);
}

/* ---- Tables ---- */

static bool
place_valid(struct worker *w, unsigned table, size_t len)
{
	if (DB_OWN + table < w->state->count && len >= 1 && len <= STATE_KEY_MAX)
		return (true);
	worker_fail(w, "table %u, key of %zu bytes: outside its bound", table, len);
	return (false);
}

bool
worker_get(struct worker *w, unsigned table, const void *key, size_t len, const void **value, size_t *value_len)
{
	MDB_val v;

	if (!place_valid(w, table, len) || !state_get(w->state, DB_OWN + table, key, len, &v))
		return (false);
	*value = v.mv_data;
	*value_len = v.mv_size;
	return (true);
}

void
worker_put(struct worker *w, unsigned table, const void *key, size_t len, const void *value, size_t value_len)
{
	if (call_may_change(w) && place_valid(w, table, len))
		state_put(w->state, DB_OWN + table, key, len, value, value_len);
}

bool
worker_delete(struct worker *w, unsigned table, const void *key, size_t len)
{
	return (call_may_change(w) && place_valid(w, table, len) && state_delete(w->state, DB_OWN + table, key, len));
}

uint64_t
worker_get_number(struct worker *w, unsigned table, const void *key, size_t len)
{
	const void *v;
	size_t n;

	return (worker_get(w, table, key, len, &v, &n) && n == 8 ? get_le64(v) : 0);
}

void
worker_put_number(struct worker *w, unsigned table, const void *key, size_t len, uint64_t n)
{
	uint8_t bytes[8];

	put_le64(bytes, n);
	worker_put(w, table, key, len, bytes, sizeof(bytes));
}

bool
worker_each(struct worker *w, unsigned table, const void *prefix, size_t len, struct worker_walk *walk)
{
	uint8_t from[STATE_KEY_MAX + 1] = { 0 };
	size_t from_len = len;
	MDB_val k, v;

	if (DB_OWN + table >= w->state->count || len > STATE_KEY_MAX) {
		worker_fail(w, "table %u, prefix of %zu bytes: outside its bound", table, len);
		return (false);
	}
	if (walk->key_len > 0) {
		/* The least key behind the one before. */
		memcpy(from, walk->key, walk->key_len);
		from[walk->key_len] = 0;
		from_len = walk->key_len + 1;
	} else if (len > 0)
		memcpy(from, prefix, len);
	if (!state_seek(w->state, DB_OWN + table, from, from_len, &k, &v) || k.mv_size < len ||
	    (len > 0 && memcmp(k.mv_data, prefix, len) != 0))
		return (false);
	memcpy(walk->key, k.mv_data, k.mv_size);
	walk->key_len = k.mv_size;
	walk->value = v.mv_data;
	walk->value_len = v.mv_size;
	return (true);
}

/* ---- Timers ---- */

void
worker_set_timer(struct worker *w, const void *name, size_t len, int64_t due, const void *payload, size_t payload_len)
{
	const struct cause *c = &w->cause;
	struct timer t = { name, len, due, c->seq, (uint8_t)c->depth, 0, c->muted ? TIMER_MUTED : 0, payload, payload_len };
	int64_t before;

	if (!call_may_change(w))
		return;
	if (w->kind->due == NULL || len < 1 || len > STATE_KEY_MAX || payload_len > TIMER_PAYLOAD_MAX) {
		worker_fail(w, "a timer with a name of %zu bytes and a payload of %zu: outside its bound", len, payload_len);
		return;
	}
	if (due <= c->fired) {
		if (c->steps >= TIMER_STEPS_MAX) {
			worker_fail(w, "a timer was set %u times without letting time pass: a loop", TIMER_STEPS_MAX + 1);
			return;
		}
		t.steps = (uint8_t)(c->steps + 1);
	}
	if (w->next_known && timers_due(w->state, name, len, &before) && before == w->next_due)
		w->next_known = false;
	timers_set(w->state, &t);
	if (w->next_known && due < w->next_due)
		w->next_due = due;
}

bool
worker_cancel_timer(struct worker *w, const void *name, size_t len)
{
	int64_t due;

	if (!call_may_change(w) || !worker_timer_due(w, name, len, &due))
		return (false);
	timers_remove(w->state, name, len, due);
	if (due == w->next_due)
		w->next_known = false;
	return (true);
}

bool
worker_timer_due(struct worker *w, const void *name, size_t len, int64_t *due)
{
	if (len < 1 || len > STATE_KEY_MAX) {
		worker_fail(w, "a timer with a name of %zu bytes: outside its bound", len);
		return (false);
	}
	return (timers_due(w->state, name, len, due));
}
