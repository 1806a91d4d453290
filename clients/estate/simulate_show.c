/* What two configurations differ in, for people and for programs: see simulate.h. */
#include "simulate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "sitetime.h"

#define BREACHED	"obligation.breached"
#define WIDE_COLUMNS	80u
#define OFFSET_COLUMNS	100u	/* from so many on, times have year and offset */

enum { COUNT_A, COUNT_B, COUNT_ONLY_A, COUNT_ONLY_B, COUNT_MOVED, COUNT_OTHER, COUNTS };

static const struct {
	const char *key, *en, *zh;
	unsigned narrow;		/* columns where there are few; COLUMNS otherwise */
} heads[COUNTS] = {
	{ "a", "A", "A", 6 }, { "b", "B", "B", 6 }, { "only_a", "ONLY A", "仅 A", 7 }, { "only_b", "ONLY B", "仅 B", 7 },
	{ "moved", "MOVED", "变时", 6 }, { "other", "OTHER", "其他", 6 },
};
#define COLUMNS		7u
#define RULE_COLUMNS	9u
#define TYPE_COLUMNS	23u
#define TYPE_COLUMNS_NARROW	12u

/* Counts of one type of event under one rule. */
struct tally {
	const char *rule, *type;
	uint64_t count[COUNTS];
};

struct tallies {
	struct tally *rows;
	size_t count, room;
	uint64_t concluded[SIDES], breached[SIDES];
};

static struct tally *
tally_of(struct tallies *t, const struct conclusion *c)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->rows[i].rule, c->rule) == 0 && strcmp(t->rows[i].type, c->type) == 0)
			return (&t->rows[i]);
	if (t->count == t->room) {
		t->room = t->room == 0 ? 64 : 2 * t->room;
		t->rows = alloc_or_exit(t->rows, t->room * sizeof(*t->rows));
	}
	t->rows[t->count] = (struct tally){ .rule = c->rule, .type = c->type };
	return (&t->rows[t->count++]);
}

/* C2 before C10. */
static int
by_rule(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;
	int n = strverscmp(x->rule, y->rule);

	return (n != 0 ? n : strcmp(x->type, y->type));
}

static void
count_side(struct tallies *t, const struct simulate *s, const struct simulation *w, enum simulate_side side)
{
	const struct conclusions *list = &w->side[side];

	for (size_t i = 0; i < list->count; i++) {
		const struct conclusion *c = &list->items[i];
		struct tally *row;

		if (!simulate_within(&s->period, c))
			continue;
		row = tally_of(t, c);
		row->count[side == SIDE_A ? COUNT_A : COUNT_B]++;
		t->concluded[side]++;
		t->breached[side] += strcmp(c->type, BREACHED) == 0;
		if (c->difference == DIFFERENCE_ONLY)
			row->count[side == SIDE_A ? COUNT_ONLY_A : COUNT_ONLY_B]++;
		else if (side == SIDE_A && c->difference != DIFFERENCE_NONE)
			row->count[c->difference == DIFFERENCE_MOVED ? COUNT_MOVED : COUNT_OTHER]++;
	}
}

static struct tallies
tally(const struct simulate *s, const struct simulation *w)
{
	struct tallies t = { .count = 0 };

	count_side(&t, s, w, SIDE_A);
	count_side(&t, s, w, SIDE_B);
	if (t.count > 0)
		qsort(t.rows, t.count, sizeof(*t.rows), by_rule);
	return (t);
}

/* ---- What differs, the worst first ---------------------------------------------------------------------------------------------------------- */

struct difference {
	const struct conclusion *c;	/* A's, unless only B has it */
	enum simulate_side side;
	unsigned rank;
	int64_t move;			/* how far it moved; 0: not at all */
};

struct differences {
	struct difference *rows;
	size_t count, room;
};

