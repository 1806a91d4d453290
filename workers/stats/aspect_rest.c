/* Callbacks, visits, calls, tickets of surveys, obligations. */
#include "stats.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "buffer.h"

#define SECOND_MS	1000

static bool
text_same(struct text a, struct text b)
{
	return (a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0));
}

/* ---- Callbacks ---- */

/* What is said of a callback, by the callback's id: facts of one lie together, in their order. */
struct said {
	struct text id;
	unsigned at;			/* of the history */
};

static int
by_id(const void *a, const void *b)
{
	const struct said *x = a, *y = b;
	uint32_t len = x->id.len < y->id.len ? x->id.len : y->id.len;
	int c = len > 0 ? memcmp(x->id.s, y->id.s, len) : 0;

	if (c == 0)
		c = (x->id.len > y->id.len) - (x->id.len < y->id.len);
	return (c != 0 ? c : (x->at > y->at) - (x->at < y->at));
}

/* The first of `count` that is of this id; `count`: none is. */
static size_t
find_said(const struct said *list, size_t count, struct text id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (by_id(&list[middle], &(struct said){ id, 0 }) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return (low < count && text_same(list[low].id, id) ? low : count);
}

/* A result that names none is of the last of its kind that had been asked for. */
static struct text
callback_meant(const struct history *h, const struct said *dues, size_t due_count, const struct fact *done)
{
	struct text kind, id = { NULL, 0 }, t, named;

	if (fact_text(done, KEEP_CALLBACK, &named) && named.len > 0 && find_said(dues, due_count, named) < due_count)
		return (named);
	if (due_count == 0)
		return (id);
	fact_text(done, KEEP_KIND, &kind);
	for (unsigned i = h->count; i-- > 0;)
		if (h->f[i]->type == TAKE_DUE && h->f[i]->when <= done->when && fact_text(h->f[i], KEEP_KIND, &t) && text_same(t, kind) &&
		    fact_text(h->f[i], KEEP_CALLBACK, &id))
			return (id);
	return (id);
}

static void
one_callback(struct turn *t, const struct history *h, const struct said *said, size_t count, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	const struct fact *done = NULL;
	struct text household;

	for (size_t i = 0; i < count; i++) {
		const struct fact *f = h->f[said[i].at];

		if (f->type == TAKE_DUE) {
			fact_text(f, KEEP_HOUSEHOLD, &household);
			aspect_home(&a, household);
			aspect_field(&a, ATTR_DUE, f, KEEP_DUE);
			aspect_field(&a, ATTR_KIND, f, KEEP_KIND);
			aspect_field(&a, ATTR_MANDATORY, f, KEEP_MANDATORY);
			aspect_field(&a, ATTR_CALLER, f, KEEP_STAFF);
			aspect_drop(&a, ATTR_CANCELLED);
		} else if (f->type == TAKE_REASSIGNED)
			aspect_field(&a, ATTR_CALLER, f, KEEP_STAFF);
		else if (f->type == TAKE_CANCELLED)
			aspect_flag(&a, ATTR_CANCELLED, true);
		else if (done == NULL && history_counts_done(h, f))
			done = f;
	}
	if (done != NULL) {
		aspect_at(&a, ATTR_CALLED, done->when);
		aspect_field(&a, ATTR_CALLER, done, KEEP_BY);
		aspect_field(&a, ATTR_GRADE, done, KEEP_GRADE);
	}
	aspect_sub(&a, said[0].id.s, said[0].id.len);
	tell(t, CLASS_CALLBACK, &a);
}

/* A talk that nobody had asked for has no due; its grade counts all the same. */
static void
unasked(struct turn *t, const struct history *h, const struct fact *f, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	struct text household;

	if (!fact_text(f, KEEP_HOUSEHOLD, &household))
		household = fact_says(f, KEEP_KIND, "routine") ? h->subject : household;
	aspect_home(&a, household);
	aspect_at(&a, ATTR_CALLED, f->when);
	aspect_field(&a, ATTR_CALLER, f, KEEP_BY);
	aspect_field(&a, ATTR_KIND, f, KEEP_KIND);
	aspect_field(&a, ATTR_GRADE, f, KEEP_GRADE);
	aspect_sub_at(&a, (int64_t)f->seq);
	tell(t, CLASS_CALLBACK, &a);
}

/* Those that were asked for, by their ids. */
static size_t
find_dues(const struct history *h, struct said *list)
{
	size_t n = 0;

	for (unsigned i = 0; i < h->count; i++)
		if (h->f[i]->type == TAKE_DUE && fact_text(h->f[i], KEEP_CALLBACK, &list[n].id))
			list[n++].at = i;
	if (n > 0)
		qsort(list, n, sizeof(*list), by_id);
	return (n);
}

/*
 * A subject may have been called about any number of times.  So each result is given to its callback once, and what is said of all callbacks is
 * sorted: looking for the facts of each among those of all others would make one more event of a long story take minutes.
 */
void
aspect_callbacks(struct turn *t, const struct history *h, aspect_fn *tell)
{
	struct said *dues = alloc_or_exit(NULL, 2 * (h->count + 1) * sizeof(*dues)), *all = dues + h->count + 1;
	size_t due_count = find_dues(h, dues), n = 0, next;

	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		all[n] = (struct said){ { NULL, 0 }, i };
		if (f->type == TAKE_DONE && f->via != VIA_COVERED) {
			all[n].id = callback_meant(h, dues, due_count, f);
			if (all[n].id.len == 0 && f->via == VIA_OWN)
				unasked(t, h, f, tell);
		} else if (f->type == TAKE_DUE || f->type == TAKE_REASSIGNED || f->type == TAKE_CANCELLED)
			fact_text(f, KEEP_CALLBACK, &all[n].id);
		n += all[n].id.len > 0;
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), by_id);
	for (size_t i = 0; i < n; i = next) {
		for (next = i + 1; next < n && text_same(all[next].id, all[i].id);)
			next++;
		if (find_said(dues, due_count, all[i].id) < due_count)
			one_callback(t, h, all + i, next - i, tell);
	}
	free(dues);
}

