/* The registers of numbered papers and cards: see serials.h. */
#include "serials.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "paint.h"
#include "telling.h"
#include "wrap.h"

#define GAPS_SHOWN	20u

/* One number of a register, and what became of it. */
struct serial {
	const struct fact *f;		/* as it was handed out */
	const char *kind;
	uint32_t kind_len, head_len;	/* of the subject: what its number begins with */
	uint64_t number;
	unsigned issued;
	bool numbered, over;		/* void, returned or lost */
};

struct serials {
	struct serial *list;
	size_t count;
};

/* "R-000123": R-, 123.  False if it ends in no number, or in one that is none of any register. */
static bool
split(struct text subject, uint32_t *head_len, uint64_t *number)
{
	uint32_t at = subject.len;

	*number = 0;
	while (at > 0 && subject.s[at - 1] >= '0' && subject.s[at - 1] <= '9')
		at--;
	*head_len = at;
	if (at == subject.len || subject.len - at > 15)
		return (false);
	for (; at < subject.len; at++)
		*number = *number * 10 + (uint64_t)(subject.s[at] - '0');
	return (true);
}

static int
by_register(const struct serial *x, const struct serial *y)
{
	int c = x->kind_len != y->kind_len ? (x->kind_len < y->kind_len ? -1 : 1) : memcmp(x->kind, y->kind, x->kind_len);

	if (c == 0 && x->head_len != y->head_len)
		c = x->head_len < y->head_len ? -1 : 1;
	return (c != 0 ? c : memcmp(x->f->e.subject.s, y->f->e.subject.s, x->head_len));
}

static int
by_number(const void *a, const void *b)
{
	const struct serial *x = a, *y = b;
	int c = by_register(x, y);

	if (c != 0)
		return (c);
	if (x->number != y->number)
		return (x->number < y->number ? -1 : 1);
	return (x->f->when < y->f->when ? -1 : x->f->when > y->f->when);
}

static bool
is_issue(const struct fact *f)
{
	return (fact_is(f, "receipt.issued") || fact_is(f, "card.issued"));
}

static void
gather(struct serials *s, const struct dossier *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct fact *f = &d->facts[i];
		struct serial *one;
		struct text kind;

		if (!is_issue(f) || f->e.subject.s == NULL)
			continue;
		if ((s->count & (s->count - 1)) == 0)
			s->list = alloc_or_exit(s->list, (s->count == 0 ? 1 : 2 * s->count) * sizeof(*s->list));
		one = memset(&s->list[s->count++], 0, sizeof(*one));
		one->f = f;
		one->issued = 1;
		one->numbered = split(f->e.subject, &one->head_len, &one->number);
		one->kind = "";
		if (fact_text(d, f, "kind", &kind)) {
			one->kind = kind.s;
			one->kind_len = kind.len;
		}
	}
	if (s->count > 0)
		qsort(s->list, s->count, sizeof(*s->list), by_number);
}

/* What is handed out twice is one number. */
static void
fold(struct serials *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++)
		if (kept > 0 && by_register(&s->list[kept - 1], &s->list[i]) == 0 && s->list[kept - 1].number == s->list[i].number && s->list[i].numbered)
			s->list[kept - 1].issued++;
		else
			s->list[kept++] = s->list[i];
	s->count = kept;
}

static void
mark_over(struct serials *s, const struct dossier *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct fact *f = &d->facts[i];
		struct serial key = { .f = f, .kind = "" }, *found;
		struct text kind;

		if (is_issue(f) || f->e.subject.s == NULL || !split(f->e.subject, &key.head_len, &key.number))
			continue;
		if (fact_text(d, f, "kind", &kind)) {
			key.kind = kind.s;
			key.kind_len = kind.len;
		}
		/* Of one number there is one row by now, whenever it was. */
		for (size_t low = 0, high = s->count; low < high;) {
			size_t middle = low + (high - low) / 2;
			int c = by_register(&key, &s->list[middle]);

			found = &s->list[middle];
			if (c == 0)
				c = key.number < found->number ? -1 : key.number > found->number;
			if (c == 0) {
				found->over = true;
				break;
			}
			if (c < 0)
				high = middle;
			else
				low = middle + 1;
		}
	}
}

/* A register: rows first to last of the list. */
struct part {
	const struct serials *s;
	size_t first, last;
	int64_t from, until;
	uint64_t issued, over, missing, twice;	/* in the period; missing: numbers below one of it that nobody has seen */
};

static bool
is_of(const struct part *p, const struct serial *one)
{
	return (one->f->when >= p->from && one->f->when < p->until);
}

/* The numbers missing right below that row, 0 for the first of a register. */
static uint64_t
gap_below(const struct part *p, size_t i)
{
	const struct serial *list = p->s->list;

	return (i > p->first && list[i].numbered ? list[i].number - list[i - 1].number - 1 : 0);
}

static void
count(struct part *p)
{
	for (size_t i = p->first; i <= p->last; i++) {
		const struct serial *one = &p->s->list[i];

		if (!is_of(p, one))
			continue;
		p->issued++;
		p->over += one->over;
		p->twice += one->issued > 1;
		p->missing += gap_below(p, i);
	}
}

static void
add_number(struct buffer *b, const struct serial *like, uint64_t number)
{
	/* With as many digits as its neighbour has. */
	buffer_add(b, like->f->e.subject.s, like->head_len);
	buffer_printf(b, "%0*" PRIu64, (int)(like->f->e.subject.len - like->head_len), number);
}

