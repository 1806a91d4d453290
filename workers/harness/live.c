/* The life of a worker: open, connect, subscribe, turn after turn until told to stop. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "live_internal.h"
#include "log.h"
#include "notify.h"
#include "sitetime.h"

static volatile sig_atomic_t stop;

void
live_stop(int number)
{
	(void)number;
	stop = 1;
}

bool
live_told_to_stop(void)
{
	sigset_t pending;

	/* The signals are blocked outside the wait: one that came meanwhile is pending. */
	if (!stop && sigpending(&pending) == 0)
		stop = sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
	return (stop != 0);
}

int64_t
live_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* Stop with this status; the sentence is for whoever has to act. */
void
live_give_up(struct live *l, int status, const char *fmt, ...)
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

static void
tell_how(struct live *l)
{
	const struct state *s = l->state;
	int64_t now = live_now_ms();
	char text[200];

	if (now < l->told_ms + TELL_MS)
		return;
	l->told_ms = now;
	if (l->stalled && !l->stall_told && now >= l->stalled_ms + TELL_MS) {
		l->stall_told = true;
		log_warn("the daemon takes no conclusions: reading stops until it does", "worker=%s event=%" PRIu64, l->kind->name, s->cursor.seq);
	}
	notify_alive();
	if (l->rebuilding)
		snprintf(text, sizeof(text), "rebuilding: event %" PRIu64 " of %" PRIu64, s->cursor.seq, s->mute.seq);
	else if (!l->ready)
		snprintf(text, sizeof(text), "waiting for the daemon at %s", l->o->endpoint);
	else if (l->stalled)
		snprintf(text, sizeof(text), "event %" PRIu64 "; reading stopped: the daemon takes no conclusions", s->cursor.seq);
	else
		snprintf(text, sizeof(text), "event %" PRIu64 ", %" PRIu64 " concluded, %" PRIu64 " parked since the start", s->cursor.seq,
		    l->worker.emitted, l->worker.parked);
	if (l->ready)
		notify_status(text);
	else
		notify_tick(text);
	if (l->rebuilding && s->cursor.seq > 0)
		log_info("rebuilding", "worker=%s event=%" PRIu64 " of=%" PRIu64, l->kind->name, s->cursor.seq, s->mute.seq);
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
	bool watched = notify_alive_us() > 0 || l->o->metrics != NULL;
	const struct timespec *patience;
	sigset_t blocked, open;
	bool more;
	int error;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &open);
	if ((error = live_serve(l)) != 0)
		live_give_up(l, 3, "cannot be asked: %s", estate_error_text(error));
	while ((!stop || effects_leaving(l)) && !l->done) {
		if (estate_pump(l->e, 0) < 0) {
			live_give_up(l, 3, "the connection to the daemon failed: %s", strerror(errno));
			break;
		}
		if (l->events == NULL && !l->done && estate_log(l->e) != NULL && (error = live_subscribe(l)) != 0)
			live_give_up(l, 3, "cannot subscribe: %s", estate_error_text(error));
		live_turn(l);
		if (l->own_told && l->own != NULL) {
			estate_unsubscribe(l->own);
			l->own = NULL;
		}
		live_put(l);
		effects_turn(l);
		become_ready(l);
		more = live_answer(l);
		tell_how(l);
		live_page(l);
		if (estate_pump(l->e, 0) > 0 || l->done || more)
			continue;
		/* Without end, unless news waits, or somebody for a sign of life. */
		patience = l->came.count > 0 && !l->stalled ? &company : l->ready && !watched && !l->rebuilding && !l->stalled && !stop ? NULL : &wait;
		if (l->effects != NULL)
			effects_wait(l, patience, &open);
		else
			ppoll(&p, 1, patience, &open);
	}
	if (stop && l->status == 0)
		log_info("told to stop", "worker=%s event=%" PRIu64, l->kind->name, l->state->cursor.seq);
	live_page_end(l);
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
	l->rebuilding = found == STATE_OTHER_VERSION || (found == STATE_SOUND && (l->o->rebuild || l->state->mute.seq > 0));
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
		live_give_up(l, EXIT_WRONG_STATE, "%s was made from log %s, and the daemon has log %s: move that folder away", l->o->state, c->log,
		    estate_log(l->e)->log);
		return (l->status);
	}
	same_epoch = estate_log(l->e)->epoch == c->epoch;
	c->epoch = estate_log(l->e)->epoch;
	if (state_restart(l->state, same_epoch, l->kind->version) != 0) {
		live_give_up(l, EXIT_DISK, "%s: %s", l->o->state, state_why(l->state));
		return (l->status);
	}
	l->rebuilding = l->state->mute.seq > 0;
	log_info("rebuild: from the first event", "worker=%s silent_up_to=%" PRIu64, l->kind->name, l->state->mute.seq);
	return (0);
}

static int
open_engine(struct live *l)
{
	struct engine_ends ends = { l, live_on_derived, live_on_own, live_fetch, NULL, live_figures };

	if (engine_open(&l->worker, l->kind, l->state, &ends, &(struct engine_options){ .fixed_config = false }) != 0)
		return (EXIT_WRONG_STATE);
	l->rebuild.worker = &l->worker;
	state_begin(l->state);
	live_put_refused_again(l);
	live_look_at_outbox(l);
	if (state_commit(l->state) != 0) {
		live_give_up(l, EXIT_DISK, "%s: %s", l->o->state, state_why(l->state));
		return (l->status);
	}
	return (0);
}

static int
connect_daemon(struct live *l)
{
	const struct state_cursor *c = &l->state->cursor;
	struct estate_options o = { .endpoint = l->o->endpoint, .client = l->kind->name, .software = "estated " ESTATE_VERSION, .backoff_ms_max = 1000,
	    .user = l, .on_ack = live_on_ack, .on_nak = live_on_nak, .on_notice = live_on_notice };
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
	struct sigaction action = { .sa_handler = live_stop };
	struct live l = { .kind = kind, .o = o, .next = INT64_MIN, .wake = INT64_MAX, .start_ns = sitetime_now() };
	bool opened = false;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if ((l.status = open_state(&l)) == 0 && (l.status = connect_daemon(&l)) == 0 && (!l.rebuilding || (l.status = begin_rebuild(&l)) == 0) &&
	    !stop && (l.status = open_engine(&l)) == 0) {
		opened = true;
		if (kind->effects == NULL || o->folder == NULL || (l.status = effects_open(&l, kind->effects)) == 0)
			run(&l);
	}
	effects_close(&l);
	/* What is on its way may be lost: it stays in the outbox. */
	estate_close(l.e);
	if (opened)
		engine_close(&l.worker);
	state_close(l.state);
	for (size_t i = 0; i < l.outcome_count; i++)
		free(l.outcomes[i].refusal);
	free(l.outcomes);
	live_ask_nobody(&l);
	inbox_free(&l.came);
	inbox_free(&l.work);
	buffer_free(&l.fetched);
	return (l.status);
}
