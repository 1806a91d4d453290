/* Puts: hand-over, sending within the credit, and what the answers do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "internal.h"

/* Bytes of [1, "puts", number, [ before the first event. */
#define FRAME_HEAD_MAX	24u

/* ---- Hand-over ---- */

/* Bytes of puts that may be held: what the daemon lets be unanswered, its usual credit before the first welcome. */
static size_t
bytes_limit(const struct estate *e)
{
	return (e->s.welcomed ? (size_t)e->s.log.credit : SESSION_CREDIT_BYTES);
}

/* Whether a put of `bytes` may be taken now; makes room for it. */
static int
admit(struct estate *e, size_t bytes)
{
	struct window *w = &e->w;

	if (e->s.state == ESTATE_STOPPED)
		return (ESTATE_REFUSED);
	if (w->tail - w->head >= w->limit)
		return (ESTATE_AGAIN);
	/* An empty window takes anything: a credit below one event is the daemon's to answer. */
	if (w->head != w->tail && es_window_held(w) + bytes + FRAME_HEAD_MAX > bytes_limit(e))
		return (ESTATE_AGAIN);
	return (es_window_reserve(w, bytes) == 0 ? 0 : ESTATE_SYSTEM);
}

static size_t
unsent_bytes(const struct window *w)
{
	return (w->next == w->tail ? 0 : (size_t)(w->at_tail - es_window_slot(w, w->next)->at));
}

int
estate_put(struct estate *e, const void *bytes, size_t len, uint64_t cookie)
{
	struct window *w = &e->w;
	uint64_t at = w->at_tail;
	int error;

	if (len == 0 || bytes == NULL)
		return (ESTATE_INVALID);
	if (len > EVENT_BYTES_MAX)
		return (E_TOO_LARGE);
	if ((error = admit(e, len + WINDOW_BIN_HEADER_MAX)) != 0)
		return (error);
	es_window_add_event(w, bytes, (uint32_t)len);
	es_window_add_put(w, at, 1, false, cookie);
	if (unsent_bytes(w) >= FRAME_BYTES_SOFT)
		es_put_flush(e);
	return (0);
}

int
estate_put_batch(struct estate *e, const struct estate_bytes *events, size_t count, uint64_t cookie)
{
	struct window *w = &e->w;
	uint64_t at = w->at_tail;
	size_t bytes = 0;
	int error;

	if (count == 0 || events == NULL)
		return (ESTATE_INVALID);
	if (count > PUT_EVENTS_MAX)
		return (E_TOO_MANY);
	for (size_t i = 0; i < count; i++) {
		if (events[i].len == 0 || events[i].bytes == NULL)
			return (ESTATE_INVALID);
		if (events[i].len > EVENT_BYTES_MAX)
			return (E_TOO_LARGE);
		bytes += events[i].len + WINDOW_BIN_HEADER_MAX;
	}
	if (bytes + FRAME_HEAD_MAX > MESSAGE_BYTES_MAX)
		return (E_TOO_LARGE);
	if ((error = admit(e, bytes)) != 0)
		return (error);
	for (size_t i = 0; i < count; i++)
		es_window_add_event(w, events[i].bytes, (uint32_t)events[i].len);
	es_window_add_put(w, at, (uint16_t)count, true, cookie);
	if (unsent_bytes(w) >= FRAME_BYTES_SOFT)
		es_put_flush(e);
	return (0);
}

size_t
estate_unacked(const struct estate *e)
{
	return (e->w.open);
}

size_t
estate_room(const struct estate *e)
{
	return (e->w.limit - (size_t)(e->w.tail - e->w.head));
}

/* ---- Sending ---- */

