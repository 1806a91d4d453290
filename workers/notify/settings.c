/* notify.yaml: see notification.h and the file itself.  Nothing secret stands in it: its text travels in the log. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "conf.h"
#include "nearest.h"
#include "notification.h"
#include "yamltext.h"

const char *const medium_names[MEDIA] = { "sms", "email", "webhook", "call-list", "letter" };
const char *const kind_names[KINDS] = { "json", "kannel", "gammu", "smtp", "generic", "wecom", "dingtalk", "feishu", "folder" };
static const char *const unknown_names[UNKNOWN_COUNT] = { "fail", "next", "repeat" };

/* Which kinds a medium has. */
static const enum medium kind_media[KINDS] = { MEDIUM_SMS, MEDIUM_SMS, MEDIUM_SMS, MEDIUM_EMAIL, MEDIUM_WEBHOOK, MEDIUM_WEBHOOK, MEDIUM_WEBHOOK, MEDIUM_WEBHOOK, MEDIA };

struct reading {
	struct conf *c;
	struct settings *s;
	char mistake[400];		/* the first */
};

/* Of that key of the entry at hand. */
static void __attribute__((format(printf, 3, 4)))
mistake(struct reading *r, const char *key, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (r->mistake[0] != '\0')
		return;
	n = snprintf(r->mistake, sizeof(r->mistake), "line %zu: ", conf_line(r->c, key));
	va_start(ap, fmt);
	vsnprintf(r->mistake + n, sizeof(r->mistake) - (size_t)n, fmt, ap);
	va_end(ap);
}

/* Which of these is it?  `count` after a mistake. */
static unsigned
one_of(struct reading *r, const char *key, const char *word, const char *const *names, unsigned count)
{
	struct nearest n;

	nearest_begin(&n, word, strlen(word));
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(names[i], word) == 0)
			return (i);
		nearest_offer(&n, names[i]);
	}
	mistake(r, key, "%s: there is no %.60s; %s%s", key, word, n.best != NULL ? "did you mean " : "see the comments of the shipped notify.yaml",
	    n.best != NULL ? n.best : "");
	return (count);
}

static int64_t
span_or(struct reading *r, const char *key, int64_t usual)
{
	return (*conf_text(r->c, key, "") != '\0' ? conf_span(r->c, key) : usual);
}

/* Without it, or with none: never. */
static int64_t
span_or_none(struct reading *r, const char *key)
{
	const char *text = conf_text(r->c, key, "none");

	return (strcmp(text, "none") == 0 ? 0 : conf_span(r->c, key));
}

static unsigned
number_or(struct reading *r, const char *key, unsigned usual, unsigned max)
{
	return (*conf_text(r->c, key, "") != '\0' ? (unsigned)conf_int(r->c, key, 1, max) : usual);
}

static void
text_of_bound(struct reading *r, const char *key, const char *from, char *to, size_t size)
{
	if ((size_t)snprintf(to, size, "%s", from) >= size)
		mistake(r, key, "%s: at most %zu bytes, not %.40s…", key, size - 1, from);
}

static bool
yes(struct reading *r, const char *key, const char *usual)
{
	static const char *const words[] = { "no", "yes", "false", "true" };
	unsigned i = one_of(r, key, conf_text(r->c, key, usual), words, 4);

	return (i == 1 || i == 3);
}

static void
read_quiet(struct reading *r)
{
	struct settings *s = r->s;
	const char *q = conf_text(r->c, "quiet", "21:00-08:00");

	if (strcmp(q, "none") == 0)
		return;
	if (strlen(q) != 11 || q[5] != '-' || !yamltext_clock(q, &s->quiet_from) || !yamltext_clock(q + 6, &s->quiet_to))
		mistake(r, "quiet", "quiet: hours such as 21:00-08:00, or none, not %.40s", q);
}

/* 127.0.0.1:9403, and no name that something else could resolve. */
static bool
is_loopback(const char *listen)
{
	const char *colon = strchr(listen, ':');
	char host[16];
	struct in_addr in;
	unsigned long port;
	char *end;

	if (colon == NULL || (size_t)(colon - listen) >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
		return (false);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - listen), listen);
	port = strtoul(colon + 1, &end, 10);
	return (inet_pton(AF_INET, host, &in) == 1 && ntohl(in.s_addr) >> 24 == 127 && *end == '\0' && port > 0 && port <= 65535);
}

static bool
is_sign(const char *sign)
{
	return (strstr(sign, "【") == NULL && strstr(sign, "】") == NULL && strpbrk(sign, "\r\n") == NULL);
}

