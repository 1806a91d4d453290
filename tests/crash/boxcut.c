/*
 * boxcut: power cuts for the outbox of libestate, as powercut.c makes them for the daemon's store.
 *
 *	boxcut record FOLDER			under interpose.so, whose root FOLDER is: hands events over, drops most of them
 *	boxcut prove TRACE WORK STATES SEED	cuts the power at so many moments of that
 *
 * The recorded run tells what it was promised in a file of its own, FOLDER/promised, a record each; so promises stand in the trace in
 * their place among the writes.  After every cut the outbox opens; what was handed over and is not being dropped is there, byte by byte; what
 * was dropped is gone; nothing else is there but what was being handed over; and the next number is a new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bounds.h"
#include "disk.h"
#include "estate_outbox.h"
#include "trace.h"

#define ENTRIES		900u
/* One hand-over in so many is of several events with one flush. */
#define GROUP_EVERY	7u
#define GROUP		5u
/* Where names change there are cuts before each of so many operations, so many outcomes each: a file written anew is rare. */
#define NAME_OPERATIONS	12u
#define NAME_CUTS	5u

enum promise_kind { HANDED_OVER, DROP_BEGUN, DROPPED };

struct promise {
	uint64_t kind, number;
};

static void die(const char *what) __attribute__((noreturn));

static void
die(const char *what)
{
	fprintf(stderr, "boxcut: %s\n", what);
	exit(2);
}

/* The event of that number: any length, no byte of it by chance. */
static size_t
event_of(uint64_t number, uint8_t *bytes)
{
	uint64_t state = number * 7919;
	size_t len = 200 + draw(&state) % 9000;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)draw(&state);
	return (len);
}

/* ---- The recorded run ---- */

static int promised_fd;

static void
promise(enum promise_kind kind, uint64_t number)
{
	struct promise p = { kind, number };

	if (write(promised_fd, &p, sizeof(p)) != (ssize_t)sizeof(p))
		die("the promise cannot be noted");
}

static void
drop(struct estate_outbox *box, uint64_t number)
{
	promise(DROP_BEGUN, number);
	if (estate_outbox_drop(box, number) != 0)
		die("a drop failed");
	promise(DROPPED, number);
}

static uint64_t
hand_over(struct estate_outbox *box, uint64_t number)
{
	static uint8_t bytes[GROUP][EVENT_BYTES_MAX];
	struct estate_bytes events[GROUP];
	size_t count = number % GROUP_EVERY == 0 ? GROUP : 1;
	uint64_t first;

	for (size_t i = 0; i < count; i++)
		events[i] = (struct estate_bytes){ bytes[i], event_of(number + i, bytes[i]) };
	if (estate_outbox_put_all(box, events, count, &first) != 0 || first != number)
		die("a hand-over failed");
	for (size_t i = 0; i < count; i++)
		promise(HANDED_OVER, number + i);
	return (number + count);
}

/* Four of five are dropped a while later, so that the file is written anew on the way; and it is closed and opened. */
static int
record(const char *folder)
{
	struct estate_outbox *box = NULL;
	char path[4096], why[ESTATE_OUTBOX_WHY];

