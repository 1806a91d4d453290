#include "retention.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bound.h"
#include "consumer.h"
#include "daemon.h"
#include "errcode.h"
#include "files.h"
#include "log.h"
#include "session.h"
#include "settings.h"
#include "subscription.h"

#define NS_S		1000000000ull
#define DAY_S		86400ull

/* Time alone makes a month old: it is looked at this often, besides whenever events come. */
#define CHECK_S		3600

/* Entries of the key index looked at in one transaction: some milliseconds. */
#define EXPIRE_BUDGET	4096u

/* A rate needs some time to be one. */
#define RATE_SPAN_S_MIN	3600.0

/* What the applier's thread does for it, one thing at a time: the loop fills it in, hands it over, and takes it back when `busy` is over. */
struct retention {
	struct daemon *d;
	atomic_bool busy;
	int error;
	bool unlinked;			/* the file and the folders are as store->trimmed says */
	char *text;
	size_t len;
	char through[MONTH_NAME];
	unsigned until;
	uint64_t expire_seq;		/* keys up to here are being forgotten; 0: none */
	uint8_t position[EVENT_KEY_BYTES];
	bool finished;
	/* The newest event of the oldest month, as last looked up. */
	uint64_t newest_seq, newest_time;
	struct bound bound;
	char warned[MONTH_NAME];	/* the month that was said to be unbound */
	struct event *timer;
};

/* The outcome of a step: true if it was done. */
static bool
done(struct retention *r, const char *what)
{
	if (r->error == 0)
		return (true);
	if (!store_may_retry(r->error))
		store_distrust(r->d->store->folder, what, mdb_strerror(r->error));
	log_warn("trimming is put off", "while=\"%s\" error=\"%s\"", what, mdb_strerror(r->error));
	return (false);
}

static void
run_unlink(void *arg)
{
	struct retention *r = arg;

	r->error = store_unlink_trimmed(r->d->store, r->text, r->len, r->through, r->until);
	free(r->text);
	r->unlinked = done(r, "unlinking trimmed months");
	atomic_store(&r->busy, false);
}

static void
run_expire(void *arg)
{
	struct retention *r = arg;

	r->error = keys_expire(r->d->store->keys, r->expire_seq, r->position, EXPIRE_BUDGET, &r->finished);
	(void)done(r, "forgetting the keys of trimmed events");
	atomic_store(&r->busy, false);
}

/* False: the applier stops; the next start goes on. */
static bool
hand_over(struct retention *r, void (*run)(void *))
{
	atomic_store(&r->busy, true);
	if (applier_errand(r->d->applier, run, r))
		return (true);
	atomic_store(&r->busy, false);
	return (false);
}

static void
unlink_trimmed(struct retention *r)
{
	struct store *s = r->d->store;

	r->text = trimmed_text(&s->trimmed, &s->identity, &r->len);
	memcpy(r->through, s->trimmed.through, sizeof(r->through));
	r->until = s->month_first;
	if (!hand_over(r, run_unlink))
		free(r->text);
}

/* The log time of the oldest month's newest event; 0 if it has none or cannot be read, which a reader will report. */
static uint64_t
newest_time(struct daemon *d, const struct month *m)
{
	struct retention *r = d->retention;
	uint64_t at = 0;
	struct record record;
	struct block b;
	char why[512];

	if (r->newest_seq == m->last)
		return (r->newest_time);
	r->newest_seq = m->last;
	r->newest_time = 0;
	if (store_read_block(d->reader, m->last, &b, why, sizeof(why)) == 0)
		while (at < m->last && block_next(&b, &record, &at))
			r->newest_time = record.log_time;
	store_read_end(d->reader);
	return (r->newest_time);
}

static uint64_t
months_disk(const struct store *s)
{
	uint64_t bytes = 0;

	for (unsigned i = s->month_first; i < s->month_count; i++)
		bytes += store_month_disk(s->months[i]);
	return (bytes);
}

/* Is it old, or are all together too large? */
static bool
is_wanted_gone(struct daemon *d, const struct month *m)
{
	const struct settings *s = d->settings;
	uint64_t newest = newest_time(d, m), now = logclock_now(d->clock);

	if (newest == 0)
		return (false);
	return ((s->retention_age != 0 && now > newest && now - newest > s->retention_age * NS_S) ||
	    (s->retention_bytes != 0 && months_disk(d->store) > s->retention_bytes));
}

static const struct consumer *
reader_of(const struct daemon *d, const struct month *m)
{
	const struct consumer *c;

	STAILQ_FOREACH(c, &d->consumers, link)
		if (!c->released && c->cursor < m->last)
			return (c);
	return (NULL);
}

/* The oldest month if it is not the current one, indexed, and not empty. */
static const struct month *
oldest(const struct daemon *d)
{
	const struct store *s = d->store;
	unsigned first = s->month_first;

	if (first + 1 >= s->month_count || s->months[first]->last == 0 || s->keys->applied < s->months[first]->last)
		return (NULL);
	return (s->months[first]);
}

const struct consumer *
retention_held_by(struct daemon *d)
{
	const struct month *m = oldest(d);

	return (m != NULL && is_wanted_gone(d, m) ? reader_of(d, m) : NULL);
}

const char *
retention_unbound(struct daemon *d)
{
	const struct month *m = oldest(d);

	return (m != NULL && is_wanted_gone(d, m) && !bound_look(d, &d->retention->bound, m) ? m->name : NULL);
}

