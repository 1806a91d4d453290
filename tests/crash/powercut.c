/*
 * powercut: cuts the power at many moments of a recorded run, and proves that the store comes back each time.
 *
 *   powercut --trace FILE --truth FOLDER --work FOLDER [--base FOLDER] [--acked FILE] [--states N] [--seed S] [--keep FOLDER --keep-acked FILE]
 *
 * --truth: the store as the recorded run left it after a clean stop.  --base: the store as the run found it; none: it began the log.
 * --acked: numbers acknowledged before the run, one a line.  --keep: leave the outcome of the last cut there, unrecovered, with what
 * was acknowledged before it, for a recovery that is recorded and cut in its turn.
 *
 * After every cut: the store opens; every event acknowledged before the cut is there with its number and its bytes; whatever else is
 * there is what the run wrote under that number; estate verify finds the store sound, so nothing is there twice and no number is
 * missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../daemon/store.h"
#include "../../daemon/verify.h"
#include "disk.h"
#include "mp.h"
#include "trace.h"

#define EVENTS_MAX	200000u

static struct {
	const char *trace, *truth, *work, *base, *acked_before, *keep, *keep_acked;
	unsigned states;
	uint64_t seed;
} options = { .states = 200, .seed = 1 };

static uint8_t acked[EVENTS_MAX];	/* by number */
static struct {
	uint8_t *bytes;
	uint32_t len;
} truth[EVENTS_MAX];
static uint64_t truth_last;

static void die(const char *what) __attribute__((noreturn));

static void
die(const char *what)
{
	fprintf(stderr, "powercut: %s\n", what);
	exit(2);
}

static struct store *
open_store(const char *folder, char *why, size_t why_len)
{
	struct store_options o = { folder, 4u << 20, 4, 1u << 20 };

	return (store_open(&o, NULL, why, why_len));
}

/* Every event of an opened store, in the journal or in the months. */
static bool
each_event(struct store *s, bool (*visit)(uint64_t, const struct record *))
{
	struct store_reader *r = store_reader_new(s);
	struct batch *b;
	struct block block;
	struct record rec;
	uint64_t seq = store_first_seq(s), at;
	char why[512];
	bool ok = true;

	while (ok && seq <= s->applied) {
		if (store_read_block(r, seq, &block, why, sizeof(why)) != 0) {
			fprintf(stderr, "%s\n", why);
			ok = false;
			break;
		}
		while (ok && block_next(&block, &rec, &at))
			ok = visit(at, &rec);
		seq = block.first_seq + block.count;
	}
	STAILQ_FOREACH(b, &s->unapplied, recent_link) {
		block_open_trusted(&block, b->block, b->block_len);
		while (ok && block_next(&block, &rec, &at))
			ok = visit(at, &rec);
	}
	store_reader_free(r);
	return (ok);
}

static bool
learn(uint64_t seq, const struct record *r)
{
	if (seq >= EVENTS_MAX)
		die("more events than this test can hold");
	truth[seq].bytes = malloc(r->len);
	truth[seq].len = r->len;
	memcpy(truth[seq].bytes, r->bytes, r->len);
	truth_last = seq;
	return (true);
}

static uint64_t seen_last;

static bool
compare(uint64_t seq, const struct record *r)
{
	if (seq > truth_last || truth[seq].len != r->len || memcmp(truth[seq].bytes, r->bytes, r->len) != 0) {
		fprintf(stderr, "event %" PRIu64 " is not what the run wrote under that number\n", seq);
		return (false);
	}
	seen_last = seq;
	return (true);
}

/* In a child: exit status 0 if the store is as it must be. */
static int
examine(const char *folder)
{
	struct verdict v;
	struct store *s;
	char why[1024];

	if ((s = open_store(folder, why, sizeof(why))) == NULL) {
		fprintf(stderr, "the store does not open: %s\n", why);
		return (1);
	}
	if (!each_event(s, compare))
		return (1);
	for (uint64_t seq = 1; seq < EVENTS_MAX; seq++)
		if (acked[seq] && seq > seen_last) {
			fprintf(stderr, "event %" PRIu64 " was acknowledged and is lost; the log ends with %" PRIu64 "\n", seq, seen_last);
			return (1);
		}
	store_close(s);
	if (verify_store(folder, NULL, &v) != 0 || !v.sound || v.last != seen_last) {
		fprintf(stderr, "verify: %s (last %" PRIu64 ", read %" PRIu64 ")\n", v.problem, v.last, seen_last);
		return (1);
	}
	return (0);
}

/* The numbers that an ack names. */
static void
note_ack(const void *payload, uint32_t len)
{
	struct mp m = mp_over(payload, len);
	uint32_t n, runs;
	uint64_t seq, count;

	if (!mp_array(&m, &n) || !mp_skip(&m) || !mp_skip(&m) || !mp_skip(&m) || !mp_skip(&m) || !mp_array(&m, &runs))
		die("an ack that cannot be read");
	for (; runs > 0; runs--) {
		if (!mp_array(&m, &n) || !mp_uint(&m, &seq) || !mp_uint(&m, &count) || !mp_skip(&m))
			die("an ack that cannot be read");
		for (; count > 0; count--, seq++)
			if (seq < EVENTS_MAX)
				acked[seq] = 1;
	}
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	return (f->level == 0 ? 0 : remove(path));
}

