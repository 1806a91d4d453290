/* The outbox of libestate: what its file remembers, what it refuses, and which way entries go against a scripted daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <xxhash.h>

#include "errcode.h"
#include "estate_outbox.h"
#include "fake_daemon.h"
#include "material.h"

#define DAY_MS	86400000ll
#define START_MS INT64_C(1795470575000)

struct world {
	char folder[64], path[96];
	int64_t now_ms;
	unsigned sent, aside;
	uint64_t sent_entry[16], sent_seq[16];
	struct estate_entry last_aside;
	struct estate_outbox *box;
	char why[ESTATE_OUTBOX_WHY];
};

static int64_t
now_ms(void *user)
{
	return (((struct world *)user)->now_ms);
}

static void
on_sent(void *user, uint64_t entry, uint64_t seq, bool duplicate)
{
	struct world *w = user;

	(void)duplicate;
	if (w->sent < 16) {
		w->sent_entry[w->sent] = entry;
		w->sent_seq[w->sent] = seq;
	}
	w->sent++;
}

static void
on_set_aside(void *user, const struct estate_entry *t)
{
	struct world *w = user;

	w->aside++;
	w->last_aside = *t;
}

static int
open_box(struct world *w, struct estate_outbox_options o)
{
	o.user = w;
	o.now_ms = now_ms;
	o.on_sent = on_sent;
	o.on_set_aside = on_set_aside;
	return (estate_outbox_open(w->path, &o, &w->box, w->why));
}

static void
reopen(struct world *w)
{
	estate_outbox_close(w->box);
	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	make_folder(w->folder);
	snprintf(w->path, sizeof(w->path), "%s/box", w->folder);
	w->now_ms = START_MS;
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	estate_outbox_close(w->box);
	remove_folder(w->folder);
	free(w);
	return (0);
}

static uint64_t
put(struct world *w, const char *text)
{
	uint64_t entry;

	assert_int_equal(estate_outbox_put(w->box, text, strlen(text), &entry), 0);
	return (entry);
}

static void
expect_counts(struct world *w, uint64_t pending, uint64_t rejected, uint64_t review)
{
	struct estate_outbox_counts c;

	estate_outbox_counts(w->box, &c);
	assert_int_equal(c.entries[ESTATE_PENDING], pending);
	assert_int_equal(c.entries[ESTATE_REJECTED], rejected);
	assert_int_equal(c.entries[ESTATE_REVIEW], review);
}

static void
expect_bytes(struct world *w, uint64_t number, const char *text)
{
	static uint8_t bytes[64 << 10];
	struct estate_entry t;

	assert_int_equal(estate_outbox_get(w->box, number, &t, bytes), 0);
	assert_int_equal(t.len, strlen(text));
	assert_memory_equal(bytes, text, t.len);
}

/* ---- The file ---- */

static void
test_what_was_put_is_there_after_a_restart(void **state)
{
	struct world *w = *state;
	struct estate_bytes three[3] = { { "two", 3 }, { "three", 5 }, { "four", 4 } };
	struct estate_entry t;
	uint64_t first;

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	assert_int_equal(put(w, "one"), 1);
	assert_int_equal(estate_outbox_put_all(w->box, three, 3, &first), 0);
	assert_int_equal(first, 2);
	w->now_ms += 5000;
	reopen(w);
	expect_counts(w, 4, 0, 0);
	expect_bytes(w, 1, "one");
	expect_bytes(w, 3, "three");
	assert_int_equal(estate_outbox_next(w->box, ESTATE_PENDING, 3, &t), 1);
	assert_int_equal(t.number, 4);
	assert_int_equal(t.put_ms, START_MS);
	assert_int_equal(estate_outbox_next(w->box, ESTATE_PENDING, 4, &t), 0);
	assert_int_equal(estate_outbox_drop(w->box, 4), 0);
	assert_int_equal(estate_outbox_drop(w->box, 4), E_NOT_FOUND);
	reopen(w);
	expect_counts(w, 3, 0, 0);
	assert_int_equal(put(w, "five"), 5);
}

