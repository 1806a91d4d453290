#include "rehearse_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "errcode.h"
#include "files.h"
#include "json.h"

#define OUT_BYTES	(64u << 10)

static void __attribute__((format(printf, 2, 3)))
complain(struct run *r, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%" PRIu64 ": ", r->name, r->in.number);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	r->refused++;
}

void
rehearse_flush(struct run *r)
{
	if (r->out.len > 0 && !r->failed && (fwrite(r->out.data, 1, r->out.len, stdout) != r->out.len || fflush(stdout) != 0)) {
		/* Whoever closed the pipe has enough. */
		if (errno != EPIPE)
			fprintf(stderr, "estate-%s: cannot write: %s\n", r->kind->name, strerror(errno));
		r->failed = true;
	}
	buffer_clear(&r->out);
}

/* ---- What the engine finds out ---- */

static uint64_t
hex16(const char *s)
{
	char text[17];

	memcpy(text, s, 16);
	text[16] = '\0';
	return (strtoull(text, NULL, 16));
}

static void
on_derived(void *end, const struct derived *d)
{
	struct run *r = end;
	struct mp m = mp_over(d->bytes, d->len);
	/* The hash within the id, told apart by the cause's number. */
	uint64_t key[2] = { hex16(d->id + 16) ^ hex16(d->id) * 0x9e3779b97f4a7c15ull, hex16(d->id + 32) };

	if (!seen_add(&r->ids, key)) {
		fprintf(stderr, "estate-%s: event %s is concluded a second time; a log keeps the first: tell the two apart by step or occurrence\n",
		    r->kind->name, d->id);
		r->twice++;
		return;
	}
	if (rehearse_is_whole(r))
		rehearse_derived(r, d);
	if (r->log == stdout)
		return;			/* it stands in the log */
	json_write(&r->out, &m);
	buffer_add(&r->out, "\n", 1);
	if (r->out.len > OUT_BYTES)
		rehearse_flush(r);
}

static void
on_own(void *end, const struct stored *v, const struct event *e)
{
	(void)end;
	(void)v;
	(void)e;
}

/* Parked events are kept in the scratch state, where a rebuild would compare. */
static void
on_parked(void *end, const struct stored *v)
{
	struct run *r = end;
	uint8_t key[8], head[16];

	put_be64(key, v->seq);
	put_le64(head, v->flags);
	put_le64(head + 8, (uint64_t)v->log_time);
	buffer_clear(&r->kept);
	buffer_add(&r->kept, head, sizeof(head));
	buffer_add(&r->kept, v->bytes, v->len);
	state_put(r->state, DB_COMPARE, key, sizeof(key), r->kept.data, r->kept.len);
}

static bool
on_fetch(void *end, uint64_t seq, struct stored *v, bool *interrupted)
{
	struct run *r = end;
	uint8_t key[8];
	MDB_val found;

	*interrupted = false;
	put_be64(key, seq);
	if (!state_get(r->state, DB_COMPARE, key, sizeof(key), &found) || found.mv_size < 16)
		return (false);
	/* Copied: what follows writes. */
	buffer_clear(&r->kept);
	buffer_add(&r->kept, found.mv_data, found.mv_size);
	v->seq = seq;
	v->flags = get_le64((const uint8_t *)r->kept.data);
	v->log_time = (int64_t)get_le64((const uint8_t *)r->kept.data + 8);
	v->sender = (struct text){ "", 0 };
	v->bytes = r->kept.data + 16;
	v->len = r->kept.len - 16;
	return (true);
}

/* ---- Input ---- */

bool
rehearse_feed(struct run *r, const struct stored *v)
{
	r->last_seq = v->seq;
	r->now = v->log_time;
	engine_event(&r->worker, v);
	if (++r->in_batch >= r->o->batch) {
		r->in_batch = 0;
		if (state_commit(r->state) != 0)
			return (false);
		state_begin(r->state);
	}
	return (!r->failed);
}

/* An event of the input, in its order.  False: stop. */
static bool
feed(struct run *r, const struct stored *v)
{
	return (rehearse_is_whole(r) ? rehearse_arrived(r, v) : rehearse_feed(r, v));
}

