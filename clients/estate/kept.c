/* Reading what is kept: kept.h. */
#include "kept.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "bounds.h"
#include "bundle.h"
#include "files.h"
#include "language.h"
#include "view.h"
#include "worker.h"

#define TABLE_FIRST	4096u

struct reading {
	struct kept *k;
	const char *verb;
	struct estate_fault fault;
	bool live;			/* this is the log itself, whole, no bundle */
	uint64_t next;			/* the number that must come next */
	uint64_t missing;		/* the first number that this client may not read; 0: none */
	bool done, refused;
};

/* ---- Subjects and records ---- */

static size_t
place(const struct kept *k, const char *id, size_t len)
{
	return (XXH3_64bits(id, len) & (k->table_size - 1));
}

struct kept_subject *
kept_find(const struct kept *k, const char *id, size_t len)
{
	struct kept_subject *s = k->table_size > 0 ? k->table[place(k, id, len)] : NULL;

	while (s != NULL && !mp_equal(id, (uint32_t)len, s->id))
		s = s->chain;
	return (s);
}

static void
grow(struct kept *k)
{
	free(k->table);
	k->table_size = k->table_size == 0 ? TABLE_FIRST : k->table_size * 2;
	k->table = memset(alloc_or_exit(NULL, k->table_size * sizeof(*k->table)), 0, k->table_size * sizeof(*k->table));
	for (size_t i = 0; i < k->subject_count; i++) {
		struct kept_subject *s = k->subjects[i];
		size_t at = place(k, s->id, strlen(s->id));

		s->chain = k->table[at];
		k->table[at] = s;
	}
}

static struct kept_subject *
subject_of(struct kept *k, struct text t)
{
	struct kept_subject *s;
	size_t at;

	if ((s = kept_find(k, t.s, t.len)) != NULL)
		return (s);
	if (k->subject_count >= k->table_size)
		grow(k);
	s = memset(alloc_or_exit(NULL, sizeof(*s)), 0, sizeof(*s));
	memcpy(s->id, t.s, t.len);
	at = place(k, t.s, t.len);
	s->chain = k->table[at];
	k->table[at] = s;
	if (k->subject_count == k->subjects_room)
		k->subjects = alloc_or_exit(k->subjects, (k->subjects_room = k->subjects_room == 0 ? 1024 : k->subjects_room * 2) * sizeof(*k->subjects));
	return (k->subjects[k->subject_count++] = s);
}

static struct kept_record *
record_of(struct kept_subject *s, unsigned kind)
{
	struct kept_record *r = s->records;

	while (r != NULL && r->kind != kind)
		r = r->next;
	if (r == NULL) {
		r = alloc_or_exit(NULL, sizeof(*r));
		*r = (struct kept_record){ .subject = s, .next = s->records, .kind = kind, .open = true };
		s->records = r;
	}
	return (r);
}

static bool
is_linked(const struct kept_subject *household, const struct kept_subject *s)
{
	if (s->household == NULL || s->household == household)
		return (s->household != NULL);
	/* Shared by several: what a household did last is looked for most. */
	for (size_t i = household->linked_count; i > 0; i--)
		if (household->linked[i - 1] == s)
			return (true);
	return (false);
}

static void
link_subject(struct kept_subject *household, struct kept_subject *s)
{
	if (household == s || is_linked(household, s))
		return;
	if (household->linked_count == household->linked_room)
		household->linked = alloc_or_exit(household->linked,
		    (household->linked_room = household->linked_room == 0 ? 8 : household->linked_room * 2) * sizeof(*household->linked));
	household->linked[household->linked_count++] = s;
	if (s->household == NULL)
		s->household = household;
}

/* ---- Events ---- */