static void
test_bounds_are_errors_and_nothing_is_kept(void **state)
{
	static uint8_t large[(64 << 10) + 1];
	struct world *w = *state;
	struct estate_bytes two[2] = { { "a", 1 }, { large, sizeof(large) } };

	assert_int_equal(open_box(w, (struct estate_outbox_options){ .entries_max = 2, .bytes_max = 10 }), 0);
	assert_int_equal(estate_outbox_put(w->box, large, sizeof(large), NULL), E_TOO_LARGE);
	assert_int_equal(estate_outbox_put_all(w->box, two, 2, NULL), E_TOO_LARGE);
	assert_int_equal(estate_outbox_put(w->box, "", 0, NULL), ESTATE_INVALID);
	assert_int_equal(estate_outbox_put(w->box, "0123456789a", 11, NULL), ESTATE_FULL);
	expect_counts(w, 0, 0, 0);
	put(w, "a");
	put(w, "b");
	assert_int_equal(estate_outbox_put(w->box, "c", 1, NULL), ESTATE_FULL);
	assert_int_equal(estate_outbox_drop(w->box, 1), 0);
	assert_int_equal(put(w, "c"), 3);
	estate_outbox_close(w->box);
	assert_int_equal(open_box(w, (struct estate_outbox_options){ .horizon_days = 401 }), ESTATE_INVALID);
}

static void
test_one_process_at_a_time_but_anybody_may_look(void **state)
{
	struct world *w = *state, second = *w;
	char pid[16];

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "one");
	assert_int_equal(open_box(&second, (struct estate_outbox_options){ 0 }), ESTATE_LOCKED);
	assert_null(second.box);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	assert_non_null(strstr(second.why, pid));
	assert_int_equal(open_box(&second, (struct estate_outbox_options){ .readonly = true }), 0);
	expect_bytes(&second, 1, "one");
	assert_int_equal(estate_outbox_put(second.box, "x", 1, NULL), ESTATE_INVALID);
	assert_int_equal(estate_outbox_drop(second.box, 1), ESTATE_INVALID);
	estate_outbox_close(second.box);
	put(w, "two");
	reopen(w);
	expect_counts(w, 2, 0, 0);
	strcat(second.path, "/nowhere");
	assert_int_equal(open_box(&second, (struct estate_outbox_options){ .readonly = true }), ESTATE_SYSTEM);
	assert_non_null(strstr(second.why, "no outbox"));
}

static char *
box_file(struct world *w, char out[128])
{
	snprintf(out, 128, "%s/box", w->path);
	return (out);
}

static size_t
slurp(struct world *w, uint8_t **bytes)
{
	char path[128];
	struct stat st;
	int fd = open(box_file(w, path), O_RDONLY);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, *bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	return ((size_t)st.st_size);
}

