/* The other questions: how a month stands, what is missing, who does how much, all about a household or a callback. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

#include "errcode.h"
#include "rfc3339.h"

#define ENTRIES_MAX	200
#define MEAN_LEAST	10	/* below so many a head evenness says nothing */
#define ROLES_MAX	32u

static int
no_rules(struct worker *w)
{
	return (worker_refuse(w, E_NOT_FOUND, NULL, "no rules are in force yet"));
}

/* The month asked for, or the current one. */
static int
asked_month(struct turn *t, int64_t *month, char name[16])
{
	char first[16];
	struct text s;
	int64_t day, year;
	unsigned m, d;

	*month = clock_month(t, t->now);
	if (worker_asked_text(t->w, "month", 7, &s)) {
		snprintf(first, sizeof(first), "%.*s-01", (int)s.len, s.s);
		if (s.len != 7 || !rfc3339_date(first, 10, &day))
			return (worker_refuse(t->w, E_ARGUMENT, "month", "a month is written 2026-11"));
		rfc3339_civil(day, &year, &m, &d);
		*month = year * 12 + m - 1;
	}
	clock_month_name(*month, name);
	return (0);
}

static int
asked_kind(struct turn *t, int *kind)
{
	struct text s;

	*kind = -1;
	if (!worker_asked_text(t->w, "kind", 16, &s))
		return (0);
	for (int i = 0; i < KINDS_COUNT; i++)
		if (mp_equal(s.s, s.len, kind_names[i]))
			*kind = i;
	return (*kind >= 0 ? 0 : worker_refuse(t->w, E_ARGUMENT, "kind", "complaint, repair, routine, call or help"));
}

static void
month_prefix(struct key *k, int64_t month, int kind)
{
	k->len = 0;
	key_number(k, (uint64_t)month);
	if (kind >= 0)
		k->bytes[k->len++] = (uint8_t)kind;
}

/* How many are overdue and not done. */
static int64_t
overdue(struct turn *t, int64_t month, int kind)
{
	struct worker_walk walk = { .key_len = 0 };
	struct callback c;
	char id[ID_SIZE_MAX];
	int64_t n = 0;
	struct key k;

	month_prefix(&k, month, kind);
	while (worker_each(t->w, GAPS, k.bytes, k.len, &walk)) {
		key_rest(&walk, k.len, id);
		n += book_load(t, id, &c) && c.due < t->now;
	}
	return (n);
}

static void
reply_kind(struct turn *t, const char *name, int64_t month, int kind)
{
	int64_t today = clock_day(t, t->now), required, pace;
	bool over = t->now >= clock_month_end(t, month);
	struct worker *w = t->w;
	struct forecast f;
	struct tally m;

	book_tally(w, month, (unsigned)kind, &m);
	required = pace = m.n;
	f = (struct forecast){ .n = m.n, .required = m.n };
	if (kind == KIND_REPAIR) {
		draw_forecast(t, month, today, &f);
		required = f.required_now;
		pace = f.pace;
	} else
		pace = m.done + overdue(t, month, kind);
	worker_reply_row(w);
	worker_reply(w, "kind", text_of(kind_names[kind]));
	worker_reply(w, "month", text_of(name));
	worker_reply_int(w, "n", m.n);
	worker_reply_int(w, "required", required);
	worker_reply_int(w, "done", m.done);
	worker_reply_int(w, "attempted", m.attempted);
	worker_reply_int(w, "open", m.open);
	if (m.n > 0)
		worker_reply_int(w, "rate", m.done * 1000 / m.n);
	worker_reply_int(w, "forecast_n", f.n);
	worker_reply_int(w, "forecast_required", f.required);
	worker_reply_int(w, "pace", pace);
	worker_reply_int(w, "mandatory", m.mandatory);
	worker_reply_int(w, "picked", m.picked);
	worker_reply_int(w, "optional_done", m.drawn_done);
	worker_reply_int(w, "optional_last5", m.drawn_last);
	worker_reply_int(w, "optional_after", m.drawn_after);
	worker_reply_int(w, "unmatched", m.unmatched);
	worker_reply_bool(w, "short", over ? m.done < required : m.done + m.open < pace);
}