/* One message with the next `puts` puts: `len` bytes of the ring from `at` on. */
static bool
send_stretch(struct estate *e, uint32_t puts, uint64_t at, size_t len)
{
	struct window *w = &e->w;
	const struct slot *s = es_window_slot(w, w->next);
	msgpack_sbuffer head;
	msgpack_packer p;
	zmq_msg_t m;
	size_t size;

	msgpack_sbuffer_init(&head);
	msgpack_packer_init(&p, &head, msgpack_sbuffer_write);
	pack_head(&p, s->batch ? "put" : "puts", w->next, 1);
	msgpack_pack_array(&p, s->batch ? s->count : puts);
	size = head.size + len;
	if (zmq_msg_init_size(&m, size) != 0) {
		msgpack_sbuffer_destroy(&head);
		return (false);
	}
	memcpy(zmq_msg_data(&m), head.data, head.size);
	es_window_copy(w, at, (uint8_t *)zmq_msg_data(&m) + head.size, len);
	msgpack_sbuffer_destroy(&head);
	if (!es_transport_send_message(e, &m)) {
		zmq_msg_close(&m);
		return (false);
	}
	es_window_sent(w, puts, size);
	return (true);
}

void
es_put_flush(struct estate *e)
{
	struct window *w = &e->w;
	uint32_t puts;
	uint64_t at;
	size_t len, room;

	if (e->s.state != ESTATE_LIVE)
		return;
	while (w->next < w->tail) {
		room = FRAME_BYTES_SOFT;
		if (es_window_slot(w, w->next)->batch)
			room = MESSAGE_BYTES_MAX - FRAME_HEAD_MAX;
		if (w->on_the_way > 0 && w->on_the_way + room + FRAME_HEAD_MAX > e->s.log.credit) {
			if (w->on_the_way + FRAME_HEAD_MAX >= e->s.log.credit)
				return;
			room = e->s.log.credit - w->on_the_way - FRAME_HEAD_MAX;
		}
		if ((puts = es_window_stretch(w, room, PUT_EVENTS_MAX, &at, &len)) == 0 || !send_stretch(e, puts, at, len))
			return;
		if (e->stall_at_ms == NEVER_MS)
			e->stall_at_ms = e->now_ms + e->stall_ms;
	}
}

/* ---- Answers ---- */

/* Something moved: no doubt for a while. */
static void
progressed(struct estate *e)
{
	e->stalled = false;
	e->stall_ms = e->o.patience_ms;
	e->stall_at_ms = e->w.head < e->w.next ? e->now_ms + e->stall_ms : NEVER_MS;
}

static bool
runs_read(struct estate *e, struct mp *m, uint32_t *count, uint64_t *events)
{
	uint64_t seq, n;
	uint32_t parts;

	*events = 0;
	if (!mp_array(m, count))
		return (false);
	/* Twice: the second half is where one put's share is laid out. */
	if (*count > e->runs_max) {
		struct estate_run *more = realloc(e->runs, 2 * *count * sizeof(*more));

		if (more == NULL)
			return (false);
		e->runs = more;
		e->runs_max = *count;
	}
	for (uint32_t i = 0; i < *count; i++) {
		if (!mp_array(m, &parts) || parts < 3 || !mp_uint(m, &seq) || !mp_uint(m, &n) ||
		    !mp_bool(m, &e->runs[i].duplicate) || n == 0 || n > UINT32_MAX)
			return (false);
		for (; parts > 3; parts--)
			if (!mp_skip(m))
				return (false);
		e->runs[i].seq = seq;
		e->runs[i].count = (uint32_t)n;
		*events += n;
	}
	return (true);
}

static int
by_number(const void *a, const void *b)
{
	const struct estate_warning *x = a, *y = b;

	if (x->number != y->number)
		return (x->number < y->number ? -1 : 1);
	return (x->index < y->index ? -1 : x->index > y->index);
}

/* A warning's code: its name, or its number of errcode.def. */
static bool
warning_name(struct mp *m, char *name, size_t size)
{
	const char *s;
	uint32_t len;
	uint64_t code;

	if (mp_str(m, &s, &len))
		es_copy_text(name, size, s, len);
	else if (mp_uint(m, &code) && code <= INT32_MAX)
		es_copy_text(name, size, errcode_name((int)code), strlen(errcode_name((int)code)));
	else
		return (false);
	return (true);
}

