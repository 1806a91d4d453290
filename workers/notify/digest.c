/*
 * Several routine messages to one receiver that leave as one.
 *
 * Whoever could leave waits a while (settings: digest) for others to the same receiver by the same channel; those that waited together are
 * ready at one instant, count once against the day's limits, and the sender takes them as one text.  The log knows it by one event: the
 * notification.attempted of the lead names those that leave `with` it, and is durable before anything leaves.  What is told of the lead is
 * then concluded of each of them, so that each has its own attempted, sent, failed and delivered.
 *
 * Urgent ones wait for nobody.
 */
#include <stdio.h>
#include <string.h>

#include "notification.h"

/* Of a receiver and a channel: who comes until then waits with the others. */
struct window {
	int64_t until, counted;		/* counted: the day on which one of them was, or NO_DAY */
};
#define NO_DAY	INT64_MIN

static size_t
window_key(const struct row *r, const struct channel *c, char key[STATE_KEY_MAX])
{
	return ((size_t)snprintf(key, STATE_KEY_MAX, "%s %s", r->to, c->name));
}

static struct window
window_load(struct turn *t, const struct row *r, const struct channel *c)
{
	struct window win = { 0, NO_DAY };
	char key[STATE_KEY_MAX];
	const void *v;
	size_t len;

	if (worker_get(t->w, WINDOWS, key, window_key(r, c, key), &v, &len) && len == sizeof(win))
		memcpy(&win, v, sizeof(win));
	return (win);
}

static void
window_store(struct turn *t, const struct row *r, const struct channel *c, const struct window *win)
{
	char key[STATE_KEY_MAX];

	worker_put(t->w, WINDOWS, key, window_key(r, c, key), win, sizeof(*win));
}

int64_t
digest_gather(struct turn *t, struct row *r, const struct channel *c)
{
	struct window win;

	/* What was attempted has waited enough. */
	if (t->s->digest_ns == 0 || !c->digest || r->f.urgency != ROUTINE || r->f.attempts > 0)
		return (t->now);
	if (r->f.gathered != 0)
		return (r->f.gathered);
	win = window_load(t, r, c);
	if (win.until <= t->now)
		win = (struct window){ t->now + t->s->digest_ns, NO_DAY };
	/* Alone rather than too late. */
	if (win.until >= r->f.expires)
		return (t->now);
	window_store(t, r, c, &win);
	return (r->f.gathered = win.until);
}

bool
digest_counted(struct turn *t, const struct row *r, const struct channel *c, int64_t day)
{
	struct window win;

	if (r->f.gathered == 0)
		return (false);
	win = window_load(t, r, c);
	return (win.until == r->f.gathered && win.counted == day);
}

void
digest_count(struct turn *t, const struct row *r, const struct channel *c, int64_t day)
{
	struct window win = window_load(t, r, c);

	if (r->f.gathered == 0 || win.until != r->f.gathered)
		return;
	win.counted = day;
	window_store(t, r, c, &win);
}

bool
digest_may(const struct settings *s, const struct channel *c, const struct row *r)
{
	/* Every attempt was ended by an answer: its key is a new one, and what comes with it is not taken for a repeat. */
	return (s->digest_ns != 0 && c->digest && r->f.urgency == ROUTINE && r->f.laps == r->f.attempts);
}

void
digest_attempted(struct turn *t, const struct worker_event *v, struct text lead, const char *via)
{
	char ids[DIGEST_MAX * ID_TEXT_SIZE];
	size_t len = 0;
	struct text id;
	struct row r;
	uint32_t n;
	struct mp m;

	digest_forget(t, lead);
	if (!event_field(v->e, "with", &m) || !mp_array(&m, &n))
		return;
	for (; n > 0 && mp_str(&m, &id.s, &id.len); n--) {
		if (!row_load(t->w, id, &r) || (r.f.fate != WAITING && r.f.fate != IS_READY) || len + id.len + 1 > sizeof(ids))
			continue;
		memcpy(ids + len, id.s, id.len);
		ids[len + id.len] = '\0';
		len += id.len + 1;
		snprintf(r.lead, sizeof(r.lead), "%.*s", (int)lead.len, lead.s);
		snprintf(r.via, sizeof(r.via), "%s", via);
		r.f.attempted = v->seq;
		r.f.attempted_at = v->log_time;
		r.f.attempts++;
		if (r.f.tries < UINT8_MAX)
			r.f.tries++;
		fate_followed(t, v, id, &r);
	}
	if (len > 0)
		worker_put(t->w, DIGESTS, lead.s, lead.len, ids, len);
}

void
digest_each(struct turn *t, const struct worker_event *v, struct text lead, void (*of)(struct turn *, const struct worker_event *, struct text id, struct row *))
{
	char ids[DIGEST_MAX * ID_TEXT_SIZE];
	const void *value;
	struct row r;
	size_t len;

	if (!worker_get(t->w, DIGESTS, lead.s, lead.len, &value, &len) || len > sizeof(ids))
		return;
	/* A lent value dies with the next write. */
	memcpy(ids, value, len);
	for (const char *at = ids; at < ids + len; at += strlen(at) + 1)
		if (row_load(t->w, text_of(at), &r) && mp_equal(lead.s, lead.len, r.lead) && (r.f.fate == ATTEMPTING || r.f.fate == SENT))
			of(t, v, text_of(at), &r);
}

void
digest_forget(struct turn *t, struct text lead)
{
	worker_delete(t->w, DIGESTS, lead.s, lead.len);
}
