/* Lines into an outbox, and from there to the daemon: see outbox_feed.h. */
#include "outbox_feed.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <msgpack.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bounds.h"
#include "buffer.h"
#include "json.h"
#include "language.h"
#include "lines.h"
#include "reach.h"

/* Lines that are handed over with one flush. */
#define LINES_AT_ONCE	256u

struct feed {
	const struct outbox_feed *o;
	struct estate_outbox *box;
	struct lines in;
	bool input_done, more;			/* more: lines are there, in memory */
	msgpack_sbuffer packed;			/* events of this turn, one after the other … */
	struct estate_bytes events[LINES_AT_ONCE];	/* … their lengths, then their places */
	uint64_t lines[LINES_AT_ONCE];
	char ids[LINES_AT_ONCE][ID_CHARS_MAX + 1];
	size_t count;
	uint64_t put, sent, aside, bad;
	int64_t heard_ms;			/* when there was a session last */
};

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void
on_sent(void *user, uint64_t entry, uint64_t seq, bool duplicate)
{
	struct feed *f = user;

	f->sent++;
	printf("{\"entry\":%" PRIu64 ",\"seq\":%" PRIu64 ",\"duplicate\":%s}\n", entry, seq, duplicate ? "true" : "false");
}

static void
on_set_aside(void *user, const struct estate_entry *t)
{
	struct feed *f = user;
	struct buffer b = { NULL, 0, 0 };

	f->aside++;
	if (f->o->common->json) {
		buffer_printf(&b, "{\"entry\":%" PRIu64 ",\"box\":\"%s\",", t->number, estate_box_name(t->box));
		reach_fault_json(&b, &t->fault);
		buffer_text(&b, "}");
	} else {
		buffer_printf(&b, phrase("estate outbox: entry %" PRIu64 " was moved to %s: "), t->number, estate_box_name(t->box));
		reach_fault_text(&b, &t->fault);
	}
	fprintf(stderr, "%s\n", b.data);
	buffer_free(&b);
}

/* ---- Lines ---- */

static void
tell_bad(struct feed *f, uint64_t line, const char *why)
{
	f->bad++;
	if (f->o->common->json) {
		struct buffer b = { NULL, 0, 0 };

		json_write_text(&b, why, strlen(why));
		fprintf(stderr, "{\"line\":%" PRIu64 ",\"name\":\"no-event\",\"detail\":%s}\n", line, b.data);
		buffer_free(&b);
	} else
		fprintf(stderr, phrase("%s:%" PRIu64 ": %s; it was not handed over\n"), f->o->name, line, why);
}

static bool
blank(const char *s, size_t len)
{
	return (strspn(s, " \t\r") >= len);
}

/* Pack one line behind those of this turn, or say why not. */
static void
take_line(struct feed *f, const char *line, size_t len)
{
	msgpack_packer k;
	json_error_t why;
	json_t *root;
	const char *id;
	size_t before = f->packed.size;

	if ((root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why)) == NULL) {
		tell_bad(f, f->in.number, why.text);
		return;
	}
	if (!json_is_object(root))
		tell_bad(f, f->in.number, "an event is a JSON object");
	else {
		msgpack_packer_init(&k, &f->packed, msgpack_sbuffer_write);
		json_to_msgpack(&k, root);
		id = json_string_value(json_object_get(root, "id"));
		if (f->packed.size - before > EVENT_BYTES_MAX) {
			f->packed.size = before;
			tell_bad(f, f->in.number, "packed it is above 64 KiB");
		} else {
			snprintf(f->ids[f->count], sizeof(f->ids[0]), "%s", id != NULL ? id : "");
			f->lines[f->count] = f->in.number;
			f->events[f->count++].len = f->packed.size - before;
		}
	}
	json_decref(root);
}

/* Hand over what was packed, and say so.  0 or an error. */
static int
hand_over(struct feed *f)
{
	struct buffer b = { NULL, 0, 0 };
	size_t at = 0;
	uint64_t entry;
	int error;

	for (size_t i = 0; i < f->count; i++) {
		f->events[i].bytes = f->packed.data + at;
		at += f->events[i].len;
	}
	if (f->count == 0)
		return (0);
	if ((error = estate_outbox_put_all(f->box, f->events, f->count, &entry)) != 0)
		return (error);
	for (size_t i = 0; i < f->count; i++) {
		buffer_clear(&b);
		json_write_text(&b, f->ids[i], strlen(f->ids[i]));
		printf("{\"line\":%" PRIu64 ",\"id\":%s,\"entry\":%" PRIu64 "}\n", f->lines[i], b.data, entry + i);
	}
	f->put += f->count;
	f->count = f->packed.size = 0;
	buffer_free(&b);
	return (0);
}