/* ---- Visits ---- */

/* Signed before the next one begins. */
void
aspect_visits(struct turn *t, const struct history *h, aspect_fn *tell)
{
	for (unsigned i = 0; i < h->count; i++) {
		struct aspect a = { .has = 0 };

		if (h->f[i]->type != TAKE_VISIT)
			continue;
		aspect_at(&a, ATTR_WHEN, h->f[i]->when);
		aspect_field(&a, ATTR_STAFF, h->f[i], KEEP_BY);
		for (unsigned k = i + 1; k < h->count && h->f[k]->type != TAKE_VISIT && !aspect_has(&a, ATTR_SIGNED); k++)
			if (h->f[k]->type == TAKE_SIGNED)
				aspect_at(&a, ATTR_SIGNED, h->f[k]->when);
		aspect_sub_at(&a, (int64_t)h->f[i]->seq);
		tell(t, CLASS_VISIT, &a);
	}
}

/* ---- Checks ---- */

/* Of somebody's work, or of an area; and who was there.  Each stands for itself: two of one day are two. */
void
aspect_checks(struct turn *t, const struct history *h, aspect_fn *tell)
{
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];
		struct aspect a = { .has = 0 };
		struct text area = { NULL, 0 };

		if (f->type != TAKE_INSPECTED && f->type != TAKE_EVALUATED && f->type != TAKE_ATTENDED)
			continue;
		fact_text(f, KEEP_AREA_KIND, &area);
		aspect_at(&a, ATTR_WHEN, f->when);
		aspect_word(&a, ATTR_KIND, text_of(area.len > 0 ? "area" : f->type == TAKE_INSPECTED ? "inspection" : f->type == TAKE_EVALUATED ? "evaluation" : "attendance"));
		aspect_word(&a, ATTR_CATEGORY, area);
		aspect_word(&a, ATTR_STAFF, area.len > 0 ? (struct text){ NULL, 0 } : h->subject);
		aspect_sub_at(&a, (int64_t)f->seq);
		tell(t, CLASS_CHECK, &a);
	}
}

/* ---- Calls ---- */

#define RETURN_WITHIN	(7 * DAY_NS)	/* who gets through later calls about something else */