static void
read_top(struct reading *r)
{
	struct settings *s = r->s;
	char why[200];

	if (zone_read(&s->zone, conf_text(r->c, "zone", "Asia/Shanghai"), why, sizeof(why)) != 0)
		mistake(r, "zone", "zone: %s", why);
	read_quiet(r);
	text_of_bound(r, "sign", conf_text(r->c, "sign", "none"), s->sign, sizeof(s->sign));
	if (strcmp(s->sign, "none") == 0)
		s->sign[0] = '\0';
	if (!is_sign(s->sign))
		mistake(r, "sign", "sign: one line without 【】, which are put around it, not %.60s", s->sign);
	text_of_bound(r, "receipts", conf_text(r->c, "receipts", ""), s->listen, sizeof(s->listen));
	if (s->listen[0] != '\0' && !is_loopback(s->listen))
		mistake(r, "receipts", "receipts: listens on loopback, 127.0.0.1:PORT, not on %.40s; what comes from elsewhere passes a proxy of yours", s->listen);
	s->per_receiver = number_or(r, "per_receiver", 3, 1000);
	s->tries = number_or(r, "tries", 4, 100);
	s->backoff_ns = span_or(r, "backoff", 30 * SECOND_NS);
	s->backoff_max_ns = span_or(r, "backoff_max", 3600 * SECOND_NS);
	s->useful_ns = span_or(r, "useful", 3 * 86400 * SECOND_NS);
	s->keep_ns = span_or(r, "keep", 35 * 86400 * SECOND_NS);
	s->digest_ns = span_or_none(r, "digest");
	s->duplicate_ns = *conf_text(r->c, "duplicates", "") != '\0' ? conf_span(r->c, "duplicates") : 0;
}

static void
read_unknown(struct reading *r)
{
	static const enum unknown usual[URGENCIES] = { UNKNOWN_REPEAT, UNKNOWN_REPEAT, UNKNOWN_FAIL };
	static const char *const keys[URGENCIES] = { "unknown_emergency", "unknown_urgent", "unknown_routine" };

	for (unsigned i = 0; i < URGENCIES; i++) {
		unsigned u = one_of(r, keys[i], conf_text(r->c, keys[i], unknown_names[usual[i]]), unknown_names, UNKNOWN_COUNT);

		r->s->unknown[i] = u < UNKNOWN_COUNT ? (enum unknown)u : usual[i];
	}
}

static void
check_channel(struct reading *r, const struct channel *c)
{
	bool web = strncmp(c->url, "http://", 7) == 0 || strncmp(c->url, "https://", 8) == 0;
	bool folder = c->kind == KIND_FOLDER || c->kind == KIND_GAMMU;
	bool mail = strncmp(c->url, "smtp://", 7) == 0 || strncmp(c->url, "smtps://", 8) == 0;

	if (folder ? *c->folder == '\0' : c->kind == KIND_SMTP ? !mail : !web)
		mistake(r, folder ? "folder" : "url", "channel %s: %s", c->name, folder ? c->kind == KIND_GAMMU ? "folder is SMSD's, which holds outbox, sent and error" :
		    "folder says where its pages go" : c->kind == KIND_SMTP ?
		    "url begins with smtp:// or smtps://" : "url begins with http:// or https://");
	if (c->digest && c->medium != MEDIUM_SMS && c->medium != MEDIUM_EMAIL)
		mistake(r, "digest", "channel %s: only text messages and e-mail are gathered; digest: no", c->name);
	if (c->kind == KIND_SMTP && *c->from == '\0')
		mistake(r, "from", "channel %s: from is the address that letters come from", c->name);
	if (strpbrk(c->url, " \r\n") != NULL || strchr(c->url, '@') != NULL || strpbrk(c->from, " <>\r\n") != NULL)
		mistake(r, strpbrk(c->from, " <>\r\n") != NULL ? "from" : "url", "channel %s: url and from hold no blanks, and no password: that belongs into the file named by credentials", c->name);
}

