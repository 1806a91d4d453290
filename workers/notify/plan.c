/*
 * What becomes of a notification: suppressed, waiting for an instant, or ready.  Before: a request, an outcome, a timer.  After: the
 * sender, which sees what is ready.
 *
 * Why the end of the quiet hours is a timer and their beginning too: what is ready when they begin must not leave any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notification.h"

#define DAY_S	86400

static struct text
as_text(const char *s)
{
	return (text_of(s));
}

/* ---- Time ---- */

static int64_t
wall(const struct settings *s, int64_t at)
{
	int64_t utc = at / SECOND_NS - (at % SECOND_NS < 0);

	return (utc + zone_offset(&s->zone, utc));
}

int64_t
plan_day(const struct settings *s, int64_t at)
{
	int64_t l = wall(s, at);

	return (l / DAY_S - (l % DAY_S < 0));
}

/* The first instant at or after `at` when the clock shows this minute of a day. */
static int64_t
next_clock(const struct settings *s, int64_t at, unsigned minute)
{
	int64_t day = plan_day(s, at), then = zone_instant(&s->zone, day * DAY_S + (int64_t)minute * 60) * SECOND_NS;

	return (then > at ? then : zone_instant(&s->zone, (day + 1) * DAY_S + (int64_t)minute * 60) * SECOND_NS);
}

static bool
within(const struct settings *s, int64_t at, unsigned from, unsigned to)
{
	unsigned minute = (unsigned)((wall(s, at) % DAY_S + DAY_S) % DAY_S / 60);

	return (from == to ? false : from < to ? minute >= from && minute < to : minute >= from || minute < to);
}

bool
plan_quiet(const struct turn *t, const char *to, int64_t at, int64_t *until)
{
	const struct settings *s = t->s;
	struct house h;
	bool quiet = false;

	*until = at;
	/* The house's hours, and the household's own; the one may end within the other. */
	for (unsigned i = 0; i < 3; i++) {
		bool again = false;

		if (within(s, *until, s->quiet_from, s->quiet_to)) {
			*until = next_clock(s, *until, s->quiet_to);
			again = true;
		}
		if (house_load(t->w, to, &h) && h.f.quiet_set && within(s, *until, h.f.quiet_from, h.f.quiet_to)) {
			*until = next_clock(s, *until, h.f.quiet_to);
			again = true;
		}
		quiet |= again;
		if (!again)
			break;
	}
	return (quiet);
}

/* When the quiet begins that ends what is ready; INT64_MAX: never. */
static int64_t
quiet_begins(const struct turn *t, const char *to)
{
	const struct settings *s = t->s;
	int64_t at = s->quiet_from != s->quiet_to ? next_clock(s, t->now, s->quiet_from) : INT64_MAX;
	struct house h;

	if (house_load(t->w, to, &h) && h.f.quiet_set && h.f.quiet_from != h.f.quiet_to) {
		int64_t own = next_clock(s, t->now, h.f.quiet_from);

		at = own < at ? own : at;
	}
	return (at);
}

int64_t
plan_latest(const struct turn *t, const struct row *r)
{
	int64_t quiet = r->f.urgency == ROUTINE ? quiet_begins(t, r->to) : INT64_MAX;

	return (quiet < r->f.expires ? quiet : r->f.expires);
}

/* ---- Timers ---- */

static void
set_timer(struct turn *t, char kind, struct text id, int64_t at)
{
	char name[ID_TEXT_SIZE + 1];
	size_t len = (size_t)snprintf(name, sizeof(name), "%c%.*s", kind, (int)id.len, id.s);

	if (at == INT64_MAX)
		worker_cancel_timer(t->w, name, len);
	else
		worker_set_timer(t->w, name, len, at > t->now ? at : t->now + 1, NULL, 0);
}

/* ---- The end ---- */

void
plan_sent(struct turn *t, struct text id)
{
	set_timer(t, 'n', id, INT64_MAX);
	set_timer(t, 'x', id, INT64_MAX);
	set_timer(t, 'g', id, t->now + (t->s != NULL ? t->s->keep_ns : 35 * DAY_S * SECOND_NS));
}

void
plan_end(struct turn *t, struct text id, struct row *r, enum fate fate, const char *reason)
{
	plan_sent(t, id);
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	row_become(t->w, id, r, fate);
}

