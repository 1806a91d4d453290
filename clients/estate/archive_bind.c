/*
 * Binding a month (按月装订): its records from the running daemon, into a bundle, and word of it in the log.
 *
 * From the daemon rather than from its folder: what it delivers is durable, it need not be stopped, the rights are checked, and only one
 * process has the log open.  A `sealed` subscription leaves personal fields as they are stored, so no key comes near the archive.
 *
 * What belongs to a month is what was stored in it, by log time at the site: that never changes any more once the month is over, so a bundle
 * made again has the same digest.  A record that is late is in the bundle of the month in which it arrived, with an entry there.
 */
#include <errno.h>
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "bounds.h"
#include "errcode.h"
#include "files.h"
#include "language.h"
#include "sealed.h"
#include "sitetime.h"

#define PROGRESS_MS	250

struct bind {
	struct archive *a;
	struct estate *e;
	struct sealed_months months;
	struct bundle_head head;
	struct cover cover;
	struct bundle_writer *w;
	char path[4096];
	uint64_t resumed;		/* the last number that was there before; looked at once more */
	uint64_t expected;		/* the next number; 0: the first will tell */
	bool done, other, gap;		/* other: the part is not of this log's past */
	int error;			/* errno of a write */
	bool refused;
	struct estate_fault fault;
	uint8_t digest[BUNDLE_DIGEST_BYTES];
	int64_t shown_ms;
	/* Putting what there is to say. */
	unsigned unanswered;
	bool conflict;
};

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void
show_progress(struct bind *b, bool last)
{
	int64_t now = monotonic_ms();

	if (!b->a->progress || (!last && now < b->shown_ms + PROGRESS_MS))
		return;
	b->shown_ms = now;
	fprintf(stderr, phrase("\r\033[K%" PRIu64 " events, %.1f MiB%s"), b->cover.events, (double)b->cover.bytes / (1 << 20), last ? "\r\033[K" : " ...");
	fflush(stderr);
}

/* ---- Reading the month ---- */

static void
on_event(void *user, const struct estate_event *v)
{
	struct bind *b = user;

	if (b->done)
		return;
	if (v->log_time >= b->cover.end) {
		b->done = true;
		return;
	}
	if (b->resumed != 0) {
		b->other = b->done = !bundle_ends_with(b->w, v);
		b->resumed = 0;
		b->expected = v->seq + 1;
		return;
	}
	/* Numbers are dense: what this client may not read would be missing from the bundle without a word. */
	if (b->expected != 0 && v->seq != b->expected) {
		b->gap = b->done = true;
		return;
	}
	b->expected = v->seq + 1;
	if ((b->error = bundle_add(b->w, v)) != 0)
		b->done = true;
	show_progress(b, false);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct bind *b = user;

	(void)log_time;
	/* That the month is over is known; everything up to its end was delivered, or filtered out. */
	if (!end || b->done)
		return;
	b->gap = b->expected != 0 && seq >= b->expected;
	b->done = true;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct bind *b = user;

	b->fault = *f;
	b->refused = b->done = true;
}

static int
read_month(struct bind *b)
{
	const struct archive *a = b->a;
	struct estate_subscribe_options o = { .sealed = true, .window_events = CREDIT_EVENTS_MAX, .window_bytes = CREDIT_BYTES_MAX, .user = b,
	    .on_event = on_event, .on_progress = on_progress, .on_ended = on_ended };
	struct estate_subscription *s;
	int n;

	o.from = b->resumed != 0 ? ESTATE_FROM_SEQ : ESTATE_FROM_TIME;
	o.value = b->resumed != 0 ? b->resumed : (uint64_t)b->cover.begin;
	if ((n = estate_subscribe(b->e, &o, &s)) != 0)
		return (reach_refused("archive", &a->common, n, NULL));
	while (!b->done && !reach_stop)
		if (estate_pump(b->e, 1000) < 0)
			break;
	show_progress(b, true);
	if (b->refused)
		return (reach_refused("archive", &a->common, b->fault.code, &b->fault));
	estate_unsubscribe(s);
	if (b->gap) {
		complain("archive", "event %" PRIu64 " is not for this client's eyes, and the bundle would lack it: bind as a client that reads "
		    "everything (role operator, or root)", b->expected);
		return (EXIT_PART);
	}
	if (b->error != 0) {
		complain("archive", "cannot write %s" BUNDLE_PART ": %s\nnext: make room, then the same command again: it goes on where it stopped", b->path, phrase(strerror(b->error)));
		return (EXIT_UNREACHED);
	}
	if (!b->done) {
		complain("archive", "interrupted; the same command again goes on from %s" BUNDLE_PART, b->path);
		return (EXIT_PART);
	}
	return (0);
}