/* Said once a month: the disk fills while nobody binds. */
static bool
is_bound(struct daemon *d, const struct month *m)
{
	struct retention *r = d->retention;

	if (bound_look(d, &r->bound, m))
		return (true);
	if (r->bound.next > d->store->applied && strcmp(r->warned, m->name) != 0) {
		memcpy(r->warned, m->name, sizeof(r->warned));
		log_warn("the oldest month is not trimmed: it is not bound", "month=%s next=\"estate archive --month %s --to FOLDER\"", m->name, m->name);
	}
	return (false);
}

/* Whoever stands in what is gone is told; one that gets an answer may take others along when its peer is gone. */
static void
end_readers(struct daemon *d)
{
	struct subscription *sub;
	char detail[96];

	snprintf(detail, sizeof(detail), "the first stored event is %" PRIu64, store_first_seq(d->store));
	do
		STAILQ_FOREACH(sub, &d->subscriptions, link)
			if (sub->next <= d->store->trimmed_last) {
				subscription_abort(d, sub, E_TRIMMED, detail);
				break;
			}
	while (sub != NULL);
}

static void
trim(struct daemon *d, const struct month *m)
{
	uint64_t first = m->first, last = m->last;

	store_trim(d->store, d->reader, newest_time(d, m));
	log_info("a month is trimmed", "month=%s first=%" PRIu64 " last=%" PRIu64, m->name, first, last);
	d->retention->unlinked = false;
}

/* Keys that nobody may ask for any more: of trimmed months whose last event is older than the promise. */
static uint64_t
expirable(const struct daemon *d)
{
	const struct trimmed *t = &d->store->trimmed;
	uint64_t seq = 0, now = logclock_now(d->clock), age = d->settings->dedup_days * DAY_S * NS_S;

	for (unsigned i = 0; i < t->key_count && now > t->keys[i].log_time && now - t->keys[i].log_time > age; i++)
		seq = t->keys[i].last;
	return (seq);
}

/* Those keys are gone: so is the note that they are there. */
static void
forget_months(struct retention *r)
{
	struct trimmed *t = &r->d->store->trimmed;
	unsigned n = 0;

	while (n < t->key_count && t->keys[n].last <= r->expire_seq)
		n++;
	t->key_count -= n;
	memmove(t->keys, t->keys + n, t->key_count * sizeof(t->keys[0]));
	log_info("the keys of trimmed events were forgotten", "up_to=%" PRIu64, r->expire_seq);
	r->expire_seq = 0;
	r->unlinked = false;		/* the file is written again */
}

static void
expire_keys(struct retention *r)
{
	if (r->expire_seq == 0) {
		if ((r->expire_seq = expirable(r->d)) == 0)
			return;
		memset(r->position, 0, sizeof(r->position));
		r->finished = false;
	}
	(void)hand_over(r, run_expire);
}

/* The next thing to be done by the applier, if it is free. */
static void
go_on(struct retention *r)
{
	if (atomic_load(&r->busy))
		return;
	if (r->expire_seq != 0 && r->finished && r->error == 0)
		forget_months(r);
	if (!r->unlinked)
		unlink_trimmed(r);
	else
		expire_keys(r);
}

void
retention_on_applied(struct daemon *d)
{
	struct retention *r = d->retention;

	if (!d->stopping && (!r->unlinked || r->expire_seq != 0) && r->error == 0)
		go_on(r);
}

void
retention_check(struct daemon *d)
{
	const struct month *m;
	bool trimmed = false;

	/* A backup copies month after month. */
	if (d->stopping || d->backup != NULL)
		return;
	while ((m = oldest(d)) != NULL && is_wanted_gone(d, m) && reader_of(d, m) == NULL && is_bound(d, m)) {
		trim(d, m);
		trimmed = true;
	}
	if (trimmed)
		end_readers(d);
	go_on(d->retention);
}

int64_t
retention_until_full_s(struct daemon *d)
{
	const struct store *s = d->store;
	unsigned n = s->month_count, from = n > s->month_first + 1 ? n - 2 : s->month_first;
	uint64_t bytes = 0, room = free_bytes(s->folder), reserve = s->reserve_bytes, begin;
	double span;

	if (n == s->month_first || (begin = store_month_begin(d->reader, from)) == 0)
		return (-1);
	for (unsigned i = from; i < n; i++)
		bytes += store_month_disk(s->months[i]);
	span = ((double)logclock_now(d->clock) - (double)begin) / 1e9;
	if (span < RATE_SPAN_S_MIN || bytes == 0)
		return (-1);
	room = room > reserve ? room - reserve : 0;
	return ((int64_t)((double)room / ((double)bytes / span)));
}

int64_t
retention_until_trim_s(struct daemon *d)
{
	const struct month *m = oldest(d);
	uint64_t now = logclock_now(d->clock), due;

	if (m == NULL || d->settings->retention_age == 0 || newest_time(d, m) == 0)
		return (-1);
	due = newest_time(d, m) + d->settings->retention_age * NS_S;
	return (due > now ? (int64_t)((due - now) / NS_S) : 0);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct timeval interval = { CHECK_S, 0 };

	(void)fd;
	(void)what;
	retention_check(d);
	event_add(d->retention->timer, &interval);
}

void
retention_settings_changed(struct daemon *d)
{
	struct timeval interval = { CHECK_S, 0 };

	if (d->settings->retention_age != 0 || d->settings->retention_bytes != 0)
		event_add(d->retention->timer, &interval);
	else
		event_del(d->retention->timer);
}

void
retention_start(struct daemon *d)
{
	struct retention *r = must_alloc(sizeof(*r));

	memset(r, 0, sizeof(*r));
	r->d = d;
	r->unlinked = true;
	r->timer = daemon_event(d, -1, 0, on_timer);
	d->retention = r;
	retention_settings_changed(d);
}
