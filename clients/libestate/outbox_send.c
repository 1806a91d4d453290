/* The outbox's way to the daemon: which entries are handed to the handle, and what its answers do. */
#include "box.h"

#define DAY_MS		86400000ll

/* Turns in one pump before the caller gets its thread back. */
#define PUMP_TURNS_MAX	64u

static void
on_ack(void *user, const struct estate_ack *a)
{
	struct estate_outbox *b = user;
	struct box_entry *n = es_box_index_find(&b->x, a->cookie);

	if (n == NULL)
		return;
	es_outbox_sent(b, n);
	if (b->o.on_sent != NULL)
		b->o.on_sent(b->o.user, a->cookie, a->seq, a->duplicate);
}

static void
set_aside(struct estate_outbox *b, struct box_entry *n, enum estate_box box, const struct estate_fault *why)
{
	struct estate_entry t;
	uint64_t number = n->number;

	es_outbox_set_aside(b, n, box, why);
	if (b->o.on_set_aside != NULL && estate_outbox_get(b, number, &t, NULL) == 0)
		b->o.on_set_aside(b->o.user, &t);
}

static void
on_nak(void *user, const struct estate_nak *k)
{
	struct estate_outbox *b = user;
	struct box_entry *n = es_box_index_find(&b->x, k->cookie);

	if (n != NULL)
		set_aside(b, n, ESTATE_REJECTED, k->fault);
}

static void
on_notice(void *user, const struct estate_notice *n)
{
	struct estate_outbox *b = user;

	if (b->o.on_notice != NULL)
		b->o.on_notice(b->o.user, n);
}

int
estate_outbox_connect(struct estate_outbox *b, const struct estate_options *options)
{
	struct estate_options o = *options;

	if (b->e != NULL || b->o.readonly || o.on_ack != NULL || o.on_nak != NULL || o.on_notice != NULL)
		return (ESTATE_INVALID);
	o.user = b;
	o.on_ack = on_ack;
	o.on_nak = on_nak;
	o.on_notice = on_notice;
	b->send_from = 0;
	return (estate_open(&o, &b->e));
}

struct estate *
estate_outbox_handle(const struct estate_outbox *b)
{
	return (b->e);
}

/* Hand one entry to the handle: 0, ESTATE_AGAIN if it takes no more now, or an error. */
static int
hand_over(struct estate_outbox *b, struct box_entry *n)
{
	struct frame_told t;
	int error;

	if ((error = es_box_file_read(&b->f, n->at, &t, b->scratch)) != 0)
		return (error);
	if ((error = estate_put(b->e, b->scratch, t.len, n->number)) == 0)
		n->under_way = true;
	return (error);
}

/*
 * Handed over before 2020: by a clock that was not set, such as that of a kiosk whose battery is flat.  That tells nothing of its age,
 * and a fire alarm is among such entries sooner than one that waited for a year: it goes.
 */
#define CLOCK_UNSET_MS	1577836800000

static bool
is_too_old(const struct estate_outbox *b, const struct box_entry *n)
{
	return (n->since_ms >= CLOCK_UNSET_MS && n->since_ms < es_outbox_now_ms(b) - (int64_t)b->o.horizon_days * DAY_MS);
}

/* Hand over what is due, in order, while there is a session: what waits stays on the disk, where its age is looked at when it goes. */
static int
feed(struct estate_outbox *b)
{
	struct box_entry *n;
	uint64_t number;
	int error;

	if (estate_state(b->e) != ESTATE_LIVE || b->x.entries[ESTATE_PENDING] == 0)
		return (0);
	if ((error = es_box_file_flush(&b->f)) != 0 && b->f.broken)
		return (error);
	for (size_t i = es_box_index_from(&b->x, b->send_from); i < b->x.count && estate_room(b->e) > 0; i = es_box_index_from(&b->x, number + 1)) {
		n = &b->x.all[i];
		number = n->number;
		if (!n->gone && n->box == ESTATE_PENDING && !n->under_way) {
			if (is_too_old(b, n))
				set_aside(b, n, ESTATE_REVIEW, NULL);
			else if ((error = hand_over(b, n)) != 0)
				return (error == ESTATE_AGAIN || error == ESTATE_REFUSED ? 0 : error);
		}
		b->send_from = number + 1;
	}
	return (0);
}

/* The session is gone: take back what is unanswered.  It goes again from the disk, in its order, and if that is after the horizon not at all. */
static void
take_back(struct estate_outbox *b)
{
	struct window *w = &b->e->w;

	if (estate_state(b->e) == ESTATE_LIVE || estate_state(b->e) == ESTATE_HELD || w->open == 0)
		return;
	for (uint64_t number = w->head; number < w->tail; number++)
		es_window_answered(w, number);
	for (size_t i = 0; i < b->x.count; i++)
		b->x.all[i].under_way = false;
	b->send_from = 0;
}

int
estate_outbox_pump(struct estate_outbox *b, int timeout_ms)
{
	int error, n, total = 0;

	if (b->e == NULL)
		return (ESTATE_INVALID);
	for (unsigned turns = 0; turns < PUMP_TURNS_MAX; turns++) {
		if ((error = feed(b)) != 0)
			return (error);
		if ((n = estate_pump(b->e, total > 0 ? 0 : timeout_ms)) < 0)
			return (n);
		take_back(b);
		total += n;
		if (n == 0)
			break;
	}
	/* There may be more to do than can be read off the socket: be called again. */
	if (n > 0)
		es_transport_arm(&b->e->t, b->e->now_ms, b->e->now_ms);
	/* On a full disk it stays owed; what was done goes on. */
	(void)es_box_file_save(&b->f);
	if (b->f.broken)
		return (ESTATE_SYSTEM);
	es_outbox_tidy(b);
	return (total);
}
