/* estate tail: read the log, from wherever, as whoever wants it. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "cursor.h"
#include "errcode.h"
#include "language.h"
#include "bounds.h"
#include "paint.h"
#include "reach.h"
#include "sitetime.h"
#include "view.h"

#define LAST_MAX	1000000u

/* The first look back for the last events that pass a filter; tenfold each time it was too short. */
#define LOOK_BACK_FIRST	1000u

/* The cursor is written when nothing more waits, and at least this often. */
#define CURSOR_MS	500

static const char help[] =
"Usage: estate tail [OPTION...]\n"
"Show events of the log: the last ten, or from a place of your choice, and follow it.\n"
"\n"
"Where to begin and end\n"
"  -n, --last N             the last N events that pass the filters (default 10); with --from or --cursor\n"
"                           the first N from there\n"
"      --from PLACE         first, new, a sequence number, or a time: 2026-11-24, '2026-11-24 05:06',\n"
"                           2026-11-24T05:06:00+08:00, today, yesterday, '2 hours ago'\n"
"                           (times are log time; without an offset they are the site's)\n"
"      --cursor FILE        go on behind the number in FILE and keep it there (a new FILE begins at --from,\n"
"                           or at the first event); every event is shown at least once\n"
"  -f, --follow             go on with what is stored from now on\n"
"      --until-end          stop at the end of the log (the default without -f)\n"
"Which events (each may be given more than once; within one kind any matches, all kinds must)\n"
"      --type PATTERN       complaint.opened, 'complaint.*', '**'\n"
"      --subject ID         a case, a household, a bill ...\n"
"      --source URI\n"
"      --urgency LEVEL      routine, urgent, emergency\n"
"How to show them\n"
"      --format FORMAT      short (default), full, json, raw (number, SHA-256 of the bytes, length), or a template\n"
"      --latency            how long after it happened each was stored\n"
"      --no-color           no colour (also: NO_COLOR in the environment; never when piped)\n"
"Common\n"
COMMON_HELP
"\n"
VIEW_HELP_TEMPLATE
"--json prints the event's own members in their order, then seq, logtime, sender and flags.\n"
"Times are shown in the site's zone ($ESTATE_TZ, else Asia/Shanghai); in Chinese if LANG asks for it.\n"
"A terminal narrower than 100 columns gets them without year and offset, one below 40\n"
"the number and the minute first; --format full has all of it.\n"
"\n"
"Examples\n"
"  estate tail -f                                    what happens now\n"
"  estate tail -f --urgency emergency --latency      emergencies, and how fast they reached us\n"
"  estate tail --from today --type 'complaint.*'     today's complaints\n"
"  estate tail --from first --json > log.jsonl       everything, for a program\n"
"  estate tail -f --cursor ~/.bridge --json | ./bridge   a bridge that may be restarted\n"
"  estate tail -n 50 --format '{seq} {time} {data.amount}' --type payment.posted\n"
"Exit status: 0 done, 1 refused or interrupted, 2 wrong usage, 3 daemon not reached\n";

/* One value of an option that may be repeated, as estate_subscribe() wants them: up to the bound, NULL at the end. */
struct list {
	const char *items[FILTER_ITEMS_MAX + 1];
	unsigned count;
};

struct tail {
	struct common common;
	struct view view;
	struct estate *e;
	struct list types, subjects, sources, urgencies;

	/* Where to begin and end. */
	const char *from_text;
	enum estate_from from;
	uint64_t value;
	uint64_t last;			/* -n, 0 if not given */
	bool follow;

	const char *cursor_path;
	struct cursor cursor;
	bool cursor_known;
	uint64_t cursor_written;
	int64_t cursor_at_ms;

	/* Looking back for the last N that pass: a ring of lines until the end of the log is reached. */
	bool looking_back;
	uint64_t look_back;
	struct buffer *ring;
	uint64_t ring_count;

