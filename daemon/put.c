/* put, puts, resume.  Steps 2 to 4 of an event's way: decode and validate, authorise, gather into the batch that fills. */
#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "errcode.h"
#include "event.h"
#include "ingest.h"
#include "bounds.h"
#include "refusals.h"
#include "seal.h"
#include "session.h"

/* The sender's clock is not to be believed: the event is stored all the same. */
static bool
time_implausible(const struct event *e, uint64_t now)
{
	return (e->has_time && (e->time_ns > (int64_t)now + TIME_AHEAD_MAX_S * 1000000000LL ||
	    e->time_ns < (int64_t)now - TIME_BEHIND_MAX_S * 1000000000LL));
}

static void
warn(struct job *j, uint32_t put, uint32_t event, int code, const char *path)
{
	struct job_warning *w = job_add_warning(j);

	w->put = put;
	w->event = event;
	w->code = code;
	snprintf(w->path, sizeof(w->path), "%.47s", path);
}

/* A valid event joins the job. */
static void
gather_event(struct daemon *d, struct job *j, uint32_t put, const struct event *e, uint64_t now)
{
	uint32_t index = j->event_count;
	struct job_event *je = job_add_event(j);

	je->bytes = e->bytes;
	je->len = e->len;
	entry_fill(&je->entry, e, d->store->identity.secret);
	j->bytes += e->len + e->personal * SEAL_OVERHEAD;
	if (e->personal > 0) {
		je->person = seal_person(e);
		je->span = j->span_count;
		je->spans = e->personal;
		for (unsigned i = 0; i < e->personal; i++)
			*job_add_span(j) = e->spans[i];
	}
	if (time_implausible(e, now)) {
		je->flags |= EVENT_TIME_IMPLAUSIBLE;
		d->counters.warnings_time++;
		warn(j, put, index, E_TIME_IMPLAUSIBLE, "time");
	}
	if (e->unknown > 0) {
		je->flags |= EVENT_UNKNOWN_FIELDS;
		d->counters.warnings_field++;
		warn(j, put, index, E_UNKNOWN_FIELD, e->odd.path);
	}
}

/* Events of the message, as far as it says. */
static uint32_t
count_events(const struct request *r)
{
	struct mp m = r->m;
	uint32_t count;

	return (mp_array(&m, &count) ? count : 0);
}

/* Why no put of this session can be taken now: 0 or a code. */
static int
check_state(struct daemon *d, const struct request *r, char *detail, size_t detail_len)
{
	struct session *s = r->session;

	detail[0] = '\0';

	if (d->stopping)
		return (E_STOPPING);
	if (s->held)
		return (E_HELD);
	if (s->unanswered + r->bytes > SESSION_CREDIT_BYTES || d->intake_bytes + r->bytes > INTAKE_BYTES_MAX ||
	    !client_has_credit(s->who, r->bytes)) {
		snprintf(detail, detail_len, "%zu bytes unanswered, credit %zu", s->who->usage->unanswered, client_credit(s->who));
		return (E_BUSY);
	}
	if (!client_take_events(s->who, count_events(r), s->heard_ns)) {
		snprintf(detail, detail_len, "at most %llu events a second", (unsigned long long)s->who->rights.events_per_s);
		return (E_BUSY);
	}
	return (0);
}

/* Refuse for now: the session is held, so that what follows doesn't overtake. */
static void
put_off(struct daemon *d, struct request *r, int code, const char *detail)
{
	if (code == E_HELD)
		d->counters.held++;
	else {
		d->counters.busy++;
		r->session->held = true;
	}
	request_nak(d, r, code, NULL, detail);
}

/* The same for a message of single puts: each is answered, the later ones as held behind the first. */
static void
put_off_each(struct daemon *d, struct request *r, int code, const char *detail)
{
	struct mp m = r->m;
	uint32_t count;

	put_off(d, r, code, detail);
	if (!mp_array(&m, &count))
		return;
	for (uint32_t i = 1; i < count && i < PUT_EVENTS_MAX; i++) {
		r->number++;
		put_off(d, r, E_HELD, NULL);
	}
}

/* The array of events, or an answer why not. */
static bool
read_events(struct daemon *d, struct request *r, uint32_t *count)
{
	if (!mp_array(&r->m, count) || *count == 0) {
		request_nak(d, r, E_ARGUMENT, "[3]", "a list of events, each a bin, at least one");
		return (false);
	}
	if (*count > PUT_EVENTS_MAX) {
		request_nak(d, r, E_TOO_MANY, "[3]", "at most 4096 events in one message");
		return (false);
	}
	return (true);
}

/* The sender may not put it.  What it says is not repeated. */
static int
forbid(struct daemon *d, const struct client *who, const char *path, struct data_fault *f)
{
	f->code = E_FORBIDDEN;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->detail, sizeof(f->detail), "%s may not put %s", who->name, path[0] == 't' ? "events of that type" : "in the name of that source");
	refusals_note(d, who->name, path[0] == 't' ? REFUSED_TYPE : REFUSED_SOURCE);
	return (E_FORBIDDEN);
}

