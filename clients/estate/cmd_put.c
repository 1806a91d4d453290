/* estate put: events from JSON Lines into the log. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <msgpack.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "errcode.h"
#include "json.h"
#include "bounds.h"
#include "language.h"
#include "lines.h"
#include "paint.h"
#include "parcel.h"
#include "reach.h"

#define PROGRESS_MS	250

/* How long, after it was told to stop, acks wait for somebody to read them. */
#define LAST_ACKS_MS	1000

/* What a message holds besides the events: up to five bytes for each, and its head. */
#define BATCH_ROOM	(5 * PUT_EVENTS_MAX + 64)

static const char help[] =
"Usage: estate put [OPTION...] [FILE|-]\n"
"Store events. Each line of FILE (default: standard input) is one CloudEvent in JSON; for each one stored a line of\n"
"JSON comes out: {\"line\":1,\"id\":\"a1\",\"seq\":4711,\"duplicate\":false}. What comes out survives a power cut.\n"
"What is refused is named on standard error with line, reason and remedy, and the others go on.\n"
"\n"
"      --batch N            store N lines together or not at all (1 to 4096, default 1); when one of them is refused\n"
"                           the rest of its batch is sent again without it, behind the batches already under way:\n"
"                           it may be stored after lines that follow it (--window 1 keeps the order)\n"
"      --window N           batches that may be on their way (default 256)\n"
"      --rate N             at most N events a second\n"
"      --skip N             begin behind line N\n"
COMMON_HELP
"\n"
"Putting the same file again is safe at any time: what is stored already comes out with its old number and\n"
"\"duplicate\":true. The members seq, logtime, sender and flags that estate tail --json adds are left out again.\n"
"\n"
"Examples\n"
"  echo '{\"specversion\":\"1.0\",\"id\":\"a1\",\"source\":\"/k\",\"type\":\"probe.recorded\",\"data\":{\"n\":7}}' | estate put\n"
"  estate generate --households 1000 --from 2026-11-01 --days 7 --seed 1 | estate put > acks.jsonl\n"
"  estate put --rate 5 day.jsonl > acks.jsonl      a demonstration at visible speed\n"
"  estate put --batch 100 bills.jsonl 2> refused.txt\n"
"Exit status: 0 all stored, 1 some refused or interrupted, 2 wrong usage,\n"
"3 daemon not reached, or acks not written\n";

struct put {
	struct common common;
	struct estate *e;
	struct lines in;
	const char *name;			/* of the file */
	uint64_t batch, window, rate, skip;
	struct parcels parcels;
	struct parcel *next;			/* being filled … */
	bool ready;				/* … or full, and not handed over yet */
	msgpack_sbuffer packed;			/* one event */
	struct buffer out;
	uint64_t stored, duplicates, refused, handed;
	int64_t began_ms, shown_ms, away_ms;	/* away since, or -1 */
	bool progress;
	bool input_done;
	bool mute;				/* acks could not be written: no more of them */
};

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* ---- What comes back ---- */

/*
 * All of it to standard output, or an errno: EINTR when it is told to stop and nobody reads.  Where there is room at all a pipe takes
 * PIPE_BUF bytes, so that only poll() waits here, and a stop that comes at any moment ends it.
 */
