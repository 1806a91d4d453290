/* What the engine finds out, within the transaction of the turn. */
#include <msgpack.h>
#include <string.h>

#include "live_internal.h"
#include "log.h"
#include "notify.h"
#include "outbox.h"

/* Conclusions that are handed over together: while the daemon makes them durable, the next ones are concluded. */
#define HAND_OVER	64u

/* How long a parked event may take to come, before the daemon is asked again. */
#define FETCH_MS	1000

/* Hand it over at once if everything before it was; else, or if libestate's window is full, live_put() will. */
static void
hand_over(struct live *l, const struct derived *d, uint64_t number)
{
	if (l->rebuilding || l->done || l->handed + 1 != number || estate_put(l->e, d->bytes, d->len, number) != 0)
		return;
	l->handed = number;
	if (number % HAND_OVER == 0)
		estate_pump(l->e, 0);
}

void
live_on_derived(void *end, const struct derived *d)
{
	struct live *l = end;
	uint64_t before = l->state->outbox_last;

	if (l->rebuilding)
		rebuild_derived(&l->rebuild, d);
	if (d->muted)
		return;
	if (!outbox_add(l->state, d))
		log_error("two derived events with one id: the second is dropped; tell them apart by step or occurrence", "worker=%s id=%s",
		    l->kind->name, d->id);
	else if (l->state->outbox_last > before)
		hand_over(l, d, l->state->outbox_last);
}

void
live_on_own(void *end, const struct stored *v, const struct event *e)
{
	struct live *l = end;
	char id[ID_SIZE];

	/* A rebuild needs what waits to tell it from what is missing. */
	if (l->rebuilding || e->id.len != ID_SIZE - 1)
		return;
	memcpy(id, e->id.s, ID_SIZE - 1);
	id[ID_SIZE - 1] = '\0';
	outbox_confirm(l->state, id, v->bytes, v->len);
}

/* [seq, log_time, sender, flags, event] */
static void
on_fetched(void *user, const struct estate_answer *a)
{
	struct live *l = user;
	struct stored *v = &l->fetched_event;
	struct mp m = mp_over(a->body, a->len);
	const uint8_t *bytes;
	uint32_t parts, len;

	l->fetched_ok = a->error == 0 && mp_array(&m, &parts) && parts >= 5 && mp_uint(&m, &v->seq) && mp_int(&m, &v->log_time) &&
	    mp_str(&m, &v->sender.s, &v->sender.len) && mp_uint(&m, &v->flags) && mp_bin(&m, &bytes, &len);
	if (!l->fetched_ok)
		return;
	buffer_clear(&l->fetched);
	buffer_add(&l->fetched, v->sender.s, v->sender.len);
	buffer_add(&l->fetched, bytes, len);
	v->sender.s = l->fetched.data;
	v->bytes = l->fetched.data + v->sender.len;
	v->len = len;
}

/* Ask until the daemon answers: what is derived must not depend on whether it was there. */
bool
live_fetch(void *end, uint64_t seq, struct stored *v, bool *interrupted)
{
	struct live *l = end;
	msgpack_sbuffer b;
	msgpack_packer p;
	int error;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 1);
	msgpack_pack_str_with_body(&p, "seq", 3);
	msgpack_pack_uint64(&p, seq);
	do {
		l->fetched_ok = false;
		notify_alive();
		error = estate_call(l->e, "get", b.data, b.size, FETCH_MS, on_fetched, l);
		*interrupted = live_told_to_stop() || l->done;
	} while (error < 0 && !*interrupted);
	msgpack_sbuffer_destroy(&b);
	*v = l->fetched_event;
	return (error == 0 && l->fetched_ok && !*interrupted);
}

unsigned
live_figures(void *end, struct figure *out, unsigned n)
{
	struct live *l = end;
	const struct estate_log *log = estate_log(l->e);
	uint64_t cursor = l->state->cursor.seq;
	bool live = estate_state(l->e) == ESTATE_LIVE || estate_state(l->e) == ESTATE_HELD;

	out[n++] = (struct figure){ "backlog_events", FIGURE_GAUGE, "events stored, as far as it was told, and not taken in",
	    log != NULL && log->last > cursor ? (int64_t)(log->last - cursor) : 0 };
	out[n++] = (struct figure){ "connected", FIGURE_GAUGE, "whether it has a session with the daemon", live };
	out[n++] = (struct figure){ "start", FIGURE_INSTANT, "when this process began", l->start_ns };
	out[n++] = (struct figure){ "answers_total", FIGURE_COUNTER, "questions answered since the start", (int64_t)l->answers };
	return (n);
}