/* ---- Which month is the corrected record of? ---- */

struct gotten {
	int64_t log_time;
	bool found;
};

static void
on_gotten(void *user, const struct estate_answer *a)
{
	struct mp m = mp_over(a->body, a->len);
	struct gotten *g = user;
	uint32_t parts;
	uint64_t seq;

	g->found = a->error == 0 && mp_array(&m, &parts) && mp_uint(&m, &seq) && mp_int(&m, &g->log_time);
}

/* From the log, or from what it says of a month that is trimmed: the answer stays the same whenever it is asked. */
static void
find_months(struct bind *b)
{
	for (size_t i = 0; i < b->cover.listed; i++) {
		struct cover_amendment *m = &b->cover.amendments[i];
		const struct sealed_month *of;
		struct gotten g = { .found = false };
		msgpack_sbuffer k;
		msgpack_packer p;

		if (m->event == 0)
			continue;
		msgpack_sbuffer_init(&k);
		msgpack_packer_init(&p, &k, msgpack_sbuffer_write);
		msgpack_pack_map(&p, 1);
		msgpack_pack_str_with_body(&p, "seq", 3);
		msgpack_pack_uint64(&p, m->event);
		if (estate_call(b->e, "get", k.data, k.size, b->a->common.timeout_ms, on_gotten, &g) == 0 && g.found)
			cover_month_of(g.log_time, m->month);
		else if ((of = sealed_of(&b->months, m->event)) != NULL)
			memcpy(m->month, of->month, sizeof(m->month));
		msgpack_sbuffer_destroy(&k);
	}
}

/* ---- Word of it in the log ---- */

static void
text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

static void
number(msgpack_packer *p, const char *key, uint64_t n)
{
	text(p, key);
	msgpack_pack_uint64(p, n);
}

/* Always the same bytes for the same month: put again it is the same event. */
static void
put_word(struct bind *b, const char *type)
{
	char digest[BUNDLE_DIGEST_TEXT], id[64];
	struct cover_figures f;
	msgpack_sbuffer k;
	msgpack_packer p;

	cover_figures(&b->cover, &f);
	bundle_digest_text(b->digest, digest);
	snprintf(id, sizeof(id), "%s-%s", b->cover.month, type);
	msgpack_sbuffer_init(&k);
	msgpack_packer_init(&p, &k, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 6);
	text(&p, "specversion");
	text(&p, "1.0");
	text(&p, "id");
	text(&p, id);
	text(&p, "source");
	text(&p, ARCHIVE_SOURCE);
	text(&p, "type");
	text(&p, type);
	text(&p, "subject");
	text(&p, b->cover.month);
	text(&p, "data");
	msgpack_pack_map(&p, 2);
	text(&p, "digest");
	text(&p, digest);
	text(&p, "figures");
	msgpack_pack_map(&p, 10);
	number(&p, "version", BUNDLE_VERSION);
	number(&p, "first", b->cover.first);
	number(&p, "last", b->cover.last);
	number(&p, "events", b->cover.events);
	number(&p, "amendments", b->cover.amendment_count);
	number(&p, "repairs_in_home", f.repairs_in_home);
	number(&p, "repairs_called_back", f.repairs_called_back);
	number(&p, "callbacks_done", f.callbacks_done);
	number(&p, "callbacks_attempted", f.callbacks_attempted);
	number(&p, "households_called_back", f.households_called_back);
	if (estate_put(b->e, k.data, k.size, 0) == 0)
		b->unanswered++;
	msgpack_sbuffer_destroy(&k);
}

