/* Calls that nobody answered. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

/* Who gave up waiting is called back; a second call of that household joins the first. */
void
calls_lost(struct turn *t, const struct worker_event *v)
{
	bool voicemail = mp_equal(v->e->type.s, v->e->type.len, "voicemail.left");
	char id[ID_SIZE_MAX];
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	struct matter m;
	int64_t wait;

	if (t->p == NULL || (!voicemail && event_int(v->e, "wait_s", &wait) && wait * SECOND_NS < t->p->call.ignore_under))
		return;
	matter_load(t, v, id, &m);
	matter_know_household(&m, v->e);
	m.contact_seq = (int64_t)v->seq;
	if (book_load(t, m.callback, &c) && c.kind == KIND_CALL && owe_is_open(&c))
		return;
	if (m.household[0] != '\0')
		for (key_part(&k, m.household); worker_each(t->w, PENDING, k.bytes, k.len, &walk);) {
			char other[ID_SIZE_MAX];

			key_rest(&walk, k.len, other);
			if (book_load(t, other, &c) && c.kind == KIND_CALL && c.state == IS_OPEN) {
				book_note(t, c.id, "joined", "", "call %s", id);
				return;
			}
		}
	matter_begin(t, &c, KIND_CALL, id, &m, v);
	snprintf(c.role, sizeof(c.role), "%s", t->p->call.role);
	c.opens = c.plan = v->when;
	c.due = v->when + t->p->call.within;
	snprintf(c.reason, sizeof(c.reason), voicemail ? "H2: left a message" : "H2: gave up waiting");
	owe_open(t, &c);
}

/* They got through after all. */
void
calls_answered(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX], other[ID_SIZE_MAX];
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	struct text household;
	struct matter m;

	if (t->p == NULL)
		return;
	if (matter_load(t, v, id, &m) && book_load(t, m.callback, &c) && c.kind == KIND_CALL && c.state == IS_OPEN && v->when >= c.began)
		owe_cancel(t, &c, "answered");
	if (!event_text(v->e, "household", &household) || household.len > ID_CHARS_MAX)
		return;
	copy_text(id, sizeof(id), household);
	for (key_part(&k, id); worker_each(t->w, PENDING, k.bytes, k.len, &walk);) {
		key_rest(&walk, k.len, other);
		if (book_load(t, other, &c) && c.kind == KIND_CALL && c.state == IS_OPEN && v->when >= c.began)
			owe_cancel(t, &c, "answered");
	}
}