/* Warnings are courtesy: what cannot be read or kept is left out. */
static uint32_t
warnings_read(struct estate *e, struct mp *m)
{
	struct estate_warning *w;
	uint32_t count, parts, len, read = 0;
	uint64_t index;
	const char *path;

	if (!mp_array(m, &count) || count == 0)
		return (0);
	if (count > e->warnings_max) {
		if ((w = realloc(e->warnings, count * sizeof(*w))) == NULL)
			return (0);
		e->warnings = w;
		e->warnings_max = count;
	}
	while (count-- > 0) {
		w = &e->warnings[read];
		if (!mp_array(m, &parts) || parts < 4 || !mp_uint(m, &w->number) || !mp_uint(m, &index) ||
		    !warning_name(m, w->name, sizeof(w->name)) || !mp_str(m, &path, &len))
			break;
		for (; parts > 4; parts--)
			if (!mp_skip(m))
				break;
		w->index = (uint32_t)index;
		es_copy_text(w->path, sizeof(w->path), path, len);
		read++;
	}
	qsort(e->warnings, read, sizeof(*e->warnings), by_number);
	return (read);
}

/* A place among the runs of an ack, moved on event by event. */
struct runs {
	const struct estate_run *r;
	uint32_t left;		/* runs from r on */
	uint32_t used;		/* events of *r already given away */
};

/* Take the next `count` events, as runs into out[] unless it is NULL.  Returns how many runs. */
static uint32_t
runs_take(struct runs *from, uint64_t count, struct estate_run *out)
{
	uint32_t n = 0;

	while (count > 0 && from->left > 0) {
		uint32_t here = from->r->count - from->used;

		if (here > count)
			here = (uint32_t)count;
		if (out != NULL)
			out[n] = (struct estate_run){ from->r->seq + from->used, here, from->r->duplicate };
		n++;
		count -= here;
		if ((from->used += here) == from->r->count) {
			from->r++;
			from->left--;
			from->used = 0;
		}
	}
	return (n);
}

static void
answer_ack(struct estate *e, const struct slot *s, struct runs *from, const struct estate_warning *warnings, uint32_t warning_count)
{
	struct estate_run *runs = e->runs + e->runs_max;
	struct estate_ack a = { .cookie = s->cookie, .count = s->count, .runs = runs, .warnings = warnings,
	    .warning_count = warning_count };

	a.run_count = runs_take(from, s->count, runs);
	a.seq = runs[0].seq;
	a.duplicate = runs[0].duplicate;
	if (e->o.on_ack != NULL)
		e->o.on_ack(e->o.user, &a);
}

/* [n_first, n_last, runs, credit, warnings] */
void
es_put_on_ack(struct estate *e, struct mp body, uint32_t elements)
{
	struct window *w = &e->w;
	struct runs from;
	struct slot s;
	uint64_t first, last, credit, events, known = 0, n;
	uint32_t run_count, warnings = 0, at = 0, mine;

	if (elements < 4 || !mp_uint(&body, &first) || !mp_uint(&body, &last) || !runs_read(e, &body, &run_count, &events) ||
	    !mp_uint(&body, &credit)) {
		es_session_event(e, S_GARBLED, NULL);
		return;
	}
	if (elements >= 5)
		warnings = warnings_read(e, &body);
	e->s.log.credit = credit;
	/* Not `next`: an answer that was under way when the connection fell is as good as any. */
	if (last >= w->tail) {
		es_session_event(e, S_GARBLED, NULL);
		return;
	}
	/* After a resend the answer to the first sending may cover puts long gone here: the runs are matched from their end. */
	for (n = first > w->head ? first : w->head; n <= last; n++)
		known += es_window_slot(w, n)->count;
	if (known > events) {
		es_session_event(e, S_GARBLED, NULL);
		return;
	}
	from = (struct runs){ e->runs, run_count, 0 };
	runs_take(&from, events - known, NULL);
	for (n = first > w->head ? first : w->head; n <= last; n++) {
		s = *es_window_slot(w, n);
		while (at < warnings && e->warnings[at].number < n)
			at++;
		for (mine = 0; at + mine < warnings && e->warnings[at + mine].number == n;)
			mine++;
		if (es_window_answered(w, n))
			answer_ack(e, &s, &from, e->warnings + at, mine);
		else
			runs_take(&from, s.count, NULL);
	}
	if (e->s.state == ESTATE_LIVE)
		e->s.hold_ms = BACKOFF_MS_FIRST;
	progressed(e);
}