/* Got they through, or were they called back? */
static bool
is_return(const struct fact *f)
{
	return (f->type == TAKE_ANSWERED || (f->type == TAKE_DONE && (fact_says(f, KEEP_KIND, "call") || f->via == VIA_COVERED)));
}

/* Since when calls of a household may have been lost that what happened then returns, or no longer does: an earlier return has those before it. */
int64_t
aspect_lost_since(const struct history *h, int64_t when)
{
	int64_t since = when - RETURN_WITHIN;

	for (unsigned i = 0; i < h->count && h->f[i]->when < when; i++)
		if (h->f[i]->when > since && is_return(h->f[i]))
			since = h->f[i]->when;
	return (since);
}

/* The first of `order` that happened then, or later. */
static unsigned
first_since(const struct history *h, int64_t when)
{
	unsigned low = 0, high = h->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (h->f[middle]->when < when)
			low = middle + 1;
		else
			high = middle;
	}
	return (low);
}

/* They were called back, or got through: by this call's own facts, or by those of the household. */
static void
returned(struct aspect *a, const struct history *h, int64_t lost)
{
	for (unsigned i = first_since(h, lost); i < h->count && h->f[i]->when <= lost + RETURN_WITHIN; i++) {
		const struct fact *f = h->f[i];

		if (!is_return(f))
			continue;
		if (!aspect_has(a, ATTR_RETURNED) || f->when < a->number[ATTR_RETURNED])
			aspect_at(a, ATTR_RETURNED, f->when);
		return;
	}
}

void
aspect_call(struct turn *t, const struct history *h, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	struct history house;
	struct text household;
	int64_t wait;

	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->via != VIA_OWN || f->type < TAKE_QUEUED || f->type > TAKE_VOICEMAIL)
			continue;
		if (!aspect_has(&a, ATTR_QUEUED))
			aspect_at(&a, ATTR_QUEUED, f->when);
		if (!aspect_has(&a, ATTR_QUEUE))
			aspect_field(&a, ATTR_QUEUE, f, KEEP_QUEUE);
		if (fact_text(f, KEEP_HOUSEHOLD, &household) && !aspect_has(&a, ATTR_HOUSEHOLD))
			aspect_home(&a, household);
		if (f->type == TAKE_ANSWERED && !aspect_has(&a, ATTR_ANSWERED)) {
			aspect_at(&a, ATTR_ANSWERED, f->when);
			aspect_field(&a, ATTR_STAFF, f, KEEP_AGENT);
			aspect_at(&a, ATTR_WAIT, fact_number(f, KEEP_WAIT_S, &wait) ? wait * SECOND_MS : (f->when - a.number[ATTR_QUEUED]) / (SECOND_NS / SECOND_MS));
		}
		/* Who rings off at once has rung by mistake. */
		if (f->type == TAKE_ABANDONED && fact_number(f, KEEP_WAIT_S, &wait) && wait * SECOND_NS < t->p->ring)
			aspect_flag(&a, ATTR_VOID, true);
		else if ((f->type == TAKE_ABANDONED || f->type == TAKE_VOICEMAIL) && !aspect_has(&a, ATTR_LOST))
			aspect_at(&a, ATTR_LOST, f->when);
	}
	if (!aspect_has(&a, ATTR_QUEUED))
		return;
	if (aspect_has(&a, ATTR_LOST)) {
		aspect_drop(&a, ATTR_VOID);
		returned(&a, h, a.number[ATTR_LOST]);
		if (aspect_has(&a, ATTR_HOUSEHOLD) && object_beside(t, 'c', a.word[ATTR_HOUSEHOLD], &house))
			returned(&a, &house, a.number[ATTR_LOST]);
	}
	tell(t, CLASS_CALL, &a);
}

/* ---- Tickets ---- */

/* From when a survey is held, until when answers count. */
struct held {
	int64_t from, until, year_begins, year_ends;
};

/*
 * A survey is of the year in which it was opened (S1: one each half-year), and all of it counts there: forms that come back after New Year do not
 * belong to the next one, nor do those that went out before.  Of one that nobody opened each form is of the year in which it went out.
 */