/* "R-000124, R-000131–R-000140", those below numbers of the period; what does not fit is counted. */
static void
add_gaps(struct buffer *b, const struct part *p, const char *quote)
{
	unsigned shown = 0;

	for (size_t i = p->first; i <= p->last; i++) {
		const struct serial *one = &p->s->list[i];
		uint64_t gap = is_of(p, one) ? gap_below(p, i) : 0;

		if (gap == 0)
			continue;
		if (shown++ == GAPS_SHOWN && *quote == '\0') {
			buffer_text(b, ", …");
			return;
		}
		buffer_printf(b, "%s%s", shown > 1 ? *quote != '\0' ? "," : ", " : "", quote);
		add_number(b, one, one->number - gap);
		if (gap > 1) {
			buffer_text(b, *quote != '\0' ? ".." : "–");
			add_number(b, one, one->number - 1);
		}
		buffer_text(b, quote);
	}
}

static void
add_twice(struct buffer *b, const struct part *p, const char *quote)
{
	bool any = false;

	for (size_t i = p->first; i <= p->last; i++)
		if (is_of(p, &p->s->list[i]) && p->s->list[i].issued > 1) {
			buffer_printf(b, "%s%s", any ? *quote != '\0' ? "," : ", " : "", quote);
			paint_clean(b, p->s->list[i].f->e.subject.s, p->s->list[i].f->e.subject.len, 0);
			buffer_text(b, quote);
			any = true;
		}
}

static void
end_numbers(struct buffer *b, struct buffer *numbers)
{
	buffer_printf(b, "  %s", paint(PAINT_RED));
	wrap_add(b, numbers->data, numbers->len, 4, paint_columns());
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
	buffer_clear(numbers);
}

static void
show(struct buffer *b, const struct part *p, bool zh)
{
	const struct serial *one = &p->s->list[p->first];
	struct buffer numbers = { NULL, 0, 0 };
	struct mp kind;
	size_t from = b->len;

	if (fact_field(&(struct dossier){ .count = 0 }, one->f, "kind", &kind))
		telling_value(b, one->f->e.kind, "kind", kind, zh);
	buffer_text(b, " ");
	paint_clean(b, one->f->e.subject.s, one->head_len, 0);
	if (!one->numbered)
		buffer_text(b, zh ? "（无序号）" : "(no number)");
	for (size_t width = paint_width(b->data + from, b->len - from); width < 24; width++)
		buffer_text(b, " ");
	buffer_printf(b, zh ? " 领用 %" PRIu64 "，作废或退回 %" PRIu64 "，缺 %" PRIu64 "，重号 %" PRIu64 "\n" : " handed out %" PRIu64 ", void or back %" PRIu64 ", missing %" PRIu64 ", twice %" PRIu64 "\n",
	    p->issued, p->over, p->missing, p->twice);
	if (p->missing > 0) {
		buffer_printf(&numbers, zh ? "缺号：" : "missing: ");
		add_gaps(&numbers, p, "");
		end_numbers(b, &numbers);
	}
	if (p->twice > 0) {
		buffer_printf(&numbers, zh ? "重号：" : "twice: ");
		add_twice(&numbers, p, "");
		end_numbers(b, &numbers);
	}
	buffer_free(&numbers);
}

static void
show_json(struct buffer *b, const struct part *p, bool first)
{
	const struct serial *one = &p->s->list[p->first];

	buffer_printf(b, "%s{\"kind\":", first ? "" : ",");
	json_write_text(b, one->kind, one->kind_len);
	buffer_text(b, ",\"register\":");
	json_write_text(b, one->f->e.subject.s, one->head_len);
	buffer_printf(b, ",\"numbered\":%s,\"issued\":%" PRIu64 ",\"over\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"gaps\":[", one->numbered ? "true" : "false", p->issued, p->over,
	    p->missing);
	add_gaps(b, p, "\"");
	buffer_text(b, "],\"twice\":[");
	add_twice(b, p, "\"");
	buffer_text(b, "]}");
}

static void
tell_all(const struct serials *s, const struct dossier *d, int64_t from, int64_t until, bool json, struct buffer *b, bool zh)
{
	bool any = false;

	if (json)
		buffer_text(b, "{\"registers\":[");
	for (size_t i = 0; i < s->count;) {
		struct part p = { .s = s, .first = i, .from = from, .until = until };

		while (i < s->count && by_register(&s->list[p.first], &s->list[i]) == 0)
			p.last = i++;
		count(&p);
		if (p.issued == 0)
			continue;
		if (json)
			show_json(b, &p, !any);
		else
			show(b, &p, zh);
		any = true;
	}
	if (json)
		buffer_printf(b, "],\"seq\":%" PRIu64 "}\n", d->seq);
	else if (!any)
		buffer_text(b, zh ? "没有领用登记\n" : "Nothing was handed out\n");
}

int
serials_tell(const struct common *c, struct estate *e, int64_t from, int64_t until, struct buffer *b, bool zh)
{
	static const char *const types[] = { "receipt.*", "card.*", "record.*", NULL };
	struct dossier d = { .count = 0 };
	struct serials s = { NULL, 0 };
	int n;

	if ((n = dossier_read(&d, "report", c, e, NULL, types)) == 0) {
		dossier_settle(&d);
		gather(&s, &d);
		fold(&s);
		mark_over(&s, &d);
		tell_all(&s, &d, from, until, c->json, b, zh);
	}
	free(s.list);
	dossier_free(&d);
	return (n);
}