static void
note_record(struct kept *k, struct kept_subject *s, const struct event *e, const struct estate_event *v)
{
	unsigned kind = retention_kind_of(k->rules, e->type);
	const struct retention_kind *rule = &k->rules->kinds[kind];
	struct kept_record *r = record_of(s, kind);
	bool closes = retention_types_hold(&rule->closed_by, e->type);

	if (rule->closed_by.count == 0 || closes)
		r->open = false;
	else if (retention_types_hold(&rule->opened_by, e->type))
		r->open = true;
	else if (!r->open)
		return;			/* closed, and its time runs: what is added later does not begin it anew */
	if (r->seq == 0 || v->seq > r->seq) {
		r->seq = v->seq;
		r->from = view_when(e, v);
		r->expired = false;
	}
}

/* The erasing takes along what was linked by then. */
static void
note_erased(struct kept_subject *s)
{
	s->keyed = false;
	for (size_t i = 0; i < s->linked_count; i++)
		s->linked[i]->keyed = false;
}

static void
note_expired(struct kept *k, const struct event *e)
{
	struct kept_subject *s = kept_find(k, e->subject.s, e->subject.len);
	int64_t seq;

	if (s == NULL || !event_int(e, "event", &seq))
		return;
	for (struct kept_record *r = s->records; r != NULL; r = r->next)
		if (r->seq == (uint64_t)seq)
			r->expired = true;
}

static void
note_holds(struct kept *k, struct kept_subject *s, const struct event *e, const struct estate_event *v)
{
	for (size_t i = 0; i < k->hold_count; i++)
		if (k->holds[i].event == v->seq) {
			k->holds[i].found = true;
			record_of(s, retention_kind_of(k->rules, e->type))->held_by = k->holds[i].seq;
		}
}

static void
note_month(struct kept *k, const struct estate_event *v)
{
	if (k->month_count == 0 || v->log_time >= k->month_end) {
		struct kept_month m = { .first = v->seq };
		struct cover c;

		cover_month_of(v->log_time, m.name);
		k->month_end = cover_month(&c, m.name) ? c.end : INT64_MAX;
		if (k->month_count == k->month_room)
			k->months = alloc_or_exit(k->months, (k->month_room = k->month_room == 0 ? 32 : k->month_room * 2) * sizeof(*k->months));
		k->months[k->month_count++] = m;
	}
	k->months[k->month_count - 1].last = v->seq;
}

static void
on_event(void *user, const struct estate_event *v)
{
	struct reading *g = user;
	struct kept *k = g->k;
	struct kept_subject *s = NULL, *household = NULL;
	struct text named;
	struct event e;

	/* Numbers are dense. */
	if (g->live && g->missing == 0 && v->seq != g->next)
		g->missing = g->next;
	g->next = v->seq + 1;
	k->first = k->first == 0 ? v->seq : k->first;
	k->last = v->seq;
	if (g->live)
		note_month(k, v);
	if (!view_read(&e, v))
		return;
	if (mp_equal(e.type.s, e.type.len, "person.erased")) {
		if (e.subject.s != NULL && (s = kept_find(k, e.subject.s, e.subject.len)) != NULL)
			note_erased(s);
		return;
	}
	/* Events about records are not of them: a hold prolongs nothing by itself. */
	if (e.type.len > 7 && memcmp(e.type.s, "record.", 7) == 0) {
		if (mp_equal(e.type.s, e.type.len, "record.expired") && e.subject.s != NULL)
			note_expired(k, &e);
		return;
	}
	named = event_named_household(&e);
	if (named.s != NULL && named.len < sizeof(s->id))
		household = subject_of(k, named);
	if (e.subject.s != NULL && e.subject.len < sizeof(s->id))
		s = subject_of(k, e.subject);
	if (household != NULL && s != NULL)
		link_subject(household, s);
	if (s == NULL && (s = household) == NULL)
		return;
	note_record(k, s, &e, v);
	if (k->hold_count > 0)
		note_holds(k, s, &e, v);
	if (event_holds_personal(&e))
		(household != NULL ? household : s)->keyed = true;
}

