/* What is behind a figure: each member, and the events that it is one by. */
#include "stats.h"

#include <string.h>

#include "bounds.h"
#include "bytes.h"
#include "errcode.h"

/* Of one object; an answer's list may have ASK_ANSWER_ITEMS_MAX, and one more is the contact's. */
#define EVENTS_MAX	(ASK_ANSWER_ITEMS_MAX - 96u)

/* "t", survey, 0, ticket: "survey/ticket". */
static void
reply_object(struct worker *w, struct text key)
{
	char text[OBJECT_KEY_MAX];
	size_t len = 0;

	for (uint32_t i = 1; i < key.len && len < sizeof(text); i++)
		text[len++] = key.s[i] != '\0' ? key.s[i] : '/';
	worker_reply(w, "object", (struct text){ text, (uint32_t)len });
}

/* All that counted of it, as of then, or when the member was one no longer: a correction that was not known yet takes nothing from it. */
static void
reply_events(struct turn *t, const struct question_period *q, struct text key, uint64_t before, uint64_t contact)
{
	struct object_key k = { .len = key.len };
	struct history h;
	unsigned n = 0;

	memcpy(k.bytes, key.s, key.len);
	object_load(t, &t->x->object, &k);
	if (q->as_of.seq < before - 1)
		before = q->as_of.seq + 1;
	h = object_history_before(&t->x->object, before);
	worker_reply_list(t->w, "events");
	for (unsigned i = 0; i < h.count && n < EVENTS_MAX; i++, n++)
		worker_reply_int(t->w, "", (int64_t)h.f[i]->seq);
	if (contact != 0)
		worker_reply_int(t->w, "", (int64_t)contact);
	worker_reply_end(t->w);
	/* The rest is said to be there: how many, and from which on. */
	if (h.count > n) {
		worker_reply_int(t->w, "more", h.count - n);
		worker_reply_int(t->w, "more_from", (int64_t)h.f[n]->seq);
	}
}

static bool
is_asked(const struct question_period *q, const struct row *row, bool valued, struct text value)
{
	const struct text *d = q->dim < DIMS_MAX ? &row->dims[q->dim] : NULL;

	return (d == NULL || !valued || (d->len == value.len && (value.len == 0 || memcmp(d->s, value.s, value.len) == 0)));
}

int
ask_explain(struct worker *w)
{
	struct turn t = turn_of(w, 0, 0);
	bool past = worker_asked_int(w, "past", 0, 0, 1) != 0, valued;
	size_t header = past ? PAST_HEADER : ROW_HEADER;
	struct worker_walk walk = { .key_len = 0 };
	struct question_period q;
	struct text value = { "", 0 };
	uint64_t contact;
	uint8_t prefix[6];
	size_t prefix_len = 4;
	struct row row;

	if (ask_period(&t, &q) != 0)
		return (-1);
	valued = worker_asked_text(w, "value", KEEP_BYTES_MAX, &value);
	if (valued && q.dim == DIMS_MAX)
		return (worker_refuse(w, E_ARGUMENT, "by", "the dimension whose value that is"));
	put_be32(prefix, q.m->key);
	if (q.m->per == PER_MONTH) {
		if (q.first != q.last)
			return (worker_refuse(w, E_ARGUMENT, "period", "one month a question"));
		prefix[4] = (uint8_t)(q.first >> 8);
		prefix[5] = (uint8_t)q.first;
		prefix_len = 6;
	}
	worker_reply_list(w, "rows");
	while (worker_each_row(w, past ? PAST : ROWS, prefix, prefix_len, &walk)) {
		uint64_t before = past ? get_be64(walk.key + PAST_SEQ) : UINT64_MAX;
		struct text key = member_object(walk.key, walk.key_len, past);

		if (key.len == 0 || !ask_held(&q, &walk, past) || !member_read(&row, (const uint8_t *)walk.value + header, walk.value_len - header) ||
		    !ask_counts(&q, &row) || !is_asked(&q, &row, valued, value))
			continue;
		contact = ask_contact(&t, &q, key, &row);
		worker_reply_row(w);
		reply_object(w, key);
		worker_reply_int(w, "num", row.counted);
		worker_reply_int(w, "den", 1);
		if (row.timed)
			worker_reply_int(w, "ms", row.ms);
		if (!row.spell)
			worker_reply_instant(w, "at", row.at);
		else {
			worker_reply_instant(w, "since", row.since);
			worker_reply_instant(w, "base", row.base);
		}
		if (q.dim < DIMS_MAX)
			worker_reply(w, "value", row.dims[q.dim]);
		reply_events(&t, &q, key, before, contact);
	}
	return (0);
}
