#include "metrics.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumer.h"
#include "daemon.h"
#include "errcode.h"
#include "lag.h"
#include "status.h"

#define NS_S	1000000000

/* What the status answer calls otherwise than the conventions ask for. */
static const struct renamed {
	const char *key, *name;
	bool nanoseconds;
} renamed[] = {
	{ "log_time_ns", "log_time_timestamp_seconds", true },
	{ "flush_nanoseconds_total", "flush_seconds_total", true },
	{ "bytes_stored_total", "written_bytes_total", false },
};

struct page {
	struct evbuffer *b;
	bool open;
	const char *name;		/* of the family that is being written, without estate_ */
};

static bool
ends_in(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return (len >= n && memcmp(s + len - n, end, n) == 0);
}

static void
begin(struct page *p, const char *name, const char *type, const char *help)
{
	static const char *const units[] = { "seconds", "bytes" };
	int len = (int)strlen(name);

	p->name = name;
	if (p->open && strcmp(type, "counter") == 0)
		len -= (int)strlen("_total");
	evbuffer_add_printf(p->b, "# HELP estate_%.*s %s\n# TYPE estate_%.*s %s\n", len, name, help, len, name, type);
	for (unsigned i = 0; p->open && i < sizeof(units) / sizeof(units[0]); i++)
		if (ends_in(name, (size_t)len, units[i]))
			evbuffer_add_printf(p->b, "# UNIT estate_%.*s %s\n", len, name, units[i]);
}

/* One figure of the family.  Values of labels are ids, codes and versions, of characters that need no escaping. */
static void
sample(const struct page *p, const char *label, const char *value, int64_t figure)
{
	if (label != NULL)
		evbuffer_add_printf(p->b, "estate_%s{%s=\"%s\"} %" PRId64 "\n", p->name, label, value, figure);
	else
		evbuffer_add_printf(p->b, "estate_%s %" PRId64 "\n", p->name, figure);
}

static void
sample_ns(const struct page *p, const char *label, const char *value, int64_t ns)
{
	char labels[128] = "";

	if (label != NULL)
		snprintf(labels, sizeof(labels), "{%s=\"%s\"}", label, value);
	evbuffer_add_printf(p->b, "estate_%s%s %" PRId64 ".%09" PRId64 "\n", p->name, labels, ns / NS_S, ns % NS_S);
}

static void
write_status(struct page *p, const struct status_line *l)
{
	const char *name = l->key;
	bool nanoseconds = false;

	if (l->kind == STATUS_TEXT)
		return;
	for (unsigned i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (strcmp(renamed[i].key, l->key) == 0) {
			name = renamed[i].name;
			nanoseconds = renamed[i].nanoseconds;
		}
	begin(p, name, l->kind == STATUS_COUNTER ? "counter" : "gauge", l->help);
	nanoseconds ? sample_ns(p, NULL, NULL, l->value) : sample(p, NULL, NULL, l->value);
}

/* A family of one figure a consumer. */
static void
write_consumers(struct page *p, struct daemon *d)
{
	struct consumer *c;
	struct lag lag;

	begin(p, "consumer_cursor", "gauge", "last sequence number a consumer processed");
	STAILQ_FOREACH(c, &d->consumers, link)
		sample(p, "consumer", c->name, (int64_t)c->cursor);
	begin(p, "consumer_connected", "gauge", "whether somebody reads under the name");
	STAILQ_FOREACH(c, &d->consumers, link)
		sample(p, "consumer", c->name, c->member != NULL);
	begin(p, "consumer_released", "gauge", "whether nothing is kept for it any more");
	STAILQ_FOREACH(c, &d->consumers, link)
		sample(p, "consumer", c->name, c->released);
	begin(p, "consumer_backlog_events", "gauge", "events stored and not processed, by consumer");
	STAILQ_FOREACH(c, &d->consumers, link)
		sample(p, "consumer", c->name, c->cursor < d->durable ? (int64_t)(d->durable - c->cursor) : 0);
	begin(p, "consumer_backlog_seconds", "gauge", "age of the oldest event not processed, by consumer");
	STAILQ_FOREACH(c, &d->consumers, link) {
		lag_measure(d, c, &lag);
		sample_ns(p, "consumer", c->name, lag.age_ns);
	}
}

bool
metrics_wants_open(const char *accept)
{
	return (accept != NULL && strstr(accept, "application/openmetrics-text") != NULL);
}

void
metrics_write(struct daemon *d, struct evbuffer *b, bool open)
{
	struct page p = { b, open, NULL };
	struct status_line lines[STATUS_LINES_MAX];
	unsigned n = status_collect(d, lines);

	begin(&p, "build_info", "gauge", "release of the daemon");
	sample(&p, "version", ESTATE_VERSION, 1);
	for (unsigned i = 0; i < n; i++)
		write_status(&p, &lines[i]);
	begin(&p, "refusals_total", "counter", "refusals by error code");
	for (unsigned i = 0; errcode_at(i) != 0; i++)
		sample(&p, "code", errcode_name(errcode_at(i)), (int64_t)d->counters.refused[errcode_at(i)]);
	if (d->consumer_count > 0)
		write_consumers(&p, d);
	if (open)
		evbuffer_add_printf(b, "# EOF\n");
}