static void
empty_folder(const char *folder)
{
	if (folder == NULL)
		die("a folder is missing");
	mkdir(folder, 0700);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool
cut_and_examine(const struct disk *d, const struct trace_record *next, const void *payload, uint64_t *random, uint64_t at)
{
	uint64_t before = *random;
	int status;
	pid_t pid;

	empty_folder(options.work);
	disk_cut(d, next, payload, random, options.work);
	fflush(NULL);
	if ((pid = fork()) == 0)
		_exit(examine(options.work));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("cannot fork");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return (true);
	fprintf(stderr, "cut after operation %" PRIu64 ", outcome drawn from %#" PRIx64 "%s: see above\n", at, before,
	    WIFSIGNALED(status) ? ", crashed" : "");
	return (false);
}

static void
write_acked(const char *file)
{
	FILE *f = fopen(file, "we");

	if (f == NULL)
		die("cannot write --keep-acked");
	for (uint64_t seq = 1; seq < EVENTS_MAX; seq++)
		if (acked[seq])
			fprintf(f, "%" PRIu64 "\n", seq);
	fclose(f);
}

static void
read_acked(const char *file)
{
	FILE *f = fopen(file, "re");
	uint64_t seq;

	if (f == NULL)
		die("cannot read --acked");
	while (fscanf(f, "%" SCNu64, &seq) == 1)
		if (seq < EVENTS_MAX)
			acked[seq] = 1;
	fclose(f);
}

static void
learn_truth(void)
{
	char why[1024];
	struct store *s = open_store(options.truth, why, sizeof(why));

	if (s == NULL || !each_event(s, learn)) {
		fprintf(stderr, "powercut: the truth: %s\n", why);
		exit(2);
	}
	store_close(s);
}

/* The operations one after another, as many states as asked spread evenly over the moments at which something can be lost. */
static int
replay(const uint8_t *p, const uint8_t *end)
{
	struct disk *d = disk_new();
	uint64_t random = options.seed, total = 0, at = 0, done = 0, acks = 0;

	if (options.base != NULL)
		disk_load(d, options.base);
	for (const uint8_t *q = p; q < end; q += sizeof(struct trace_record) + ((const struct trace_record *)q)->len)
		total++;
	for (; p < end; at++) {
		struct trace_record r;
		const uint8_t *payload = p + sizeof(r);

		memcpy(&r, p, sizeof(r));
		p = payload + r.len;
		/* Cuts before this operation, with it under way if it is a write. */
		while (done < options.states * (at + 1) / total) {
			if (!cut_and_examine(d, r.op == TRACE_WRITE ? &r : NULL, payload, &random, at))
				return (1);
			done++;
		}
		if (r.op == TRACE_ACK) {
			note_ack(payload, r.len);
			acks++;
		} else
			disk_step(d, &r, payload);
	}
	if (options.keep != NULL) {
		empty_folder(options.keep);
		disk_cut(d, NULL, NULL, &random, options.keep);
		write_acked(options.keep_acked);
	}
	printf("%" PRIu64 " power cuts in %" PRIu64 " operations with %" PRIu64 " acks: every acknowledged event there, nothing twice, every "
	    "store sound\n", done, total, acks);
	return (0);
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "trace", 1, NULL, 't' }, { "truth", 1, NULL, 'T' }, { "work", 1, NULL, 'w' }, { "base", 1, NULL, 'b' },
		{ "acked", 1, NULL, 'a' }, { "states", 1, NULL, 'n' }, { "seed", 1, NULL, 's' }, { "keep", 1, NULL, 'k' },
		{ "keep-acked", 1, NULL, 'K' }, { NULL, 0, NULL, 0 },
	};
	const char *trace;
	struct stat st;
	void *map;
	int opt, fd;

	setenv("TZ", "Asia/Shanghai", 1);
	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (opt) {
		case 't': options.trace = optarg; break;
		case 'T': options.truth = optarg; break;
		case 'w': options.work = optarg; break;
		case 'b': options.base = optarg; break;
		case 'a': options.acked_before = optarg; break;
		case 'n': options.states = (unsigned)atoi(optarg); break;
		case 's': options.seed = strtoull(optarg, NULL, 0); break;
		case 'k': options.keep = optarg; break;
		case 'K': options.keep_acked = optarg; break;
		default: return (2);
		}
	trace = options.trace;
	if (trace == NULL || options.truth == NULL || options.work == NULL)
		die("--trace, --truth and --work are needed");
	learn_truth();
	if (options.acked_before != NULL)
		read_acked(options.acked_before);
	if ((fd = open(trace, O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &st) != 0 ||
	    (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		die("cannot read --trace");
	return (replay(map, (const uint8_t *)map + st.st_size));
}