static int
write_out(const char *bytes, size_t len)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	bool stopping;
	ssize_t n;
	int ready;

	while (len > 0) {
		stopping = reach_stop;
		if ((ready = poll(&out, 1, stopping ? LAST_ACKS_MS : PROGRESS_MS)) == 0 && stopping)
			return (EINTR);
		if (ready <= 0)
			continue;
		n = write(STDOUT_FILENO, bytes, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return (errno);
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return (0);
}

static void
out_flush(struct put *p)
{
	int e;

	if (!p->mute && (e = write_out(p->out.data, p->out.len)) != 0) {
		/* The events are what counts, so they go on; whoever closed a pipe has enough, and the exit status says it. */
		if (e != EPIPE)
			fprintf(stderr, phrase("%sestate put: events were stored, but their acks could not be written: %s; put the same lines "
			    "again to get them\n"), p->progress ? "\r\033[K" : "",
			    e == EINTR ? phrase("stopped while nobody read them") : phrase(strerror(e)));
		p->mute = true;
	}
	buffer_clear(&p->out);
}

static void
write_id(struct buffer *b, const struct item *it)
{
	if (it->id[0] == '\0')
		buffer_text(b, "null");
	else
		json_write_text(b, it->id, strlen(it->id));
}

static void
write_warnings(struct buffer *b, const struct estate_ack *a, uint32_t index)
{
	const char *comma = ",\"warnings\":[";

	for (uint32_t i = 0; i < a->warning_count; i++) {
		if (a->warnings[i].index != index)
			continue;
		buffer_printf(b, "%s{\"code\":\"%s\",\"path\":", comma, a->warnings[i].name);
		json_write_text(b, a->warnings[i].path, strlen(a->warnings[i].path));
		buffer_text(b, "}");
		comma = ",";
	}
	if (*comma == ',' && comma[1] == '\0')
		buffer_text(b, "]");
}

static void
on_ack(void *user, const struct estate_ack *a)
{
	struct put *p = user;
	struct parcel *c = parcels_at(&p->parcels, a->cookie);
	const struct estate_run *r = a->runs;
	uint32_t used = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		buffer_printf(&p->out, "{\"line\":%" PRIu64 ",\"id\":", c->items[i].line);
		write_id(&p->out, &c->items[i]);
		buffer_printf(&p->out, ",\"seq\":%" PRIu64 ",\"duplicate\":%s", r->seq + used, r->duplicate ? "true" : "false");
		write_warnings(&p->out, a, i);
		buffer_text(&p->out, "}\n");
		p->duplicates += r->duplicate;
		if (++used == r->count && i + 1 < c->count) {
			r++;
			used = 0;
		}
	}
	p->stored += c->count;
	parcels_release(&p->parcels, c);
	if (p->out.len > (64u << 10))
		out_flush(p);
}

/* One event that will not be stored: who, why, and what would help. */
static void
tell_refusal(struct put *p, const struct item *it, const struct estate_fault *f)
{
	struct buffer b = { NULL, 0, 0 };

	if (p->common.json) {
		buffer_printf(&b, "{\"line\":%" PRIu64 ",\"id\":", it->line);
		write_id(&b, it);
		buffer_text(&b, ",");
		reach_fault_json(&b, f);
		buffer_text(&b, "}");
	} else {
		buffer_printf(&b, "%s:%" PRIu64 ": ", p->name, it->line);
		if (it->id[0] != '\0') {
			buffer_text(&b, "id ");
			paint_clean(&b, it->id, strlen(it->id), 0);
			buffer_text(&b, ": ");
		}
		reach_fault_text(&b, f);
	}
	fprintf(stderr, "%s%s\n", p->progress ? "\r\033[K" : "", b.data);
	buffer_free(&b);
	p->refused++;
}

static void
fault_make(struct estate_fault *f, int code, const char *detail)
{
	memset(f, 0, sizeof(*f));
	f->code = code;
	f->index = -1;
	f->retry = ESTATE_NEVER;
	snprintf(f->name, sizeof(f->name), "%s", estate_error_name(code));
	snprintf(f->text, sizeof(f->text), "%s", estate_error_text(code));
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
}

/* A batch falls with its first bad event; the others of it go again, in their order. */
static void
on_nak(void *user, const struct estate_nak *n)
{
	struct put *p = user;
	struct parcel *c = parcels_at(&p->parcels, n->cookie);
	int64_t bad = c->count == 1 ? 0 : n->fault->index;

	if (bad >= 0 && bad < (int64_t)c->count)
		tell_refusal(p, &c->items[bad], n->fault);
	else
		bad = -1;
	parcels_refused(&p->parcels, c, bad);
}

