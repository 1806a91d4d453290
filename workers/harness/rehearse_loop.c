/* A rehearsal with everything in it: answers between the events of the input, and a log of all. */
#include "rehearse_internal.h"

#include <errno.h>
#include <string.h>

#include "view.h"

#define LOG_BYTES	(64u << 10)

int
rehearse_open_loop(struct run *r)
{
	const struct rehearsal *o = r->o;

	if (o->respond != NULL && (r->respond = respond_read(o->respond, o->shares, o->share_count)) == NULL)
		return (78);
	if (o->log == NULL)
		return (0);
	r->log = strcmp(o->log, "-") == 0 ? stdout : fopen(o->log, "we");
	if (r->log == NULL)
		fprintf(stderr, "estate-%s: %s: %s\n", r->kind->name, o->log, strerror(errno));
	return (r->log != NULL ? 0 : 3);
}

bool
rehearse_is_whole(const struct run *r)
{
	return (r->respond != NULL || r->log != NULL);
}

void
rehearse_log_flush(struct run *r)
{
	if (r->log_out.len > 0 && !r->failed && (fwrite(r->log_out.data, 1, r->log_out.len, r->log) != r->log_out.len || fflush(r->log) != 0)) {
		if (errno != EPIPE)
			fprintf(stderr, "estate-%s: cannot write the log: %s\n", r->kind->name, strerror(errno));
		r->failed = true;
	}
	buffer_clear(&r->log_out);
}

/* A line as `estate tail --json` prints it. */
static void
write_line(struct run *r, const struct stored *v)
{
	struct view view = { .format = VIEW_JSON };
	struct estate_event e = { v->seq, v->log_time, v->flags, v->sender.s != NULL ? v->sender.s : "", v->sender.len, v->bytes, v->len };

	if (r->log == NULL)
		return;
	view_event(&view, &r->log_out, &e);
	if (r->log_out.len > LOG_BYTES)
		rehearse_log_flush(r);
}

/* It has its number: it is written, and whoever answers it begins to. */
static bool
known(struct run *r, const struct stored *v)
{
	struct event e;

	write_line(r, v);
	if (r->respond == NULL || !event_peek(&e, v->bytes, v->len))
		return (true);
	if (!r->began) {
		r->began = true;
		respond_begin(r->respond, v->log_time);
	}
	return (respond_to(r->respond, &e, v->log_time));
}

void
rehearse_derived(struct run *r, const struct derived *d)
{
	struct stored v = { r->last_seq + 1, r->now, 0, text_of(r->kind->name), d->bytes, d->len };
	struct event e;

	/* Of a timer: time has come so far. */
	if (event_peek(&e, d->bytes, d->len) && e.has_time && e.time_ns > v.log_time)
		v.log_time = r->now = e.time_ns;
	r->last_seq++;
	r->failed |= !known(r, &v);
}

/* Into the engine, behind everything so far. */
static bool
arrive(struct run *r, const struct stored *v)
{
	struct stored numbered = *v;

	numbered.seq = ++r->last_seq;
	return (known(r, &numbered) && rehearse_feed(r, &numbered));
}

static bool
answer(struct run *r)
{
	int64_t at = respond_next(r->respond);
	struct respond_one one;
	struct stored v = { .log_time = at, .sender = text_of(RESPOND_SENDER) };

	switch (respond_take(r->respond, &one)) {
	case RESPOND_EVENT:
		v.bytes = one.bytes;
		v.len = one.len;
		return (arrive(r, &v));
	case RESPOND_QUESTION:
		/* The worker is asked what it knows by then. */
		engine_progress(&r->worker, r->last_seq, at - 1);
		r->now = at;
		return (rehearse_rows(r, one.question, one.asked) && !r->failed);
	case RESPOND_NOTHING:
		break;
	}
	return (true);
}

bool
rehearse_until(struct run *r, int64_t log_time)
{
	while (!r->failed && r->state->error == 0) {
		int64_t next = r->respond != NULL ? respond_next(r->respond) : INT64_MAX, due = engine_next_due(&r->worker);

		if (due < r->now)
			due = r->now;
		if (due < log_time && due < next) {
			engine_progress(&r->worker, r->last_seq, due);
			continue;
		}
		if (next >= log_time)
			return (true);
		if (!answer(r))
			r->failed = true;
	}
	return (false);
}

/* What this worker concluded in the past it concludes again; what is in force is told by the log alone. */
static bool
is_own(const struct run *r, const struct stored *v)
{
	struct event e;

	return (event_peek(&e, v->bytes, v->len) && mp_equal(e.source.s, e.source.len, r->worker.source) &&
	    !mp_equal(e.type.s, e.type.len, "config.activated"));
}

bool
rehearse_arrived(struct run *r, const struct stored *v)
{
	if (is_own(r, v))
		return (true);
	return (rehearse_until(r, v->log_time) && arrive(r, v));
}