/* A deadline missed that was not missed before is the worst; then one that is missed no more, then what moved most. */
static unsigned
rank_of(const struct conclusion *c, enum simulate_side side)
{
	if (c->difference == DIFFERENCE_ONLY)
		return (strcmp(c->type, BREACHED) != 0 ? 3 : side == SIDE_B ? 0 : 1);
	return (c->difference == DIFFERENCE_MOVED ? 2 : 4);
}

static int64_t
size_of(int64_t move)
{
	return (move < 0 ? -move : move);
}

static int
worst_first(const void *a, const void *b)
{
	const struct difference *x = a, *y = b;
	int n;

	if (x->rank != y->rank)
		return (x->rank < y->rank ? -1 : 1);
	if (size_of(x->move) != size_of(y->move))
		return (size_of(x->move) > size_of(y->move) ? -1 : 1);
	if ((n = (strcmp(x->c->type, BREACHED) != 0) - (strcmp(y->c->type, BREACHED) != 0)) != 0)
		return (n);
	if (x->c->time != y->c->time)
		return (x->c->time < y->c->time ? -1 : 1);
	if ((n = strcmp(x->c->object, y->c->object)) == 0)
		n = strcmp(x->c->id, y->c->id);
	return (n != 0 ? n : (int)x->side - (int)y->side);
}

static struct differences
differ(const struct simulate *s, const struct simulation *w)
{
	struct differences d = { .count = 0 };

	for (int side = 0; side < SIDES; side++)
		for (size_t i = 0; i < w->side[side].count; i++) {
			const struct conclusion *c = &w->side[side].items[i];

			if (c->difference == DIFFERENCE_NONE || (side == SIDE_B && c->other != NULL) || !simulate_within(&s->period, c))
				continue;
			if (d.count == d.room) {
				d.room = d.room == 0 ? 256 : 2 * d.room;
				d.rows = alloc_or_exit(d.rows, d.room * sizeof(*d.rows));
			}
			d.rows[d.count++] = (struct difference){ c, (enum simulate_side)side, rank_of(c, (enum simulate_side)side),
			    c->difference == DIFFERENCE_MOVED ? simulate_move(c) : 0 };
		}
	if (d.count > 0)
		qsort(d.rows, d.count, sizeof(*d.rows), worst_first);
	return (d);
}

/* ---- For people ----------------------------------------------------------------------------------------------------------------------------- */

static void
add_type(struct buffer *b, const char *type, bool zh, bool narrow)
{
	const struct type *kind = catalogue_find(type, strlen(type));
	const char *dot = strrchr(type, '.');

	if (zh && kind != NULL && kind->zh != NULL)
		buffer_text(b, kind->zh);
	else
		paint_clean(b, narrow && dot != NULL ? dot + 1 : type, strlen(narrow && dot != NULL ? dot + 1 : type), 0);
}

static void
add_right(struct buffer *b, const char *text, unsigned columns)
{
	size_t width = paint_width(text, strlen(text));

	if (width < columns)
		buffer_fill(b, ' ', columns - width);
	buffer_text(b, text);
}

static void
add_instant(struct buffer *b, int64_t at, bool narrow)
{
	char text[SITETIME_TEXT];

	sitetime_local(at, 0, text);
	buffer_add(b, text, narrow ? strlen("2026-11-24 05:06") : strlen(text));
}

/* "11-25 18:00 → 19:00" */
static void
add_from_to(struct buffer *b, int64_t from, int64_t to)
{
	char x[SITETIME_TEXT], y[SITETIME_TEXT];
	bool same_day;

	sitetime_brief(from, x);
	sitetime_brief(to, y);
	same_day = memcmp(x, y, 6) == 0;
	buffer_printf(b, "%.11s → %.*s", x, same_day ? 5 : 11, y + (same_day ? 6 : 0));
}

static bool
differs(const struct tally *row)
{
	return (row->count[COUNT_ONLY_A] + row->count[COUNT_ONLY_B] + row->count[COUNT_MOVED] + row->count[COUNT_OTHER] > 0);
}

