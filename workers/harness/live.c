#include "live.h"

#include <errno.h>
#include <inttypes.h>
#include <msgpack.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "estate.h"
#include "inbox.h"
#include "log.h"
#include "notify.h"
#include "outbox.h"
#include "rebuild.h"

/* How much may be on its way to us: with the events, the bound of a transaction. */
#define WINDOW_EVENTS	2048u
#define WINDOW_BYTES	(512u << 10)

/* Conclusions that are handed over together: while the daemon makes them durable, the next ones are concluded. */
#define HAND_OVER	64u

/* How long a parked event may take to come, before the daemon is asked again. */
#define FETCH_MS	5000

/* News that only says how far the log has gone waits this long for company: a commit flushes, and every worker would for every event. */
#define COMPANY_MS	500

/* How often somebody who watches is told how it stands. */
#define TELL_MS		1000

enum { EXIT_WRONG_STATE = 78, EXIT_DISK = 70, EXIT_TAKEN_OVER = 4 };

/* What came of a put: applied in the next transaction. */
struct outcome {
	uint64_t number;	/* in the outbox */
	char *refusal;		/* NULL: stored */
};

struct live {
	const struct worker_kind *kind;
	const struct live_options *o;
	struct worker worker;
	struct state *state;
	struct estate *e;
	struct estate_subscription *events, *own;
	struct inbox came, work;	/* gathered in callbacks; taken in by the turn */
	struct outcome *outcomes;
	size_t outcome_count, outcome_room;
	uint64_t handed;		/* numbers of the outbox up to here were handed to libestate */
	int64_t next;			/* when the next timer is due, as of the last turn … */
	int64_t wake;			/* … and what the daemon was asked for */
	int64_t waiting_ms;		/* since when news waits for company; 0: it doesn't */
	bool rebuilding, own_told;
	struct rebuild rebuild;
	bool proposed;			/* the rules of --config were compared with those in force */
	bool ready, done;
	int status;
	int64_t told_ms;
	/* A parked event that was asked for. */
	struct buffer fetched;
	struct stored fetched_event;
	bool fetched_ok;
};

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* Stop with this status; the sentence is for whoever has to act. */
static void __attribute__((format(printf, 3, 4)))
give_up(struct live *l, int status, const char *fmt, ...)
{
	char text[700], quoted[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("stopped", "worker=%s reason=%s", l->kind->name, log_quote(quoted, sizeof(quoted), text));
	notify_status(text);
	l->status = status;
	l->done = true;
}

/* ---- What comes from the daemon ---- */

static void
on_event(void *user, const struct estate_event *v)
{
	inbox_event(&((struct live *)user)->came, ITEM_EVENT, v);
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
		give_up(l, EXIT_WRONG_STATE, "%s was made from log %s, epoch %" PRIu64 ", and the daemon has another (%s); if it is a restored "
		    "backup of the same log, start once with --rebuild; if not, move that folder away", l->o->state, c->log, c->epoch, f->detail);
		break;
	case E_BEYOND_END:
		give_up(l, EXIT_WRONG_STATE, "%s has read up to event %" PRIu64 ", and the log ends before (%s): start once with --rebuild", l->o->state,
		    c->seq, f->detail);
		break;
	case E_TRIMMED:
		give_up(l, EXIT_WRONG_STATE, "the log no longer holds event %" PRIu64 ", which comes next (%s); move %s away to begin with what it holds",
		    c->seq + 1, f->detail, l->o->state);
		break;
	case E_TAKEN_OVER:
		give_up(l, EXIT_TAKEN_OVER, "another instance of this worker has taken over");
		break;
	default:
		give_up(l, 3, "the daemon refused: %s: %s", f->text, f->detail);
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

static void
on_ack(void *user, const struct estate_ack *a)
{
	add_outcome(user, a->cookie, NULL);
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct buffer b = { NULL, 0, 0 };

	buffer_printf(&b, "%s %s %s", n->fault->name, n->fault->path, n->fault->detail);
	add_outcome(user, n->cookie, b.data);
}

static void
on_notice(void *user, const struct estate_notice *n)
{
	struct live *l = user;
	char quoted[300];

	if (n->kind == ESTATE_HELLO_REFUSED)
		refused(l, n->fault);
	else if (n->kind == ESTATE_LOG_CHANGED)
		give_up(l, EXIT_WRONG_STATE, "the daemon serves another log or a restored backup now; %s belongs to the former one: start once with --rebuild "
		    "if it is a backup of the same log, else move that folder away", l->o->state);
	else if (n->kind == ESTATE_CONNECTED)
		log_info("connected", "worker=%s last=%" PRIu64 " read=%" PRIu64, l->kind->name, estate_log(l->e)->last, l->state->cursor.seq);
	else
		log_info(n->kind == ESTATE_DISCONNECTED ? "disconnected; trying again" : "the daemon answers otherwise for a while", "worker=%s reason=%s",
		    l->kind->name, log_quote(quoted, sizeof(quoted), n->reason));
}

/* ---- What the engine finds out: within the transaction ---- */

/* Hand it over at once if everything before it was; else, or if libestate's window is full, put_outbox() will. */
static void
hand_over(struct live *l, const struct derived *d, uint64_t number)
{
	if (l->rebuilding || l->done || l->handed + 1 != number || estate_put(l->e, d->bytes, d->len, number) != 0)
		return;
	l->handed = number;
	if (number % HAND_OVER == 0)
		estate_pump(l->e, 0);
}

static void
end_derived(void *end, const struct derived *d)
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

static void
end_own(void *end, const struct stored *v, const struct event *e)
{
	struct live *l = end;
	char id[ID_SIZE];

	if (e->id.len != ID_SIZE - 1)
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
static bool
end_fetch(void *end, uint64_t seq, struct stored *v, bool *interrupted)
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
		error = estate_call(l->e, "get", b.data, b.size, FETCH_MS, on_fetched, l);
		*interrupted = stop || l->done;
	} while (error < 0 && !*interrupted);
	msgpack_sbuffer_destroy(&b);
	*v = l->fetched_event;
	return (error == 0 && l->fetched_ok && !*interrupted);
}

/* ---- A turn ---- */

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

static void
refused_again(struct live *l)
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

static void
rebuild_done(struct live *l)
{
	struct state *s = l->state;

	if (!l->rebuilding || !l->own_told || s->cursor.seq < s->mute_seq || s->cursor.log_time < s->mute_time)
		return;
	rebuild_finish(&l->rebuild);
	s->mute_seq = 0;
	s->mute_time = 0;
	l->rebuilding = false;
}

/* Hand over what is committed and not handed over yet, as far as libestate takes it. */
static void
put_outbox(struct live *l)
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
		give_up(l, 3, "a derived event cannot be handed over: %s", estate_error_text(error));
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
		if (b->items[i].kind != ITEM_PROGRESS || b->items[i].log_time >= l->next ||
		    (b->items[i].end && !l->proposed && l->o->config != NULL))
			return (false);
	b->items[0] = b->items[b->count - 1];
	b->count = 1;
	if (l->waiting_ms == 0)
		l->waiting_ms = monotonic_ms();
	return (monotonic_ms() < l->waiting_ms + COMPANY_MS);
}