/* It is not sent, and the log is told why. */
static void
tell_end(struct turn *t, struct text id, struct row *r, const char *type, enum fate fate, const char *reason)
{
	worker_derive(t->w, type, as_text(r->subject), &(struct worker_identity){ "notify", id, fate_names[fate], (uint64_t)t->now });
	worker_urgency(t->w, urgency_names[r->f.urgency]);
	worker_field(t->w, "notification", id);
	if (fate == FAILED)
		worker_field_bool(t->w, "permanent", true);
	worker_field(t->w, "reason", as_text(reason));
	worker_emit(t->w);
	plan_end(t, id, r, fate, reason);
}

static void
suppress(struct turn *t, struct text id, struct row *r, const char *reason)
{
	tell_end(t, id, r, "notification.suppressed", SUPPRESSED, reason);
}

/* ---- The channel ---- */

static const struct route *
route_of(const struct turn *t, const struct row *r)
{
	return (t->s != NULL ? settings_route(t->s, as_text(r->wanted)) : NULL);
}

/* Why this channel cannot be taken; NULL: it can. */
static const char *
against(const struct turn *t, const struct row *r, const struct channel *c)
{
	struct house h;

	if (!house_load(t->w, r->to, &h))
		return (NULL);
	if (c->group)
		return ("a household is not written to in a group");
	if (r->f.urgency == ROUTINE && (house_refuses(&h, medium_names[c->medium]) || house_refuses(&h, c->name)))
		return ("opt-out");
	if ((h.f.contact != 0 || h.f.changed != 0) && ((c->medium == MEDIUM_SMS && !h.f.has_phone) || (c->medium == MEDIUM_EMAIL && !h.f.has_email)))
		return ("no address");
	return (NULL);
}

/* Days that are over count no more: with each one that is added, some go. */
static void
forget_days(struct turn *t, int64_t day)
{
	struct worker_walk walk = { .key_len = 0 };

	for (unsigned i = 0; i < 4 && worker_each(t->w, COUNTS, NULL, 0, &walk) && strtoll((const char *)walk.key, NULL, 10) < day - 1; i++)
		worker_delete(t->w, COUNTS, walk.key, walk.key_len);
}

static uint64_t
count(struct turn *t, const char *what, int64_t day, unsigned add)
{
	char key[120];
	size_t len = (size_t)snprintf(key, sizeof(key), "%lld %s", (long long)day, what);
	uint64_t n = worker_get_number(t->w, COUNTS, key, len);

	if (add > 0) {
		worker_put_number(t->w, COUNTS, key, len, n + add);
		forget_days(t, day);
	}
	return (n);
}

/* The instant from which the day's limits leave room; now, if they do. */
static int64_t
limited(struct turn *t, const struct row *r, const struct channel *c)
{
	const struct settings *s = t->s;
	int64_t day = plan_day(s, t->now);

	if (r->f.urgency != ROUTINE || r->f.counted == day || digest_counted(t, r, c, day))
		return (t->now);
	if (count(t, r->to, day, 0) < s->per_receiver && count(t, c->name, day, 0) < c->per_day)
		return (t->now);
	return (next_clock(s, t->now, s->quiet_from != s->quiet_to ? s->quiet_to : 0));
}

/* Without a reason the one before stands. */
static void
wait_until(struct turn *t, struct text id, struct row *r, int64_t at, const char *reason)
{
	r->f.not_before = at;
	if (reason != NULL)
		snprintf(r->reason, sizeof(r->reason), "%s", reason);
	set_timer(t, 'n', id, at);
	row_become(t->w, id, r, WAITING);
}

static void
make_ready(struct turn *t, struct text id, struct row *r, const struct channel *c)
{
	int64_t day = plan_day(t->s, t->now);

	/* What did not leave on the day on which it was ready disturbs another one. */
	if (r->f.urgency == ROUTINE && r->f.counted != day) {
		if (!digest_counted(t, r, c, day)) {
			count(t, r->to, day, 1);
			count(t, c->name, day, 1);
			digest_count(t, r, c, day);
		}
		r->f.counted = day;
	}
	snprintf(r->via, sizeof(r->via), "%s", c->name);
	r->reason[0] = '\0';
	set_timer(t, 'n', id, r->f.urgency == ROUTINE ? quiet_begins(t, r->to) : INT64_MAX);
	row_become(t->w, id, r, IS_READY);
}