static void
spill(struct world *w, const uint8_t *bytes, size_t len)
{
	char path[128];
	int fd = open(box_file(w, path), O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* Whatever was on its way to the disk when the power failed: all before it is there, and it goes on. */
static void
test_cut_at_every_byte(void **state)
{
	struct world *w = *state;
	size_t whole, ends[4];
	uint8_t *bytes;
	struct estate_outbox_counts c;

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	for (int i = 0; i < 4; i++) {
		put(w, i % 2 == 0 ? "an event" : "another event");
		ends[i] = slurp(w, &bytes);
		free(bytes);
	}
	estate_outbox_close(w->box);
	whole = slurp(w, &bytes);
	for (size_t cut = ends[0] - 1; cut <= whole; cut++) {
		uint64_t there = 0;

		spill(w, bytes, cut);
		assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
		for (int i = 0; i < 4; i++)
			there += ends[i] <= cut;
		estate_outbox_counts(w->box, &c);
		assert_int_equal(c.entries[ESTATE_PENDING], there);
		assert_int_equal(put(w, "more"), there + 1);
		reopen(w);
		expect_counts(w, there + 1, 0, 0);
		estate_outbox_close(w->box);
	}
	w->box = NULL;
	free(bytes);
}

/* A byte that is not what was written is damage if anything behind says that it was flushed; in the last flush it cannot be told from a
 * torn write, and is kept aside. */
static void
test_every_byte_flipped(void **state)
{
	struct world *w = *state;
	size_t whole, last;
	uint8_t *bytes;
	char torn[128];
	struct stat st;
	int r;

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "first");
	put(w, "second");
	estate_outbox_close(w->box);
	last = slurp(w, &bytes);
	free(bytes);
	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "third");
	estate_outbox_close(w->box);
	w->box = NULL;
	whole = slurp(w, &bytes);
	snprintf(torn, sizeof(torn), "%s/torn.%zu", w->path, last);
	for (size_t i = 0; i < whole; i++) {
		bytes[i] ^= 0x10;
		spill(w, bytes, whole);
		unlink(torn);
		r = open_box(w, (struct estate_outbox_options){ 0 });
		if (i < last) {
			assert_int_equal(r, ESTATE_DAMAGED);
			assert_non_null(strstr(w->why, "damaged"));
		} else {
			assert_int_equal(r, 0);
			expect_counts(w, 2, 0, 0);
			/* A length beyond the file looks like a frame that was never whole. */
			assert_true(stat(torn, &st) == 0 || (i >= last + 8 && i < last + 12));
			estate_outbox_close(w->box);
			w->box = NULL;
		}
		bytes[i] ^= 0x10;
	}
	free(bytes);
}

static void
on_damage(void *user, uint64_t from, uint64_t to)
{
	uint64_t *stretch = user;

	stretch[0] = from;
	stretch[1] = to;
}

/* Whatever byte it is: the entry it belongs to is lost and named, the others are saved. */
static void
test_salvage_with_any_byte_flipped(void **state)
{
	struct world *w = *state;
	uint64_t stretch[2];
	struct estate_salvage_ends ends = { .user = stretch, .on_damage = on_damage };
	struct estate_salvaged s;
	struct estate_outbox *saved;
	struct estate_entry t;
	size_t whole, ends_at[4] = { 48 };
	uint8_t *bytes, event[65536];
	char to[128];

	for (unsigned n = 1; n <= 3; n++) {
		assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
		put(w, n == 1 ? "first" : n == 2 ? "second" : "third");
		estate_outbox_close(w->box);
		w->box = NULL;
		ends_at[n] = whole = slurp(w, &bytes);
		if (n < 3)
			free(bytes);
	}
	for (size_t i = 0; i < whole; i += 3) {
		unsigned bad = 0;

		while (i >= ends_at[bad])
			bad++;
		bytes[i] ^= 0x10;
		spill(w, bytes, whole);
		snprintf(to, sizeof(to), "%s/saved-%zu", w->folder, i);
		/* A newer format is not guessed at, and without the generation nothing is proven; the rest of the head can be done without. */
		if (i >= 8 && i < 24 && !(i >= 12 && i < 16)) {
			assert_int_equal(estate_outbox_salvage(w->path, to, &ends, &s, w->why), ESTATE_DAMAGED);
			assert_int_not_equal(access(to, F_OK), 0);
		} else {
			assert_int_equal(estate_outbox_salvage(w->path, to, &ends, &s, w->why), 0);
			assert_int_equal(s.entries[ESTATE_PENDING], bad == 0 ? 3 : 2);
			assert_int_equal(estate_outbox_open(to, NULL, &saved, w->why), 0);
			for (unsigned n = 1; n <= 3; n++)
				assert_int_equal(estate_outbox_get(saved, n, &t, event), n == bad ? E_NOT_FOUND : 0);
			estate_outbox_close(saved);
			if (bad > 0) {
				assert_int_equal(stretch[0], ends_at[bad - 1]);
				assert_int_equal(stretch[1], ends_at[bad]);
				assert_true(bad == 3 ? s.uncounted : s.lost == 1 && !s.uncounted);
			}
		}
		bytes[i] ^= 0x10;
	}
	free(bytes);
}

