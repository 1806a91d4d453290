/* What is remembered, as bytes. */
#include "record.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "shape.h"

#define RECORD_VERSION	2u

const char *const kind_names[KINDS_COUNT] = { "complaint", "repair", "routine", "call", "help" };
const char *const mode_names[MODES] = { "phone", "visit" };
const char *const standing_names[STANDINGS] = { "planned", "rating", "candidate", "open", "done", "attempted", "cancelled" };
const char *const appointment_names[APPOINTMENTS] = { "none", "requested", "agreed", "refused", "no_show" };

static const struct member callback_members[] = { T(callback, id), T(callback, subject), T(callback, household), T(callback, role), T(callback, staff),
	T(callback, trade), T(callback, repairer), T(callback, reason), T(callback, done_by), B(callback, kind), B(callback, state), B(callback, mode),
	B(callback, mandatory), B(callback, told), B(callback, deferred), B(callback, drawn), B(callback, topped_up), B(callback, merged), B(callback, granted),
	B(callback, at_lead), B(callback, key), B(callback, appointment), B(callback, visited), B(callback, flagged),
	N(callback, began), N(callback, began_seq), N(callback, contact_seq), N(callback, opens), N(callback, due), N(callback, plan), N(callback, month),
	N(callback, load_month), N(callback, attempts), N(callback, lead_attempts), N(callback, last_attempt), N(callback, day_attempts),
	N(callback, attempt_day), N(callback, not_before), N(callback, extensions), N(callback, no_shows), N(callback, at), N(callback, done),
	N(callback, done_seq), N(callback, repeated), N(callback, last_days), N(callback, draw), LAST };
static const struct member matter_members[] = { T(matter, household), T(matter, trade), T(matter, help_kind), T(matter, callback),
	T(matter, handlers[0]), T(matter, handlers[1]), T(matter, handlers[2]), T(matter, handlers[3]), T(matter, handlers[4]), T(matter, handlers[5]),
	T(matter, handlers[6]), T(matter, handlers[7]), T(matter, handlers[8]), T(matter, handlers[9]), T(matter, handlers[10]), T(matter, handlers[11]),
	T(matter, handlers[12]), T(matter, handlers[13]), T(matter, handlers[14]), T(matter, handlers[15]),
	T(matter, early_by),
	B(matter, complaint), B(matter, repair), B(matter, help), B(matter, major), B(matter, company), B(matter, anonymous),
	B(matter, special), B(matter, over), B(matter, rated), B(matter, satisfied), B(matter, graded), B(matter, signed_), B(matter, authenticated), B(matter, redone),
	N(matter, handler_count), N(matter, rounds), N(matter, reopened), N(matter, contact_seq), N(matter, early),
	N(matter, early_seq), N(matter, agreed),
	T(matter, linked), B(matter, opened), B(matter, reclassified), N(matter, over_seq), LAST };
static const struct member household_members[] = { T(household, steward), T(household, routine), B(household, known),
	B(household, lives_here), B(household, key), B(household, no_visit), B(household, no_callback), B(household, no_survey), N(household, moved_in),
	N(household, moved_out), N(household, quiet_from), N(household, quiet_to), N(household, registered_seq), N(household, contact),
	N(household, routine_done), N(household, year), N(household, in_year), N(household, year_done), N(household, ring_count), N(household, ring[0]),
	N(household, ring[1]), N(household, ring[2]), N(household, ring[3]), N(household, ring[4]), N(household, ring[5]), N(household, ring[6]),
	N(household, ring[7]), N(household, blocked), LAST };
static const struct member tally_members[] = { N(tally, n), N(tally, mandatory), N(tally, done), N(tally, attempted), N(tally, open),
	N(tally, classified), N(tally, mandatory_done), N(tally, mandatory_ended), N(tally, mandatory_open), N(tally, picked), N(tally, optional_done),
	N(tally, optional_ended), N(tally, optional_open), N(tally, drawn_done), N(tally, drawn_last), N(tally, drawn_after), N(tally, short_said), N(tally, unmatched), N(tally, planned), LAST };
