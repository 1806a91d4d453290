/* What libestate calls back: gathered for the turn, not acted on. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "errcode.h"
#include "live_internal.h"
#include "log.h"

/* How much may be on its way to us; what a transaction takes in is turn.c's to say. */
#define WINDOW_EVENTS	2048u
#define WINDOW_BYTES	(512u << 10)

static void
on_event(void *user, const struct estate_event *v)
{
	struct live *l = user;

	inbox_event(&l->came, ITEM_EVENT, v);
	/* The turn lets in more. */
	if (live_has_gathered(l) && l->events != NULL)
		estate_subscription_pause(l->events, true);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	inbox_progress(&((struct live *)user)->came, ITEM_PROGRESS, seq, log_time, end);
}

static void
on_own_event(void *user, const struct estate_event *v)
{
	inbox_event(&((struct live *)user)->came, ITEM_OWN, v);
}

static void
on_own_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	if (end)
		inbox_progress(&((struct live *)user)->came, ITEM_OWN_END, seq, log_time, end);
}

static void
refused(struct live *l, const struct estate_fault *f)
{
	const struct state_cursor *c = &l->state->cursor;

	switch (f->code) {
	case E_OTHER_LOG:
		live_give_up(l, EXIT_WRONG_STATE, "%s was made from log %s, epoch %" PRIu64 ", and the daemon has another (%s); if it is a "
		    "restored backup of the same log, start once with --rebuild; if not, move that folder away", l->o->state, c->log,
		    c->epoch, f->detail);
		break;
	case E_BEYOND_END:
		live_give_up(l, EXIT_WRONG_STATE, "%s has read up to event %" PRIu64 ", and the log ends before (%s): start once with --rebuild",
		    l->o->state, c->seq, f->detail);
		break;
	case E_TRIMMED:
		live_give_up(l, EXIT_WRONG_STATE, "the log no longer holds event %" PRIu64 ", which comes next (%s); move %s away to begin with "
		    "what it holds", c->seq + 1, f->detail, l->o->state);
		break;
	case E_TAKEN_OVER:
		live_give_up(l, EXIT_TAKEN_OVER, "another instance of this worker has taken over");
		break;
	case E_FORBIDDEN:
		live_give_up(l, EXIT_WRONG_STATE, "the daemon does not let this client read here: %s; see estate client list", f->detail);
		break;
	case E_RESET:
	case E_NO_CONSUMER:
	case E_RELEASED:
		live_give_up(l, 3, "the daemon ended its reading: %s (%s); started again it goes on behind event %" PRIu64 ", where its state "
		    "stands; to make that again from the log start once with --rebuild", f->text, f->detail, c->seq);
		break;
	default:
		live_give_up(l, 3, "the daemon refused: %s: %s", f->text, f->detail);
	}
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct live *l = user;

	l->events = NULL;
	refused(l, f);
}

static void
on_own_ended(void *user, const struct estate_fault *f)
{
	struct live *l = user;

	l->own = NULL;
	refused(l, f);
}

static void
add_outcome(struct live *l, uint64_t number, char *refusal)
{
	if (l->outcome_count == l->outcome_room) {
		l->outcome_room = l->outcome_room == 0 ? 256 : 2 * l->outcome_room;
		l->outcomes = alloc_or_exit(l->outcomes, l->outcome_room * sizeof(*l->outcomes));
	}
	l->outcomes[l->outcome_count++] = (struct outcome){ number, refusal };
}

void
live_on_ack(void *user, const struct estate_ack *a)
{
	if (!effects_answered(user, a->cookie, a->seq, a->duplicate, NULL))
		add_outcome(user, a->cookie, NULL);
}

void
live_on_nak(void *user, const struct estate_nak *n)
{
	struct buffer b = { NULL, 0, 0 };

	buffer_printf(&b, "%s %s %s", n->fault->name, n->fault->path, n->fault->detail);
	if (effects_answered(user, n->cookie, 0, false, b.data))
		buffer_free(&b);
	else
		add_outcome(user, n->cookie, b.data);
}

void
live_on_notice(void *user, const struct estate_notice *n)
{
	struct live *l = user;
	char quoted[300];

	if (n->kind == ESTATE_DISCONNECTED)
		live_ask_nobody(l);
	if (n->kind == ESTATE_HELLO_REFUSED)
		refused(l, n->fault);
	else if (n->kind == ESTATE_LOG_CHANGED)
		live_give_up(l, EXIT_WRONG_STATE, "the daemon serves another log or a restored backup now; %s belongs to the former one: start "
		    "once with --rebuild if it is a backup of the same log, else move that folder away", l->o->state);
	else if (n->kind == ESTATE_CONNECTED)
		log_info("connected", "worker=%s last=%" PRIu64 " read=%" PRIu64, l->kind->name, estate_log(l->e)->last, l->state->cursor.seq);
	else if (n->kind == ESTATE_ANSWER_REFUSED)
		log_info("an answer came too late, or was refused", "worker=%s reason=%s", l->kind->name, log_quote(quoted, sizeof(quoted), n->reason));
	else
		log_info(n->kind == ESTATE_DISCONNECTED ? "disconnected; trying again" : "the daemon answers otherwise for a while", "worker=%s reason=%s",
		    l->kind->name, log_quote(quoted, sizeof(quoted), n->reason));
}

int
live_subscribe(struct live *l)
{
	static const char *const always[] = { "config.activated", "worker.replayed" };
	const char *types[FILTER_ITEMS_MAX + 1], *sources[] = { l->worker.source, NULL };
	struct state_cursor *c = &l->state->cursor;
	struct estate_subscribe_options o = { .from = ESTATE_FROM_SEQ, .value = c->seq + 1, .types = types, .window_events = WINDOW_EVENTS,
	    .window_bytes = WINDOW_BYTES, .consumer = l->kind->name, .user = l, .on_event = on_event, .on_progress = on_progress, .on_ended = on_ended };
	size_t n = 0;
	int error;

	for (; n < FILTER_ITEMS_MAX - 2 && l->kind->types[n] != NULL; n++)
		types[n] = l->kind->types[n];
	assert(l->kind->types[n] == NULL);
	types[n++] = always[0];
	types[n++] = always[1];
	types[n] = NULL;
	if (c->log[0] == '\0') {
		snprintf(c->log, sizeof(c->log), "%s", estate_log(l->e)->log);
		c->epoch = estate_log(l->e)->epoch;
	}
	if (c->seq == 0)
		o.from = ESTATE_FROM_FIRST;
	o.log = c->log;
	o.epoch = c->epoch;
	if ((error = estate_subscribe(l->e, &o, &l->events)) != 0)
		return (error);
	estate_subscription_pause(l->events, l->stalled);
	if (!l->rebuilding)
		return (0);
	o = (struct estate_subscribe_options){ .from = ESTATE_FROM_FIRST, .sources = sources, .user = l, .on_event = on_own_event,
	    .on_progress = on_own_progress, .on_ended = on_own_ended };
	return (estate_subscribe(l->e, &o, &l->own));
}
