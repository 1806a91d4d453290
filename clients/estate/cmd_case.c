/* estate case: the story of one case, or of anything else that events are about. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "language.h"
#include "owed.h"
#include "paint.h"
#include "reach.h"
#include "sitetime.h"
#include "telling.h"
#include "view.h"

/* Learnt so much later than it happened: worth a word. */
#define LATE_NS		INT64_C(60000000000)

#define SPAN_COLUMNS	14
#define SPAN_COLUMNS_NARROW	13
#define TYPE_COLUMNS	22
#define INDENT		4	/* of a line that goes on */

static const char help[] =
"Usage: estate case [OPTION...] ID\n"
"Tell the story of a case: every event about it in the order it happened, with the time from each step to the\n"
"next. ID may as well be a household, a bill, a survey ... Deadlines are told in words: by when what was owed, whether it\n"
"was met, who was told; at the end stands what still runs.\n"
"\n"
"      --no-color           no colour\n"
COMMON_HELP
"--json prints the events as estate tail --json does, in the log's order.\n"
"\n"
"Examples\n"
"  estate case C-2026-0117\n"
"  estate case 3-2-1201                 everything about a household\n"
"  LANG=zh_CN.UTF-8 estate case C-2026-0117\n"
"Exit status: 0 done, 1 nothing is known about it, 2 wrong usage, 3 daemon not reached\n";

struct step {
	int64_t when;
	struct estate_event v;		/* its bytes and sender are copies of our own */
};

struct story {
	struct common common;
	struct view view;
	const char *id;
	struct step *steps;
	size_t count, room;
	struct owed owed;
	struct estate_fault fault;
	bool refused, done;
};

static void
on_event(void *user, const struct estate_event *v)
{
	struct story *s = user;
	struct step *step;
	struct event e;
	char *copy;

	if (s->count == s->room) {
		s->room = s->room == 0 ? 64 : s->room * 2;
		s->steps = alloc_or_exit(s->steps, s->room * sizeof(*s->steps));
	}
	step = &s->steps[s->count++];
	step->v = *v;
	step->when = v->log_time;
	if (view_read(&e, v)) {
		step->when = view_when(&e, v);
		owed_note(&s->owed, &e);
	}
	copy = alloc_or_exit(NULL, v->len + v->sender_len + 1);
	memcpy(copy, v->bytes, v->len);
	memcpy(copy + v->len, v->sender, v->sender_len);
	step->v.bytes = copy;
	step->v.sender = copy + v->len;
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct story *s = user;

	(void)seq;
	(void)log_time;
	s->done |= end;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct story *s = user;

	s->fault = *f;
	s->refused = s->done = true;
}

/* As it happened; what happened at once, as it was stored. */
static int
by_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->when != y->when)
		return (x->when < y->when ? -1 : 1);
	return (x->v.seq < y->v.seq ? -1 : 1);
}

/* When that happened which a conclusion was drawn from: the cause is mostly of this story, else the conclusion's own time counts. */
static int64_t
happened(const struct story *s, const struct step *step, const struct event *e)
{
	char number[24];
	uint64_t cause;

	snprintf(number, sizeof(number), "%.*s", e->causation.s != NULL ? (int)e->causation.len : 0, e->causation.s != NULL ? e->causation.s : "");
	cause = strtoull(number, NULL, 10);
	for (size_t i = 0; cause > 0 && i < s->count; i++)
		if (s->steps[i].v.seq == cause)
			return (s->steps[i].when);
	return (step->when);
}

/* Close a line: what was added since `from`.  What is owed is told whole, in a further line if need be; other fields are clipped. */
static void
end_step(struct buffer *b, size_t from, unsigned columns, bool whole)
{
	struct buffer rest = { NULL, 0, 0 };
	size_t fit;

	while (columns > 0 && paint_width(b->data + from, b->len - from) > columns) {
		fit = paint_fit(b->data + from, b->len - from, columns);
		while (whole && fit > INDENT && b->data[from + fit] != ' ')
			fit--;
		if (!whole || fit <= INDENT) {
			b->len = from + paint_fit(b->data + from, b->len - from, columns - 1);
			buffer_printf(b, "…%s", paint(PAINT_OFF));
			break;
		}
		buffer_clear(&rest);
		buffer_add(&rest, b->data + from + fit + 1, b->len - from - fit - 1);
		b->len = from + fit;
		buffer_text(b, "\n");
		from = b->len;
		buffer_fill(b, ' ', INDENT);
		buffer_add(b, rest.data, rest.len);
	}
	while (b->len > from && b->data[b->len - 1] == ' ')
		b->len--;
	buffer_text(b, "\n");
	buffer_free(&rest);
}

/* The type's title; of what is owed its last word where there is little room: "opened". */
static void
tell_title(struct buffer *cell, const struct event *e, bool brief, bool zh)
{
	const char *dot = memrchr(e->type.s, '.', e->type.len);

	if (brief && !zh && dot != NULL)
		paint_clean(cell, dot + 1, (size_t)(e->type.s + e->type.len - dot - 1), 0);
	else
		telling_type(cell, e, zh);
}

