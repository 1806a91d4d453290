/* The order of things: events as they come, timers between them. */
#include "engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "config.h"
#include "emit.h"
#include "filter.h"
#include "log.h"
#include "parked.h"
#include "timers.h"

int
engine_open(struct worker *w, const struct worker_kind *kind, struct state *s, const struct engine_ends *ends,
    const struct engine_options *o)
{
	char why[600];
	int r;

	memset(w, 0, sizeof(*w));
	w->kind = kind;
	w->state = s;
	w->ends = *ends;
	w->fixed_config = o->fixed_config;
	w->cause.fired = INT64_MIN;
	snprintf(w->source, sizeof(w->source), "/estated/worker/%s", kind->name);
	w->user = kind->open != NULL ? kind->open() : NULL;
	w->emission = emission_new();
	state_begin(s);
	w->troubled = state_entries(s, DB_TROUBLED);
	r = config_load(w, why, sizeof(why));
	state_abort(s);
	if (r != 0 || s->error != 0) {
		fprintf(stderr, "estate-%s: %s\n", kind->name, s->error != 0 ? state_why(s) : why);
		engine_close(w);
		return (-1);
	}
	return (0);
}

void
engine_close(struct worker *w)
{
	if (w->kind->close != NULL && w->user != NULL)
		w->kind->close(w->user);
	emission_free(w->emission);
	w->user = NULL;
	w->emission = NULL;
}

/* ---- Poison ---- */

/* Set it aside; worker.parked says so in the log.  The cause is the one whose callback failed. */
static void
park(struct worker *w, const struct parked *p)
{
	struct worker_identity i = { .rule = "harness", .step = p->is_timer ? "timer-parked" : "parked",
	    .occurrence = p->is_timer ? (uint64_t)p->timer.due : p->seq };
	char reason[sizeof(w->reason)], quoted[sizeof(w->reason) + 16];

	snprintf(reason, sizeof(reason), "%s", w->reason);
	parked_put(w, p);
	if (p->is_timer)
		i.object = (struct text){ (const char *)p->timer.name, (uint32_t)p->timer.name_len };
	emission_clear(w);
	w->failed = false;
	emission_begin(w, "worker.parked", text_of(w->kind->name), &i);
	worker_field_int(w, "event", (int64_t)p->seq);
	worker_field(w, "reason", text_of(reason));
	worker_emit(w);
	emission_deliver(w);
	w->parked++;
	if (!w->cause.muted)
		log_warn(p->is_timer ? "a timer is parked" : "an event is parked", "worker=%s event=%" PRIu64 " reason=%s", w->kind->name, p->seq,
		    log_quote(quoted, sizeof(quoted), reason));
}

/* ---- Time ---- */

static void
know_next(struct worker *w)
{
	struct timer t;

	if (w->next_known)
		return;
	w->next_due = timers_first(w->state, &t) ? t.due : INT64_MAX;
	w->next_known = w->state->error == 0;
}

int64_t
engine_next_due(struct worker *w)
{
	know_next(w);
	return (w->next_due);
}

/* A copy of a timer that outlives its removal. */
struct timer_copy {
	struct timer t;
	uint8_t name[STATE_KEY_MAX], payload[TIMER_PAYLOAD_MAX];
};

static void
copy_timer(struct timer_copy *c, const struct timer *t)
{
	c->t = *t;
	memcpy(c->name, t->name, t->name_len);
	memcpy(c->payload, t->len > 0 ? t->payload : c->name, t->len);
	c->t.name = c->name;
	c->t.payload = c->payload;
}

/* What a rebuild concludes again stays silent: from events up to the old cursor … */
static bool
event_muted(const struct worker *w, uint64_t seq)
{
	return (seq <= w->state->mute.seq);
}

/* … and from timers that such had set, if they had fired by then. */
static bool
timer_muted(const struct worker *w, const struct timer *t)
{
	const struct state_cursor *m = &w->state->mute;

	if ((t->flags & TIMER_MUTED) == 0 || m->seq == 0)
		return (false);
	return (m->event == 0 ? t->due <= m->log_time : t->due < m->log_time && t->cause != m->event);
}

static void
fire(struct worker *w, const struct timer *first)
{
	struct timer_copy c;
	struct cause cause;

	copy_timer(&c, first);
	cause = (struct cause){ c.t.cause, c.t.due, c.t.depth, c.t.steps, timer_muted(w, &c.t), c.t.due };
	timers_remove(w->state, c.t.name, c.t.name_len, c.t.due);
	w->next_known = false;
	w->fired++;
	if (!call_due(w, &cause, &c.t, false))
		park(w, &(struct parked){ .seq = c.t.cause, .is_timer = true, .reason = text_of(w->reason), .timer = c.t });
}

/* Fire all timers due before `end`, in the order of due, then name; those that they set too. */
static void
advance(struct worker *w, int64_t end)
{
	struct timer t;

	while (know_next(w), w->next_due < end && w->state->error == 0)
		if (timers_first(w->state, &t))
			fire(w, &t);
}

void
engine_progress(struct worker *w, uint64_t seq, int64_t log_time)
{
	struct state_cursor *c = &w->state->cursor;

	if (seq > c->seq)
		c->seq = seq;
	/* Older news than we have. */
	if (log_time < c->log_time)
		return;
	c->log_time = log_time;
	c->event = 0;
	advance(w, log_time < INT64_MAX ? log_time + 1 : log_time);
}