/* What differs; all of it if nothing does. */
static void
show_table(struct buffer *b, const struct tallies *t, bool all, bool zh, bool narrow)
{
	size_t alike = 0;
	unsigned type_columns = narrow ? TYPE_COLUMNS_NARROW : TYPE_COLUMNS;
	struct buffer cell = { NULL, 0, 0 };
	char number[24];

	buffer_text(b, paint(PAINT_BOLD));
	paint_cell(b, zh ? "规则" : "RULE", strlen(zh ? "规则" : "RULE"), RULE_COLUMNS + 1);
	paint_cell(b, zh ? "事件" : "EVENT", strlen(zh ? "事件" : "EVENT"), type_columns);
	for (unsigned i = 0; i < COUNTS; i++)
		add_right(b, zh ? heads[i].zh : heads[i].en, narrow ? heads[i].narrow : COLUMNS);
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
	for (size_t i = 0; i < t->count; i++) {
		const struct tally *row = &t->rows[i];

		if (!all && !differs(row)) {
			alike++;
			continue;
		}
		paint_cell(b, row->rule, strlen(row->rule), RULE_COLUMNS);
		buffer_text(b, " ");
		add_type(&cell, row->type, zh, narrow);
		paint_cell(b, cell.data, cell.len, type_columns);
		buffer_clear(&cell);
		for (unsigned k = 0; k < COUNTS; k++) {
			/* What does not differ is left quiet. */
			bool quiet = k >= COUNT_ONLY_A && row->count[k] == 0;

			snprintf(number, sizeof(number), "%" PRIu64, row->count[k]);
			buffer_text(b, paint(quiet ? PAINT_DIM : k >= COUNT_ONLY_A ? PAINT_YELLOW : PAINT_OFF));
			add_right(b, quiet ? "-" : number, narrow ? heads[k].narrow : COLUMNS);
			buffer_text(b, paint(PAINT_OFF));
		}
		buffer_text(b, "\n");
	}
	if (alike > 0)
		buffer_printf(b, zh ? "%s另有 %zu 行两边相同%s\n" : "%s%zu further rows are the same%s\n", paint(PAINT_DIM), alike, paint(PAINT_OFF));
	buffer_free(&cell);
}

static void
show_case(struct buffer *b, const struct difference *d, bool zh, unsigned columns)
{
	const struct conclusion *c = d->c;
	bool narrow = columns > 0 && columns < WIDE_COLUMNS, by_due;
	size_t from = b->len;

	buffer_printf(b, "  %s", paint(d->rank == 0 ? PAINT_RED : d->rank == 1 ? PAINT_GREEN : PAINT_OFF));
	paint_clean(b, c->subject, strlen(c->subject), 0);
	buffer_printf(b, "%s %s ", paint(PAINT_OFF), c->rule);
	add_type(b, c->type, zh, narrow);
	buffer_text(b, " ");
	if (c->difference == DIFFERENCE_ONLY) {
		buffer_printf(b, zh ? "仅在 %c 下，" : "only under %c, ", "AB"[d->side]);
		add_instant(b, c->time, columns > 0 && columns < OFFSET_COLUMNS);
	} else if (c->difference == DIFFERENCE_MOVED) {
		by_due = c->due != c->other->due && c->due != INT64_MIN && c->other->due != INT64_MIN;
		buffer_text(b, d->move < 0 ? "-" : "+");
		sitetime_span(b, size_of(d->move), zh);
		buffer_text(b, zh ? (by_due ? "，期限 " : "，") : by_due ? ", due " : ", ");
		add_from_to(b, by_due ? c->due : c->time, by_due ? c->other->due : c->other->time);
	} else
		buffer_text(b, zh ? "内容不同" : "differs in something else");
	if (columns > 0 && paint_width(b->data + from, b->len - from) > columns) {
		b->len = from + paint_fit(b->data + from, b->len - from, columns - 1);
		buffer_printf(b, "…%s", paint(PAINT_OFF));
	}
	buffer_text(b, "\n");
}