static void
on_notice(void *user, const struct estate_notice *n)
{
	struct put *p = user;
	bool live = n->kind == ESTATE_CONNECTED || n->kind == ESTATE_RESUMED;

	if (n->kind == ESTATE_CONNECTED)
		p->away_ms = -1;
	else if (n->kind == ESTATE_DISCONNECTED)
		p->away_ms = monotonic_ms();
	if (p->common.json || live || n->kind == ESTATE_HELLO_REFUSED)
		return;
	fprintf(stderr, "%sestate put: %s%s\n", p->progress ? "\r\033[K" : "", phrase(n->reason),
	    n->kind == ESTATE_LOG_CHANGED ? phrase("; going on") : phrase("; going on by itself"));
}

static void
show_progress(struct put *p, bool last)
{
	int64_t now = monotonic_ms();

	if (!p->progress || (!last && now < p->shown_ms + PROGRESS_MS))
		return;
	p->shown_ms = now;
	fprintf(stderr, phrase("\r\033[K%" PRIu64 " stored, %" PRIu64 " refused, %.0f/s%s"), p->stored, p->refused,
	    (double)p->stored * 1000 / (double)(now - p->began_ms + 1), last ? "\n" : "");
}

/* ---- What goes in ---- */

/* A line that is no JSON, with the place as compilers name it. */
static void
tell_no_json(struct put *p, const struct item *it, const json_error_t *why)
{
	struct buffer b = { NULL, 0, 0 };
	int column = why->column > 0 ? why->column : 1;

	json_write_text(&b, why->text, strlen(why->text));
	if (p->common.json)
		fprintf(stderr, "{\"line\":%" PRIu64 ",\"column\":%d,\"name\":\"no-json\",\"detail\":%s,\"retry\":\"never\"}\n", it->line,
		    column, b.data);
	else
		fprintf(stderr, phrase("%s%s:%" PRIu64 ":%d: not JSON: %s\n"), p->progress ? "\r\033[K" : "", p->name, it->line, column, why->text);
	buffer_free(&b);
	p->refused++;
}

/* Pack one line into p->packed; false if it was refused here and now. */
static bool
pack_line(struct put *p, const char *line, size_t len, struct item *it)
{
	static const char *const added[] = { "seq", "logtime", "sender", "flags" };
	struct estate_fault f;
	json_error_t why;
	json_t *root;
	const char *id;
	msgpack_packer k;
	char detail[256];
	bool all = true;

	if ((root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why)) == NULL) {
		tell_no_json(p, it, &why);
		return (false);
	}
	if (!json_is_object(root)) {
		fault_make(&f, E_KIND, "an event is a JSON object");
		tell_refusal(p, it, &f);
		json_decref(root);
		return (false);
	}
	if ((id = json_string_value(json_object_get(root, "id"))) != NULL)
		snprintf(it->id, sizeof(it->id), "%s", id);
	for (size_t i = 0; i < sizeof(added) / sizeof(*added); i++)
		all &= json_object_get(root, added[i]) != NULL;
	for (size_t i = 0; all && i < sizeof(added) / sizeof(*added); i++)
		json_object_del(root, added[i]);
	p->packed.size = 0;
	msgpack_packer_init(&k, &p->packed, msgpack_sbuffer_write);
	json_to_msgpack(&k, root);
	json_decref(root);
	if (p->packed.size > EVENT_BYTES_MAX) {
		snprintf(detail, sizeof(detail), "%zu bytes packed, at most %u", p->packed.size, EVENT_BYTES_MAX);
		fault_make(&f, E_TOO_LARGE, detail);
		tell_refusal(p, it, &f);
		return (false);
	}
	return (true);
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

/* What some editors and spreadsheets put before the first line of a file. */
static void
skip_bom(const char **line, size_t *len)
{
	if (*len >= 3 && memcmp(*line, "\xef\xbb\xbf", 3) == 0) {
		*line += 3;
		*len -= 3;
	}
}

