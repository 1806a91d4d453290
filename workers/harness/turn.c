/* A turn: what was gathered goes in, as one transaction. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "live_internal.h"
#include "log.h"
#include "outbox.h"
#include "sitetime.h"

static void
take_item(struct live *l, const struct item *i)
{
	struct stored v = inbox_stored(&l->work, i);
	struct event e;

	switch (i->kind) {
	case ITEM_EVENT:
		engine_event(&l->worker, &v);
		break;
	case ITEM_PROGRESS:
		engine_progress(&l->worker, i->seq, i->log_time);
		/* That wish is fulfilled; another may be for the same instant. */
		if (i->log_time >= l->wake)
			l->wake = INT64_MAX;
		/* At the end of the log what is in force is known. */
		if (i->end && !l->proposed && !l->rebuilding && l->o->config != NULL) {
			l->proposed = true;
			config_propose(&l->worker, l->o->config);
		}
		break;
	case ITEM_OWN:
		if (event_peek(&e, v.bytes, v.len))
			rebuild_own(&l->rebuild, &v, &e);
		break;
	case ITEM_OWN_END:
		l->own_told = true;
		l->own_seq = i->seq;
		l->own_time = i->log_time;
		break;
	}
}

/* Refused for good: kept, told, and tried again at the next start. */
static void
keep_refused(struct live *l, uint64_t number, const char *why)
{
	struct buffer b = { NULL, 0, 0 };
	struct outbox_entry e;
	char quoted[700];

	if (!outbox_next(l->state, number - 1, &e) || e.number != number)
		return;
	log_error("the daemon refused a derived event for good; it is kept and tried again at the next start", "worker=%s id=%s reason=%s",
	    l->kind->name, e.id, log_quote(quoted, sizeof(quoted), why));
	buffer_add(&b, e.bytes, e.len);
	state_put(l->state, DB_REFUSED, e.id, ID_SIZE - 1, b.data, b.len);
	buffer_free(&b);
	outbox_remove(l->state, number);
}

static void
take_outcomes(struct live *l)
{
	for (size_t i = 0; i < l->outcome_count; i++) {
		struct outcome *o = &l->outcomes[i];

		if (o->refusal != NULL)
			keep_refused(l, o->number, o->refusal);
		else
			outbox_remove(l->state, o->number);
		free(o->refusal);
	}
	l->outcome_count = 0;
}

void
live_put_refused_again(struct live *l)
{
	struct derived d = { .muted = false };
	struct buffer b = { NULL, 0, 0 };
	MDB_val k, v;

	while (state_seek(l->state, DB_REFUSED, NULL, 0, &k, &v)) {
		memcpy(d.id, k.mv_data, ID_SIZE - 1);
		d.id[ID_SIZE - 1] = '\0';
		buffer_clear(&b);
		buffer_add(&b, v.mv_data, v.mv_size);
		d.bytes = b.data;
		d.len = b.len;
		outbox_add(l->state, &d);
		state_delete(l->state, DB_REFUSED, d.id, ID_SIZE - 1);
	}
	buffer_free(&b);
}

/* Both sides have told all up to one place: then every timer due by there has fired, for that is what a promise says. */
static void
rebuild_done(struct live *l)
{
	struct state *s = l->state;
	const struct state_cursor *c = &s->cursor;

	if (!l->rebuilding || !l->own_told || c->event != 0 || c->seq < s->mute.seq || c->seq < l->own_seq || c->log_time < s->mute.log_time ||
	    c->log_time < l->own_time)
		return;
	rebuild_finish(&l->rebuild);
	memset(&s->mute, 0, sizeof(s->mute));
	l->rebuilding = false;
}

/* Hand over what is committed and not handed over yet, as far as libestate takes it. */
void
live_put(struct live *l)
{
	struct outbox_entry e;
	int error = 0;

	if (l->rebuilding || l->handed >= l->state->outbox_last)
		return;
	state_begin(l->state);
	while (outbox_next(l->state, l->handed, &e) && (error = estate_put(l->e, e.bytes, e.len, e.number)) == 0)
		l->handed = e.number;
	/* Nothing waits behind it: the numbers up to the last were acknowledged before the start. */
	if (error == 0)
		l->handed = l->state->outbox_last;
	else if (error != ESTATE_AGAIN)
		live_give_up(l, 3, "a derived event cannot be handed over: %s", estate_error_text(error));
	state_abort(l->state);
}