/* The next event of the list: 0, or a code with path and detail. */
static int
read_event(struct daemon *d, struct mp *m, const struct client *who, struct event *e, struct data_fault *f)
{
	const char *path;
	int code;

	const uint8_t *bytes;
	uint32_t len;

	if (!mp_bin(m, &bytes, &len)) {
		f->code = E_ARGUMENT;
		snprintf(f->path, sizeof(f->path), "event");
		snprintf(f->detail, sizeof(f->detail), "each event is a bin that holds one packed map");
		mp_skip(m);
		return (E_ARGUMENT);
	}
	if ((code = event_decode(e, bytes, len, f)) != 0)
		return (code);
	return (client_may_put(who, e, &path) ? 0 : forbid(d, who, path, f));
}

static struct job_put *
begin_put(struct daemon *d, struct job *j, const struct request *r, bool each, uint64_t n)
{
	struct job_put *p = job_add_put(j);

	p->session = session_ref(r->session);
	p->sender = r->session->sender;
	p->sender_len = (uint8_t)strlen(r->session->sender);
	p->each = each;
	p->n = n;
	p->first = j->event_count;
	d->counters.puts++;
	return (p);
}

/* The whole message counts against credit until its last put is answered. */
static void
charge(struct daemon *d, const struct request *r, struct job_put *last)
{
	last->credit = r->bytes;
	r->session->unanswered += r->bytes;
	client_charge(r->session->who, r->bytes);
	d->intake_bytes += r->bytes;
}

/* Take the message over; the cursor goes on in the bytes that stay. */
static void
keep_message(struct job *j, struct request *r)
{
	size_t at = (size_t)(r->m.p - (const uint8_t *)zmq_msg_data(r->body));
	const uint8_t *bytes = job_add_message(j, r->body);

	zmq_msg_init(r->body);
	r->m = mp_over(bytes + at, r->bytes - at);
}

/* How full the job was before a message. */
struct mark {
	unsigned puts, events, warnings, spans, messages;
	size_t bytes;
};

static struct mark
mark_job(const struct job *j)
{
	return ((struct mark){ j->put_count, j->event_count, j->warning_count, j->span_count, j->message_count, j->bytes });
}

/* Forget what the job gathered since: the message is refused whole, and its memory given back. */
static void
take_back(struct daemon *d, struct job *j, const struct mark *m)
{
	while (j->put_count > m->puts) {
		session_unref(j->puts[--j->put_count].session);
		d->counters.puts--;
	}
	j->event_count = m->events;
	j->warning_count = m->warnings;
	j->span_count = m->spans;
	j->bytes = m->bytes;
	job_drop_messages(j, m->messages);
}

void
put_on_put(struct daemon *d, struct request *r)
{
	uint64_t now = logclock_now(d->clock);
	struct job *j = intake_open(d);
	struct mark mark = mark_job(j);
	struct data_fault f;
	struct event e;
	char detail[96];
	uint32_t count;
	int code;

	if ((code = check_state(d, r, detail, sizeof(detail))) != 0) {
		put_off(d, r, code, detail);
		return;
	}
	if (!read_events(d, r, &count))
		return;
	keep_message(j, r);
	begin_put(d, j, r, false, r->number);
	for (uint32_t i = 0; i < count; i++) {
		if ((code = read_event(d, &r->m, r->session->who, &e, &f)) != 0) {
			take_back(d, j, &mark);
			session_nak(d, r->session, r->number, code, (long)i, f.path, f.detail);
			return;
		}
		gather_event(d, j, mark.puts, &e, now);
	}
	j->puts[mark.puts].count = count;
	charge(d, r, &j->puts[mark.puts]);
	intake_gathered(d);
}

void
put_on_puts(struct daemon *d, struct request *r)
{
	uint64_t now = logclock_now(d->clock);
	struct job *j = intake_open(d);
	struct mark mark = mark_job(j);
	struct job_put *p = NULL;
	struct data_fault f;
	struct event e;
	char detail[96];
	uint32_t count;
	int code;

	if ((code = check_state(d, r, detail, sizeof(detail))) != 0) {
		put_off_each(d, r, code, detail);
		return;
	}
	if (!read_events(d, r, &count))
		return;
	if (r->number > UINT64_MAX - count) {
		request_nak(d, r, E_ARGUMENT, "[2]", "the numbers of these puts do not fit 64 bits");
		return;
	}
	keep_message(j, r);
	for (uint32_t i = 0; i < count; i++) {
		if ((code = read_event(d, &r->m, r->session->who, &e, &f)) != 0) {
			/* The run of numbers breaks here. */
			session_nak(d, r->session, r->number + i, code, 0, f.path, f.detail);
			p = NULL;
			continue;
		}
		if (p == NULL)
			p = begin_put(d, j, r, true, r->number + i);
		gather_event(d, j, j->put_count - 1, &e, now);
		p->count++;
	}
	if (j->put_count > mark.puts)
		charge(d, r, &j->puts[j->put_count - 1]);
	else
		take_back(d, j, &mark);
	intake_gathered(d);
}

void
put_on_resume(struct daemon *d, struct request *r)
{
	struct answer a;

	r->session->held = false;
	answer_begin(&a, "resumed", r->number, 4);
	msgpack_pack_map(&a.packer, 1);
	answer_key_uint(&a, "credit", client_credit(r->session->who));
	session_send(d, r->session, &a);
}