/* Everything that came, in one transaction; only then it is acknowledged. */
static void
turn(struct live *l)
{
	struct inbox swap = l->work;
	int64_t next;

	if (l->came.count + l->outcome_count == 0 || can_wait(l))
		return;
	l->waiting_ms = 0;
	l->work = l->came;
	l->came = swap;
	state_begin(l->state);
	take_outcomes(l);
	for (size_t i = 0; i < l->work.count && !l->worker.interrupted; i++)
		take_item(l, &l->work.items[i]);
	inbox_clear(&l->work);
	if (l->worker.interrupted) {
		/* Told to stop within: what was begun is given up, and read again next time. */
		state_abort(l->state);
		l->done = true;
		return;
	}
	rebuild_done(l);
	next = engine_next_due(&l->worker);
	if (l->rebuilding && l->state->mute_time < next)
		next = l->state->mute_time;
	if (state_commit(l->state) != 0) {
		give_up(l, EXIT_DISK, "%s: %s; make room or look at the disk, then start again: nothing is lost", l->o->state, state_why(l->state));
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

/* ---- The life of it ---- */

static int
subscribe(struct live *l)
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
	if ((error = estate_subscribe(l->e, &o, &l->events)) != 0 || !l->rebuilding)
		return (error);
	o = (struct estate_subscribe_options){ .from = ESTATE_FROM_FIRST, .sources = sources, .user = l, .on_event = on_own_event,
	    .on_progress = on_own_progress, .on_ended = on_own_ended };
	return (estate_subscribe(l->e, &o, &l->own));
}

static void
tell_how(struct live *l)
{
	const struct state *s = l->state;
	int64_t now = monotonic_ms();
	char text[200];

	if (now < l->told_ms + TELL_MS)
		return;
	l->told_ms = now;
	notify_alive();
	if (l->rebuilding)
		snprintf(text, sizeof(text), "rebuilding: event %" PRIu64 " of %" PRIu64, s->cursor.seq, s->mute_seq);
	else if (!l->ready)
		snprintf(text, sizeof(text), "waiting for the daemon at %s", l->o->endpoint);
	else
		snprintf(text, sizeof(text), "event %" PRIu64 ", %" PRIu64 " concluded, %" PRIu64 " parked since the start", s->cursor.seq, l->worker.emitted,
		    l->worker.parked);
	if (l->ready)
		notify_status(text);
	else
		notify_tick(text);
	if (l->rebuilding && s->cursor.seq > 0)
		log_info("rebuilding", "worker=%s event=%" PRIu64 " of=%" PRIu64, l->kind->name, s->cursor.seq, s->mute_seq);
}

static void
become_ready(struct live *l)
{
	if (l->ready || l->events == NULL || l->rebuilding)
		return;
	l->ready = true;
	notify_ready();
	puts("ready");
	fflush(stdout);
}

/* Until told to stop.  The signals are open only while it waits, so that none comes unheard. */
static void
run(struct live *l)
{
	struct pollfd p = { .fd = estate_fd(l->e), .events = POLLIN };
	struct timespec company = { 0, COMPANY_MS * 1000000L }, wait = { TELL_MS / 1000, TELL_MS % 1000 * 1000000L };
	bool watched = notify_alive_us() > 0;
	sigset_t blocked, open;
	int error;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &open);
	while (!stop && !l->done) {
		if (estate_pump(l->e, 0) < 0) {
			give_up(l, 3, "the connection to the daemon failed: %s", strerror(errno));
			break;
		}
		if (l->events == NULL && !l->done && estate_log(l->e) != NULL && (error = subscribe(l)) != 0)
			give_up(l, 3, "cannot subscribe: %s", estate_error_text(error));
		turn(l);
		if (l->own_told && l->own != NULL) {
			estate_unsubscribe(l->own);
			l->own = NULL;
		}
		put_outbox(l);
		become_ready(l);
		tell_how(l);
		if (estate_pump(l->e, 0) > 0 || l->done)
			continue;
		/* Without end, unless news waits, or somebody for a sign of life. */
		ppoll(&p, 1, l->came.count > 0 ? &company : l->ready && !watched && !l->rebuilding ? NULL : &wait, &open);
	}
	if (stop && l->status == 0)
		log_info("told to stop", "worker=%s event=%" PRIu64, l->kind->name, l->state->cursor.seq);
	notify_stopping("the state is committed");
}