int
plan_channel(const struct turn *t, struct row *r, const char **why)
{
	const struct route *route = route_of(t, r);

	*why = route == NULL ? "no channel is configured for it" : "no channel is left";
	for (; route != NULL && r->f.step < route->count; r->f.step++, r->f.tries = 0) {
		const char *because = against(t, r, &t->s->channels[route->steps[r->f.step]]);

		if (because == NULL)
			return (route->steps[r->f.step]);
		*why = because;
	}
	return (-1);
}

/* Its receiver is away. */
static void
stand_in(struct turn *t, struct text id, struct row *r)
{
	char to[ID_TEXT_SIZE];

	memcpy(to, r->to, sizeof(to));
	staff_deputy(t, to);
	if (strcmp(to, r->to) == 0)
		return;
	/* What is ready stands among those to its receiver. */
	if (r->f.fate == IS_READY)
		row_become(t->w, id, r, WAITING);
	memcpy(r->to, to, sizeof(to));
}

void
plan_again(struct turn *t, struct text id, struct row *r)
{
	const struct channel *c;
	const char *why;
	int channel;
	struct house h;
	int64_t at;

	/* Before the first settings nothing leaves: it waits for them. */
	if (t->s == NULL)
		return (wait_until(t, id, r, t->now + 3600 * SECOND_NS, "there are no settings yet"));
	if (r->f.expires <= t->now)
		return (suppress(t, id, r, "expired"));
	stand_in(t, id, r);
	if (house_load(t->w, r->to, &h) && h.f.changed > r->f.requested)
		return (suppress(t, id, r, "the household has changed hands since"));
	if (r->f.urgency == ROUTINE && (house_refuses(&h, r->owner) || house_refuses(&h, r->template)))
		return (suppress(t, id, r, "opt-out"));
	if ((channel = plan_channel(t, r, &why)) < 0) {
		if (r->f.attempts == 0)
			return (suppress(t, id, r, why));
		return (tell_end(t, id, r, "notification.failed", FAILED, "no channel is left"));
	}
	c = &t->s->channels[channel];
	if (r->f.not_before > t->now)
		return (wait_until(t, id, r, r->f.not_before, NULL));
	if (r->f.urgency == ROUTINE && plan_quiet(t, r->to, t->now, &at))
		return (wait_until(t, id, r, at, "quiet hours"));
	if ((at = digest_gather(t, r, c)) > t->now)
		return (wait_until(t, id, r, at, "gathered with others to the same receiver"));
	if ((at = limited(t, r, c)) > t->now)
		return (wait_until(t, id, r, at, "the day's limit"));
	if ((at = breaker_load(t->w, c->name).until) > t->now && r->f.urgency == ROUTINE)
		return (wait_until(t, id, r, at, "the provider's breaker is open"));
	make_ready(t, id, r, c);
}

void
plan_next(struct turn *t, struct text id, struct row *r, const char *reason)
{
	r->f.step++;
	r->f.tries = 0;
	r->f.not_before = t->now;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	plan_again(t, id, r);
}

void
plan_attempted(struct turn *t, struct text id)
{
	set_timer(t, 'n', id, INT64_MAX);
}

void
plan_retry(struct turn *t, struct text id, struct row *r, const char *reason)
{
	int64_t pause = t->s != NULL ? t->s->backoff_ns : 30 * SECOND_NS, most = t->s != NULL ? t->s->backoff_max_ns : 3600 * SECOND_NS;

	/* Somebody waits for the urgent ones: the first repeat is at once. */
	if (r->f.urgency != ROUTINE)
		pause = r->f.tries <= 1 ? 0 : pause / 10;
	for (unsigned i = 1; i < r->f.tries && pause < most; i++)
		pause *= 2;
	if (t->s != NULL && r->f.tries >= t->s->tries)
		return (plan_next(t, id, r, reason));
	r->f.not_before = t->now + (pause < most ? pause : most);
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	plan_again(t, id, r);
}

/* ---- A request ---- */

static void
keep_text(const struct event *e, const char *field, char *out, size_t size)
{
	struct text x;

	if (event_text(e, field, &x) && x.len < size)
		snprintf(out, size, "%.*s", (int)x.len, x.s);
}

struct last {
	int64_t at;
	char id[ID_TEXT_SIZE];
};

static size_t
last_key(const struct row *r, char key[STATE_KEY_MAX])
{
	return ((size_t)snprintf(key, STATE_KEY_MAX, "%s %s %s", r->to, r->template, r->subject));
}

