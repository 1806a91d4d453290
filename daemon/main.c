/* estated: opens the parts in order, turns the loop, closes them in the other order. */
#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <event2/thread.h>

#include "admit.h"
#include "ask.h"
#include "ceiling.h"
#include "clockwatch.h"
#include "consumer.h"
#include "daemon.h"
#include "erasure.h"
#include "http.h"
#include "ingest.h"
#include "lag.h"
#include "log.h"
#include "openfds.h"
#include "refusals.h"
#include "options.h"
#include "progress.h"
#include "reload.h"
#include "retention.h"
#include "service.h"
#include "session.h"
#include "settings.h"
#include "subscription.h"

/* What acks and refusals still queued get to leave on a stop. */
#define LINGER_MS	1000

/* Many clients, many descriptors: take what the system allows. */
static void
raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void
wake(void *arg)
{
	uint64_t one = 1;

	/* The counter of an eventfd does not fill up; a failure would be our bug. */
	if (write(*(int *)arg, &one, sizeof(one)) < 0)
		abort();
}

static void
drain(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) == sizeof(n))
		;
}

static void
on_writer_done(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	drain(fd);
	/* Before the first ack under it: a restart must know of a jump. */
	clockwatch_check(arg);
	intake_on_done(arg);
}

/* On the applier's thread: the writer may be waiting for room, the loop may let go of memory. */
static void
on_progress(void *arg)
{
	struct daemon *d = arg;

	if (d->writer != NULL)
		writer_wake(d->writer);
	wake(&d->applier_fd);
}

static void
on_applier_progress(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	drain(fd);
	recent_trim(&d->recent, d->store->applied, d->settings->recent_memory);
	lag_on_applied(d);
	retention_on_applied(d);
	/* Intake pauses: give memory back. */
	if (d->store->applied == d->durable) {
		intake_free_spares(d);
		malloc_trim(0);
	}
}

static void
on_turn(void *arg)
{
	intake_turn(arg);
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	log_info("stopping", "signal=%s", fd == SIGTERM ? "TERM" : "INT");
	d->stopping = true;
	service_stopping();
	event_base_loopbreak(d->base);
}

static struct event_base *
make_base(void)
{
	struct event_config *c = event_config_new();
	struct event_base *base;

	/* A callback that activates itself gives way to descriptors and timers after this many. */
	event_config_set_max_dispatch_interval(c, NULL, 16, 0);
	event_config_set_flag(c, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(c);
	event_config_free(c);
	return (base);
}

struct event *
daemon_event(struct daemon *d, int fd, short what, event_callback_fn callback)
{
	assert(d->kept_count < DAEMON_EVENTS_MAX);
	return (d->kept[d->kept_count++] = event_new(d->base, fd, what, callback, d));
}

static void
make_events(struct daemon *d)
{
	d->writer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->applier_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->base == NULL || d->writer_fd < 0 || d->applier_fd < 0)
		abort();
	event_add(daemon_event(d, d->writer_fd, EV_READ | EV_PERSIST, on_writer_done), NULL);
	event_add(daemon_event(d, d->applier_fd, EV_READ | EV_PERSIST, on_applier_progress), NULL);
	event_add(daemon_event(d, SIGTERM, EV_SIGNAL | EV_PERSIST, on_signal), NULL);
	event_add(daemon_event(d, SIGINT, EV_SIGNAL | EV_PERSIST, on_signal), NULL);
	d->session_sweep = daemon_event(d, -1, 0, session_on_sweep);
	fanout_start(d);
	refusals_start(d);
	reload_start(d);
	progress_start(d);
	lag_start(d);
	retention_start(d);
	clockwatch_start(d);
	ask_start(d);
}

static int
open_store(struct daemon *d, char *why, size_t why_len)
{
	const struct settings *s = d->settings;
	struct store_options o = { s->data, s->journal_segment, (unsigned)s->journal_segments, s->disk_reserve };
	struct batch *b;

	if ((d->store = store_open(&o, service_tick, why, why_len)) == NULL)
		return (-1);
	d->durable = d->store->last_seq;
	d->log_time = d->told_time = d->store->last_log_time;
	if ((d->ceiling = ceiling_open(s->data, &d->store->identity, why, why_len)) == NULL)
		return (-1);
	if (ceiling_time(d->ceiling) > d->told_time)
		d->told_time = ceiling_time(d->ceiling);
	d->reader = store_reader_new(d->store);
	d->clock = logclock_new(d->told_time, clockwatch_known_jump(s->data));
	d->applier = applier_start(d->store, on_progress, d);
	d->writer = writer_start(d->store, d->applier, d->clock, wake, &d->writer_fd);
	while ((b = STAILQ_FIRST(&d->store->unapplied)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->store->unapplied, recent_link);
		recent_add(&d->recent, b);
		batch_unref(b);
	}
	if (consumer_start(d, why, why_len) != 0)
		return (-1);
	log_info(d->store->created ? "a new log begins" : "the log is open", "folder=\"%s\" log=%s epoch=%llu last=%llu in_journal=%llu",
	    s->data, d->store->identity.uuid_text, (unsigned long long)d->store->identity.epoch, (unsigned long long)d->durable,
	    (unsigned long long)(d->durable - d->store->applied));
	return (0);
}

/* libzmq asks before it lets the owner of a key in. */
static bool
may_connect(void *arg, const char *key, const char *address)
{
	char peer[PEER_SIZE], why[256];
	struct client *c;

	snprintf(peer, sizeof(peer), PEER_CURVE "%s:%.100s", key, address);
	if ((c = admit(arg, peer, why, sizeof(why))) == NULL)
		refusals_note_peer(arg, peer);
	client_unref(c);
	return (c != NULL);
}