static void
test_zeros_ahead_are_no_frame(void **state)
{
	struct world *w = *state;
	struct estate_outbox *other;
	uint8_t *bytes;
	size_t open, closed;
	char torn[128];
	struct stat st;

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "first");
	open = slurp(w, &bytes);
	/* Somebody who looks meanwhile, and whoever comes after a crash, sees the entry and no damage. */
	assert_int_equal(estate_outbox_open(w->path, &(struct estate_outbox_options){ .readonly = true }, &other, w->why), 0);
	estate_outbox_close(other);
	estate_outbox_close(w->box);
	spill(w, bytes, open);
	free(bytes);
	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	expect_counts(w, 1, 0, 0);
	estate_outbox_close(w->box);
	w->box = NULL;
	closed = slurp(w, &bytes);
	free(bytes);
	assert_true(closed < open);
	snprintf(torn, sizeof(torn), "%s/torn.%zu", w->path, closed);
	assert_int_not_equal(stat(torn, &st), 0);
}

static void
test_a_newer_format_is_refused(void **state)
{
	struct world *w = *state;
	uint8_t *bytes;
	uint64_t sum;
	size_t len;

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	estate_outbox_close(w->box);
	len = slurp(w, &bytes);
	bytes[8] = 2;
	sum = XXH64(bytes, 40, 0);
	memcpy(bytes + 40, &sum, sizeof(sum));
	spill(w, bytes, len);
	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), ESTATE_DAMAGED);
	assert_non_null(strstr(w->why, "newer release"));
	free(bytes);
}

/* What is dead goes; what lives stays, with its number, its time and its reason. */
static void
test_the_file_is_written_anew(void **state)
{
	static char text[60000];
	struct world *w = *state;
	struct estate_entry t;
	uint8_t *bytes;
	size_t len;

	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "one");
	w->now_ms += 1000;
	for (int i = 0; i < 40; i++)
		put(w, text);
	put(w, "last");
	for (uint64_t i = 2; i <= 41; i++)
		assert_int_equal(estate_outbox_drop(w->box, i), 0);
	len = slurp(w, &bytes);
	free(bytes);
	assert_true(len < (1500u << 10));
	expect_bytes(w, 1, "one");
	reopen(w);
	expect_counts(w, 2, 0, 0);
	expect_bytes(w, 1, "one");
	expect_bytes(w, 42, "last");
	assert_int_equal(estate_outbox_get(w->box, 1, &t, NULL), 0);
	assert_int_equal(t.put_ms, START_MS);
	assert_int_equal(put(w, "next"), 43);
}