static void
on_ack(void *user, const struct estate_ack *k)
{
	struct bind *b = user;

	(void)k;
	b->unanswered--;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct bind *b = user;

	b->unanswered--;
	if (n->fault->code == E_ID_CONFLICT)
		b->conflict = true;
	else {
		b->fault = *n->fault;
		b->refused = true;
	}
}

static int
other_digest(const struct bind *b, const char *said)
{
	char digest[BUNDLE_DIGEST_TEXT];

	bundle_digest_text(b->digest, digest);
	complain("archive", "%s has digest %s, but the log was told %s for %s: one of the two is not what was bound then; compare with "
	    "another copy of the bundle", b->path, digest, said, b->cover.month);
	return (EXIT_PART);
}

static int
tell(struct bind *b)
{
	const struct sealed_month *m = sealed_find(&b->months, b->cover.month);
	char digest[BUNDLE_DIGEST_TEXT];

	bundle_digest_text(b->digest, digest);
	if (m != NULL && m->seq != 0)
		return (strcmp(m->digest, digest) == 0 ? 0 : other_digest(b, m->digest));
	if (m == NULL || !m->closed)
		put_word(b, "period.closed");
	put_word(b, "bundle.sealed");
	while (b->unanswered > 0 && !reach_stop)
		if (estate_pump(b->e, 1000) < 0)
			break;
	if (b->conflict)
		return (other_digest(b, "another"));
	if (b->refused)
		return (reach_refused("archive", &b->a->common, b->fault.code, &b->fault));
	if (b->unanswered > 0) {
		complain("archive", "%s is whole, but the log was not told; the same command again tells it", b->path);
		return (EXIT_PART);
	}
	return (0);
}

/* ---- In order ---- */

static int
write_bundle(struct bind *b)
{
	struct buffer sheet = { NULL, 0, 0 };
	char why[4400];
	int r, e;

	if ((b->w = bundle_begin(b->a->to, &b->head, &b->cover, &b->resumed, why, sizeof(why))) == NULL) {
		complain("archive", "%s", why);
		return (EXIT_UNREACHED);
	}
	if (b->resumed != 0 && !b->a->common.json)
		fprintf(stderr, phrase("going on behind event %" PRIu64 "\n"), b->resumed);
	if ((r = read_month(b)) != 0 || b->other) {
		bundle_leave(b->w, b->other || b->cover.events == 0);
		if (b->other)
			complain("archive", "%s" BUNDLE_PART " was begun from another past of this log, and is gone now: once more, please", b->path);
		return (r != 0 ? r : EXIT_PART);
	}
	if (b->cover.events == 0) {
		bundle_leave(b->w, true);
		complain("archive", "the log holds nothing of %s: what counts is when an event was stored, not when it happened", b->cover.month);
		return (EXIT_PART);
	}
	find_months(b);
	cover_write(&b->cover, &sheet);
	e = bundle_finish(b->w, &sheet, b->digest);
	bundle_leave(b->w, false);
	buffer_free(&sheet);
	if (e == 0)
		return (0);
	complain("archive", "cannot write %s: %s\nnext: make room, then the same command again: it goes on where it stopped", b->path, phrase(strerror(e)));
	return (EXIT_UNREACHED);
}

