/*
 * libcurl's multi handle on the libevent base.  Each message has a connection of its own: on one that was used before, curl repeats a
 * request by itself when the other side had closed it, and a message that may have been read is not ours to repeat.
 */
#include <stdlib.h>
#include <string.h>

#include "sender.h"

#define ANSWER_BYTES_MAX	16384u

struct carry {
	CURLM *multi;
	struct event_base *base;
	struct event *timer;
	struct parcel *parcels;
};

struct wait {
	struct event *event;
};

static void
free_parcel(struct parcel *p)
{
	struct parcel **at = &p->carry->parcels;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (p->easy != NULL) {
		curl_multi_remove_handle(p->carry->multi, p->easy);
		curl_easy_cleanup(p->easy);
	}
	curl_slist_free_all(p->headers);
	mailer_free(p->mailer);
	spool_free(p->spool);
	buffer_free(&p->url);
	buffer_free(&p->body);
	buffer_free(&p->answer);
	free(p);
}

void
parcel_done(struct parcel *p, const struct result *r)
{
	p->done(p->user, r);
	free_parcel(p);
}

static void
finish(struct parcel *p, CURLcode rc)
{
	struct result r = { .how = HOW_UNKNOWN };

	carry_http_result(p, rc, &r);
	parcel_done(p, &r);
}

static void
collect(struct carry *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct parcel *p = NULL;
		CURLcode rc = m->data.result;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&p);
		if (m->msg == CURLMSG_DONE && p != NULL)
			finish(p, rc);
	}
}

static void
on_socket(evutil_socket_t fd, short what, void *user)
{
	struct carry *c = user;
	int running;

	curl_multi_socket_action(c->multi, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0), &running);
	collect(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	struct carry *c = user;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(c);
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
	struct carry *c = user;
	struct wait *w = known;
	short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);

	(void)easy;
	if (w != NULL && w->event != NULL)
		event_free(w->event);
	if (what == CURL_POLL_REMOVE) {
		free(w);
		curl_multi_assign(c->multi, fd, NULL);
		return (0);
	}
	if (w == NULL) {
		w = alloc_or_exit(NULL, sizeof(*w));
		curl_multi_assign(c->multi, fd, w);
	}
	if ((w->event = event_new(c->base, fd, events, on_socket, c)) == NULL || event_add(w->event, NULL) != 0)
		abort();
	return (0);
}

static int
want_timer(CURLM *multi, long ms, void *user)
{
	struct carry *c = user;

	(void)multi;
	if (ms < 0)
		event_del(c->timer);
	else
		event_add(c->timer, &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
	return (0);
}

struct carry *
carry_open(struct event_base *base)
{
	struct carry *c = memset(alloc_or_exit(NULL, sizeof(*c)), 0, sizeof(*c));

	c->base = base;
	if (curl_global_init(CURL_GLOBAL_ALL) != 0 || (c->multi = curl_multi_init()) == NULL || (c->timer = evtimer_new(base, on_timer, c)) == NULL)
		abort();
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return (c);
}

void
carry_close(struct carry *c)
{
	if (c == NULL)
		return;
	while (c->parcels != NULL)
		free_parcel(c->parcels);
	curl_multi_cleanup(c->multi);
	event_free(c->timer);
	free(c);
	curl_global_cleanup();
}

static size_t
on_answer(char *bytes, size_t size, size_t n, void *user)
{
	struct parcel *p = user;

	if (p->answer.len + size * n > ANSWER_BYTES_MAX)
		p->too_long = true;
	else
		buffer_add(&p->answer, bytes, size * n);
	return (size * n);
}

bool
carry_nothing_written(const struct parcel *p, CURLcode rc)
{
	long written = 0;

	if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST || rc == CURLE_COULDNT_RESOLVE_PROXY || rc == CURLE_SSL_CONNECT_ERROR ||
	    rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_USE_SSL_FAILED || rc == CURLE_SSL_CACERT_BADFILE)
		return (true);
	/* An answer without a status, HTTP/0.9, is CURLE_UNSUPPORTED_PROTOCOL as well: then the request was read. */
	return (curl_easy_getinfo(p->easy, CURLINFO_REQUEST_SIZE, &written) == CURLE_OK && written == 0);
}

/* What is written to a folder is done at once; it is told from the loop all the same. */
static void
on_paper(evutil_socket_t fd, short what, void *user)
{
	struct parcel *p = user;
	struct result r = { .how = HOW_UNKNOWN };

	(void)fd;
	(void)what;
	paper_write(p->letter, &r);
	parcel_done(p, &r);
}

void
carry_send(struct carry *c, const struct letter *l, void (*done)(void *, const struct result *), void *user)
{
	struct parcel *p = memset(alloc_or_exit(NULL, sizeof(*p)), 0, sizeof(*p));
	long within = (long)(l->channel->within_ns / 1000000);

	*p = (struct parcel){ .letter = l, .done = done, .user = user, .carry = c, .next = c->parcels };
	c->parcels = p;
	if (l->channel->kind == KIND_FOLDER) {
		if (event_base_once(c->base, -1, EV_TIMEOUT, on_paper, p, &(struct timeval){ 0, 0 }) != 0)
			abort();
		return;
	}
	if (l->channel->kind == KIND_GAMMU) {
		carry_spool_send(p, c->base);
		return;
	}
	if (l->channel->kind == KIND_SMTP) {
		carry_mail_send(p, c->base);
		return;
	}
	if ((p->easy = curl_easy_init()) == NULL)
		abort();
	curl_easy_setopt(p->easy, CURLOPT_PRIVATE, p);
	curl_easy_setopt(p->easy, CURLOPT_ERRORBUFFER, p->error);
	curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(p->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(p->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, within > 0 ? within : 1);
	curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p);
	/* Not through whatever the environment names. */
	curl_easy_setopt(p->easy, CURLOPT_PROXY, "");
	if (*l->channel->ca != '\0')
		curl_easy_setopt(p->easy, CURLOPT_CAINFO, l->channel->ca);
	carry_http_prepare(p);
	if (curl_multi_add_handle(c->multi, p->easy) != CURLM_OK)
		abort();
}
