/*
 * Gammu SMSD by its files: what lies in its outbox it sends, in the order of the names, and moves to sent or to error.  It has no other answer:
 * the message is on its way until its file has moved.  The name ends with the idempotency key, so a repeat finds what was sent before.
 *
 * A file that SMSD did not take in time is taken back: nobody wants a reminder that leaves when a modem is mended.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sender.h"

#define LOOK_MS	200

struct spool {
	struct event *timer;
	int outbox, sent, error;
	int64_t until;			/* of the loop's clock */
	unsigned key_at;		/* in the name */
	char name[ID_TEXT_SIZE + 80];
};

void
spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->timer != NULL)
		event_free(s->timer);
	for (unsigned i = 0; i < 3; i++) {
		int fd = i == 0 ? s->outbox : i == 1 ? s->sent : s->error;

		if (fd >= 0)
			close(fd);
	}
	free(s);
}

/* OUT, a letter by which it is sorted, a date, a time and a number, which are all the same to us; the number; what SMSD leaves alone. */
static void
spool_name(struct spool *s, const struct letter *l)
{
	s->key_at = (unsigned)snprintf(s->name, sizeof(s->name), "OUT%c00000000_000000_00_%s_", "ABC"[l->urgency], l->phone);
	snprintf(s->name + s->key_at, sizeof(s->name) - s->key_at, "%s.txt", l->key);
	for (char *c = s->name; *c != '\0'; c++)
		if (*c == '/' || *c == ':')
			*c = *c == '/' ? '=' : '+';
}

/* UTF-16 with its mark: anything else SMSD takes for the letters of its locale. */
static void
add_utf16(struct buffer *b, const struct buffer *text)
{
	const unsigned char *at = (const unsigned char *)text->data, *end = at + text->len;

	buffer_add(b, "\xff\xfe", 2);
	while (at < end) {
		uint32_t c = segment_point(&at, end);
		unsigned units[2] = { c, 0 }, n = 1;

		if (c > 0xffff) {
			units[0] = 0xd800 + ((c - 0x10000) >> 10);
			units[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
			n = 2;
		}
		for (unsigned i = 0; i < n; i++)
			buffer_add(b, (const char[]){ (char)(units[i] & 0xff), (char)(units[i] >> 8) }, 2);
	}
}

static bool
lies_in(const struct spool *s, int folder)
{
	return (faccessat(folder, s->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
}

/* SMSD sends what stands first: behind another one it was not touched. */
static bool
is_first(const struct spool *s)
{
	int fd = openat(s->outbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	bool first = true;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return (true);
	}
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "OUT", 3) == 0 && strcmp(e->d_name, s->name) < 0)
			first = false;
	closedir(d);
	return (first);
}

static void
taken_back(const struct spool *s, struct result *r)
{
	bool first = is_first(s);

	if (unlinkat(s->outbox, s->name, 0) == 0 && !first) {
		r->how = HOW_TEMPORARY;
		snprintf(r->reason, sizeof(r->reason), "SMSD did not come to it in time, and it was taken back");
	} else {
		r->how = HOW_UNKNOWN;
		snprintf(r->reason, sizeof(r->reason), REASON_UNKNOWN ": SMSD did not move it in time; it was taken back");
	}
}

/* What SMSD has made of it; false: nothing yet. */
static bool
settled(const struct spool *s, struct result *r)
{
	/* It may move between two looks: the outbox is looked at first. */
	bool waits = lies_in(s, s->outbox);

	if (lies_in(s, s->sent)) {
		r->how = HOW_LEFT;
		snprintf(r->provider, sizeof(r->provider), "%.99s", s->name + s->key_at);
	} else if (lies_in(s, s->error)) {
		r->how = HOW_PERMANENT;
		snprintf(r->reason, sizeof(r->reason), "SMSD could not send it: it lies in its error folder");
	} else if (!waits) {
		r->how = HOW_UNKNOWN;
		snprintf(r->reason, sizeof(r->reason), REASON_UNKNOWN ": it is in none of SMSD's folders any more");
	} else if (effects_now_ms() >= s->until)
		taken_back(s, r);
	else
		return (false);
	return (true);
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
	struct parcel *p = user;
	struct result r = { .how = HOW_UNKNOWN };

	(void)fd;
	(void)what;
	if (settled(p->spool, &r))
		parcel_done(p, &r);
	else
		event_add(p->spool->timer, &(struct timeval){ 0, LOOK_MS * 1000 });
}

/* Nothing was written. */
static void
on_refused(evutil_socket_t fd, short what, void *user)
{
	struct parcel *p = user;
	struct result r = { .how = HOW_TEMPORARY };

	(void)fd;
	(void)what;
	snprintf(r.reason, sizeof(r.reason), "%.199s", p->error);
	parcel_done(p, &r);
}

static int
open_folder(const char *spool, const char *name)
{
	char path[4300];

	snprintf(path, sizeof(path), "%s/%s", spool, name);
	return (open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static bool
deposit(const struct spool *s, const struct letter *l)
{
	struct buffer text = { NULL, 0, 0 };
	bool fine;

	/* A repeat of what SMSD has, or had: the same key, the same message. */
	if (lies_in(s, s->sent) || lies_in(s, s->outbox))
		return (true);
	unlinkat(s->error, s->name, 0);
	add_utf16(&text, &l->text);
	fine = paper_store(s->outbox, s->name, &text);
	buffer_free(&text);
	return (fine);
}

void
carry_spool_send(struct parcel *p, struct event_base *base)
{
	const struct letter *l = p->letter;
	struct spool *s = p->spool = memset(alloc_or_exit(NULL, sizeof(*s)), 0, sizeof(*s));
	bool fine;

	spool_name(s, l);
	s->outbox = open_folder(l->channel->folder, "outbox");
	s->sent = s->outbox < 0 ? -1 : open_folder(l->channel->folder, "sent");
	s->error = s->sent < 0 ? -1 : open_folder(l->channel->folder, "error");
	s->until = effects_now_ms() + l->channel->within_ns / 1000000;
	fine = s->error >= 0 && deposit(s, l);
	if (!fine)
		snprintf(p->error, sizeof(p->error), "outbox, sent and error of SMSD's folder cannot be used: %s", strerror(errno));
	if ((s->timer = evtimer_new(base, fine ? on_look : on_refused, p)) == NULL || event_add(s->timer, &(struct timeval){ 0, fine ? 20000 : 0 }) != 0)
		abort();
}