static int
open_state(struct live *l)
{
	struct state_options o = { .folder = l->o->state, .worker = l->kind->name, .version = l->kind->version, .tables = l->kind->tables };
	enum state_found found;
	char why[1024];

	if ((found = state_open(&l->state, &o, why, sizeof(why))) == STATE_REFUSED) {
		fprintf(stderr, "estate-%s: %s\n", l->kind->name, why);
		return (EXIT_WRONG_STATE);
	}
	if (found == STATE_OTHER_VERSION)
		log_warn("the state was made by another release of this worker; it is made again from the log", "worker=%s version=%u", l->kind->name,
		    l->kind->version);
	l->rebuilding = found == STATE_OTHER_VERSION || (found == STATE_SOUND && (l->o->rebuild || l->state->mute_seq > 0));
	return (0);
}

/* Which log it is must be known before the state is emptied: another epoch is told everything again. */
static int
begin_rebuild(struct live *l)
{
	struct state_cursor *c = &l->state->cursor;
	bool same_epoch;

	while (estate_log(l->e) == NULL && !stop && !l->done)
		if (estate_pump(l->e, TELL_MS) >= 0)
			tell_how(l);
	if (estate_log(l->e) == NULL)
		return (l->status);
	if (strcmp(estate_log(l->e)->log, c->log) != 0) {
		give_up(l, EXIT_WRONG_STATE, "%s was made from log %s, and the daemon has log %s: move that folder away", l->o->state, c->log,
		    estate_log(l->e)->log);
		return (l->status);
	}
	same_epoch = estate_log(l->e)->epoch == c->epoch;
	c->epoch = estate_log(l->e)->epoch;
	if (state_restart(l->state, same_epoch, l->kind->version) != 0) {
		give_up(l, EXIT_DISK, "%s: %s", l->o->state, state_why(l->state));
		return (l->status);
	}
	l->rebuilding = l->state->mute_seq > 0;
	log_info("rebuild: from the first event", "worker=%s silent_up_to=%" PRIu64, l->kind->name, l->state->mute_seq);
	return (0);
}