static int
use_keys(struct daemon *d, char *why, size_t why_len)
{
	char secret[CURVEKEY_CHARS + 1];
	int rc;

	if (*d->settings->server_key == '\0')
		return (0);
	if (curvekey_read(d->settings->server_key, secret, why, why_len) != 0)
		return (-1);
	if ((rc = zsock_use_keys(d->zsock, secret, may_connect)) != 0)
		snprintf(why, why_len, "cannot use keys: %s", zmq_strerror(errno));
	explicit_bzero(secret, sizeof(secret));
	return (rc);
}

static int
open_endpoints(struct daemon *d, char *why, size_t why_len)
{
	const struct settings *s = d->settings;
	char bound[512];

	if ((d->zsock = zsock_new(d->base, ingest_on_message, on_turn, ask_connection_gone, d)) == NULL) {
		snprintf(why, why_len, "cannot make a ZeroMQ socket: %s", zmq_strerror(errno));
		return (-1);
	}
	if (use_keys(d, why, why_len) != 0)
		return (-1);
	for (unsigned i = 0; i < s->listen.count; i++) {
		if (zsock_listen(d->zsock, s->listen.items[i], bound, sizeof(bound), why, why_len) != 0)
			return (-1);
		log_info("listening", "endpoint=%s", bound);
		printf("listening %s\n", bound);
	}
	return (0);
}

/* Puts that were taken are finished and answered; what comes meanwhile is told to come again. */
static void
finish_intake(struct daemon *d)
{
	while (!writer_idle(d->writer) || d->gather->put_count > 0 || !STAILQ_EMPTY(&d->ready))
		event_base_loop(d->base, EVLOOP_ONCE);
}

static void
close_all(struct daemon *d, struct http *http)
{
	struct job *j;

	http_stop(http);
	control_end_backup(d);
	if (d->zsock != NULL) {
		ask_stop(d);
		session_end_all(d);
	}
	writer_stop(d->writer);
	applier_stop(d->applier);
	writer_free(d->writer);
	while ((j = STAILQ_FIRST(&d->ready)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->ready, link);
		job_free(j);
	}
	job_free(d->gather);
	intake_free_spares(d);
	recent_clear(&d->recent);
	free(d->shown.bytes);
	store_reader_free(d->reader);
	if (d->store != NULL)
		consumer_stop(d);
	free(d->retention);
	free(d->asks);
	logclock_free(d->clock);
	ceiling_close(d->ceiling);
	store_close(d->store);
	/* Last: whatever libzmq makes of it, everything is stored. */
	zsock_free(d->zsock, LINGER_MS);
	while (d->kept_count > 0)
		event_free(d->kept[--d->kept_count]);
	event_base_free(d->base);
	clients_free(d->clients);
	close(d->writer_fd);
	close(d->applier_fd);
	close(d->alarm_fd);
}

static int
run(struct daemon *d)
{
	char why[1024], bound[256];
	struct http *http = NULL;
	int rc = 0;

	d->base = make_base();
	d->gather = job_new();
	STAILQ_INIT(&d->ready);
	STAILQ_INIT(&d->spares);
	STAILQ_INIT(&d->subscriptions);
	STAILQ_INIT(&d->consumers);
	recent_init(&d->recent);
	d->started_ns = monotonic_now();
	make_events(d);
	setenv("TZ", d->settings->timezone, 1);
	tzset();
	if (open_store(d, why, sizeof(why)) != 0 || (d->clients = reload_read(d->settings, true, why, sizeof(why))) == NULL ||
	    open_endpoints(d, why, sizeof(why)) != 0 || (*d->settings->http != '\0' &&
	    (http = http_start(d, d->settings->http, bound, sizeof(bound), why, sizeof(why))) == NULL))
		rc = options_refuse(why);
	else {
		if (http != NULL)
			printf("listening %s\n", bound);
		/* Set right while we were away. */
		logclock_now(d->clock);
		if (logclock_jump(d->clock) == 0)
			clockwatch_accepted(d);
		/* Ready means that the start itself is in the log. */
		own_event_started(d);
		intake_turn(d);
		finish_intake(d);
		/* Told to stop before it was ready: the loop would forget that it was. */
		if (!d->stopping) {
			zsock_start(d->zsock);
			printf("ready\n");
			fflush(stdout);
			service_ready(d);
			event_base_dispatch(d->base);
		}
		refusals_finish(d);
		erasure_end(d);
		finish_intake(d);
	}
	close_all(d, http);
	if (rc == 0)
		log_info("stopped", "last=%llu", (unsigned long long)d->durable);
	return (rc);
}

int
main(int argc, char **argv)
{
	struct options options;
	struct daemon d = { .options = &options };
	int rc;
	char why[1024];

	openfds();
	if (sodium_init() < 0)
		abort();
	signal(SIGPIPE, SIG_IGN);
	/* Batches come and go by the megabyte: from the heap, since fresh pages for each cost more than the flush; when intake
	 * pauses, on_applier_progress() gives the heap back. */
	mallopt(M_MMAP_THRESHOLD, 16 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_ARENA_MAX, 2);
	raise_descriptors();
	if ((rc = options_read(&options, argc, argv)) != 0)
		return (rc);
	if ((d.settings = options_settings(&options, why, sizeof(why))) == NULL || options_check(d.settings, true, why, sizeof(why)) != 0)
		rc = options_refuse(why);
	else if (options.check)
		rc = options_print(d.settings, why, sizeof(why));
	else {
		log_level_set(settings_log_level(d.settings));
		rc = run(&d);
	}
	settings_free(d.settings);
	return (rc);
}
