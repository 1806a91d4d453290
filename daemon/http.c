#include "http.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer.h"
#include "daemon.h"
#include "errcode.h"
#include "lag.h"
#include "logclock.h"
#include "status.h"

/* libevent's own defaults are "unlimited". */
#define HEADERS_MAX	8192
#define BODY_MAX	1024
#define TIMEOUT_S	10

#define HOST_MAX	128

struct http {
	struct evhttp *server;
};

static void
reply(struct evhttp_request *r, int code, const char *type, struct evbuffer *body)
{
	evhttp_add_header(evhttp_request_get_output_headers(r), "Content-Type", type);
	evhttp_add_header(evhttp_request_get_output_headers(r), "Cache-Control", "no-store");
	evhttp_send_reply(r, code, NULL, body);
	evbuffer_free(body);
}

/* 200 while events are taken and log time can be trusted; 503 with the reason otherwise. */
static void
on_healthz(struct evhttp_request *r, void *arg)
{
	struct daemon *d = arg;
	struct evbuffer *b = evbuffer_new();
	const char *trouble = d->stopping ? "stopping" : d->store->full ? "disk-full" : logclock_jump(d->clock) != 0 ? "clock-jumped" : NULL;

	evbuffer_add_printf(b, "{\"status\":\"%s\",\"last_seq\":%llu}\n", trouble != NULL ? trouble : "ok", (unsigned long long)d->durable);
	reply(r, trouble != NULL ? 503 : 200, "application/json", b);
}

/* A family of one figure a consumer; names are ids and need no escaping. */
static void
add_consumers(struct evbuffer *b, struct daemon *d)
{
	struct consumer *c;
	struct lag lag;

	evbuffer_add_printf(b, "# HELP estate_consumer_cursor last sequence number a consumer processed\n# TYPE estate_consumer_cursor gauge\n");
	STAILQ_FOREACH(c, &d->consumers, link)
		evbuffer_add_printf(b, "estate_consumer_cursor{consumer=\"%s\"} %llu\n", c->name, (unsigned long long)c->cursor);
	evbuffer_add_printf(b, "# HELP estate_consumer_connected whether somebody reads under the name\n# TYPE estate_consumer_connected gauge\n");
	STAILQ_FOREACH(c, &d->consumers, link)
		evbuffer_add_printf(b, "estate_consumer_connected{consumer=\"%s\"} %d\n", c->name, c->member != NULL);
	evbuffer_add_printf(b, "# HELP estate_consumer_released whether nothing is kept for it any more\n# TYPE estate_consumer_released gauge\n");
	STAILQ_FOREACH(c, &d->consumers, link)
		evbuffer_add_printf(b, "estate_consumer_released{consumer=\"%s\"} %d\n", c->name, c->released);
	evbuffer_add_printf(b, "# HELP estate_consumer_backlog_events events stored and not processed, by consumer\n"
	    "# TYPE estate_consumer_backlog_events gauge\n");
	STAILQ_FOREACH(c, &d->consumers, link)
		evbuffer_add_printf(b, "estate_consumer_backlog_events{consumer=\"%s\"} %llu\n", c->name,
		    (unsigned long long)(d->durable - c->cursor));
	evbuffer_add_printf(b, "# HELP estate_consumer_backlog_seconds age of the oldest event not processed, by consumer\n"
	    "# TYPE estate_consumer_backlog_seconds gauge\n");
	STAILQ_FOREACH(c, &d->consumers, link) {
		lag_measure(d, c, &lag);
		evbuffer_add_printf(b, "estate_consumer_backlog_seconds{consumer=\"%s\"} %.3f\n", c->name, (double)lag.age_ns / 1e9);
	}
}

/* Prometheus text format 0.0.4: a counter is named _total, a gauge ends in its unit. */
static void
on_metrics(struct evhttp_request *r, void *arg)
{
	struct daemon *d = arg;
	struct status_line lines[STATUS_LINES_MAX];
	unsigned n = status_collect(d, lines);
	struct evbuffer *b = evbuffer_new();

	evbuffer_add_printf(b, "# HELP estate_build_info release of the daemon\n# TYPE estate_build_info gauge\n"
	    "estate_build_info{version=\"%s\"} 1\n", ESTATE_VERSION);
	for (unsigned i = 0; i < n; i++) {
		if (lines[i].kind == STATUS_TEXT)
			continue;
		evbuffer_add_printf(b, "# HELP estate_%s %s\n# TYPE estate_%s %s\nestate_%s %lld\n", lines[i].key, lines[i].help, lines[i].key,
		    lines[i].kind == STATUS_COUNTER ? "counter" : "gauge", lines[i].key, (long long)lines[i].value);
	}
	evbuffer_add_printf(b, "# HELP estate_refusals_total refusals by error code\n# TYPE estate_refusals_total counter\n");
	for (unsigned i = 0; errcode_at(i) != 0; i++)
		evbuffer_add_printf(b, "estate_refusals_total{code=\"%s\"} %llu\n", errcode_name(errcode_at(i)),
		    (unsigned long long)d->counters.refused[errcode_at(i)]);
	if (d->consumer_count > 0)
		add_consumers(b, d);
	reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", b);
}

static int
port_of(struct evhttp_bound_socket *s)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(evhttp_bound_socket_get_fd(s), (struct sockaddr *)&a, &len) != 0)
		return (0);
	/* The analyzer does not see that getsockname() filled it in.  NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
	return (ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port));
}

int
http_check_address(const char *address, char *why, size_t why_len)
{
	const char *colon = strrchr(address, ':');
	char *end = NULL;
	long port;

	port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
	if (end != NULL && colon > address && colon - address < HOST_MAX && *end == '\0' && end > colon + 1 && port >= 0 && port <= 65535)
		return (0);
	snprintf(why, why_len, "http: \"%.100s\" is no address: write 127.0.0.1:9400", address);
	return (-1);
}

struct http *
http_start(struct daemon *d, const char *address, char *bound, size_t bound_len, char *why, size_t why_len)
{
	const char *colon = strrchr(address, ':');
	struct evhttp_bound_socket *s;
	struct http *h;
	char host[HOST_MAX];

	if (http_check_address(address, why, why_len) != 0)
		return (NULL);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	h = must_alloc(sizeof(*h));
	if ((h->server = evhttp_new(d->base)) == NULL)
		abort();
	evhttp_set_max_headers_size(h->server, HEADERS_MAX);
	evhttp_set_max_body_size(h->server, BODY_MAX);
	evhttp_set_timeout(h->server, TIMEOUT_S);
	evhttp_set_allowed_methods(h->server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_cb(h->server, "/healthz", on_healthz, d);
	evhttp_set_cb(h->server, "/metrics", on_metrics, d);
	if ((s = evhttp_bind_socket_with_handle(h->server, host, (uint16_t)atoi(colon + 1))) == NULL) {
		snprintf(why, why_len, "http: cannot listen on %.100s: is the address this machine's, and the port free?", address);
		http_stop(h);
		return (NULL);
	}
	snprintf(bound, bound_len, "http://%s:%d", host, port_of(s));
	return (h);
}

void
http_stop(struct http *h)
{
	if (h == NULL)
		return;
	evhttp_free(h->server);
	free(h);
}