static struct held
survey_held(struct turn *t, const struct history *ticket)
{
	struct held held = { INT64_MAX, INT64_MAX, 0, 0 };
	struct history h;

	if (object_beside(t, 's', ticket->subject, &h))
		for (unsigned i = 0; i < h.count; i++) {
			int64_t *first = h.f[i]->type == TAKE_SURVEY_OPENED ? &held.from : h.f[i]->type == TAKE_SURVEY_CLOSED ? &held.until : NULL;

			if (first != NULL && h.f[i]->when < *first)
				*first = h.f[i]->when;
		}
	if (held.from == INT64_MAX)
		held.from = ticket->count > 0 ? ticket->f[0]->when : 0;
	held.year_ends = period_year_ends(t, held.from);
	held.year_begins = period_month_begins(t, period_month(t, held.from) / 12 * 12);
	return (held);
}

static int64_t
counts_at(const struct held *held, int64_t when)
{
	return (when < held->year_begins ? held->year_begins : when >= held->year_ends ? held->year_ends - 1 : when);
}

/* Each question once: the last answer to it. */
static void
answers(struct turn *t, const struct history *h, struct aspect *a, const struct held *held, aspect_fn *tell)
{
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];
		struct text item, other;
		bool later = false;
		uint8_t hash[16];
		XXH128_canonical_t canonical;

		if (f->type != TAKE_ANSWER || f->when > held->until || !fact_text(f, KEEP_ITEM, &item))
			continue;
		for (unsigned k = i + 1; k < h->count && !later; k++)
			later = h->f[k]->type == TAKE_ANSWER && h->f[k]->when <= held->until && fact_text(h->f[k], KEEP_ITEM, &other) && text_same(item, other);
		if (later)
			continue;
		aspect_at(a, ATTR_WHEN, counts_at(held, f->when));
		aspect_word(a, ATTR_ITEM, item);
		aspect_field(a, ATTR_GRADE, f, KEEP_GRADE);
		XXH128_canonicalFromHash(&canonical, XXH3_128bits(item.s, item.len));
		memcpy(hash, canonical.digest, sizeof(hash));
		aspect_sub(a, hash, sizeof(hash));
		tell(t, CLASS_ANSWER, a);
	}
}

void
aspect_ticket(struct turn *t, const struct history *h, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	struct text household;
	struct held held = survey_held(t, h);

	aspect_word(&a, ATTR_SURVEY, h->subject);
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->type == TAKE_ISSUED && !aspect_has(&a, ATTR_ISSUED)) {
			aspect_at(&a, ATTR_ISSUED, counts_at(&held, f->when));
			fact_text(f, KEEP_HOUSEHOLD, &household);
			aspect_home(&a, household);
		} else if (f->type == TAKE_RETURNED && f->when <= held.until && !aspect_has(&a, ATTR_RETURNED))
			aspect_at(&a, ATTR_RETURNED, f->when);
	}
	tell(t, CLASS_TICKET, &a);
	answers(t, h, &a, &held, tell);
}

/* ---- Obligations ---- */

void
aspect_obligation(struct turn *t, const struct history *h, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	bool breached = false;

	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		switch (f->type) {
		case TAKE_OWED:
			aspect_at(&a, ATTR_OPENED, f->when);
			aspect_drop(&a, ATTR_CANCELLED);
			aspect_drop(&a, ATTR_KEPT);
			aspect_drop(&a, ATTR_DONE);
			breached = false;
			break;
		case TAKE_FULFILLED:
			aspect_flag(&a, ATTR_DONE, true);
			aspect_flag(&a, ATTR_KEPT, !breached || fact_is(f, KEEP_LATE_KNOWN));
			break;
		case TAKE_BREACHED:
			breached = true;
			break;
		case TAKE_UNOWED:
		case TAKE_WAIVED:
			aspect_flag(&a, ATTR_CANCELLED, true);
			break;
		default:
			break;
		}
		if (f->type == TAKE_OWED || f->type == TAKE_MOVED) {
			aspect_field(&a, ATTR_DUE, f, KEEP_DUE);
			aspect_field(&a, ATTR_RULE, f, KEEP_RULE);
			aspect_field(&a, ATTR_ROLE, f, KEEP_ROLE);
		}
	}
	if (aspect_has(&a, ATTR_OPENED))
		tell(t, CLASS_OBLIGATION, &a);
}