/* The refused put's events for the callback, in one piece of their own: the callback may put, and the ring may move. */
static uint32_t
refused_events(struct estate *e, const struct slot *s, struct estate_bytes **events)
{
	struct mp m;
	const uint8_t *p;
	uint32_t len, n = 0;
	size_t list = (size_t)s->count * sizeof(struct estate_bytes);

	if (e->scratch_size < list + s->len) {
		uint8_t *more = realloc(e->scratch, list + s->len);

		if (more == NULL)
			return (0);
		e->scratch = more;
		e->scratch_size = list + s->len;
	}
	*events = (struct estate_bytes *)e->scratch;
	es_window_copy(&e->w, s->at, e->scratch + list, s->len);
	m = mp_over(e->scratch + list, s->len);
	while (n < s->count && mp_bin(&m, &p, &len))
		(*events)[n++] = (struct estate_bytes){ p, len };
	return (n);
}

void
es_put_on_nak(struct estate *e, uint64_t number, const struct estate_fault *f)
{
	struct window *w = &e->w;
	struct estate_bytes *events = NULL;
	struct estate_nak nak = { .fault = f };
	struct slot s;

	if (number < w->head || number >= w->tail || es_window_slot(w, number)->answered)
		return;
	/* What is to be sent again anyway needs no reason to be. */
	if (number >= w->next && f->retry != ESTATE_NEVER)
		return;
	if (f->retry == ESTATE_SESSION) {
		es_session_event(e, S_NO_SESSION, f);
		return;
	}
	if (f->retry == ESTATE_LATER) {
		if (number < e->put_off_from)
			e->put_off_from = number;
		es_session_event(e, S_PUT_LATER, f);
		return;
	}
	s = *es_window_slot(w, number);
	nak.cookie = s.cookie;
	nak.count = refused_events(e, &s, &events);
	nak.events = events;
	es_window_answered(w, number);
	if (e->o.on_nak != NULL)
		e->o.on_nak(e->o.user, &nak);
	progressed(e);
}

/* ---- Doubt ---- */

void
es_put_session_lost(struct estate *e)
{
	es_window_rewind(&e->w, e->w.head);
	e->put_off_from = UINT64_MAX;
	e->stalled = false;
	e->stall_ms = e->o.patience_ms;
	e->stall_at_ms = NEVER_MS;
}

void
es_put_resumed(struct estate *e)
{
	es_window_rewind(&e->w, e->put_off_from);
	e->put_off_from = UINT64_MAX;
	progressed(e);
}

/* Nothing moved for long: a pong tells whether the daemon lives, and only then are they sent again. */
void
es_put_timers(struct estate *e)
{
	if (e->now_ms < e->stall_at_ms || e->s.state != ESTATE_LIVE)
		return;
	e->stall_at_ms = NEVER_MS;
	e->stalled = true;
	if (e->s.ping == 0)
		e->s.ping_due = true;
}

void
es_put_on_pong(struct estate *e)
{
	if (!e->stalled || e->s.state != ESTATE_LIVE)
		return;
	e->stalled = false;
	es_window_rewind(&e->w, e->w.head);
	/* A slow disk is not a lost answer: doubt less and less often. */
	if (e->stall_ms < 60000)
		e->stall_ms *= 2;
	es_notify(e, ESTATE_RESENT, "puts stayed unanswered and were sent again", NULL);
}

int64_t
es_put_deadline(const struct estate *e)
{
	return (e->s.state == ESTATE_LIVE ? e->stall_at_ms : NEVER_MS);
}