static bool
take_numbered(struct run *r)
{
	const struct jsonl *j = &r->line;
	struct stored v = { j->seq, j->log_time, j->flags, j->sender, j->bytes, j->len };

	if (r->input_seq > 0 && (v.seq <= r->input_seq || v.log_time < r->last_time)) {
		complain(r, "event %" PRIu64 " is not behind event %" PRIu64 " in number and log time: not the order of one log", v.seq, r->input_seq);
		return (true);
	}
	r->input_seq = v.seq;
	r->last_time = v.log_time;
	return (feed(r, &v));
}

/* Keep it until all are read: they are taken in the order of their times. */
static void
take_unnumbered(struct run *r)
{
	const struct jsonl *j = &r->line;
	struct data_fault f;
	struct event e;
	uint64_t key[2];
	int code;

	if ((code = event_decode(&e, j->bytes, j->len, &f)) != 0) {
		complain(r, "%s: %s: %s", errcode_name(code), f.path, f.detail);
		return;
	}
	event_key(&e, 0, (uint8_t *)key);
	if (!seen_add(&r->inputs, key))
		return;
	if (r->count == r->room) {
		r->room = r->room == 0 ? 4096 : 2 * r->room;
		r->waiting = alloc_or_exit(r->waiting, r->room * sizeof(*r->waiting));
	}
	if (e.has_time || r->count == 0)
		r->last_time = e.has_time ? e.time_ns : 0;
	r->waiting[r->count++] = (struct waiting){ r->last_time, r->arena.len, e.len };
	buffer_add(&r->arena, j->bytes, j->len);
}

static bool
blank(const char *s, size_t len)
{
	while (len > 0 && (*s == ' ' || *s == '\t' || *s == '\r')) {
		s++;
		len--;
	}
	return (len == 0);
}

static bool
take_line(struct run *r, const char *line, size_t len)
{
	if (r->in.number == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	if (blank(line, len))
		return (true);
	if (!jsonl_pack(&r->line, line, len)) {
		complain(r, "column %zu: %s", r->line.where + 1, r->line.why);
		return (true);
	}
	if (r->input_seq == 0 && r->count == 0)
		r->numbered = r->line.numbered;
	if (r->numbered != r->line.numbered) {
		complain(r, r->numbered ? "no seq, logtime, sender and flags, unlike the lines before" :
		    "seq, logtime, sender and flags, unlike the lines before");
		return (true);
	}
	if (r->numbered)
		return (take_numbered(r));
	take_unnumbered(r);
	return (true);
}

static int
earlier(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->when != y->when)
		return (x->when < y->when ? -1 : 1);
	return (x->at < y->at ? -1 : x->at > y->at);
}

static void
take_waiting(struct run *r)
{
	struct stored v = { .sender = { "", 0 } };

	if (r->count == 0)
		return;
	qsort(r->waiting, r->count, sizeof(*r->waiting), earlier);
	for (size_t i = 0; i < r->count; i++) {
		v.seq = i + 1;
		v.log_time = r->waiting[i].when;
		v.bytes = r->arena.data + r->waiting[i].at;
		v.len = r->waiting[i].len;
		if (!feed(r, &v))
			return;
	}
}

static int
read_input(struct run *r, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	const char *line;
	size_t len;

	lines_init(&r->in, fd);
	for (bool on = true; on;)
		switch (lines_next(&r->in, &line, &len)) {
		case LINES_ONE:
			on = take_line(r, line, len);
			break;
		case LINES_WAIT:
			poll(&p, 1, -1);
			if (lines_fill(&r->in) != 0) {
				fprintf(stderr, "estate-%s: %s: %s\n", r->kind->name, r->name, strerror(errno));
				return (3);
			}
			break;
		case LINES_LONG:
			complain(r, "longer than any event");
			break;
		case LINES_END:
			on = false;
		}
	take_waiting(r);
	return (0);
}

/* ---- The whole ---- */

/*
 * The scratch state is a sparse file in memory's view (see state_open.c): where the disk is full, the kernel says so by a signal, at whichever byte.
 * Nothing is worth keeping then but the sentence, and only that can be done here.
 */
static void
no_room(int sig)
{
	static const char text[] = "no room is left for the scratch state of this rehearsal; name a folder on another disk with TMPDIR\n";

	ssize_t said = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)said;
	_exit(3);
}