	snprintf(path, sizeof(path), "%s/promised", folder);
	if ((promised_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0)
		die("no place for promises");
	snprintf(path, sizeof(path), "%s/box", folder);
	for (uint64_t number = 1, dropped = 1; number <= ENTRIES;) {
		if (box == NULL && estate_outbox_open(path, NULL, &box, why) != 0)
			die(why);
		number = hand_over(box, number);
		for (; dropped + 20 < number; dropped++)
			if (dropped % 5 != 0)
				drop(box, dropped);
		if (number % 100 == 0) {
			estate_outbox_close(box);
			box = NULL;
		}
	}
	estate_outbox_close(box);
	return (0);
}

/* ---- The proof ---- */

static uint8_t handed_over[ENTRIES + GROUP + 2], drop_begun[ENTRIES + GROUP + 2], dropped[ENTRIES + GROUP + 2];
static uint64_t last_promised;

static int
wrong(const char *what, uint64_t number)
{
	fprintf(stderr, "entry %" PRIu64 " %s\n", number, what);
	return (1);
}

/* In a child: exit status 0 if the outbox is as it must be. */
static int
examine(const char *work)
{
	static uint8_t bytes[EVENT_BYTES_MAX], expect[EVENT_BYTES_MAX];
	struct estate_outbox *box;
	struct estate_entry t;
	char path[4096], why[ESTATE_OUTBOX_WHY];
	uint64_t number;

	snprintf(path, sizeof(path), "%s/box", work);
	if (estate_outbox_open(path, NULL, &box, why) != 0) {
		fprintf(stderr, "the outbox does not open: %s\n", why);
		return (1);
	}
	for (uint64_t n = 1; n <= ENTRIES + GROUP + 1; n++) {
		int error = estate_outbox_get(box, n, &t, bytes);

		if (error < 0)
			return (wrong("cannot be read", n));
		if (error > 0 && handed_over[n] && !drop_begun[n])
			return (wrong("was handed over and is lost", n));
		if (error == 0 && dropped[n])
			return (wrong("was dropped and is there", n));
		if (error == 0 && (t.len != event_of(n, expect) || memcmp(bytes, expect, t.len) != 0))
			return (wrong("is not what was handed over", n));
	}
	if (estate_outbox_put(box, "x", 1, &number) != 0 || number <= last_promised)
		return (wrong("was given twice", number));
	estate_outbox_close(box);
	return (0);
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	return (f->level == 0 ? 0 : remove(path));
}

static bool
cut_and_examine(const struct disk *d, const struct trace_record *next, const void *payload, uint64_t *random, uint64_t at, const char *work)
{
	uint64_t before = *random;
	int status;
	pid_t pid;

	mkdir(work, 0700);
	nftw(work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	disk_cut(d, next, payload, random, work);
	fflush(NULL);
	if ((pid = fork()) == 0)
		_exit(examine(work));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("cannot fork");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return (true);
	fprintf(stderr, "cut after operation %" PRIu64 ", outcome drawn from %#" PRIx64 "%s: see above\n", at, before,
	    WIFSIGNALED(status) ? ", crashed" : "");
	return (false);
}

static void
note_promise(const void *payload, uint32_t len)
{
	struct promise p;

	if (len != sizeof(p))
		die("a promise that cannot be read");
	memcpy(&p, payload, sizeof(p));
	if (p.number > ENTRIES + GROUP)
		die("a promise beyond the run");
	if (p.kind == HANDED_OVER)
		handed_over[last_promised = p.number] = 1;
	else
		(p.kind == DROPPED ? dropped : drop_begun)[p.number] = 1;
}

static int
prove(const uint8_t *p, const uint8_t *end, const char *work, uint64_t states, uint64_t random)
{
	struct disk *d = disk_new();
	uint64_t total = 0, at = 0, done = 0, extra = 0, rewrites = 0;
	uint32_t promises = 0;			/* number of their file */
	unsigned near = 0;
	struct trace_record r;

	for (const uint8_t *q = p; q < end; q += sizeof(r) + r.len, total++)
		memcpy(&r, q, sizeof(r));
	for (; p < end; at++) {
		const uint8_t *payload = p + sizeof(r);

		memcpy(&r, p, sizeof(r));
		p = payload + r.len;
		if ((r.op == TRACE_CREATE || r.op == TRACE_OPEN) && strcmp((const char *)payload, "promised") == 0) {
			promises = r.file;
			continue;
		}
		if (r.op == TRACE_WRITE && r.file == promises) {
			note_promise(payload, r.len);
			continue;
		}
		rewrites += r.op == TRACE_RENAME;
		near = r.op == TRACE_CREATE ? NAME_OPERATIONS : near > 0 ? near - 1 : 0;
		extra += near > 0 ? NAME_CUTS : 0;
		for (; done < states * (at + 1) / total + extra; done++)
			if (!cut_and_examine(d, r.op == TRACE_WRITE ? &r : NULL, payload, &random, at, work))
				return (1);
		disk_step(d, &r, payload);
	}
	if (!cut_and_examine(d, NULL, NULL, &random, at, work))
		return (1);
	printf("%" PRIu64 " power cuts in %" PRIu64 " operations, %" PRIu64 " files put in place: %" PRIu64 " entries handed over, none lost\n", done + 1,
	    total, rewrites, last_promised);
	return (0);
}

int
main(int argc, char **argv)
{
	struct stat st;
	void *map;
	int fd;

	if (argc == 3 && strcmp(argv[1], "record") == 0)
		return (record(argv[2]));
	if (argc != 6 || strcmp(argv[1], "prove") != 0)
		die("record FOLDER, or prove TRACE WORK STATES SEED");
	if ((fd = open(argv[2], O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &st) != 0 ||
	    (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		die("cannot read the trace");
	return (prove(map, (const uint8_t *)map + st.st_size, argv[3], strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10)));
}
