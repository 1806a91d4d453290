/* A notification in the state, and the order of what is ready: see notification.h. */
#include <string.h>
#include <xxhash.h>

#include "buffer.h"
#include "notification.h"

const char *const fate_names[FATES] = { "waiting", "ready", "attempting", "sent", "delivered", "failed", "suppressed", "withdrawn" };
const char *const urgency_names[URGENCIES] = { "emergency", "urgent", "routine" };

/* The texts of a row, one behind the other on the disk. */
#define TEXTS(r)	{ { (r)->to, sizeof((r)->to) }, { (r)->wanted, sizeof((r)->wanted) }, { (r)->template, sizeof((r)->template) }, \
	{ (r)->subject, sizeof((r)->subject) }, { (r)->owner, sizeof((r)->owner) }, { (r)->via, sizeof((r)->via) }, { (r)->reason, sizeof((r)->reason) }, \
	{ (r)->provider, sizeof((r)->provider) }, { (r)->lead, sizeof((r)->lead) } }

bool
row_load(struct worker *w, struct text id, struct row *r)
{
	struct { char *s; size_t size; } texts[] = TEXTS(r);
	const void *value;
	const char *at, *end;
	size_t len;

	memset(r, 0, sizeof(*r));
	if (id.len == 0 || !worker_get(w, NOTES, id.s, id.len, &value, &len) || len < sizeof(r->f))
		return (false);
	memcpy(&r->f, value, sizeof(r->f));
	at = (const char *)value + sizeof(r->f);
	end = (const char *)value + len;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t n = strnlen(at, (size_t)(end - at));

		if (at + n == end || n >= texts[i].size)
			return (worker_fail(w, "the row of a notification is not what was stored"), false);
		memcpy(texts[i].s, at, n + 1);
		at += n + 1;
	}
	return (true);
}

void
row_store(struct worker *w, struct text id, const struct row *r)
{
	const struct { const char *s; size_t size; } texts[] = TEXTS(r);
	uint8_t bytes[sizeof(*r)];
	size_t len = sizeof(r->f);

	memcpy(bytes, &r->f, sizeof(r->f));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t n = strlen(texts[i].s) + 1;

		memcpy(bytes + len, texts[i].s, n);
		len += n;
	}
	worker_put(w, NOTES, id.s, id.len, bytes, len);
}

static void
ready_key(const struct row *r, uint8_t key[READY_KEY])
{
	key[0] = r->f.urgency;
	for (unsigned i = 0; i < 8; i++) {
		key[1 + i] = (uint8_t)(r->f.placed >> (56 - 8 * i));
		key[READY_LANE + i] = (uint8_t)(r->f.requested >> (56 - 8 * i));
	}
}

/* Of one that waited for company and is ready, among those to the same receiver. */
static size_t
company_key(const struct row *r, uint8_t key[STATE_KEY_MAX])
{
	size_t len = strlen(r->to) + 1;

	memcpy(key, r->to, len);
	for (unsigned i = 0; i < 8; i++)
		key[len++] = (uint8_t)(r->f.requested >> (56 - 8 * i));
	return (len);
}

static bool
in_company(const struct row *r)
{
	return (r->f.fate == IS_READY && r->f.gathered != 0);
}

bool
row_company(struct worker *w, const char *to, struct worker_walk *walk, struct text *id)
{
	if (!worker_each(w, COMPANY, to, strlen(to) + 1, walk))
		return (false);
	*id = (struct text){ walk->value, (uint32_t)walk->value_len };
	return (true);
}

void
row_become(struct worker *w, struct text id, struct row *r, enum fate fate)
{
	uint8_t key[READY_KEY], company[STATE_KEY_MAX];

	ready_key(r, key);
	if (in_company(r) && fate != IS_READY)
		worker_delete(w, COMPANY, company, company_key(r, company));
	if (r->f.fate == IS_READY || r->f.fate == ATTEMPTING)
		worker_delete(w, READY, key, sizeof(key));
	r->f.fate = (uint8_t)fate;
	if (in_company(r))
		worker_put(w, COMPANY, company, company_key(r, company), id.s, id.len);
	/* What is attempted stays: after a restart somebody must say what came of it. */
	if (fate == IS_READY || fate == ATTEMPTING) {
		r->f.placed = XXH64(r->via, strlen(r->via), 0);
		ready_key(r, key);
		worker_put(w, READY, key, sizeof(key), id.s, id.len);
	}
	row_store(w, id, r);
}

void
row_remove(struct worker *w, struct text id, const struct row *r)
{
	uint8_t key[READY_KEY], company[STATE_KEY_MAX];

	ready_key(r, key);
	worker_delete(w, READY, key, sizeof(key));
	if (in_company(r))
		worker_delete(w, COMPANY, company, company_key(r, company));
	worker_delete(w, NOTES, id.s, id.len);
}

bool
row_ended(const struct row *r)
{
	return (r->f.fate >= DELIVERED);
}