/* A folder that is gone before anything is in it: nothing is left behind, however this ends. */
static int
open_scratch(struct run *r, char *why, size_t size)
{
	const char *place = getenv("TMPDIR");
	char folder[512], data[560];
	struct state_options o = { .folder = folder, .worker = r->kind->name, .version = r->kind->version, .tables = r->kind->tables,
	    .scratch = true };

	snprintf(folder, sizeof(folder), "%s/estate-rehearse-XXXXXX", place != NULL && *place != '\0' ? place : "/tmp");
	if (mkdtemp(folder) == NULL) {
		snprintf(why, size, "%s: %s; name a folder with TMPDIR", folder, strerror(errno));
		return (-1);
	}
	sigaction(SIGBUS, &(struct sigaction){ .sa_handler = no_room }, NULL);
	if (state_open(&r->state, &o, why, size) == STATE_REFUSED)
		r->state = NULL;
	unlink(path_join(data, sizeof(data), folder, "data.mdb"));
	rmdir(folder);
	return (r->state != NULL ? 0 : -1);
}

static int
open_all(struct run *r, int *fd)
{
	struct engine_ends ends = { r, on_derived, on_own, on_fetch, on_parked, NULL };
	char why[1024];

	*fd = STDIN_FILENO;
	if (strcmp(r->o->path, "-") != 0 && (*fd = open(r->o->path, O_RDONLY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "estate-%s: %s: %s\n", r->kind->name, r->o->path, strerror(errno));
		return (3);
	}
	if (open_scratch(r, why, sizeof(why)) != 0) {
		fprintf(stderr, "estate-%s: %s\n", r->kind->name, why);
		return (3);
	}
	if (engine_open(&r->worker, r->kind, r->state, &ends, &(struct engine_options){ .fixed_config = r->o->config != NULL }) != 0)
		return (3);
	if (r->o->config != NULL && config_fix(&r->worker, r->o->config, why, sizeof(why)) != 0) {
		fprintf(stderr, "estate-%s: %s\n", r->kind->name, why);
		return (3);
	}
	return (0);
}

static int
finish(struct run *r)
{
	bool answered;

	if (r->o->has_until && rehearse_is_whole(r))
		rehearse_until(r, r->o->until < INT64_MAX ? r->o->until + 1 : INT64_MAX);
	if (r->o->has_until)
		engine_progress(&r->worker, r->last_seq, r->o->until);
	if (state_commit(r->state) != 0) {
		fprintf(stderr, "estate-%s: the scratch state failed: %s\n", r->kind->name, state_why(r->state));
		return (3);
	}
	answered = rehearse_ask(r);
	rehearse_flush(r);
	rehearse_log_flush(r);
	fprintf(stderr, "estate-%s: %" PRIu64 " events, %" PRIu64 " timers fired, %" PRIu64 " derived, %" PRIu64 " parked, %" PRIu64 " refused\n",
	    r->kind->name, r->worker.events, r->worker.fired, r->worker.emitted, r->worker.parked, r->refused);
	if (r->respond != NULL)
		fprintf(stderr, "estate-%s: of these events %" PRIu64 " were answers\n", r->kind->name, respond_count(r->respond));
	return (r->refused + r->twice > 0 || r->failed || !answered ? 1 : 0);
}

int
rehearse(const struct worker_kind *kind, const struct rehearsal *o)
{
	struct run r = { .kind = kind, .o = o, .name = strcmp(o->path, "-") == 0 ? "standard input" : o->path };
	int fd = -1, status;

	if ((status = rehearse_open_loop(&r)) == 0 && (status = open_all(&r, &fd)) == 0) {
		state_begin(r.state);
		if ((status = read_input(&r, fd)) == 0)
			status = finish(&r);
		engine_close(&r.worker);
	}
	state_close(r.state);
	if (fd > STDIN_FILENO)
		close(fd);
	lines_free(&r.in);
	jsonl_free(&r.line);
	seen_free(&r.ids);
	seen_free(&r.inputs);
	buffer_free(&r.out);
	buffer_free(&r.kept);
	buffer_free(&r.arena);
	buffer_free(&r.log_out);
	respond_free(r.respond);
	if (r.log != NULL && r.log != stdout)
		fclose(r.log);
	free(r.waiting);
	return (status);
}