int
ask_quota(struct worker *w)
{
	struct turn t = ask_turn(w);
	int64_t month;
	char name[16];

	if (t.p == NULL)
		return (no_rules(w));
	if (asked_month(&t, &month, name) != 0)
		return (-1);
	worker_reply_list(w, "rows");
	for (int kind = 0; kind < KINDS_COUNT; kind++)
		reply_kind(&t, name, month, kind);
	return (0);
}

int
ask_gaps(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct turn t = ask_turn(w);
	char name[16], id[ID_SIZE_MAX];
	struct callback c;
	int64_t month;
	struct key k;
	int kind;

	if (t.p == NULL)
		return (no_rules(w));
	if (asked_month(&t, &month, name) != 0 || asked_kind(&t, &kind) != 0)
		return (-1);
	month_prefix(&k, month, kind);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, GAPS, k.bytes, k.len, &walk)) {
		key_rest(&walk, 9, id);
		if (!book_load(&t, id, &c))
			continue;
		worker_reply_row(w);
		worker_reply(w, "kind", text_of(kind_names[c.kind]));
		worker_reply(w, "subject", text_of(c.subject));
		if (c.household[0] != '\0')
			worker_reply(w, "household", text_of(c.household));
		worker_reply(w, "callback", text_of(c.id));
		worker_reply(w, "state", text_of(standing_names[c.state]));
		worker_reply(w, "reason", text_of(c.reason));
		worker_reply_int(w, "attempts", c.attempts);
		worker_reply_bool(w, "mandatory", c.mandatory);
		worker_reply_instant(w, "due", c.due);
		worker_reply_bool(w, "overdue", c.state != IS_ATTEMPTED && c.due < t.now);
	}
	return (0);
}

/* ---- Load ---- */

/* The largest of a role over its mean, in thousandths; of roles with too little to say anything nothing. */
static int64_t
evenness(struct turn *t, int64_t month)
{
	struct worker_walk walk = { .key_len = 0 };
	int64_t max = 0, sum = 0, count = 0, worst = 0;
	char role[ID_SIZE_MAX] = "", of[ID_SIZE_MAX] = "";
	struct load l;
	struct key k;
	bool more;

	month_prefix(&k, month, -1);
	do {
		more = worker_each(t->w, LOADS, k.bytes, k.len, &walk) && record_read(SHAPE_LOAD, walk.value, walk.value_len, &l);
		if (more)
			key_rest(&walk, 8, of);
		if (!more || strcmp(of, role) != 0) {
			if (count > 0 && sum >= MEAN_LEAST * count && max * 1000 * count / sum > worst)
				worst = max * 1000 * count / sum;
			max = sum = count = 0;
			memcpy(role, of, sizeof(role));
		}
		if (more && l.assigned > 0) {
			max = l.assigned > max ? l.assigned : max;
			sum += l.assigned;
			count++;
		}
	} while (more);
	return (worst);
}

int
ask_load(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct turn t = ask_turn(w);
	char name[16], role[ID_SIZE_MAX], staff[ID_SIZE_MAX];
	struct load l;
	int64_t month;
	struct key k;

	if (t.p == NULL)
		return (no_rules(w));
	if (asked_month(&t, &month, name) != 0)
		return (-1);
	worker_reply(w, "month", text_of(name));
	worker_reply_int(w, "max_mean", evenness(&t, month));
	month_prefix(&k, month, -1);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, LOADS, k.bytes, k.len, &walk)) {
		if (!record_read(SHAPE_LOAD, walk.value, walk.value_len, &l) || l.assigned == 0)
			continue;
		key_rest(&walk, 8, role);
		key_rest(&walk, 8 + strlen(role) + 1, staff);
		worker_reply_row(w);
		worker_reply(w, "staff", text_of(staff));
		worker_reply(w, "role", text_of(role));
		worker_reply_int(w, "assigned", l.assigned);
		worker_reply_int(w, "done", l.done);
		worker_reply_int(w, "attempted", l.attempted);
	}
	return (0);
}

/* ---- One of them ---- */

static void
reply_brief(struct worker *w, const struct callback *c)
{
	worker_reply_row(w);
	worker_reply(w, "callback", text_of(c->id));
	worker_reply(w, "kind", text_of(kind_names[c->kind]));
	worker_reply(w, "state", text_of(standing_names[c->state]));
	worker_reply_instant(w, "opens", c->opens);
	worker_reply_instant(w, "due", c->due);
	worker_reply(w, "staff", text_of(c->staff));
	worker_reply(w, "reason", text_of(c->reason));
}