/* The same told to the same about the same within a while: by the id of the one before. */
static bool
told_before(struct turn *t, struct text id, const struct row *r, char before[ID_TEXT_SIZE])
{
	char key[STATE_KEY_MAX];
	size_t len = last_key(r, key), n;
	const void *v;
	struct last last;
	bool found = false;

	if (t->s == NULL || t->s->duplicate_ns == 0 || r->f.urgency != ROUTINE || !settings_owner(t->s, r->owner))
		return (false);
	if (worker_get(t->w, RECENT, key, len, &v, &n) && n == sizeof(last)) {
		memcpy(&last, v, sizeof(last));
		found = last.at + t->s->duplicate_ns > t->now;
		memcpy(before, last.id, ID_TEXT_SIZE);
	}
	if (!found) {
		memset(&last, 0, sizeof(last));
		last.at = t->now;
		snprintf(last.id, sizeof(last.id), "%.*s", (int)id.len, id.s);
		worker_put(t->w, RECENT, key, len, &last, sizeof(last));
	}
	return (found);
}

bool
plan_row(const struct turn *t, const struct event *e, uint64_t seq, int64_t log_time, struct text *id, struct row *r)
{
	static const char prefix[] = "/estated/worker/";
	struct text x;

	if (!event_text(e, "notification", id))
		return (false);
	memset(r, 0, sizeof(*r));
	r->f.urgency = ROUTINE;
	for (unsigned i = 0; i < URGENCIES && event_text(e, "urgency", &x); i++)
		if (mp_equal(x.s, x.len, urgency_names[i]))
			r->f.urgency = (uint8_t)i;
	r->f.requested = seq;
	r->f.asked_at = log_time;
	if (!event_instant(e, "not_before", &r->f.earliest))
		r->f.earliest = log_time;
	r->f.not_before = r->f.earliest;
	if (!event_instant(e, "expires", &r->f.expires))
		r->f.expires = log_time + (t->s != NULL ? t->s->useful_ns : 3 * DAY_S * SECOND_NS);
	keep_text(e, "to", r->to, sizeof(r->to));
	keep_text(e, "channel", r->wanted, sizeof(r->wanted));
	keep_text(e, "template", r->template, sizeof(r->template));
	snprintf(r->subject, sizeof(r->subject), "%.*s", (int)e->subject.len, e->subject.s != NULL ? e->subject.s : "");
	if (e->source.len > sizeof(prefix) - 1 && memcmp(e->source.s, prefix, sizeof(prefix) - 1) == 0)
		snprintf(r->owner, sizeof(r->owner), "%.*s", (int)(e->source.len - (sizeof(prefix) - 1)), e->source.s + sizeof(prefix) - 1);
	return (true);
}

void
plan_requested(struct turn *t, const struct worker_event *v)
{
	char before[ID_TEXT_SIZE], why[160];
	struct text id;
	struct row r;

	/* The same id again is the same message, whoever asks. */
	if (!event_text(v->e, "notification", &id) || row_load(t->w, id, &r) || !plan_row(t, v->e, v->seq, v->log_time, &id, &r))
		return;
	set_timer(t, 'x', id, r.f.expires);
	if (told_before(t, id, &r, before)) {
		snprintf(why, sizeof(why), "duplicate of %s", before);
		suppress(t, id, &r, why);
	} else
		plan_again(t, id, &r);
}

static void
forget(struct turn *t, struct text id, const struct row *r)
{
	char key[STATE_KEY_MAX];
	size_t len = last_key(r, key), n;
	const void *v;

	if (worker_get(t->w, RECENT, key, len, &v, &n) && n == sizeof(struct last) && mp_equal(id.s, id.len, ((const struct last *)v)->id))
		worker_delete(t->w, RECENT, key, len);
	fate_forget(t, r);
	digest_forget(t, id);
	row_remove(t->w, id, r);
}

int
plan_due(struct turn *t, const struct worker_timer *timer)
{
	const char *name = timer->name;
	struct text id = { name + 1, (uint32_t)timer->name_len - 1 };
	char copy[ID_TEXT_SIZE];
	struct row r;

	/* The name is lent. */
	snprintf(copy, sizeof(copy), "%.*s", (int)id.len, id.s);
	id.s = copy;
	if (!row_load(t->w, id, &r))
		return (0);
	if (name[0] == 'g')
		forget(t, id, &r);
	else if (r.f.fate == WAITING || r.f.fate == IS_READY)
		plan_again(t, id, &r);
	return (0);
}