/* Only progress that no timer waits for?  Of that the last says all. */
static bool
can_wait(struct live *l)
{
	struct inbox *b = &l->came;

	if (l->outcome_count > 0 || l->rebuilding)
		return (false);
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].kind != ITEM_PROGRESS || b->items[i].log_time >= l->next || live_asked_by(l, b->items[i].seq) ||
		    (b->items[i].end && !l->proposed && l->o->config != NULL))
			return (false);
	b->items[0] = b->items[b->count - 1];
	b->count = 1;
	if (l->waiting_ms == 0)
		l->waiting_ms = live_now_ms();
	return (live_now_ms() < l->waiting_ms + COMPANY_MS);
}

/*
 * Conclusions that may wait for the daemon: some megabytes on our disk.  One that takes no puts (its disk is full) goes on telling events
 * all the same.  Beyond it reading stops, and goes on at half of it; in a fast catching up that may be for a moment.  What one turn
 * concludes comes on top.
 */
#define OUTBOX_EVENTS_MAX	16384u

static void
pause_reading(struct live *l, bool paused)
{
	if (l->events != NULL)
		estate_subscription_pause(l->events, paused);
}

void
live_look_at_outbox(struct live *l)
{
	uint64_t count = l->outbox = state_entries(l->state, DB_OUTBOX);
	bool full = count >= (l->stalled ? OUTBOX_EVENTS_MAX / 2 : OUTBOX_EVENTS_MAX);

	/* A rebuild puts nothing, and ends. */
	if (l->rebuilding || full == l->stalled)
		return;
	l->stalled = full;
	l->stalled_ms = live_now_ms();
	pause_reading(l, l->stalled);
	if (!full && l->stall_told)
		log_info("the daemon takes conclusions again: reading goes on", "worker=%s waiting=%" PRIu64, l->kind->name, count);
	l->stall_told = false;
}

/*
 * While it catches up, and more is on its way, it gathers: events of one time change the same pages of the state, and each commit writes and
 * flushes all that were changed.  So a rebuild takes half the time.
 */
#define GATHER_BYTES	(4u << 20)
#define GATHER_EVENTS	16384u
#define GATHER_MS	100
#define BEHIND_NS	INT64_C(2000000000)

bool
live_has_gathered(const struct live *l)
{
	return (l->came.bytes.len >= GATHER_BYTES || l->came.count >= GATHER_EVENTS);
}

static bool
gathers(struct live *l)
{
	const struct inbox *b = &l->came;
	const struct item *last = &b->items[b->count - 1];

	/* What is concluded comes on top of what waits for the daemon: while something does, turns are short. */
	if (l->outbox > 0 || live_has_gathered(l) || last->kind == ITEM_OWN_END || (last->kind == ITEM_PROGRESS && last->end) ||
	    sitetime_now() < last->log_time + BEHIND_NS)
		return (false);
	if (l->waiting_ms == 0)
		l->waiting_ms = live_now_ms();
	return (live_now_ms() < l->waiting_ms + GATHER_MS);
}

/* Is there anything to take in? */
static bool
idle(struct live *l)
{
	if (l->stalled || l->came.count == 0)
		return (l->outcome_count == 0);
	return (can_wait(l) || gathers(l));
}

static void
take_items(struct live *l)
{
	struct inbox swap = l->work;

	l->work = l->came;
	l->came = swap;
	/* What comes meanwhile is a window at most: conclusions are handed over within the turn, and news is read with that. */
	pause_reading(l, true);
	for (size_t i = 0; i < l->work.count && !l->worker.interrupted; i++)
		take_item(l, &l->work.items[i]);
	inbox_clear(&l->work);
	pause_reading(l, l->stalled);
}

/* Everything that came, in one transaction; only then it is acknowledged. */
void
live_turn(struct live *l)
{
	int64_t next;

	if (idle(l))
		return;
	l->waiting_ms = 0;
	state_begin(l->state);
	take_outcomes(l);
	if (!l->stalled)
		take_items(l);
	if (l->worker.interrupted) {
		/* Told to stop within: what was begun is given up, and read again next time. */
		state_abort(l->state);
		l->done = true;
		return;
	}
	rebuild_done(l);
	live_look_at_outbox(l);
	next = engine_next_due(&l->worker);
	/* A rebuild waits for a promise. */
	if (l->rebuilding && l->own_told)
		next = l->own_time > l->state->mute.log_time ? l->own_time : l->state->mute.log_time;
	if (state_commit(l->state) != 0) {
		live_give_up(l, EXIT_DISK, "%s: %s; make room or look at the disk, then start again: nothing is lost", l->o->state, state_why(l->state));
		return;
	}
	l->next = next;
	if (l->events == NULL)
		return;
	if (l->state->cursor.seq > 0)
		estate_subscription_ack(l->events, l->state->cursor.seq);
	if (next != l->wake && estate_subscription_wake(l->events, next > 0 ? next : 0) == 0)
		l->wake = next;
}