/* ---- Events ---- */

static bool
is_type(const struct event *e, const char *type)
{
	return (mp_equal(e->type.s, e->type.len, type));
}

static bool
is_text(struct text t, const char *s)
{
	return (t.s != NULL && mp_equal(t.s, t.len, s));
}

static bool
is_wanted(const struct worker *w, const struct event *e)
{
	for (const char *const *p = w->kind->types; *p != NULL; p++)
		if (pattern_matches(*p, e->type.s, e->type.len))
			return (true);
	return (false);
}

static struct worker_event
given(struct worker *w, const struct stored *v, const struct event *e)
{
	return ((struct worker_event){ .seq = v->seq, .log_time = v->log_time,
	    .when = e->has_time && (v->flags & EVENT_TIME_IMPLAUSIBLE) == 0 ? e->time_ns : v->log_time,
	    .sender = v->sender, .flagged = subject_is_troubled(w, e->subject), .e = e });
}

static void
park_event(struct worker *w, const struct stored *v, const struct event *e)
{
	if (w->ends.parked != NULL)
		w->ends.parked(w->ends.end, v);
	park(w, &(struct parked){ .seq = v->seq, .subject = e->subject, .reason = text_of(w->reason) });
}

static void
update(struct worker *w, const struct stored *v, const struct event *e, const struct cause *cause)
{
	struct worker_event ev = given(w, v, e);

	if (!call_update(w, cause, &ev))
		park_event(w, v, e);
}

/* Hand one parked event over again, as of the operator's event.  False: it stays parked, for w->reason. */
static bool
replay_event(struct worker *w, const struct stored *v, const struct event *e, struct cause cause, const struct parked *p)
{
	struct worker_event ev = given(w, v, e);

	ev.replayed = true;
	if (e->hops > cause.depth)
		cause.depth = e->hops;
	parked_remove(w, p);
	ev.flagged = subject_is_troubled(w, e->subject);
	if (is_type(e, "config.activated") && !is_wanted(w, e))
		return (config_activated(w, v, e, &cause));
	return (call_update(w, &cause, &ev));
}

static void
replay_one(struct worker *w, const struct parked *lent, const struct cause *cause)
{
	char subject[ID_CHARS_MAX];
	struct timer_copy timer;
	struct parked p = *lent;
	struct stored v;
	struct event e;
	bool taken;

	memcpy(subject, p.subject.len > 0 ? p.subject.s : "", p.subject.len);
	p.subject.s = subject;
	if (p.is_timer) {
		copy_timer(&timer, &p.timer);
		p.timer = timer.t;
		parked_remove(w, &p);
		taken = call_due(w, cause, &p.timer, true);
	} else if (!w->ends.fetch(w->ends.end, p.seq, &v, &w->interrupted) || !event_peek(&e, v.bytes, v.len)) {
		w->failed = false;
		worker_fail(w, "event %" PRIu64 " is no longer in the log", p.seq);
		taken = false;
	} else
		taken = replay_event(w, &v, &e, *cause, &p);
	if (taken || w->interrupted)
		return;
	w->cause = *cause;
	p.reason = text_of(w->reason);
	park(w, &p);
}

/* worker.replayed: everything parked under that number. */
static void
replay(struct worker *w, const struct stored *v, const struct event *e, const struct cause *cause)
{
	struct parked_key after = { .len = 0 };
	struct parked p;
	int64_t seq;

	(void)v;
	if (!event_int(e, "event", &seq) || seq < 1)
		return;
	if (!parked_next(w, (uint64_t)seq, &after, &p)) {
		log_warn("asked to replay what is not parked", "worker=%s event=%" PRId64, w->kind->name, seq);
		return;
	}
	do
		replay_one(w, &p, cause);
	while (!w->interrupted && parked_next(w, (uint64_t)seq, &after, &p));
}

void
engine_event(struct worker *w, const struct stored *v)
{
	struct cause cause = { v->seq, v->log_time, 0, 0, event_muted(w, v->seq), INT64_MIN };
	bool own, to_us;
	struct event e;

	advance(w, v->log_time);
	w->state->cursor.seq = v->seq;
	w->state->cursor.log_time = v->log_time;
	w->state->cursor.event = v->seq;
	w->events++;
	if (!event_peek(&e, v->bytes, v->len)) {
		log_warn("an event of the log cannot be read; passed by", "worker=%s event=%" PRIu64, w->kind->name, v->seq);
		return;
	}
	cause.depth = (unsigned)e.hops;
	if (w->fixed_config && w->events == 1)
		config_begin(w, &cause);
	own = is_text(e.source, w->source);
	to_us = is_text(e.subject, w->kind->name);
	if (own)
		w->ends.own(w->ends.end, v, &e);
	if (to_us && is_type(&e, "config.activated")) {
		if (!w->fixed_config && !config_activated(w, v, &e, &cause)) {
			w->cause = cause;
			park_event(w, v, &e);
		}
	} else if (to_us && is_type(&e, "worker.replayed"))
		replay(w, v, &e, &cause);
	/* Beyond the bound stands only the news that a loop was cut: nobody's business, or it would go on. */
	else if (!own && e.hops <= CAUSATION_DEPTH_MAX && is_wanted(w, &e))
		update(w, v, &e, &cause);
}