static int
open_engine(struct live *l)
{
	struct engine_ends ends = { l, end_derived, end_own, end_fetch, NULL };

	if (engine_open(&l->worker, l->kind, l->state, &ends, &(struct engine_options){ .fixed_config = false }) != 0)
		return (EXIT_WRONG_STATE);
	l->rebuild.worker = &l->worker;
	state_begin(l->state);
	refused_again(l);
	if (state_commit(l->state) != 0) {
		give_up(l, EXIT_DISK, "%s: %s", l->o->state, state_why(l->state));
		return (l->status);
	}
	return (0);
}

static int
connect_daemon(struct live *l)
{
	const struct state_cursor *c = &l->state->cursor;
	struct estate_options o = { .endpoint = l->o->endpoint, .client = l->kind->name, .software = "estated " ESTATE_VERSION, .backoff_ms_max = 1000,
	    .user = l, .on_ack = on_ack, .on_nak = on_nak, .on_notice = on_notice };
	int error;

	/* A rebuild takes the log as it is. */
	if (c->log[0] != '\0' && !l->rebuilding) {
		o.log = c->log;
		o.epoch = c->epoch;
		o.cursor = c->seq;
	}
	if ((error = estate_open(&o, &l->e)) != 0) {
		fprintf(stderr, "estate-%s: %s: %s\n", l->kind->name, l->o->endpoint, estate_error_text(error));
		return (2);
	}
	return (0);
}

int
live(const struct worker_kind *kind, const struct live_options *o)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct live l = { .kind = kind, .o = o, .next = INT64_MIN, .wake = INT64_MAX };
	bool opened = false;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if ((l.status = open_state(&l)) == 0 && (l.status = connect_daemon(&l)) == 0 && (!l.rebuilding || (l.status = begin_rebuild(&l)) == 0) &&
	    !stop && (l.status = open_engine(&l)) == 0) {
		opened = true;
		run(&l);
	}
	/* What is on its way may be lost: it stays in the outbox. */
	estate_close(l.e);
	if (opened)
		engine_close(&l.worker);
	state_close(l.state);
	for (size_t i = 0; i < l.outcome_count; i++)
		free(l.outcomes[i].refusal);
	free(l.outcomes);
	inbox_free(&l.came);
	inbox_free(&l.work);
	buffer_free(&l.fetched);
	return (l.status);
}