/* Take lines into the next parcel until it is full or no line is there.  True if it is ready to go. */
static bool
fill_parcel(struct put *p)
{
	const char *line;
	size_t len;
	struct item it;
	struct estate_fault f;

	if (p->next == NULL)
		p->next = parcels_take(&p->parcels);
	while (p->next->count < p->batch) {
		if (p->next->bytes.len + EVENT_BYTES_MAX + BATCH_ROOM > MESSAGE_BYTES_MAX && p->next->count > 0)
			return (true);
		it = (struct item){ .line = p->in.number + 1 };
		switch (lines_next(&p->in, &line, &len)) {
		case LINES_WAIT:
			return (false);
		case LINES_END:
			p->input_done = true;
			return (p->next->count > 0);
		case LINES_LONG:
			fault_make(&f, E_TOO_LARGE, "the line is above 2 MiB");
			tell_refusal(p, &it, &f);
			continue;
		case LINES_ONE:
			break;
		}
		if (it.line == 1)
			skip_bom(&line, &len);
		if (it.line <= p->skip || blank(line, len) || !pack_line(p, line, len, &it))
			continue;
		parcel_add(p->next, &it, p->packed.data, p->packed.size);
	}
	return (true);
}

/* So many events may have been handed over by now. */
static uint64_t
allowance(const struct put *p)
{
	if (p->rate == 0)
		return (UINT64_MAX);
	return ((uint64_t)((double)(monotonic_ms() - p->began_ms) * (double)p->rate / 1000) + 1);
}

static bool
hand_over(struct put *p, struct parcel *c)
{
	struct estate_bytes *events = parcel_events(c);

	if (c->count == 1 ? estate_put(p->e, events[0].bytes, events[0].len, c->number) != 0 :
	    estate_put_batch(p->e, events, c->count, c->number) != 0)
		return (false);
	p->handed += c->count;
	return (true);
}

/* Hand over what can be: first what goes again, then new lines.  True if lines must be waited for. */
static bool
feed(struct put *p)
{
	struct parcel *c;

	while (p->handed < allowance(p)) {
		if ((c = parcels_waiting(&p->parcels)) != NULL) {
			if (!hand_over(p, c))
				return (false);
			parcels_sent(&p->parcels, c);
			continue;
		}
		if (!p->ready) {
			if (p->input_done || estate_room(p->e) == 0)
				return (false);
			if (!(p->ready = fill_parcel(p)))
				return (!p->input_done);
		}
		if (!hand_over(p, p->next))
			return (false);
		p->next = NULL;
		p->ready = false;
	}
	return (false);
}

static bool
finished(const struct put *p)
{
	return (p->input_done && p->parcels.used == (p->next != NULL && p->next->count == 0));
}

static int
wait_ms(const struct put *p)
{
	return (p->rate > 0 && !p->input_done ? (p->rate >= 1000 ? 1 : (int)(1000 / p->rate)) : 200);
}

/* Where it stopped, and how to go on. */
static void
tell_stop(struct put *p)
{
	uint64_t behind = parcels_first_line(&p->parcels);

	out_flush(p);
	if (behind == 0)
		behind = p->in.number + 1;
	fprintf(stderr, phrase("estate put: stopped; every line up to %" PRIu64 " was answered (%" PRIu64 " stored, %" PRIu64 " refused), "),
	    behind - 1, p->stored, p->refused);
	/* Where acks went missing, lines that were skipped would never be told. */
	if (strcmp(p->name, "stdin") == 0 || p->mute)
		fprintf(stderr, phrase("%" PRIu64 " are unanswered; put the same lines again, what is stored already is not stored twice\n"),
		    parcels_lines(&p->parcels));
	else
		fprintf(stderr, phrase("%" PRIu64 " are unanswered; go on with: estate put --skip %" PRIu64 " %s\n"), parcels_lines(&p->parcels),
		    behind - 1, p->name);
}

