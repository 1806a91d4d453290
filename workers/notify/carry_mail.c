/* A mail server: RFC 5321 by libcurl; the letter itself is ours. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "sender.h"

#define LINE_BYTES	57u		/* 76 characters of base64 */

static void
add_base64(struct buffer *b, const char *s, size_t len, const char *end)
{
	char line[2 * LINE_BYTES];

	for (size_t at = 0; at < len; at += LINE_BYTES) {
		size_t n = len - at < LINE_BYTES ? len - at : LINE_BYTES;

		sodium_bin2base64(line, sizeof(line), (const unsigned char *)s + at, n, sodium_base64_VARIANT_ORIGINAL);
		buffer_printf(b, "%s%s", line, end);
	}
}

/* RFC 2047, whatever is in it: no character of a headline ends a header.  A word has 75 characters at most, whole characters in each. */
static void
add_headline(struct buffer *b, const char *s)
{
	size_t len = strlen(s);
	const char *between = "";

	while (len > 0) {
		size_t n = len < 42 ? len : 42;

		while (n > 0 && n < len && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
		if (n == 0)
			n = len < 42 ? len : 42;
		buffer_printf(b, "%s=?UTF-8?B?", between);
		add_base64(b, s, n, "");
		buffer_text(b, "?=");
		between = "\r\n ";
		s += n;
		len -= n;
	}
}

static void
add_letter(struct buffer *b, const struct letter *l)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm t;

	gmtime_r(&now, &t);
	buffer_printf(b, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
	buffer_printf(b, "From: <%s>\r\nTo: <%s>\r\n", l->channel->from, l->email);
	/* The same key, the same letter: whoever gets it twice can tell. */
	buffer_printf(b, "Message-ID: <%s@estated>\r\nAuto-Submitted: auto-generated\r\n", l->key);
	buffer_text(b, "Subject: ");
	add_headline(b, l->headline.data);
	if (l->urgency != ROUTINE)
		buffer_text(b, "\r\nImportance: high");
	buffer_text(b, "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	add_base64(b, l->text.data, l->text.len, "\r\n");
}

/*
 * libcurl sends the dot that ends a letter, and waits for the answer to it, within one call: a server that takes its time there would
 * hold up every other message.  So each letter has a process of its own, this program again, which is told by a pipe and tells by another:
 * "read" when the server has all of the letter, then "RC STATUS".
 */
struct mailer {
	pid_t pid;
	struct event *news;
	int fd;
	struct buffer said;
};

static void
member(struct buffer *b, const char *name, const char *value)
{
	buffer_printf(b, "%s\"%s\":", b->len == 0 ? "{" : ",", name);
	json_write_text(b, value, strlen(value));
}

static void
add_order(struct buffer *b, const struct letter *l)
{
	const struct channel *c = l->channel;
	struct buffer body = { NULL, 0, 0 };
	char within[24];

	add_letter(&body, l);
	snprintf(within, sizeof(within), "%lld", (long long)(c->within_ns / 1000000));
	member(b, "url", c->url);
	member(b, "ca", c->ca);
	member(b, "tls", c->tls ? "yes" : "no");
	member(b, "user", l->secrets->user);
	member(b, "password", l->secrets->password);
	member(b, "from", c->from);
	member(b, "to", l->email);
	member(b, "within", within);
	member(b, "body", body.data);
	buffer_text(b, "}");
	buffer_free(&body);
}

/* ---- Here ---- */

void
mailer_free(struct mailer *m)
{
	if (m == NULL)
		return;
	event_free(m->news);
	close(m->fd);
	kill(m->pid, SIGKILL);
	while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	buffer_free(&m->said);
	free(m);
}

/* It ended, by itself or by its alarm. */
static void
judge(const struct mailer *m, struct result *r)
{
	const char *said = m->said.data != NULL ? m->said.data : "", *line = strncmp(said, "read\n", 5) == 0 ? said + 5 : said;
	bool all_read = line != said;
	long status = 0;
	int rc = -1;

	if (sscanf(line, "%d %ld", &rc, &status) == 2 && rc == CURLE_OK) {
		r->how = HOW_LEFT;
		return;
	}
	if (rc == CURLE_LOGIN_DENIED || status / 100 == 4)
		r->how = HOW_TEMPORARY;
	else if (status / 100 == 5)
		r->how = HOW_PERMANENT;
	else
		/* Before it had all of it a server has taken nothing. */
		r->how = all_read ? HOW_UNKNOWN : HOW_TEMPORARY;
	snprintf(r->reason, sizeof(r->reason), "%s%s (last answer %ld)", r->how == HOW_UNKNOWN ? REASON_UNKNOWN ": " : "",
	    rc >= 0 ? curl_easy_strerror((CURLcode)rc) : "no answer in time", status);
}

static void
on_news(evutil_socket_t fd, short what, void *user)
{
	struct parcel *p = user;
	struct result r = { .how = HOW_UNKNOWN };
	char bytes[200];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)what;
	if (n > 0)
		buffer_add(&p->mailer->said, bytes, (size_t)n);
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return;
	judge(p->mailer, &r);
	parcel_done(p, &r);
}

static void
on_not_begun(evutil_socket_t fd, short what, void *user)
{
	struct result r = { .how = HOW_TEMPORARY, .reason = "no process for it" };

	(void)fd;
	(void)what;
	parcel_done(user, &r);
}

static bool
begin(pid_t *pid, int in, int out)
{
	char *const argv[] = { (char []){ "estate-notify" }, (char []){ "--carry-mail" }, NULL };
	posix_spawn_file_actions_t a;
	posix_spawnattr_t attr;
	sigset_t none;
	bool fine;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_adddup2(&a, in, 0);
	posix_spawn_file_actions_adddup2(&a, out, 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	fine = posix_spawn(pid, "/proc/self/exe", &a, &attr, argv, environ) == 0;
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&a);
	return (fine);
}

void
carry_mail_send(struct parcel *p, struct event_base *base)
{
	struct mailer *m = memset(alloc_or_exit(NULL, sizeof(*m)), 0, sizeof(*m));
	struct buffer order = { NULL, 0, 0 };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	bool fine = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0;

	add_order(&order, p->letter);
	/* A pipe takes 64 KiB at once: more is no letter of ours. */
	fine = fine && fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 && write(in[1], order.data, order.len) == (ssize_t)order.len && begin(&m->pid, in[0], out[1]);
	buffer_free(&order);
	for (int *fd = (int []){ in[0], in[1], out[1], -1 }; *fd >= 0; fd++)
		close(*fd);
	if (fine) {
		m->fd = out[0];
		fcntl(m->fd, F_SETFL, O_NONBLOCK);
		p->mailer = m;
		if ((m->news = event_new(base, m->fd, EV_READ | EV_PERSIST, on_news, p)) == NULL || event_add(m->news, NULL) != 0)
			abort();
		return;
	}
	if (out[0] >= 0)
		close(out[0]);
	free(m);
	if (event_base_once(base, -1, EV_TIMEOUT, on_not_begun, p, &(struct timeval){ 0, 0 }) != 0)
		abort();
}

/* ---- There ---- */

struct reading {
	const char *at;
	size_t left;
	bool told;
};

static size_t
on_read(char *out, size_t size, size_t n, void *user)
{
	struct reading *r = user;
	size_t room = size * n < r->left ? size * n : r->left;

	if (r->left == 0 && !r->told)
		r->told = write(STDOUT_FILENO, "read\n", 5) == 5;
	memcpy(out, r->at, room);
	r->at += room;
	r->left -= room;
	return (room);
}

static const char *
ordered(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return (s != NULL ? s : "");
}

static void
send_now(CURL *c, const json_t *o)
{
	struct reading r = { ordered(o, "body"), strlen(ordered(o, "body")), false };
	struct curl_slist *to = NULL;
	char from[300], receiver[300];
	long within = strtol(ordered(o, "within"), NULL, 10), status = 0;
	CURLcode rc;

	snprintf(from, sizeof(from), "<%s>", ordered(o, "from"));
	snprintf(receiver, sizeof(receiver), "<%s>", ordered(o, "to"));
	to = curl_slist_append(NULL, receiver);
	curl_easy_setopt(c, CURLOPT_URL, ordered(o, "url"));
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, within);
	curl_easy_setopt(c, CURLOPT_USE_SSL, strcmp(ordered(o, "tls"), "yes") == 0 ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	if (*ordered(o, "ca") != '\0')
		curl_easy_setopt(c, CURLOPT_CAINFO, ordered(o, "ca"));
	if (*ordered(o, "user") != '\0') {
		curl_easy_setopt(c, CURLOPT_USERNAME, ordered(o, "user"));
		curl_easy_setopt(c, CURLOPT_PASSWORD, ordered(o, "password"));
	}
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(c, CURLOPT_READDATA, &r);
	/* What waits within one call does not always look at the time: then the alarm ends it, and all. */
	setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = { (within + 500) / 1000, (within + 500) % 1000 * 1000 } }, NULL);
	rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	printf("%d %ld\n", (int)rc, status);
	curl_slist_free_all(to);
}

int
carry_mail_main(void)
{
	json_t *o = json_loadf(stdin, 0, NULL);
	CURL *c = curl_easy_init();

	signal(SIGALRM, SIG_DFL);
	if (o == NULL || c == NULL)
		return (3);
	send_now(c, o);
	curl_easy_cleanup(c);
	json_decref(o);
	return (0);
}