/* First: what is held, and not released since. */
static void
on_hold(void *user, const struct estate_event *v)
{
	struct reading *g = user;
	struct kept *k = g->k;
	struct kept_hold h = { .seq = v->seq };
	struct event e;
	int64_t about;
	size_t n = 0;

	if (!view_read(&e, v) || !event_int(&e, "event", &about) || about <= 0)
		return;
	h.event = (uint64_t)about;
	if (mp_equal(e.type.s, e.type.len, "record.released")) {
		for (size_t i = 0; i < k->hold_count; i++)
			if (k->holds[i].event != h.event)
				k->holds[n++] = k->holds[i];
		k->hold_count = n;
		return;
	}
	if (e.subject.s != NULL && e.subject.len < sizeof(h.subject))
		memcpy(h.subject, e.subject.s, e.subject.len);
	if (k->hold_count == k->hold_room)
		k->holds = alloc_or_exit(k->holds, (k->hold_room = k->hold_room == 0 ? 16 : k->hold_room * 2) * sizeof(*k->holds));
	k->holds[k->hold_count++] = h;
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct reading *g = user;

	g->k->now = log_time;
	g->done |= end;
	if (end && g->live && g->missing == 0 && seq >= g->next)
		g->missing = g->next;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct reading *g = user;

	g->fault = *f;
	g->refused = g->done = true;
}