static void
tell_step(const struct story *s, struct buffer *b, const struct step *step, const struct step *before)
{
	struct buffer cell = { NULL, 0, 0 };
	char when[SITETIME_TEXT];
	bool zh = s->view.zh, wide = view_is_wide(&s->view), owed;
	struct buffer words = { NULL, 0, 0 };
	size_t from = b->len, width, span = wide ? SPAN_COLUMNS : SPAN_COLUMNS_NARROW;
	struct event e;

	if (!view_read(&e, &step->v))
		return;
	if (wide)
		sitetime_local(step->when, 0, when);
	else
		sitetime_brief(step->when, when);
	if (before != NULL) {
		buffer_text(&cell, "+");
		sitetime_span(&cell, step->when - before->when, zh);
	}
	width = paint_width(cell.data != NULL ? cell.data : "", cell.len);
	buffer_printf(b, "%s%s%s ", paint(PAINT_DIM), when, paint(PAINT_OFF));
	if (width < span)
		buffer_fill(b, ' ', span - width);
	buffer_add(b, cell.data, cell.len);
	buffer_clear(&cell);
	owed = owed_line(&words, &e, happened(s, step, &e), zh);
	tell_title(&cell, &e, owed && !wide, zh);
	buffer_printf(b, "  %s%s", paint(PAINT_BOLD), cell.data);
	if ((width = paint_width(cell.data, cell.len)) < TYPE_COLUMNS && wide)
		buffer_fill(b, ' ', TYPE_COLUMNS - width);
	buffer_printf(b, "%s ", paint(PAINT_OFF));
	if (owed)
		buffer_add(b, words.data, words.len);
	else
		telling_line(b, &e, zh);
	if (step->v.log_time - step->when > LATE_NS) {
		buffer_printf(b, " %s(%s", paint(PAINT_YELLOW), zh ? "迟报 " : "learnt ");
		sitetime_span(b, step->v.log_time - step->when, zh);
		buffer_printf(b, "%s)%s", zh ? "" : " later", paint(PAINT_OFF));
	}
	end_step(b, from, s->view.columns, owed);
	buffer_free(&words);
	buffer_free(&cell);
}

static void
tell(struct story *s)
{
	struct buffer out = { NULL, 0, 0 };
	size_t i;

	if (s->view.format == VIEW_JSON) {
		for (i = 0; i < s->count; i++)
			view_event(&s->view, &out, &s->steps[i].v);
	} else {
		qsort(s->steps, s->count, sizeof(*s->steps), by_time);
		for (i = 0; i < s->count; i++)
			tell_step(s, &out, &s->steps[i], i > 0 ? &s->steps[i - 1] : NULL);
		buffer_printf(&out, s->view.zh ? "%s%s：%zu 个事件，历时 " : "%s%s: %zu event%s in ", paint(PAINT_DIM), s->id, s->count,
		    s->count == 1 ? "" : "s");
		sitetime_span(&out, s->steps[s->count - 1].when - s->steps[0].when, s->view.zh);
		buffer_printf(&out, "%s\n", paint(PAINT_OFF));
		owed_show(&out, &s->owed, sitetime_now(), s->view.zh, s->view.columns);
	}
	fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
}

static int
run(struct story *s)
{
	const char *subjects[] = { s->id, NULL };
	struct estate_options o = { .user = s };
	struct estate_subscribe_options so = { .from = ESTATE_FROM_FIRST, .subjects = subjects, .user = s, .on_event = on_event,
	    .on_progress = on_progress, .on_ended = on_ended };
	struct estate *e;
	int n;

	if ((e = reach_open("case", &s->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("case", &s->common, e)) == 0 && (n = estate_subscribe(e, &so, NULL)) != 0)
		n = reach_refused("case", &s->common, n, NULL);
	while (n == 0 && !s->done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	estate_close(e);
	if (n != 0)
		return (n);
	if (s->refused)
		return (reach_refused("case", &s->common, s->fault.code, &s->fault));
	if (reach_stop)
		return (EXIT_PART);
	if (s->count == 0) {
		fprintf(stderr, s->view.zh ? "estate case: 没有关于 %s 的事件\n" : "estate case: no event is about %s; ids are exact, "
		    "estate tail shows some\n", s->id);
		return (EXIT_PART);
	}
	tell(s);
	return (0);
}

int
cmd_case(int argc, char **argv)
{
	enum { NO_COLOR = OPTION_OWN };
	static const struct option options[] = {
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct story s = { .view = { .format = VIEW_SHORT } };
	bool no_color = false;
	int c, r;

	common_init(&s.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&s.common, c, "case", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		no_color = true;
	}
	if (optind + 1 != argc)
		return (usage_error("case", "which one? Give one id"));
	if (!sitetime_init())
		return (EXIT_USAGE);
	s.id = argv[optind];
	if (s.common.json)
		s.view.format = VIEW_JSON;
	paint_init(no_color);
	s.view.zh = language_is_zh();
	s.view.columns = paint_columns();
	r = run(&s);
	for (size_t i = 0; i < s.count; i++)
		free((void *)(uintptr_t)s.steps[i].v.bytes);
	free(s.steps);
	owed_free(&s.owed);
	return (r);
}