static void
reply_date(struct worker *w, const char *name, int64_t day)
{
	char date[32];
	int64_t year;
	unsigned month, d;

	if (day == 0)
		return;
	rfc3339_civil(day, &year, &month, &d);
	snprintf(date, sizeof(date), "%04d-%02u-%02u", (int)year, month, d);
	worker_reply(w, name, text_of(date));
}

static void
reply_budget(struct turn *t, const struct household *h)
{
	int64_t week = 0, month = 0;

	for (int64_t i = 0; i < h->ring_count; i++) {
		week += h->ring[i] > t->now - t->p->contact.week && h->ring[i] <= t->now;
		month += h->ring[i] > t->now - t->p->contact.month && h->ring[i] <= t->now;
	}
	worker_reply_int(t->w, "used_week", week);
	worker_reply_int(t->w, "used_month", month);
}

int
ask_household(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct turn t = ask_turn(w);
	char id[ID_SIZE_MAX], other[ID_SIZE_MAX], name[16];
	struct household h;
	struct callback c;
	struct text s;
	struct key k = { .len = 0 };

	if (t.p == NULL)
		return (no_rules(w));
	if (!worker_asked_text(w, "household", ID_CHARS_MAX, &s))
		return (worker_refuse(w, E_ARGUMENT, "household", "which household? household=3-2-1201"));
	copy_text(id, sizeof(id), s);
	if (!resident_load(w, id, &h))
		return (worker_refuse(w, E_NOT_FOUND, "household", "no event has told of this household"));
	worker_reply(w, "household", text_of(id));
	worker_reply_bool(w, "lives_here", h.lives_here && h.moved_out == 0);
	reply_date(w, "moved_in", h.moved_in);
	reply_date(w, "moved_out", h.moved_out);
	worker_reply_bool(w, "key", h.key);
	worker_reply_bool(w, "no_visit", h.no_visit);
	worker_reply_bool(w, "no_callback", h.no_callback);
	if (h.quiet_from != h.quiet_to) {
		snprintf(other, sizeof(other), "%02d:%02d-%02d:%02d", (int)h.quiet_from / 60, (int)h.quiet_from % 60, (int)h.quiet_to / 60, (int)h.quiet_to % 60);
		worker_reply(w, "quiet", text_of(other));
	}
	if (h.steward[0] != '\0')
		worker_reply(w, "steward", text_of(h.steward));
	if (h.contact != 0) {
		worker_reply_instant(w, "last_contact", h.contact);
		worker_reply_int(w, "last_contact_days", clock_day(&t, t.now) - clock_day(&t, h.contact));
	}
	if (book_load(&t, h.routine, &c)) {
		clock_month_name(c.month, name);
		worker_reply(w, "plan_month", text_of(name));
		worker_reply(w, "plan_state", text_of(standing_names[c.state]));
	}
	reply_budget(&t, &h);
	if (h.registered_seq != 0)
		worker_reply_int(w, "contact_event", h.registered_seq);
	key_part(&k, id);
	worker_reply_list(w, "open");
	while (worker_each(w, PENDING, k.bytes, k.len, &walk)) {
		key_rest(&walk, k.len, other);
		if (book_load(&t, other, &c))
			reply_brief(w, &c);
	}
	return (0);
}

static void
reply_history(struct turn *t, const char *id)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct entry e;

	key_part(&k, id);
	worker_reply_list(t->w, "history");
	for (int i = 0; i < ENTRIES_MAX && worker_each(t->w, HISTORY, k.bytes, k.len, &walk); i++) {
		uint64_t seq = 0;

		if (!record_read(SHAPE_ENTRY, walk.value, walk.value_len, &e))
			continue;
		for (unsigned j = 0; j < 8; j++)
			seq = seq << 8 | walk.key[k.len + j];
		worker_reply_row(t->w);
		worker_reply_instant(t->w, "when", e.when);
		worker_reply(t->w, "what", text_of(e.what));
		if (e.by[0] != '\0')
			worker_reply(t->w, "by", text_of(e.by));
		if (e.detail[0] != '\0')
			worker_reply(t->w, "detail", text_of(e.detail));
		worker_reply_int(t->w, "event", (int64_t)seq);
	}
	worker_reply_end(t->w);
}