/* One line for each obligation: what is worst about it. */
static void
show_cases(struct buffer *b, const struct differences *d, uint64_t limit, bool zh, unsigned columns)
{
	const struct conclusion **shown = alloc_or_exit(NULL, (limit + 1) * sizeof(*shown));
	uint64_t count = 0;
	bool known;

	for (size_t i = 0; i < d->count && count < limit; i++) {
		known = false;
		for (uint64_t k = 0; k < count && !known; k++)
			known = strcmp(shown[k]->object, d->rows[i].c->object) == 0 && strcmp(shown[k]->rule, d->rows[i].c->rule) == 0;
		if (known)
			continue;
		if (count == 0)
			buffer_printf(b, "%s%s%s\n", paint(PAINT_BOLD), zh ? "差别最大的" : "The worst", paint(PAINT_OFF));
		shown[count++] = d->rows[i].c;
		show_case(b, &d->rows[i], zh, columns);
	}
	if (limit > 0 && d->count > count)
		buffer_printf(b, zh ? "  %s共 %zu 处不同，--json 列出全部%s\n" : "  %s%zu differences in all: --json lists them%s\n", paint(PAINT_DIM), d->count,
		    paint(PAINT_OFF));
	free(shown);
}

static void
show_sides(struct buffer *b, const struct simulate *s, const struct tallies *t, bool zh)
{
	const char *absent = zh ? "日志中生效的配置" : "what the log activates";

	for (int side = 0; side < SIDES; side++) {
		buffer_printf(b, "  %c  ", "AB"[side]);
		paint_clean(b, s->config[side] != NULL ? s->config[side] : absent, strlen(s->config[side] != NULL ? s->config[side] : absent), 0);
		buffer_printf(b, zh ? "：%" PRIu64 " 条结论，%" PRIu64 " 次超时\n" : ": %" PRIu64 " concluded, %" PRIu64 " deadlines missed\n",
		    t->concluded[side], t->breached[side]);
	}
}

static void
show_worker(struct buffer *b, const struct simulate *s, const struct simulation *w, const struct tallies *t, unsigned columns)
{
	bool zh = language_is_zh(), narrow = columns > 0 && columns < WIDE_COLUMNS;
	struct differences d = differ(s, w);

	buffer_printf(b, "%sestate-%s%s%s", paint(PAINT_BOLD), w->worker, paint(PAINT_OFF), zh ? "：" : ": ");
	buffer_printf(b, zh ? "%" PRIu64 " 个事件" : "%" PRIu64 " events", s->events);
	if (s->period.from != INT64_MIN) {
		buffer_text(b, zh ? "，自 " : ", from ");
		add_instant(b, s->period.from, narrow);
	}
	if (s->has_until) {
		buffer_text(b, zh ? "，至 " : ", until ");
		add_instant(b, s->period.until, narrow);
	}
	buffer_text(b, "\n");
	show_sides(b, s, t, zh);
	show_table(b, t, d.count == 0, zh, narrow);
	if (d.count == 0)
		buffer_text(b, zh ? "两种配置的结论相同\n" : "Both conclude the same.\n");
	else
		show_cases(b, &d, s->cases, zh, columns);
	free(d.rows);
}

bool
simulate_show(struct buffer *b, struct simulate *s, unsigned columns)
{
	bool any = false;

	for (unsigned i = 0; i < s->count; i++) {
		struct tallies t = tally(s, &s->workers[i]);

		if (i > 0)
			buffer_text(b, "\n");
		any |= t.count > 0;
		show_worker(b, s, &s->workers[i], &t, columns);
		free(t.rows);
	}
	return (any);
}

/* ---- For programs ---------------------------------------------------------------------------------------------------------------------------- */