	struct buffer out;
	uint64_t shown;
	uint64_t seen;			/* up to here everything was shown or did not pass */
	uint64_t written;		/* the same, and what was shown has been written and flushed */
	bool failed;			/* to write: from here on nothing counts as shown */
	bool again;			/* look back further */
	bool done;
	int status;
};

static bool
list_add(struct list *l, const char *what, const char *value)
{
	if (l->count == FILTER_ITEMS_MAX) {
		usage_error("tail", "%s may be given %u times", what, FILTER_ITEMS_MAX);
		return (false);
	}
	l->items[l->count++] = value;
	return (true);
}

static bool
filtered(const struct tail *t)
{
	return (t->types.count + t->subjects.count + t->sources.count + t->urgencies.count > 0);
}

static void
flush(struct tail *t)
{
	if (t->failed)
		return;
	if (t->out.len > 0 && (fwrite(t->out.data, 1, t->out.len, stdout) != t->out.len || fflush(stdout) != 0)) {
		/* Whoever read us has enough: no complaint.  SIGPIPE is ignored so that the cursor stays true. */
		if (errno != EPIPE)
			complain("tail", "cannot write: %s", phrase(strerror(errno)));
		t->status = errno == EPIPE ? 0 : EXIT_UNREACHED;
		t->failed = t->done = true;
	} else
		t->written = t->seen;
	buffer_clear(&t->out);
}

static void
on_event(void *user, const struct estate_event *v)
{
	struct tail *t = user;
	struct buffer *b = &t->out;

	if (t->done)
		return;
	if (t->looking_back) {
		b = &t->ring[t->ring_count++ % t->last];
		buffer_clear(b);
	}
	view_event(&t->view, b, v);
	if (t->looking_back)
		return;
	t->seen = v->seq;
	t->shown++;
	/* -n together with a place: so many from there on. */
	if ((t->from_text != NULL || t->cursor_known) && t->last > 0 && t->shown == t->last)
		t->done = true;
	if (t->out.len > (64u << 10))
		flush(t);
}

/* The end while looking back: enough found, or nothing more to find, or further back. */
static void
looked_back(struct tail *t, uint64_t end)
{
	const struct estate_log *log = estate_log(t->e);
	uint64_t stored = end >= log->first ? end - log->first + 1 : 0;
	uint64_t n = t->ring_count < t->last ? t->ring_count : t->last;

	if (n < t->last && t->look_back < stored) {
		t->again = true;
		return;
	}
	for (uint64_t i = t->ring_count - n; i < t->ring_count; i++)
		buffer_add(&t->out, t->ring[i % t->last].data, t->ring[i % t->last].len);
	t->looking_back = false;
	flush(t);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct tail *t = user;

	(void)log_time;
	if (t->again || t->done)
		return;
	if (t->looking_back) {
		if (!end)
			return;
		looked_back(t, seq);
		if (t->again)
			return;
	}
	if (seq > t->seen)
		t->seen = seq;
	if (end && !t->follow)
		t->done = true;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct tail *t = user;

	flush(t);
	t->status = reach_refused("tail", &t->common, f->code, f);
	if (t->cursor_known && (f->code == E_OTHER_LOG || f->code == E_BEYOND_END))
		complain("tail", "%s stands at number %" PRIu64 " of log %s, epoch %" PRIu64
		    "; move it away to begin anew", t->cursor_path, t->cursor.seq, t->cursor.log, t->cursor.epoch);
	t->done = true;
}

static int
subscribe(struct tail *t, struct estate_subscription **s)
{
	struct estate_subscribe_options o = { .from = t->from, .value = t->value, .types = t->types.items,
	    .subjects = t->subjects.items, .sources = t->sources.items, .urgencies = t->urgencies.items,
	    .window_events = CREDIT_EVENTS_MAX, .window_bytes = CREDIT_BYTES_MAX,
	    .user = t, .on_event = on_event, .on_progress = on_progress, .on_ended = on_ended };

	if (t->cursor_known) {
		o.log = t->cursor.log;
		o.epoch = t->cursor.epoch;
	}
	if (t->looking_back)
		o.value = t->look_back;
	return (estate_subscribe(t->e, &o, s));
}