int
ask_callback(struct worker *w)
{
	struct turn t = ask_turn(w);
	char id[ID_SIZE_MAX], draw[24], name[16];
	struct callback c;
	struct text s;

	if (t.p == NULL)
		return (no_rules(w));
	if (!worker_asked_text(w, "callback", ID_CHARS_MAX, &s))
		return (worker_refuse(w, E_ARGUMENT, "callback", "which one? callback=C-17/1"));
	copy_text(id, sizeof(id), s);
	if (!book_load(&t, id, &c))
		return (worker_refuse(w, E_NOT_FOUND, "callback", "there is no such callback; estate agenda lists those of a day"));
	worker_reply(w, "callback", text_of(c.id));
	worker_reply(w, "kind", text_of(kind_names[c.kind]));
	worker_reply(w, "subject", text_of(c.subject));
	if (c.household[0] != '\0')
		worker_reply(w, "household", text_of(c.household));
	worker_reply(w, "state", text_of(standing_names[c.state]));
	worker_reply_bool(w, "ended", !owe_is_open(&c));
	worker_reply_instant(w, "began", c.began);
	worker_reply_instant(w, "opens", c.opens);
	worker_reply_instant(w, "due", c.due);
	worker_reply(w, "role", text_of(c.role));
	worker_reply(w, "staff", text_of(c.staff));
	worker_reply(w, "mode", text_of(mode_names[c.mode]));
	worker_reply_bool(w, "mandatory", c.mandatory);
	worker_reply(w, "reason", text_of(c.reason));
	snprintf(draw, sizeof(draw), "%016llx", (unsigned long long)c.draw);
	worker_reply(w, "draw", text_of(draw));
	clock_month_name(c.month, name);
	worker_reply(w, "month", text_of(name));
	worker_reply_int(w, "attempts", c.attempts);
	worker_reply_int(w, "extensions", c.extensions);
	worker_reply_bool(w, "deferred", c.deferred);
	worker_reply_bool(w, "lead", c.at_lead);
	worker_reply_bool(w, "topped_up", c.topped_up);
	worker_reply_int(w, "repeated", c.repeated);
	if (c.not_before != 0 && owe_is_open(&c))
		worker_reply_instant(w, "not_before", c.not_before);
	if (c.appointment != APPOINTMENT_NONE) {
		worker_reply_map(w, "appointment");
		worker_reply(w, "state", text_of(appointment_names[c.appointment]));
		if (c.at != 0)
			worker_reply_instant(w, "at", c.at);
		worker_reply_end(w);
	}
	if (c.done != 0) {
		worker_reply_instant(w, "done", c.done);
		worker_reply(w, "done_by", text_of(c.done_by));
		worker_reply_int(w, "done_event", c.done_seq);
	}
	worker_reply_int(w, "event", c.began_seq);
	if (c.contact_seq != 0)
		worker_reply_int(w, "contact_event", c.contact_seq);
	reply_history(&t, c.id);
	return (0);
}

int
ask_audit(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct turn t = ask_turn(w);
	struct audit a;
	char id[ID_SIZE_MAX];

	if (t.p == NULL)
		return (no_rules(w));
	if (assign_has_role(&t, worker_asker(w), &t.p->audit.hidden_from))
		return (worker_refuse(w, E_FORBIDDEN, NULL, "Z10: whose work is looked at does not see what will be looked at"));
	worker_reply_list(w, "rows");
	while (worker_each_row(w, AUDITS, NULL, 0, &walk)) {
		if (!record_read(SHAPE_AUDIT, walk.value, walk.value_len, &a))
			continue;
		key_rest(&walk, 0, id);
		worker_reply_row(w);
		worker_reply(w, "audit", text_of(id));
		worker_reply(w, "callback", text_of(a.callback));
		worker_reply(w, "subject", text_of(a.subject));
		worker_reply_instant(w, "drawn", a.drawn);
		if (a.done != 0) {
			worker_reply_instant(w, "done", a.done);
			worker_reply(w, "by", text_of(a.by));
			worker_reply_int(w, "event", a.seq);
		}
	}
	return (0);
}
