#include "status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "daemon.h"
#include "consumer.h"
#include "files.h"
#include "lag.h"
#include "retention.h"
#include "session.h"

/* Anonymous memory of this process, from the kernel. */
static int64_t
anonymous_bytes(void)
{
	char line[256];
	long kib = 0;
	FILE *f;

	if ((f = fopen("/proc/self/status", "re")) == NULL)
		return (0);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	fclose(f);
	return ((int64_t)kib * 1024);
}

/* The consumer with the oldest unread event of those that are waited for; NULL: nobody is behind. */
static struct consumer *
worst_consumer(struct daemon *d, struct lag *worst)
{
	struct consumer *c, *found = NULL;
	struct lag lag;

	memset(worst, 0, sizeof(*worst));
	worst->loss_ns = LAG_NEVER;
	STAILQ_FOREACH(c, &d->consumers, link) {
		lag_measure(d, c, &lag);
		if (!c->released && lag.events > 0 && (found == NULL || lag.age_ns > worst->age_ns)) {
			*worst = lag;
			found = c;
		}
	}
	return (found);
}

unsigned
status_collect(struct daemon *d, struct status_line *out)
{
	const struct writer_counters *w = writer_counters(d->writer);
	const struct counters *c = &d->counters;
	uint64_t bytes = 0, now = monotonic_now(), batches = w->batches;
	const struct consumer *holder;
	const char *unbound;
	struct consumer *behind;
	struct lag worst;
	int64_t until;
	unsigned n = 0;

	for (unsigned i = d->store->month_first; i < d->store->month_count; i++)
		bytes += d->store->months[i]->bytes;
#define TEXT(k, v, h)		out[n++] = (struct status_line){ k, h, STATUS_TEXT, v, 0 }
#define GAUGE(k, v, h)		out[n++] = (struct status_line){ k, h, STATUS_GAUGE, NULL, (int64_t)(v) }
#define COUNTER(k, v, h)	out[n++] = (struct status_line){ k, h, STATUS_COUNTER, NULL, (int64_t)(v) }
	TEXT("version", ESTATE_VERSION, "release of the daemon");
	TEXT("log", d->store->identity.uuid_text, "identity of the log");
	GAUGE("epoch", d->store->identity.epoch, "epoch of the log");
	TEXT("state", d->stopping ? "stopping" : d->store->full ? "disk-full" : "running", "running, disk-full or stopping");
	GAUGE("uptime_seconds", (now - d->started_ns) / 1000000000u, "time since the start");
	GAUGE("first_seq", store_first_seq(d->store), "first stored sequence number");
	GAUGE("last_seq", d->durable, "last durable sequence number");
	GAUGE("applied_seq", d->store->applied, "last sequence number in LMDB; the journal holds the rest");
	GAUGE("log_time_ns", d->log_time, "log time of the last event");
	GAUGE("clock_jump_seconds", logclock_jump(d->clock), "wall clock minus log time while the clock is not trusted");
	GAUGE("months", d->store->month_count - d->store->month_first, "months in the log");
	GAUGE("stored_bytes", bytes, "bytes of events in LMDB, headers apart");
	until = retention_until_full_s(d);
	if (until >= 0)
		GAUGE("runway_full_seconds", until, "until the disk is full at the rate of the last weeks, trimming apart");
	until = retention_until_trim_s(d);
	if (until >= 0)
		GAUGE("runway_trim_seconds", until, "until the oldest month reaches the age at which it is trimmed");
	holder = retention_held_by(d);
	unbound = retention_unbound(d);
	TEXT("trimming_held_by", holder != NULL ? holder->name : "", "the consumer because of whom the oldest month is not trimmed");
	TEXT("trimming_unbound", unbound != NULL ? unbound : "", "the oldest month, if it would be trimmed but is not bound: estate archive");
	GAUGE("disk_free_bytes", free_bytes(d->store->folder), "room left where the log is");
	GAUGE("anonymous_memory_bytes", anonymous_bytes(), "anonymous resident memory");
	GAUGE("clients_listed", d->clients->count, "clients on the list; none: everybody on this machine is let in");
	GAUGE("sessions", d->session_count, "clients that said hello and were heard of lately");
	GAUGE("subscriptions", d->subscription_count, "readers of the stream");
	behind = worst_consumer(d, &worst);
	GAUGE("consumers", d->consumer_count, "readers with names");
	TEXT("consumer_worst", behind != NULL ? behind->name : "", "the consumer whose oldest unprocessed event is the oldest");
	GAUGE("consumer_lag_events", worst.events, "events that the worst consumer has not processed");
	GAUGE("consumer_lag_seconds", worst.age_ns / 1000000000, "age of the oldest event that the worst consumer has not processed");
	if (worst.loss_ns != LAG_NEVER)
		GAUGE("consumer_loss_seconds", worst.loss_ns / 1000000000, "until the worst consumer is released if it does nothing");
	GAUGE("services", d->asks->service_count, "services that can be asked");
	GAUGE("asks_pending", d->asks->count, "asks without an answer");
	GAUGE("intake_bytes", d->intake_bytes, "bytes of puts not answered yet");
	COUNTER("messages_total", c->messages, "messages received");
	COUNTER("malformed_total", c->malformed, "messages that were no request");
	COUNTER("events_stored_total", w->events, "events made durable since the start");
	COUNTER("bytes_stored_total", w->bytes, "bytes of events made durable since the start");
	COUNTER("duplicates_total", w->duplicates, "events sent again and answered with their first number");
	COUNTER("conflicts_total", w->conflicts, "events refused because their id was taken by other content");
	COUNTER("refused_full_total", w->refused_full, "events put off because the disk was full");
	COUNTER("flushes_total", batches, "batches written and flushed");
	COUNTER("flush_nanoseconds_total", w->flush_ns, "time spent writing and flushing the journal");
	COUNTER("acks_total", c->acks, "ack messages sent");
	COUNTER("naks_total", c->naks, "refusals sent");
	COUNTER("busy_total", c->busy, "puts put off");
	COUNTER("held_total", c->held, "puts refused behind one that was put off");
	COUNTER("no_session_total", c->no_session, "requests of peers that had not said hello");
	COUNTER("forbidden_total", c->forbidden, "requests refused for want of rights");
	COUNTER("time_implausible_total", c->warnings_time, "events stored with a sender's time that cannot be right");
	COUNTER("unknown_fields_total", c->warnings_field, "events stored with fields the catalogue does not know");
	COUNTER("delivered_events_total", c->delivered_events, "events sent to readers");
	COUNTER("delivered_bytes_total", c->delivered_bytes, "bytes of events sent to readers");
	COUNTER("asks_total", c->asks, "asks that were taken");
	COUNTER("asks_answered_total", c->asks_answered, "asks that were answered, by a refusal of the service too");
	COUNTER("asks_timed_out_total", c->asks_timed_out, "asks whose deadline passed");
	COUNTER("asks_lost_total", c->asks_lost, "asks whose service went away");
	COUNTER("asks_refused_total", c->asks_refused, "asks that were not taken");
	COUNTER("answers_refused_total", c->answers_refused, "answers of services that were too late, or not well-formed");
	COUNTER("sends_blocked_total", c->sends_blocked, "messages not taken because the peer does not read");
	COUNTER("sends_unreachable_total", c->sends_unreachable, "messages to peers that were gone");
	COUNTER("sessions_opened_total", c->sessions_opened, "sessions begun");
	COUNTER("sessions_expired_total", c->sessions_expired, "sessions ended after silence");
#undef TEXT
#undef GAUGE
#undef COUNTER
	return (n);
}

void
status_sentence(struct daemon *d, char *out, unsigned size)
{
	snprintf(out, size, "%sevents up to %llu durable, %u clients, %u readers", d->store->full ? "DISK FULL, refusing new events; " :
	    logclock_jump(d->clock) != 0 ? "CLOCK JUMPED, see estate clock accept; " : "", (unsigned long long)d->durable,
	    d->session_count, d->subscription_count);
}