static void
json_member(struct buffer *b, const char *name, const char *value)
{
	buffer_printf(b, "\"%s\":", name);
	if (value != NULL)
		json_write_text(b, value, strlen(value));
	else
		buffer_text(b, "null");
}

static void
json_instant(struct buffer *b, const char *name, int64_t at)
{
	char text[SITETIME_TEXT];

	buffer_printf(b, ",\"%s\":", name);
	if (at == INT64_MIN || at == INT64_MAX)
		buffer_text(b, "null");
	else {
		sitetime_utc_ns(at, text);
		buffer_printf(b, "\"%s\"", text);
	}
}

static void
json_side(struct buffer *b, const char *name, const struct conclusion *c)
{
	buffer_printf(b, ",\"%s\":", name);
	if (c == NULL) {
		buffer_text(b, "null");
		return;
	}
	buffer_text(b, "{");
	json_member(b, "id", c->id);
	json_instant(b, "time", c->time);
	json_instant(b, "due", c->due);
	buffer_text(b, "}");
}

static void
json_case(struct buffer *b, const struct difference *d)
{
	static const char *const names[] = { "none", "only", "moved", "other" };

	buffer_text(b, "{");
	json_member(b, "rule", d->c->rule);
	buffer_text(b, ",");
	json_member(b, "type", d->c->type);
	buffer_text(b, ",");
	json_member(b, "subject", d->c->subject);
	buffer_text(b, ",");
	json_member(b, "object", d->c->object);
	buffer_text(b, ",");
	json_member(b, "difference", names[d->c->difference]);
	json_side(b, "a", d->side == SIDE_A ? d->c : NULL);
	json_side(b, "b", d->side == SIDE_B ? d->c : d->c->other);
	if (d->c->difference == DIFFERENCE_MOVED)
		buffer_printf(b, ",\"moved_ns\":%" PRId64, d->move);
	buffer_text(b, "}");
}

static bool
json_worker(struct buffer *b, const struct simulate *s, const struct simulation *w)
{
	struct tallies t = tally(s, w);
	struct differences d = differ(s, w);
	bool any = t.count > 0;

	buffer_text(b, "{");
	json_member(b, "worker", w->worker);
	for (int side = 0; side < SIDES; side++) {
		buffer_printf(b, ",\"%c\":{", "ab"[side]);
		json_member(b, "config", s->config[side]);
		buffer_printf(b, ",\"concluded\":%" PRIu64 ",\"breached\":%" PRIu64 "}", t.concluded[side], t.breached[side]);
	}
	buffer_text(b, ",\"rules\":[");
	for (size_t i = 0; i < t.count; i++) {
		buffer_text(b, i > 0 ? ",{" : "{");
		json_member(b, "rule", t.rows[i].rule);
		buffer_text(b, ",");
		json_member(b, "type", t.rows[i].type);
		for (unsigned k = 0; k < COUNTS; k++)
			buffer_printf(b, ",\"%s\":%" PRIu64, heads[k].key, t.rows[i].count[k]);
		buffer_text(b, "}");
	}
	buffer_text(b, "],\"cases\":[");
	for (size_t i = 0; i < d.count; i++) {
		buffer_text(b, i > 0 ? "," : "");
		json_case(b, &d.rows[i]);
	}
	buffer_text(b, "]}");
	free(t.rows);
	free(d.rows);
	return (any);
}

bool
simulate_show_json(struct buffer *b, struct simulate *s)
{
	bool any = false;

	buffer_printf(b, "{\"events\":%" PRIu64, s->events);
	json_instant(b, "from", s->period.from);
	json_instant(b, "until", s->has_until ? s->period.until : INT64_MAX);
	buffer_text(b, ",\"workers\":[");
	for (unsigned i = 0; i < s->count; i++) {
		buffer_text(b, i > 0 ? "," : "");
		any |= json_worker(b, s, &s->workers[i]);
	}
	buffer_text(b, "]}\n");
	return (any);
}