static int
pass(struct reading *g, const char *verb, const struct common *c, struct estate *e, const char *const *types,
    void (*on_one)(void *, const struct estate_event *))
{
	struct estate_subscribe_options o = { .from = ESTATE_FROM_FIRST, .types = types, .window_events = CREDIT_EVENTS_MAX,
	    .window_bytes = CREDIT_BYTES_MAX, .user = g, .on_event = on_one, .on_progress = on_progress, .on_ended = on_ended };
	struct estate_subscription *s;
	int n;

	g->done = false;
	if ((n = estate_subscribe(e, &o, &s)) != 0)
		return (reach_refused(verb, c, n, NULL));
	while (!g->done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	if (g->refused)
		return (reach_refused(verb, c, g->fault.code, &g->fault));
	if (!g->done)
		return (EXIT_PART);
	estate_unsubscribe(s);
	return (0);
}

/* ---- What was trimmed ---- */

static int
is_bundle(const struct dirent *d)
{
	size_t n = strlen(d->d_name), end = sizeof(BUNDLE_SUFFIX) - 1;

	return (n > end && strcmp(d->d_name + n - end, BUNDLE_SUFFIX) == 0);
}

/* One bundle, proven, its records to the callback; only if it continues what was read. */
static int
read_bundle(struct reading *g, const char *path, const uint8_t uuid[16], uint64_t *next, uint64_t log_first,
    void (*on_one)(void *, const struct estate_event *))
{
	struct estate_event v;
	struct bundle b;
	enum bundle_step s = BUNDLE_BAD;
	bool ours = true;

	if (bundle_open(&b, path) && (ours = memcmp(b.head.uuid, uuid, 16) == 0))
		while ((s = bundle_next(&b)) == BUNDLE_BLOCK)
			for (size_t at = 0; ours && bundle_record(&b, &at, &v);) {
				if (v.seq >= log_first)
					break;
				ours = v.seq == *next;
				*next += ours;
				if (ours)
					on_one(g, &v);
			}
	bundle_close(&b);
	/* Another log's, or a month that the log itself still has: passed over. */
	if (s == BUNDLE_END || !ours)
		return (0);
	complain(g->verb, "%s: byte %" PRIu64 ": %s", path, b.bad_byte, b.why);
	return (EXIT_UNREACHED);
}

/* Names of bundles sort as their months do. */
static int
read_shelf(struct reading *g, struct estate *e, const char *folder, void (*on_one)(void *, const struct estate_event *))
{
	uint64_t first = estate_log(e)->first, next = 1;
	struct dirent **names;
	char path[4096];
	uint8_t uuid[16];
	int n, r = 0;

	if (first <= 1)
		return (0);
	if (folder == NULL || !bundle_uuid_read(estate_log(e)->log, uuid)) {
		complain(g->verb, "the log begins with event %" PRIu64 ", and what was trimmed counts: --bundles FOLDER names where its months are", first);
		return (EXIT_USAGE);
	}
	if ((n = scandir(folder, &names, is_bundle, alphasort)) < 0) {
		complain(g->verb, "cannot read %s: %s", folder, phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = read_bundle(g, path_join(path, sizeof(path), folder, names[i]->d_name), uuid, &next, first, on_one);
		free(names[i]);
	}
	free(names);
	if (r == 0 && next < first) {
		complain(g->verb, "event %" PRIu64 " is neither in the log, which begins with %" PRIu64 ", nor in a bundle in %s: name the folder that has "
		    "all of them", next, first, folder);
		r = EXIT_UNREACHED;
	}
	return (r);
}

/* As the log's own filter would. */
static void
on_bundled_hold(void *user, const struct estate_event *v)
{
	struct event e;

	if (view_read(&e, v) && (mp_equal(e.type.s, e.type.len, "record.held") || mp_equal(e.type.s, e.type.len, "record.released")))
		on_hold(user, v);
}

int
kept_read(const char *verb, const struct common *c, struct estate *e, const struct retention_rules *rules, const char *bundles, struct kept *k)
{
	static const char *const held[] = { "record.held", "record.released", NULL };
	struct reading g = { .k = k, .verb = verb };
	int n;

	memset(k, 0, sizeof(*k));
	k->rules = rules;
	if ((n = read_shelf(&g, e, bundles, on_bundled_hold)) != 0 || (n = pass(&g, verb, c, e, held, on_hold)) != 0 ||
	    (n = read_shelf(&g, e, bundles, on_event)) != 0)
		return (n);
	g.live = true;
	g.next = estate_log(e)->first;
	if ((n = pass(&g, verb, c, e, NULL, on_event)) != 0)
		return (n);
	if (g.missing != 0) {
		complain(verb, "event %" PRIu64 " is not for this client's eyes, and what is kept of whom cannot be told without it: ask as a client "
		    "that reads everything (role operator, or root)", g.missing);
		return (EXIT_PART);
	}
	/* What is held is in no bundle: the hold's own subject says of whom it was. */
	for (size_t i = 0; i < k->hold_count; i++) {
		struct kept_subject *s = k->holds[i].found ? NULL : kept_find(k, k->holds[i].subject, strlen(k->holds[i].subject));

		for (struct kept_record *r = s != NULL ? s->records : NULL; r != NULL; r = r->next)
			r->held_by = k->holds[i].seq;
	}
	return (0);
}

void
kept_free(struct kept *k)
{
	for (size_t i = 0; i < k->subject_count; i++) {
		struct kept_subject *s = k->subjects[i];

		while (s->records != NULL) {
			struct kept_record *r = s->records;

			s->records = r->next;
			free(r);
		}
		free(s->linked);
		free(s);
	}
	free(k->subjects);
	free(k->table);
	free(k->holds);
	free(k->months);
}

/* ---- Until when ---- */

int64_t
kept_until(const struct kept *k, const struct kept_record *r)
{
	return (r->open || r->held_by != 0 ? INT64_MAX : retention_until(&k->rules->kinds[r->kind], r->from));
}

static void
look_at(const struct kept *k, const struct kept_subject *s, bool blocking, const struct kept_record **longest, int64_t *until)
{
	for (const struct kept_record *r = s->records; r != NULL; r = r->next) {
		int64_t t = kept_until(k, r);

		if (blocking && !k->rules->kinds[r->kind].blocked && r->held_by == 0)
			continue;
		/* A hold says more than that it is open. */
		if (*longest == NULL || t > *until || (t == *until && r->held_by != 0 && (*longest)->held_by == 0)) {
			*longest = r;
			*until = t;
		}
	}
}

const struct kept_record *
kept_longest(const struct kept *k, const struct kept_subject *s, bool blocking, int64_t *until)
{
	const struct kept_record *longest = NULL;

	*until = INT64_MIN;
	look_at(k, s, blocking, &longest, until);
	for (size_t i = 0; i < s->linked_count; i++)
		look_at(k, s->linked[i], blocking, &longest, until);
	return (longest);
}