static void
read_channel(struct reading *r, struct channel *c)
{
	text_of_bound(r, "channel", conf_id(r->c, "channel", NAME_SIZE - 1), c->name, sizeof(c->name));
	c->medium = (enum medium)one_of(r, "medium", conf_text(r->c, "medium", "?"), medium_names, MEDIA);
	c->kind = (enum kind)one_of(r, "kind", conf_text(r->c, "kind", c->medium == MEDIUM_EMAIL ? "smtp" : c->medium == MEDIUM_LETTER ||
	    c->medium == MEDIUM_CALL_LIST ? "folder" : c->medium == MEDIUM_SMS ? "json" : "generic"), kind_names, KINDS);
	if (c->kind < KINDS && c->medium < MEDIA && (c->kind == KIND_FOLDER ? c->medium != MEDIUM_LETTER && c->medium != MEDIUM_CALL_LIST :
	    kind_media[c->kind] != c->medium))
		mistake(r, "kind", "channel %s: %s is no kind of %s", c->name, kind_names[c->kind], medium_names[c->medium]);
	c->url = conf_text(r->c, "url", "");
	c->credentials = conf_text(r->c, "credentials", "");
	c->from = conf_text(r->c, "from", "");
	c->folder = conf_text(r->c, "folder", "");
	c->ca = conf_text(r->c, "ca", "");
	c->tls = yes(r, "tls", "yes");
	c->digest = yes(r, "digest", c->medium == MEDIUM_SMS || c->medium == MEDIUM_EMAIL ? "yes" : "no");
	/* The robots of chats speak to a group, whatever the file says. */
	c->group = yes(r, "group", "no") || c->kind == KIND_WECOM || c->kind == KIND_DINGTALK || c->kind == KIND_FEISHU;
	c->connections = number_or(r, "connections", 8, 256);
	c->urgent_connections = number_or(r, "urgent_connections", 4, 256);
	c->per_second = number_or(r, "per_second", 1000000, 1000000);
	c->per_day = number_or(r, "per_day", 1000000, 1000000000);
	c->breaker = number_or(r, "breaker", 5, 1000);
	c->within_ns = span_or(r, "within", (c->kind == KIND_GAMMU ? 120 : 10) * SECOND_NS);
	c->breaker_ns = span_or(r, "breaker_rest", 60 * SECOND_NS);
	check_channel(r, c);
	for (const struct channel *o = r->s->channels; o < c; o++)
		if (strcmp(o->name, c->name) == 0)
			mistake(r, "channel", "channel %s stands there twice", c->name);
}

static void
read_steps(struct reading *r, struct route *o)
{
	const char *names[CHANNELS_MAX];
	char words[200], *word, *rest = words;

	for (unsigned i = 0; i < r->s->channel_count; i++)
		names[i] = r->s->channels[i].name;
	snprintf(words, sizeof(words), "%s", conf_text(r->c, "try", ""));
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0') {
			if (o->count == ROUTE_STEPS_MAX) {
				mistake(r, "try", "route %s: at most %u channels", o->wanted, ROUTE_STEPS_MAX);
				break;
			}
			o->steps[o->count++] = (uint8_t)one_of(r, "try", word, names, r->s->channel_count);
		}
	if (o->count == 0)
		mistake(r, "try", "route %s: try names at least one channel", o->wanted);
}

static void
read_lists(struct reading *r)
{
	struct settings *s = r->s;

	for (; conf_entry(r->c, "channels", s->channel_count); s->channel_count++) {
		if (s->channel_count == CHANNELS_MAX) {
			mistake(r, "channel", "at most %u channels", CHANNELS_MAX);
			break;
		}
		read_channel(r, &s->channels[s->channel_count]);
	}
	for (; conf_entry(r->c, "routes", s->route_count); s->route_count++) {
		if (s->route_count == ROUTES_MAX) {
			mistake(r, "wanted", "at most %u routes", ROUTES_MAX);
			break;
		}
		text_of_bound(r, "wanted", conf_id(r->c, "wanted", NAME_SIZE - 1), s->routes[s->route_count].wanted, NAME_SIZE);
		read_steps(r, &s->routes[s->route_count]);
	}
	for (; conf_entry(r->c, "ask_owner", s->owner_count); s->owner_count++) {
		if (s->owner_count == OWNERS_MAX) {
			mistake(r, "worker", "at most %u owners", OWNERS_MAX);
			break;
		}
		text_of_bound(r, "worker", conf_id(r->c, "worker", NAME_SIZE - 1), s->owners[s->owner_count], NAME_SIZE);
	}
	if (s->channel_count == 0 || s->route_count == 0)
		mistake(r, "channels", "at least one of channels and one of routes are needed");
}

struct settings *
settings_read(const char *text, char *why, size_t size)
{
	struct settings *s = alloc_or_exit(NULL, sizeof(*s));
	struct reading r = { .s = s };

	memset(s, 0, sizeof(*s));
	s->holders = 1;
	if ((r.c = s->conf = conf_read(text, why, size)) == NULL) {
		free(s);
		return (NULL);
	}
	read_top(&r);
	read_unknown(&r);
	read_lists(&r);
	if (conf_fine(s->conf, why, size) && r.mistake[0] == '\0')
		return (s);
	if (r.mistake[0] != '\0')
		snprintf(why, size, "%s", r.mistake);
	settings_free(s);
	return (NULL);
}

struct settings *
settings_hold(struct settings *s)
{
	s->holders++;
	return (s);
}

void
settings_free(struct settings *s)
{
	if (s == NULL || --s->holders > 0)
		return;
	conf_free(s->conf);
	free(s);
}

const struct route *
settings_route(const struct settings *s, struct text wanted)
{
	for (unsigned i = 0; i < s->route_count; i++)
		if (mp_equal(wanted.s, wanted.len, s->routes[i].wanted))
			return (&s->routes[i]);
	return (NULL);
}

bool
settings_owner(const struct settings *s, const char *name)
{
	for (unsigned i = 0; i < s->owner_count; i++)
		if (strcmp(s->owners[i], name) == 0)
			return (true);
	return (false);
}
