#include "http.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "logclock.h"
#include "metrics.h"

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

/*
 * 200 while events are taken and log time can be trusted; 503 with the reason otherwise.  What a consumer makes of the events is not the
 * daemon's health: nothing that is done to the daemon mends it.  An untrusted disk ends the daemon, and nobody answers then.
 */
static void
on_healthz(struct evhttp_request *r, void *arg)
{
	struct daemon *d = arg;
	struct evbuffer *b = evbuffer_new();
	const char *trouble = NULL, *reason = "";

	if (d->stopping) {
		trouble = "stopping";
		reason = "it was told to stop";
	} else if (d->store->full) {
		trouble = "disk-full";
		reason = "less than disk_reserve is free: new events are put off; make room";
	} else if (logclock_jump(d->clock) != 0) {
		trouble = "clock-jumped";
		reason = "log time goes on by itself: check the wall clock, then estate clock accept";
	}
	evbuffer_add_printf(b, "{\"status\":\"%s\",\"reason\":\"%s\",\"last_seq\":%llu}\n", trouble != NULL ? trouble : "ok", reason,
	    (unsigned long long)d->durable);
	reply(r, trouble != NULL ? 503 : 200, "application/json", b);
}

static void
on_metrics(struct evhttp_request *r, void *arg)
{
	bool open = metrics_wants_open(evhttp_find_header(evhttp_request_get_input_headers(r), "Accept"));
	struct evbuffer *b = evbuffer_new();

	metrics_write(arg, b, open);
	reply(r, 200, open ? METRICS_TYPE_OPEN : METRICS_TYPE_CLASSIC, b);
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
	/* An IPv6 address stands in brackets for people, and without for getaddrinfo(). */
	if (address[0] == '[' && colon[-1] == ']')
		snprintf(host, sizeof(host), "%.*s", (int)(colon - address) - 2, address + 1);
	else
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
	snprintf(bound, bound_len, "http://%.*s:%d", (int)(colon - address), address, port_of(s));
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