/* Keep the cursor behind what was written and flushed: never beyond it, whatever was seen. */
static void
keep_cursor(struct tail *t, bool now)
{
	int64_t ms = sitetime_now() / 1000000;

	if (t->cursor_path == NULL || t->written <= t->cursor_written || (!now && ms < t->cursor_at_ms + CURSOR_MS))
		return;
	snprintf(t->cursor.log, sizeof(t->cursor.log), "%s", estate_log(t->e)->log);
	t->cursor.epoch = estate_log(t->e)->epoch;
	t->cursor.seq = t->written;
	if (cursor_write("tail", t->cursor_path, &t->cursor) != 0) {
		t->status = EXIT_UNREACHED;
		t->done = true;
	}
	t->cursor_written = t->written;
	t->cursor_at_ms = ms;
}

/* A new log under a running reader: its numbers are others. */
static void
on_notice(void *user, const struct estate_notice *n)
{
	struct tail *t = user;

	if (t->common.json || !isatty(STDERR_FILENO))
		return;
	if (n->kind == ESTATE_DISCONNECTED)
		complain("tail", "%s; trying again", phrase(n->reason));
	else if (n->kind == ESTATE_LOG_CHANGED)
		complain("tail", "%s", phrase(n->reason));
}

static int
run(struct tail *t)
{
	struct estate_options o = { .user = t, .on_notice = on_notice };
	struct estate_subscription *s;
	int n;

	if ((t->e = reach_open("tail", &t->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("tail", &t->common, t->e)) == 0 && (n = subscribe(t, &s)) != 0)
		n = reach_refused("tail", &t->common, n, NULL);
	if (n != 0) {
		estate_close(t->e);
		return (n);
	}
	while (!t->done && !reach_stop) {
		if (estate_pump(t->e, CURSOR_MS) < 0)
			break;
		if (t->again) {
			estate_unsubscribe(s);
			t->again = false;
			t->ring_count = 0;
			t->look_back *= 10;
			subscribe(t, &s);
		}
		flush(t);
		keep_cursor(t, t->done);
	}
	if (reach_stop && !t->follow)
		t->status = EXIT_PART;
	flush(t);
	keep_cursor(t, true);
	estate_close(t->e);
	return (t->status);
}

/* Make sense of the place to begin once all options are known.  0, or an exit status. */
static int
place(struct tail *t)
{
	int64_t ns;

	if (t->cursor_path != NULL) {
		if (cursor_check("tail", t->cursor_path) != 0)
			return (EXIT_UNREACHED);
		switch (cursor_read("tail", t->cursor_path, &t->cursor)) {
		case 1:
			if (t->from_text != NULL)
				complain("tail", "%s says where to begin; --from is for a new one", t->cursor_path);
			t->cursor_known = true;
			t->cursor_written = t->written = t->seen = t->cursor.seq;
			t->from = ESTATE_FROM_SEQ;
			t->value = t->cursor.seq + 1;
			return (0);
		case 0:
			if (t->from_text == NULL)
				t->from_text = "first";
			break;
		default:
			return (EXIT_UNREACHED);
		}
	}
	if (t->from_text == NULL) {
		if (t->last == 0)
			t->last = 10;
		t->from = ESTATE_FROM_LAST;
		t->value = t->last;
		/* The wire counts the last N before it filters; people mean after. */
		t->looking_back = filtered(t);
		t->look_back = t->last > LOOK_BACK_FIRST ? t->last : LOOK_BACK_FIRST;
		if (t->looking_back)
			t->ring = memset(alloc_or_exit(NULL, t->last * sizeof(*t->ring)), 0, t->last * sizeof(*t->ring));
		return (0);
	}
	if (strcmp(t->from_text, "first") == 0)
		t->from = ESTATE_FROM_FIRST;
	else if (strcmp(t->from_text, "new") == 0)
		t->from = ESTATE_FROM_NEW;
	else if (t->from_text[strspn(t->from_text, "0123456789")] == '\0' && t->from_text[0] != '\0') {
		if (!argument_number("tail", "--from", t->from_text, 1, INT64_MAX, &t->value))
			return (EXIT_USAGE);
		t->from = ESTATE_FROM_SEQ;
	} else if (sitetime_parse(t->from_text, sitetime_now(), &ns)) {
		t->from = ESTATE_FROM_TIME;
		t->value = ns > 0 ? (uint64_t)ns : 0;
	} else
		return (usage_error("tail", "--from: %s is neither first, new, a number nor a time", t->from_text));
	return (0);
}

static int
parse(struct tail *t, int argc, char **argv)
{
	enum { TYPE = OPTION_OWN, SUBJECT, SOURCE, URGENCY, FROM, UNTIL_END, FORMAT, CURSOR, NO_COLOR, LATENCY };
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "last", required_argument, NULL, 'n' },
		{ "from", required_argument, NULL, FROM },
		{ "type", required_argument, NULL, TYPE },
		{ "subject", required_argument, NULL, SUBJECT },
		{ "source", required_argument, NULL, SOURCE },
		{ "urgency", required_argument, NULL, URGENCY },
		{ "until-end", no_argument, NULL, UNTIL_END },
		{ "format", required_argument, NULL, FORMAT },
		{ "cursor", required_argument, NULL, CURSOR },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		{ "latency", no_argument, NULL, LATENCY },
		COMMON_OPTIONS
	};
	bool no_color = false, until_end = false;
	const char *format = NULL;
	int c, r;

	common_init(&t->common);
	while ((c = next_option(argc, argv, "fn:h", options)) != -1) {
		if ((r = common_option(&t->common, c, "tail", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r == 0 ? -1 : r);
		switch (c) {
		case 'f':
			t->follow = true;
			break;
		case 'n':
			if (!argument_number("tail", "-n", optarg, 1, LAST_MAX, &t->last))
				return (EXIT_USAGE);
			break;
		case FROM:
			t->from_text = optarg;
			break;
		case TYPE:
			if (!list_add(&t->types, "--type", optarg))
				return (EXIT_USAGE);
			break;
		case SUBJECT:
			if (!list_add(&t->subjects, "--subject", optarg))
				return (EXIT_USAGE);
			break;
		case SOURCE:
			if (!list_add(&t->sources, "--source", optarg))
				return (EXIT_USAGE);
			break;
		case URGENCY:
			if (!list_add(&t->urgencies, "--urgency", optarg))
				return (EXIT_USAGE);
			break;
		case UNTIL_END:
			until_end = true;
			break;
		case FORMAT:
			format = optarg;
			break;
		case CURSOR:
			t->cursor_path = optarg;
			break;
		case NO_COLOR:
			no_color = true;
			break;
		case LATENCY:
			t->view.latency = true;
			break;
		}
	}
	if (optind < argc)
		return (usage_error("tail", "what is %s? Filters are options", argv[optind]));
	if (until_end && t->follow)
		return (usage_error("tail", "-f and --until-end exclude each other"));
	if (t->common.json && format == NULL)
		format = "json";
	if (!sitetime_init() || (format != NULL && !view_parse(&t->view, "tail", format)))
		return (EXIT_USAGE);
	paint_init(no_color);
	t->view.zh = language_is_zh();
	t->view.columns = paint_columns();
	return (place(t));
}

int
cmd_tail(int argc, char **argv)
{
	static struct tail t;
	int r;

	if ((r = parse(&t, argc, argv)) != 0)
		return (r < 0 ? 0 : r);
	signal(SIGPIPE, SIG_IGN);
	r = run(&t);
	for (uint64_t i = 0; t.ring != NULL && i < t.last; i++)
		buffer_free(&t.ring[i]);
	free(t.ring);
	buffer_free(&t.out);
	return (r);
}