static int
run(struct put *p)
{
	struct pollfd fds[2] = { { .fd = estate_fd(p->e), .events = POLLIN }, { .fd = p->in.fd, .events = POLLIN } };
	bool want, took;
	int n;

	p->began_ms = p->away_ms = monotonic_ms();
	while (!reach_stop) {
		want = feed(p);
		took = want && poll(&fds[1], 1, 0) == 1;
		if (took && lines_fill(&p->in) != 0) {
			complain("put", "cannot read %s: %s", p->name, phrase(strerror(errno)));
			break;
		}
		if ((n = estate_pump(p->e, 0)) < 0)
			break;
		out_flush(p);
		show_progress(p, false);
		if (finished(p))
			return (p->refused > 0 ? EXIT_PART : 0);
		if (estate_state(p->e) == ESTATE_STOPPED)
			return (reach_refused("put", &p->common, estate_refusal(p->e)->code, estate_refusal(p->e)));
		if (p->away_ms >= 0 && monotonic_ms() - p->away_ms > p->common.timeout_ms) {
			reach_failed("put", &p->common);
			tell_stop(p);
			return (EXIT_UNREACHED);
		}
		if (!took && n == 0)
			poll(fds, want ? 2 : 1, wait_ms(p));
	}
	tell_stop(p);
	return (reach_stop ? EXIT_PART : EXIT_UNREACHED);
}

static int
parse(struct put *p, int argc, char **argv)
{
	enum { BATCH = OPTION_OWN, WINDOW, RATE, SKIP };
	static const struct option options[] = {
		{ "batch", required_argument, NULL, BATCH },
		{ "window", required_argument, NULL, WINDOW },
		{ "rate", required_argument, NULL, RATE },
		{ "skip", required_argument, NULL, SKIP },
		COMMON_OPTIONS
	};
	struct stat st;
	int c, r, fd = STDIN_FILENO;
	bool ok = true;

	common_init(&p->common);
	while (ok && (c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&p->common, c, "put", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r == 0 ? -1 : r);
		if (c == BATCH)
			ok = argument_number("put", "--batch", optarg, 1, PUT_EVENTS_MAX, &p->batch);
		else if (c == WINDOW)
			ok = argument_number("put", "--window", optarg, 1, 1u << 20, &p->window);
		else if (c == RATE)
			ok = argument_number("put", "--rate", optarg, 1, 10000000, &p->rate);
		else
			ok = argument_number("put", "--skip", optarg, 0, UINT64_MAX, &p->skip);
	}
	if (!ok)
		return (EXIT_USAGE);
	if (optind + 1 < argc)
		return (usage_error("put", "one file at a time"));
	p->name = "stdin";
	if (optind < argc && strcmp(argv[optind], "-") != 0) {
		p->name = argv[optind];
		if ((fd = open(p->name, O_RDONLY | O_CLOEXEC)) < 0) {
			complain("put", "cannot read %s: %s", p->name, phrase(strerror(errno)));
			return (EXIT_UNREACHED);
		}
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
			complain("put", "%s is a folder, not a file of events; name a file, such as %s/events.jsonl, or - for standard input",
			    p->name, p->name);
			close(fd);
			return (EXIT_UNREACHED);
		}
	}
	lines_init(&p->in, fd);
	return (0);
}

int
cmd_put(int argc, char **argv)
{
	struct put p = { .batch = 1, .window = 256 };
	struct estate_options o = { .user = &p, .on_ack = on_ack, .on_nak = on_nak, .on_notice = on_notice };
	int r;

	if ((r = parse(&p, argc, argv)) != 0)
		return (r < 0 ? 0 : r);
	/* Acks go to a pipe that may close; the events are what counts. */
	signal(SIGPIPE, SIG_IGN);
	o.window = (unsigned)p.window;
	if ((p.e = reach_open("put", &p.common, &o)) == NULL)
		return (EXIT_USAGE);
	p.progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) && !p.common.json;
	parcels_init(&p.parcels);
	msgpack_sbuffer_init(&p.packed);
	r = run(&p);
	show_progress(&p, true);
	out_flush(&p);
	if (p.mute)
		r = EXIT_UNREACHED;
	estate_close(p.e);
	parcels_fini(&p.parcels);
	msgpack_sbuffer_destroy(&p.packed);
	buffer_free(&p.out);
	lines_free(&p.in);
	if (p.in.fd != STDIN_FILENO)
		close(p.in.fd);
	return (r);
}