/* kill -9 of a process that hands over: each that was told is there, in order. */
static void
test_killed_while_handing_over(void **state)
{
	struct world *w = *state;
	uint64_t told = 0, got;
	struct estate_outbox_counts c;
	int pipes[2], status;
	pid_t child;

	for (int round = 0; round < 10; round++) {
		assert_int_equal(pipe(pipes), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			if (open_box(w, (struct estate_outbox_options){ .group_flush = round % 2 == 1 }) != 0)
				_exit(1);
			for (;;)
				if (estate_outbox_put(w->box, "an event", 8, &got) != 0 || write(pipes[1], &got, sizeof(got)) != sizeof(got))
					_exit(1);
		}
		close(pipes[1]);
		for (int i = 0; i < 20 + 7 * round && read(pipes[0], &got, sizeof(got)) == sizeof(got); i++) {
			assert_int_equal(got > told, true);
			told = got;
		}
		kill(child, SIGKILL);
		while (read(pipes[0], &got, sizeof(got)) == sizeof(got))
			told = got;
		close(pipes[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
		estate_outbox_counts(w->box, &c);
		assert_true(c.entries[ESTATE_PENDING] == told || c.entries[ESTATE_PENDING] == told + 1);
		estate_outbox_close(w->box);
		w->box = NULL;
		told = c.entries[ESTATE_PENDING];
	}
}

/* ---- The way to the daemon ---- */

static struct estate *
connect_box(struct world *w, struct fake *f)
{
	struct estate_options o = { .endpoint = f->endpoint, .client = "test", .patience_ms = 300 };

	assert_int_equal(estate_outbox_connect(w->box, &o), 0);
	return (estate_outbox_handle(w->box));
}

static void
expect(struct world *w, struct fake *f, const char *verb)
{
	for (int i = 0; i < 400; i++) {
		if (fake_take(f, verb))
			return;
		assert_true(estate_outbox_pump(w->box, 5) >= 0);
	}
	fail_msg("no %s within two seconds", verb);
}

static void
greet(struct world *w, struct fake *f)
{
	expect(w, f, "hello");
	fake_welcome(f, "a", 1, 0, 4 << 20);
}

static void
pump_until(struct world *w, const unsigned *counter, unsigned value)
{
	for (int i = 0; i < 400 && *counter < value; i++)
		assert_true(estate_outbox_pump(w->box, 5) >= 0);
	assert_int_equal(*counter, value);
}

static void
test_sent_in_order_and_gone_with_the_ack(void **state)
{
	struct world *w = *state;
	struct fake *f = fake_start();
	struct estate_bytes events[8];

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "one");
	put(w, "two");
	connect_box(w, f);
	greet(w, f);
	expect(w, f, "puts");
	assert_int_equal(fake_events(f, events, 8), 2);
	assert_memory_equal(events[1].bytes, "two", 3);
	assert_int_equal(estate_outbox_drop(w->box, 2), ESTATE_AGAIN);
	expect_counts(w, 2, 0, 0);
	fake_ack(f, f->number, f->number + 1, 10, 2, false);
	pump_until(w, &w->sent, 2);
	assert_int_equal(w->sent_entry[1], 2);
	assert_int_equal(w->sent_seq[1], 11);
	expect_counts(w, 0, 0, 0);
	reopen(w);
	expect_counts(w, 0, 0, 0);
	fake_stop(f);
}

static void
test_a_restart_sends_the_unacked_again_unchanged(void **state)
{
	struct world *w = *state;
	struct fake *f = fake_start();
	struct estate_bytes events[8];

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "one");
	put(w, "two");
	connect_box(w, f);
	greet(w, f);
	expect(w, f, "puts");
	reopen(w);
	connect_box(w, f);
	while (!fake_take(f, NULL) || !(f->elements == 1 && f->body.p[0] >> 4 == 8))
		assert_true(estate_outbox_pump(w->box, 5) >= 0);		/* the goodbye, then the hello */
	fake_welcome(f, "a", 1, 0, 4 << 20);
	expect(w, f, "puts");
	assert_int_equal(fake_events(f, events, 8), 2);
	assert_memory_equal(events[0].bytes, "one", 3);
	fake_ack(f, f->number, f->number + 1, 10, 2, true);
	pump_until(w, &w->sent, 2);
	fake_stop(f);
}

static void
test_a_refused_one_steps_aside_and_the_rest_goes_on(void **state)
{
	struct world *w = *state;
	struct fake *f = fake_start();
	static char text[60000];
	struct estate_entry t;
	uint64_t again, next;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "one");
	put(w, "two");
	connect_box(w, f);
	greet(w, f);
	expect(w, f, "puts");
	fake_nak(f, f->number, E_FORBIDDEN, "forbidden", "never");
	fake_ack(f, f->number + 1, f->number + 1, 10, 1, false);
	w->now_ms += 1000;
	pump_until(w, &w->sent, 1);
	pump_until(w, &w->aside, 1);
	assert_int_equal(w->sent_entry[0], 2);
	assert_string_equal(w->last_aside.fault.name, "forbidden");
	expect_counts(w, 0, 1, 0);
	/* Why is remembered, also when the file is written anew. */
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 40; i++)
		assert_int_equal(estate_outbox_drop(w->box, put(w, text)), 0);
	len = slurp(w, &bytes);
	free(bytes);
	assert_true(len < (1500u << 10));
	reopen(w);
	assert_int_equal(estate_outbox_next(w->box, ESTATE_REJECTED, 0, &t), 1);
	assert_int_equal(t.fault.code, E_FORBIDDEN);
	assert_string_equal(t.fault.path, "data.amount");
	assert_int_equal(t.put_ms, START_MS);
	assert_int_equal(t.moved_ms, START_MS + 1000);
	/* The cause was mended: to the end of the queue, the same bytes. */
	next = put(w, "three");
	assert_int_equal(estate_outbox_replay(w->box, next, NULL), ESTATE_INVALID);
	assert_int_equal(estate_outbox_replay(w->box, 1, &again), 0);
	assert_int_equal(again, next + 1);
	reopen(w);
	expect_counts(w, 2, 0, 0);
	expect_bytes(w, again, "one");
	assert_int_equal(estate_outbox_replay(w->box, 1, NULL), E_NOT_FOUND);
	fake_stop(f);
}

