/* Callbacks, visits, calls, tickets of surveys, obligations. */
#include "stats.h"

#include <string.h>
#include <xxhash.h>

#define SECOND_MS	1000

static bool
text_same(struct text a, struct text b)
{
	return (a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0));
}

/* ---- Callbacks ---- */

static bool
is_of(const struct fact *f, struct text id)
{
	struct text named;

	return (fact_text(f, KEEP_CALLBACK, &named) && text_same(named, id));
}

/* A result that names none is of the last of its kind that had been asked for. */
static struct text
callback_meant(const struct history *h, const struct fact *done)
{
	struct text kind, id = { NULL, 0 }, t, named;

	fact_text(done, KEEP_KIND, &kind);
	fact_text(done, KEEP_CALLBACK, &named);
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->type != TAKE_DUE)
			continue;
		if (named.len > 0 && is_of(f, named))
			return (named);
		if (f->when <= done->when && fact_text(f, KEEP_KIND, &t) && text_same(t, kind))
			fact_text(f, KEEP_CALLBACK, &id);
	}
	return (id);
}

static void
one_callback(struct turn *t, const struct history *h, struct text id, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	struct text household;

	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->type == TAKE_DUE && is_of(f, id)) {
			fact_text(f, KEEP_HOUSEHOLD, &household);
			aspect_home(&a, household);
			aspect_field(&a, ATTR_DUE, f, KEEP_DUE);
			aspect_field(&a, ATTR_KIND, f, KEEP_KIND);
			aspect_field(&a, ATTR_MANDATORY, f, KEEP_MANDATORY);
			aspect_field(&a, ATTR_CALLER, f, KEEP_STAFF);
			aspect_drop(&a, ATTR_CANCELLED);
		} else if (f->type == TAKE_REASSIGNED && is_of(f, id))
			aspect_field(&a, ATTR_CALLER, f, KEEP_STAFF);
		else if (f->type == TAKE_CANCELLED && is_of(f, id))
			aspect_flag(&a, ATTR_CANCELLED, true);
	}
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->type != TAKE_DONE || f->via == VIA_COVERED || !text_same(callback_meant(h, f), id) || !history_counts_done(h, f))
			continue;
		aspect_at(&a, ATTR_CALLED, f->when);
		aspect_field(&a, ATTR_CALLER, f, KEEP_BY);
		aspect_field(&a, ATTR_GRADE, f, KEEP_GRADE);
		break;
	}
	aspect_sub(&a, id.s, id.len);
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

void
aspect_callbacks(struct turn *t, const struct history *h, aspect_fn *tell)
{
	struct text id, other;

	for (unsigned i = 0; i < h->count; i++) {
		bool before = false;

		if (h->f[i]->type == TAKE_DONE && h->f[i]->via == VIA_OWN && callback_meant(h, h->f[i]).len == 0)
			unasked(t, h, h->f[i], tell);
		if (h->f[i]->type != TAKE_DUE || !fact_text(h->f[i], KEEP_CALLBACK, &id))
			continue;
		for (unsigned k = 0; k < i && !before; k++)
			before = h->f[k]->type == TAKE_DUE && fact_text(h->f[k], KEEP_CALLBACK, &other) && text_same(id, other);
		if (!before)
			one_callback(t, h, id, tell);
	}
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

/* ---- Calls ---- */

#define RETURN_WITHIN	(7 * DAY_NS)	/* who gets through later calls about something else */

/* They were called back, or got through: by this call's own facts, or by those of the household. */
static void
returned(struct aspect *a, const struct history *h, int64_t lost)
{
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->when < lost || f->when > lost + RETURN_WITHIN)
			continue;
		if (f->type != TAKE_ANSWERED && !(f->type == TAKE_DONE && (fact_says(f, KEEP_KIND, "call") || f->via == VIA_COVERED)))
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

/* No more answers count once it is closed. */
static int64_t
survey_end(struct turn *t, struct text survey)
{
	struct history h;
	int64_t end = INT64_MAX;

	if (object_beside(t, 's', survey, &h))
		for (unsigned i = 0; i < h.count; i++)
			if (h.f[i]->type == TAKE_SURVEY_CLOSED && h.f[i]->when < end)
				end = h.f[i]->when;
	return (end);
}

/* Each question once: the last answer to it. */
static void
answers(struct turn *t, const struct history *h, struct aspect *a, int64_t end, aspect_fn *tell)
{
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];
		struct text item, other;
		bool later = false;
		uint8_t hash[16];
		XXH128_canonical_t canonical;

		if (f->type != TAKE_ANSWER || f->when > end || !fact_text(f, KEEP_ITEM, &item))
			continue;
		for (unsigned k = i + 1; k < h->count && !later; k++)
			later = h->f[k]->type == TAKE_ANSWER && h->f[k]->when <= end && fact_text(h->f[k], KEEP_ITEM, &other) && text_same(item, other);
		if (later)
			continue;
		aspect_at(a, ATTR_WHEN, f->when);
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
	int64_t end = survey_end(t, h->subject);

	aspect_word(&a, ATTR_SURVEY, h->subject);
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->type == TAKE_ISSUED && !aspect_has(&a, ATTR_ISSUED)) {
			aspect_at(&a, ATTR_ISSUED, f->when);
			fact_text(f, KEEP_HOUSEHOLD, &household);
			aspect_home(&a, household);
		} else if (f->type == TAKE_RETURNED && f->when <= end && !aspect_has(&a, ATTR_RETURNED))
			aspect_at(&a, ATTR_RETURNED, f->when);
	}
	tell(t, CLASS_TICKET, &a);
	answers(t, h, &a, end, tell);
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