static const struct member share_members[] = { N(share, finished), N(share, called), LAST };
static const struct member load_members[] = { N(load, assigned), N(load, done), N(load, attempted), LAST };
static const struct member line_members[] = { T(line, role), T(line, staff), B(line, kind), N(line, plan), N(line, opens), LAST };
static const struct member wish_members[] = { N(wish, not_before), N(wish, until), N(wish, asked), LAST };
static const struct member audit_members[] = { T(audit, callback), T(audit, subject), T(audit, by), N(audit, drawn), N(audit, done), N(audit, seq), LAST };
static const struct member entry_members[] = { T(entry, what), T(entry, by), T(entry, detail), N(entry, when), LAST };

static const struct shape_list shapes[SHAPES] = {
	[SHAPE_CALLBACK] = { callback_members, sizeof(struct callback) },
	[SHAPE_MATTER] = { matter_members, sizeof(struct matter) },
	[SHAPE_HOUSEHOLD] = { household_members, sizeof(struct household) },
	[SHAPE_TALLY] = { tally_members, sizeof(struct tally) },
	[SHAPE_SHARE] = { share_members, sizeof(struct share) },
	[SHAPE_LOAD] = { load_members, sizeof(struct load) },
	[SHAPE_LINE] = { line_members, sizeof(struct line) },
	[SHAPE_WISH] = { wish_members, sizeof(struct wish) },
	[SHAPE_AUDIT] = { audit_members, sizeof(struct audit) },
	[SHAPE_ENTRY] = { entry_members, sizeof(struct entry) },
};

bool
record_read(enum shape shape, const void *bytes, size_t len, void *out)
{
	return (shape_read(&shapes[shape], RECORD_VERSION, bytes, len, out));
}

size_t
record_write(enum shape shape, const void *in, uint8_t out[RECORD_BYTES_MAX])
{
	return (shape_write(&shapes[shape], RECORD_VERSION, in, out));
}

bool
record_get(struct worker *w, unsigned table, enum shape shape, const void *key, size_t len, void *out)
{
	const void *v;
	size_t n;

	if (len > 0 && worker_get(w, table, key, len, &v, &n) && record_read(shape, v, n, out))
		return (true);
	memset(out, 0, shapes[shape].size);
	return (false);
}

void
record_put(struct worker *w, unsigned table, enum shape shape, const void *key, size_t len, const void *in)
{
	uint8_t bytes[RECORD_BYTES_MAX];

	worker_put(w, table, key, len, bytes, record_write(shape, in, bytes));
}

/* ---- Keys ---- */

struct key *
key_number(struct key *k, uint64_t v)
{
	put_be64(k->bytes + k->len, v);
	k->len += 8;
	return (k);
}

struct key *
key_instant(struct key *k, int64_t at)
{
	return (key_number(k, (uint64_t)at ^ 1ull << 63));
}

struct key *
key_text(struct key *k, const char *s)
{
	size_t n = strlen(s);

	memcpy(k->bytes + k->len, s, n);
	k->len += n;
	return (k);
}

struct key *
key_part(struct key *k, const char *s)
{
	key_text(k, s);
	k->bytes[k->len++] = 0;
	return (k);
}

void
key_rest(const struct worker_walk *walk, size_t from, char out[ID_SIZE_MAX])
{
	size_t n = from < walk->key_len ? strnlen((const char *)walk->key + from, walk->key_len - from) : 0;

	snprintf(out, ID_SIZE_MAX, "%.*s", (int)n, (const char *)walk->key + from);
}

void
copy_text(char *out, size_t size, struct text t)
{
	snprintf(out, size, "%.*s", (int)t.len, t.s != NULL ? t.s : "");
}