/* Take the lines that are there.  0 or an error. */
static int
take_lines(struct feed *f)
{
	const char *line;
	size_t len;
	enum lines_result r = LINES_WAIT;

	while (f->count < LINES_AT_ONCE && (r = lines_next(&f->in, &line, &len)) != LINES_WAIT && r != LINES_END) {
		if (r == LINES_LONG)
			tell_bad(f, f->in.number, "the line is above 2 MiB");
		else if (!blank(line, len))
			take_line(f, line, len);
	}
	f->input_done = r == LINES_END;
	f->more = r != LINES_END && r != LINES_WAIT;
	return (hand_over(f));
}

/* ---- The loop ---- */

static bool
finished(const struct feed *f)
{
	struct estate_outbox_counts c;

	if (!f->input_done)
		return (false);
	if (!f->o->send)
		return (true);
	estate_outbox_counts(f->box, &c);
	return (c.entries[ESTATE_PENDING] == 0);
}

static int
tell_error(const struct feed *f, int error)
{
	const char *why = error == ESTATE_SYSTEM ? strerror(errno) : estate_error_text(error);

	if (f->o->common->json)
		fprintf(stderr, "{\"error\":\"%s\",\"detail\":\"%s\"}\n", estate_error_name(error), why);
	else
		complain("outbox", "%s: %s%s", f->o->path, why, f->count > 0 ?
		    "; what stands on standard output is in the outbox, the lines after it are not" : "");
	return (EXIT_UNREACHED);
}

/* Nobody answers, or says no to all of us: what is pending stays. */
static int
tell_unsent(const struct feed *f)
{
	struct estate *e = estate_outbox_handle(f->box);

	if (estate_state(e) == ESTATE_STOPPED)
		return (reach_refused("outbox", f->o->common, estate_refusal(e)->code, estate_refusal(e)));
	reach_failed("outbox", f->o->common);
	return (EXIT_UNREACHED);
}

static int
run(struct feed *f)
{
	struct estate *e = estate_outbox_handle(f->box);
	struct pollfd fds[2] = { { .fd = f->o->fd, .events = POLLIN }, { .fd = e != NULL ? estate_fd(e) : -1, .events = POLLIN } };
	bool took;
	int error;

	f->heard_ms = monotonic_ms();
	while (!reach_stop && !finished(f)) {
		took = !f->input_done && poll(fds, 1, 0) == 1;
		if (took && lines_fill(&f->in) != 0) {
			complain("outbox", "cannot read %s: %s", f->o->name, phrase(strerror(errno)));
			return (EXIT_UNREACHED);
		}
		if (!f->input_done && (error = take_lines(f)) != 0)
			return (tell_error(f, error));
		if (e != NULL && (error = estate_outbox_pump(f->box, 0)) < 0)
			return (tell_error(f, error));
		if (fflush(stdout) != 0)
			return (EXIT_UNREACHED);
		if (e != NULL && (estate_state(e) == ESTATE_LIVE || estate_state(e) == ESTATE_HELD))
			f->heard_ms = monotonic_ms();
		if (e != NULL && (estate_state(e) == ESTATE_STOPPED || monotonic_ms() - f->heard_ms > f->o->common->timeout_ms))
			return (tell_unsent(f));
		if (!took && !f->more && !finished(f))
			poll(f->input_done ? fds + 1 : fds, f->input_done ? 1 : 2, 200);
	}
	return (f->aside + f->bad > 0 || reach_stop ? EXIT_PART : 0);
}

int
outbox_unopened(const struct common *c, int error, const char *why)
{
	struct buffer b = { NULL, 0, 0 };

	if (c->json) {
		json_write_text(&b, why, strlen(why));
		fprintf(stderr, "{\"error\":\"%s\",\"detail\":%s}\n", estate_error_name(error), b.data);
		buffer_free(&b);
	} else
		complain("outbox", "%s", why);
	return (EXIT_UNREACHED);
}

int
outbox_feed(const struct outbox_feed *o)
{
	struct feed *f = memset(alloc_or_exit(NULL, sizeof(*f)), 0, sizeof(*f));
	struct estate_outbox_options b = { .user = f, .on_sent = on_sent, .on_set_aside = on_set_aside };
	char why[ESTATE_OUTBOX_WHY];
	int r, error;

	f->o = o;
	f->input_done = !o->put;
	msgpack_sbuffer_init(&f->packed);
	lines_init(&f->in, o->fd);
	if ((error = estate_outbox_open(o->path, &b, &f->box, why)) != 0)
		r = outbox_unopened(o->common, error, why);
	else if (o->send && !reach_outbox("outbox", o->common, f->box))
		r = EXIT_USAGE;
	else
		r = run(f);
	estate_outbox_close(f->box);
	if (o->send && r == EXIT_UNREACHED && !o->common->json)
		complain("outbox", "what is pending stays; estate outbox --path %s lists it", o->path);
	lines_free(&f->in);
	msgpack_sbuffer_destroy(&f->packed);
	free(f);
	return (r);
}
