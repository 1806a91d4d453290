/*
 * Ack: the last step before fan-out, called from nowhere but commit completion.  One message answers as many consecutive puts of a
 * session as the job held: numbers n_first..n_last, and the sequence numbers of their events in runs.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "errcode.h"
#include "event.h"
#include "bounds.h"
#include "session.h"

struct run {
	uint64_t seq, count;
	bool duplicate;
};

struct told_warning {
	uint64_t n;
	uint32_t index;
	const struct job_warning *w;
};

/* An ack in the making. */
struct pending_ack {
	struct session *session;	/* counted: its puts are released before the ack leaves */
	uint64_t n_first, n_last;
	bool open;
	struct run *runs;
	unsigned run_count, run_room;
	struct told_warning *warnings;
	unsigned warning_count, warning_room;
	struct pending_ack *next;
};

struct acking {
	struct daemon *d;
	const struct job *job;
	unsigned warning;		/* the next of the job's warnings */
	struct pending_ack *pending;	/* one per session of the job */
};

static void
send_ack(struct daemon *d, struct pending_ack *p)
{
	struct answer a;

	if (!p->open)
		return;
	answer_begin(&a, "ack", p->n_first, p->warning_count > 0 ? 7 : 6);
	msgpack_pack_uint64(&a.packer, p->n_last);
	msgpack_pack_array(&a.packer, p->run_count);
	for (unsigned i = 0; i < p->run_count; i++) {
		msgpack_pack_array(&a.packer, 3);
		msgpack_pack_uint64(&a.packer, p->runs[i].seq);
		msgpack_pack_uint64(&a.packer, p->runs[i].count);
		p->runs[i].duplicate ? msgpack_pack_true(&a.packer) : msgpack_pack_false(&a.packer);
	}
	msgpack_pack_uint64(&a.packer, SESSION_CREDIT_BYTES);
	if (p->warning_count > 0) {
		msgpack_pack_array(&a.packer, p->warning_count);
		for (unsigned i = 0; i < p->warning_count; i++) {
			msgpack_pack_array(&a.packer, 4);
			msgpack_pack_uint64(&a.packer, p->warnings[i].n);
			msgpack_pack_uint64(&a.packer, p->warnings[i].index);
			answer_text(&a, errcode_name(p->warnings[i].w->code));
			answer_text(&a, p->warnings[i].w->path);
		}
	}
	d->counters.acks++;
	session_send(d, p->session, &a);
	p->open = false;
	p->run_count = p->warning_count = 0;
}

static struct pending_ack *
pending_of(struct acking *k, struct session *s)
{
	if (s->ack == NULL) {
		s->ack = must_alloc(sizeof(*s->ack));
		memset(s->ack, 0, sizeof(*s->ack));
		s->ack->session = session_ref(s);
		s->ack->next = k->pending;
		k->pending = s->ack;
	}
	return (s->ack);
}

/* The ack that put n joins: a gap in the numbers begins another. */
static struct pending_ack *
ack_put(struct acking *k, struct session *s, uint64_t n)
{
	struct pending_ack *p = pending_of(k, s);

	if (p->open && n != p->n_last + 1)
		send_ack(k->d, p);
	if (!p->open) {
		p->open = true;
		p->n_first = n;
	}
	p->n_last = n;
	return (p);
}

static void
ack_event(struct acking *k, struct pending_ack *p, uint64_t n, uint32_t index_in_put, uint32_t index_in_job)
{
	const struct job_event *e = &k->job->events[index_in_job];
	struct run *last = p->run_count > 0 ? &p->runs[p->run_count - 1] : NULL;

	if (last != NULL && last->seq + last->count == e->seq && last->duplicate == e->duplicate)
		last->count++;
	else {
		if (p->run_count == p->run_room) {
			p->run_room = p->run_room == 0 ? 8 : p->run_room * 2;
			p->runs = must_realloc(p->runs, p->run_room * sizeof(*p->runs));
		}
		assert(p->runs != NULL);
		p->runs[p->run_count++] = (struct run){ e->seq, 1, e->duplicate };
	}
	for (; k->warning < k->job->warning_count && k->job->warnings[k->warning].event <= index_in_job; k->warning++) {
		if (k->job->warnings[k->warning].event < index_in_job)
			continue;
		if (p->warning_count == p->warning_room) {
			p->warning_room = p->warning_room == 0 ? 8 : p->warning_room * 2;
			p->warnings = must_realloc(p->warnings, p->warning_room * sizeof(*p->warnings));
		}
		p->warnings[p->warning_count++] = (struct told_warning){ n, index_in_put, &k->job->warnings[k->warning] };
	}
}

static void
refuse(struct acking *k, struct session *s, uint64_t n, int code, long index)
{
	const char *path = code == E_ID_CONFLICT ? "id" : NULL;

	if (errcode_retry(code) == RETRY_LATER && !s->held) {
		s->held = true;
		intake_hold(k->d, s);
	}
	session_nak(k->d, s, n, code, index, path, NULL);
}

static void
answer_put(struct acking *k, const struct job_put *put)
{
	struct session *s = put->session;

	if (put->code != 0 && put->each) {
		for (uint32_t i = 0; i < put->count; i++)
			refuse(k, s, put->n + i, put->code, -1);
		return;
	}
	if (put->code != 0) {
		refuse(k, s, put->n, put->code, put->code == E_HELD ? -1 : (long)put->bad);
		return;
	}
	for (uint32_t i = 0; i < put->count; i++) {
		const struct job_event *e = &k->job->events[put->first + i];
		uint64_t n = put->each ? put->n + i : put->n;

		if (e->code != 0)
			refuse(k, s, n, e->code, 0);
		else
			ack_event(k, put->each || i == 0 ? ack_put(k, s, n) : s->ack, n, put->each ? 0 : i, put->first + i);
	}
}

void
ack_job(struct daemon *d, struct job *j)
{
	struct acking k = { .d = d, .job = j };
	struct pending_ack *p;

	for (unsigned i = 0; i < j->put_count; i++) {
		struct job_put *put = &j->puts[i];

		if (put->session == NULL)
			continue;
		put->session->unanswered -= put->credit;
		d->intake_bytes -= put->credit;
		answer_put(&k, put);
	}
	while ((p = k.pending) != NULL) {
		k.pending = p->next;
		send_ack(d, p);
		p->session->ack = NULL;
		session_unref(p->session);
		free(p->runs);
		free(p->warnings);
		free(p);
	}
	for (unsigned i = 0; i < j->put_count; i++)
		if (j->puts[i].on_stored != NULL)
			j->puts[i].on_stored(d, j->puts[i].arg, j->puts[i].code);
	for (unsigned i = 0; i < j->put_count; i++)
		if (j->puts[i].session != NULL)
			session_unref(j->puts[i].session);
	j->put_count = 0;
}