/* A daemon that comes back after the horizon: what waited is not sent, also if it was sent once before. */
/* A kiosk whose clock stood at 1970: set right, it sends what it was handed over before. */
static void
test_an_unset_clock_makes_nothing_old(void **state)
{
	struct world *w = *state;
	struct fake *f = fake_start();
	struct estate_bytes events[8];

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	w->now_ms = 60000;
	put(w, "fire");
	w->now_ms = START_MS;
	connect_box(w, f);
	greet(w, f);
	expect(w, f, "puts");
	assert_int_equal(fake_events(f, events, 8), 1);
	assert_memory_equal(events[0].bytes, "fire", 4);
	assert_int_equal(w->aside, 0);
	fake_stop(f);
}

static void
test_too_old_goes_to_review(void **state)
{
	struct world *w = *state;
	struct fake *f = fake_start();
	struct estate_bytes events[8];
	struct estate_entry t;

	assert_int_equal(open_box(w, (struct estate_outbox_options){ 0 }), 0);
	put(w, "one");
	connect_box(w, f);
	greet(w, f);
	expect(w, f, "puts");
	w->now_ms += 100 * DAY_MS;
	put(w, "two");
	fake_die(f);
	for (int i = 0; i < 400 && estate_state(estate_outbox_handle(w->box)) == ESTATE_LIVE; i++)
		estate_outbox_pump(w->box, 5);
	w->now_ms += 271 * DAY_MS;
	fake_bind(f);
	greet(w, f);
	expect(w, f, "puts");
	assert_int_equal(fake_events(f, events, 8), 1);
	assert_memory_equal(events[0].bytes, "two", 3);
	assert_int_equal(w->aside, 1);
	assert_int_equal(w->last_aside.box, ESTATE_REVIEW);
	assert_string_equal(w->last_aside.fault.name, "too-old");
	expect_counts(w, 1, 0, 1);
	reopen(w);
	assert_int_equal(estate_outbox_next(w->box, ESTATE_REVIEW, 0, &t), 1);
	assert_string_equal(t.fault.name, "too-old");
	/* Somebody looked, and it is not in the log: its age counts anew. */
	assert_int_equal(estate_outbox_replay(w->box, t.number, NULL), 0);
	expect_counts(w, 2, 0, 0);
	fake_stop(f);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_put_is_there_after_a_restart),
		TEST(test_bounds_are_errors_and_nothing_is_kept),
		TEST(test_one_process_at_a_time_but_anybody_may_look),
		TEST(test_cut_at_every_byte),
		TEST(test_every_byte_flipped),
		TEST(test_salvage_with_any_byte_flipped),
		TEST(test_zeros_ahead_are_no_frame),
		TEST(test_a_newer_format_is_refused),
		TEST(test_the_file_is_written_anew),
		TEST(test_killed_while_handing_over),
		TEST(test_sent_in_order_and_gone_with_the_ack),
		TEST(test_a_restart_sends_the_unacked_again_unchanged),
		TEST(test_a_refused_one_steps_aside_and_the_rest_goes_on),
		TEST(test_too_old_goes_to_review),
		TEST(test_an_unset_clock_makes_nothing_old),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
