/*
 * Replaying bundles into another estate's log: every record is put as it was put then, under its own source and id, so that a second run,
 * or one that was interrupted, stores nothing twice.  All bundles are proven, whole, before the first put.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive.h"
#include "event.h"
#include "language.h"
#include "view.h"

#define PROGRESS_MS	250

/* Refusals told one by one; the rest are a number. */
#define TOLD_MAX	20u

struct replay {
	struct archive *a;
	struct estate *e;
	struct opening open;
	msgpack_sbuffer masked;
	uint64_t handed, stored, duplicates, refused, left_out;
	bool failed;			/* the handle takes no more */
	int64_t shown_ms;
};

static void
on_ack(void *user, const struct estate_ack *k)
{
	struct replay *r = user;

	r->stored++;
	r->duplicates += k->duplicate;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct replay *r = user;
	struct buffer b = { NULL, 0, 0 };

	if (r->refused++ >= TOLD_MAX)
		return;
	reach_fault_text(&b, n->fault);
	complain("archive", "record %" PRIu64 ": %s", n->cookie, b.data);
	buffer_free(&b);
}

static void
show_progress(struct replay *r, bool last)
{
	struct timespec t;
	int64_t now;

	if (!r->a->progress)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	if (!last && now < r->shown_ms + PROGRESS_MS)
		return;
	r->shown_ms = now;
	fprintf(stderr, phrase("\r\033[K%" PRIu64 " stored%s"), r->stored, last ? "\r\033[K" : " ...");
	fflush(stderr);
}

/* What the daemon and the archive of that log say of themselves means nothing in another. */
static bool
is_of_its_log(const struct event *e)
{
	return (mp_equal(e->source.s, e->source.len, "/estated") || mp_equal(e->source.s, e->source.len, ARCHIVE_SOURCE));
}

static bool
replay_record(struct replay *r, struct estate_event *v)
{
	uint64_t seq = v->seq;
	bool sealed = (v->flags & EVENT_SEALED) != 0;
	struct event e;
	int n;

	if (!view_read(&e, v) || is_of_its_log(&e)) {
		r->left_out++;
		return (true);
	}
	opening_show(&r->open, v);
	if (sealed)
		masked_fit(&r->masked, v);
	while ((n = estate_put(r->e, v->bytes, v->len, seq)) == ESTATE_AGAIN && !reach_stop) {
		if (estate_pump(r->e, 1000) < 0)
			return (false);
		show_progress(r, false);
	}
	if (n != 0)
		return (false);
	r->handed++;
	return (true);
}

static int
replay_one(struct replay *r, const char *path)
{
	enum bundle_step step = BUNDLE_BAD;
	struct estate_event v;
	struct bundle b;
	int n = 0;

	if (bundle_open(&b, path))
		while (!r->failed && (step = bundle_next(&b)) == BUNDLE_BLOCK)
			for (size_t at = 0; !r->failed && bundle_record(&b, &at, &v);)
				r->failed = !replay_record(r, &v);
	if (!r->failed && step == BUNDLE_BAD)
		n = archive_unsound(r->a, &b);
	bundle_close(&b);
	return (n);
}

static int64_t
sealed_records(const struct bundle *b)
{
	json_t *cover = json_loads(b->cover.data != NULL ? b->cover.data : "", 0, NULL);
	int64_t n = json_integer_value(json_object_get(cover, "sealed"));

	json_decref(cover);
	return (n);
}

/* Before the first put. */
static int
prove_all(struct replay *r)
{
	for (int i = 0; i < r->a->count; i++) {
		const char *path = r->a->files[i];
		struct bundle b;
		int n;

		if ((n = archive_sound(r->a, path, &b)) == 0 && (n = opening_fits(&r->open, &b)) == 0 && r->open.vault == NULL && !r->a->masked &&
		    sealed_records(&b) > 0)
			n = usage_error("archive", "%s: %" PRId64 " records hold personal data that is sealed: --keys DATA opens it with the keys of that log's data "
			    "folder, --masked puts *** in its place", path, sealed_records(&b));
		bundle_close(&b);
		if (n != 0)
			return (n);
	}
	return (0);
}

static void
report(const struct replay *r)
{
	uint64_t fresh = r->stored - r->duplicates;

	if (r->a->common.json)
		printf("{\"stored\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"left_out\":%" PRIu64 "}\n", fresh, r->duplicates,
		    r->refused, r->left_out);
	else
		printf(r->a->zh ? "新存 %" PRIu64 " 个，已有 %" PRIu64 " 个，被拒 %" PRIu64 " 个，原日志服务自身的 %" PRIu64 " 个未重放\n" :
		    "%" PRIu64 " stored, %" PRIu64 " were there already, %" PRIu64 " refused, %" PRIu64 " of that log's own daemon left out\n", fresh,
		    r->duplicates, r->refused, r->left_out);
}

static int
run(struct replay *r)
{
	int n = 0;

	for (int i = 0; i < r->a->count && n == 0 && !r->failed; i++)
		n = replay_one(r, r->a->files[i]);
	while (estate_unacked(r->e) > 0 && !reach_stop && estate_pump(r->e, 1000) >= 0)
		show_progress(r, false);
	show_progress(r, true);
	report(r);
	if (r->failed || estate_unacked(r->e) > 0) {
		complain("archive", "interrupted; the same command again stores what is missing, and nothing twice");
		n = EXIT_PART;
	}
	return (n != 0 ? n : r->refused > 0 ? EXIT_PART : 0);
}

int
archive_replay(struct archive *a)
{
	struct replay r = { .a = a };
	struct estate_options o = { .user = &r, .on_ack = on_ack, .on_nak = on_nak };
	int n;

	if ((n = opening_begin(&r.open, a->keys)) != 0)
		return (n);
	msgpack_sbuffer_init(&r.masked);
	if ((n = prove_all(&r)) == 0 && (r.e = reach_open("archive", &a->common, &o)) == NULL)
		n = EXIT_USAGE;
	if (n == 0 && (n = reach_wait("archive", &a->common, r.e)) == 0)
		n = run(&r);
	if (r.e != NULL)
		estate_close(r.e);
	opening_end(&r.open);
	msgpack_sbuffer_destroy(&r.masked);
	return (n);
}