/* It is there already: proven, and its cover counted again from what is in it. */
static int
read_bundle(struct bind *b)
{
	enum bundle_step step = BUNDLE_BAD;
	struct estate_event v;
	struct bundle f;
	int r = 0;

	if (bundle_open(&f, b->path))
		while ((step = bundle_next(&f)) == BUNDLE_BLOCK)
			for (size_t at = 0; bundle_record(&f, &at, &v);)
				cover_note(&b->cover, &v);
	if (step != BUNDLE_END) {
		r = archive_unsound(b->a, &f);
		fprintf(stderr, phrase("next: move it away, then the same command again\n"));
	} else if (memcmp(f.head.uuid, b->head.uuid, 16) != 0 || strcmp(f.head.month, b->head.month) != 0) {
		complain("archive", "%s is of another log, or month: give another folder", b->path);
		r = EXIT_PART;
	}
	memcpy(b->digest, f.digest, sizeof(b->digest));
	bundle_close(&f);
	return (r);
}

static void
report(const struct bind *b, bool there)
{
	struct buffer out = { NULL, 0, 0 };
	char digest[BUNDLE_DIGEST_TEXT];
	struct bundle f;

	bundle_digest_text(b->digest, digest);
	bundle_open(&f, b->path);
	if (b->a->common.json) {
		archive_begin_json(&out, b->path);
		printf("%s,\"month\":\"%s\",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"events\":%" PRIu64 ",\"bytes\":%" PRIu64
		    ",\"file_bytes\":%" PRIu64 ",\"amendments\":%" PRIu64 ",\"digest\":\"%s\",\"there\":%s}\n", out.data, b->cover.month, b->cover.first, b->cover.last,
		    b->cover.events, b->cover.bytes, f.size, b->cover.amendment_count, digest, there ? "true" : "false");
		buffer_free(&out);
	} else
		printf(b->a->zh ? "%s：事件 %" PRIu64 " 至 %" PRIu64 "，共 %" PRIu64 " 个，%.1f MiB，其中 %" PRIu64 " 条属于以前月份\n%s%s\n" :
		    "%s: events %" PRIu64 " to %" PRIu64 ", %" PRIu64 " of them, %.1f MiB, %" PRIu64 " entries for earlier months\n%s%s\n", b->path, b->cover.first,
		    b->cover.last, b->cover.events, (double)f.size / (1 << 20), b->cover.amendment_count, digest,
		    !there ? "" : b->a->zh ? "（已装订，未改动）" : " (was bound before; nothing is changed)");
	bundle_close(&f);
}

static int
run(struct bind *b)
{
	bool there;
	int r;

	if ((r = sealed_read("archive", &b->a->common, b->e, &b->months)) != 0)
		return (r);
	if (b->months.now < b->cover.end) {
		char until[SITETIME_TEXT];

		sitetime_local(b->cover.end, 0, until);
		complain("archive", "%s is not over: it can be bound from %s on", b->cover.month, until);
		return (EXIT_PART);
	}
	if (!bundle_uuid_read(estate_log(b->e)->log, b->head.uuid)) {
		complain("archive", "the daemon's log has no UUID");
		return (EXIT_UNREACHED);
	}
	memcpy(b->head.month, b->cover.month, sizeof(b->head.month));
	bundle_uuid_text(b->head.uuid, b->cover.log);
	there = access(b->path, F_OK) == 0;
	if ((r = there ? read_bundle(b) : write_bundle(b)) != 0 || (r = tell(b)) != 0)
		return (r);
	report(b, there);
	return (0);
}

int
archive_bind(struct archive *a)
{
	struct bind b = { .a = a };
	struct estate_options o = { .user = &b, .on_ack = on_ack, .on_nak = on_nak };
	char name[32];
	int r;

	if (!cover_month(&b.cover, a->month))
		return (usage_error("archive", "--month: \"%s\" is no month such as 2026-10", a->month));
	snprintf(name, sizeof(name), "%s" BUNDLE_SUFFIX, a->month);
	path_join(b.path, sizeof(b.path), a->to, name);
	if ((b.e = reach_open("archive", &a->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((r = reach_wait("archive", &a->common, b.e)) == 0)
		r = run(&b);
	estate_close(b.e);
	sealed_free(&b.months);
	cover_free(&b.cover);
	return (r);
}
