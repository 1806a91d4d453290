#include "personal.h"

#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "mp.h"
#include "seal.h"

static const struct mp_bounds bounds = { ASK_ANSWER_DEPTH_MAX, ASK_ANSWER_ITEMS_MAX, true };

struct view {
	struct mp m;			/* proven by mp_check() */
	bool open;
	uint8_t *out;
};

static void
put(struct view *v, const void *bytes, size_t len)
{
	memcpy(v->out, bytes, len);
	v->out += len;
}

static bool	show(struct view *);

/* The value of a mark: looked into all the same, so that the verdict does not depend on who reads. */
static bool
show_marked(struct view *v)
{
	static const uint8_t mask[] = { 0xa0 | (sizeof(SEAL_MASK) - 1) };
	uint8_t *at = v->out;

	if (!show(v))
		return (false);
	if (v->open)
		return (true);
	/* The mark alone was longer than the mask. */
	v->out = at;
	put(v, mask, sizeof(mask));
	put(v, SEAL_MASK, sizeof(SEAL_MASK) - 1);
	return (true);
}

static bool
show_map(struct view *v)
{
	const uint8_t *at = v->m.p, *from;
	uint32_t pairs, len;
	const char *key;
	struct mp ahead;

	mp_map(&v->m, &pairs);
	ahead = v->m;
	if (pairs == 1 && mp_str(&ahead, &key, &len) && mp_equal(key, len, PERSONAL_MARK)) {
		v->m = ahead;
		return (show_marked(v));
	}
	put(v, at, (size_t)(v->m.p - at));
	for (; pairs > 0; pairs--) {
		from = v->m.p;
		mp_str(&v->m, &key, &len);
		if (len > 0 && key[0] == PERSONAL_MARK[0])
			return (false);
		put(v, from, (size_t)(v->m.p - from));
		if (!show(v))
			return (false);
	}
	return (true);
}

/* As deep as mp_check() let it be. */
static bool
show(struct view *v)
{
	const uint8_t *at = v->m.p;
	uint32_t count;
	size_t len;

	if (mp_peek(&v->m) == MP_MAP)
		return (show_map(v));
	if (!mp_array(&v->m, &count)) {
		mp_raw(&v->m, &at, &len);
		put(v, at, len);
		return (true);
	}
	put(v, at, (size_t)(v->m.p - at));
	for (; count > 0; count--)
		if (!show(v))
			return (false);
	return (true);
}

size_t
personal_show(const uint8_t *bytes, size_t len, bool open, uint8_t *out, char *why, size_t why_len)
{
	struct view v = { mp_over(bytes, len), open, out };
	enum mp_fault f;
	size_t where;

	if ((f = mp_check(&v.m, &bounds, &where)) != MP_OK)
		snprintf(why, why_len, "byte %zu: %s", where, mp_fault_text(f));
	else if (mp_peek(&v.m) != MP_MAP)
		snprintf(why, why_len, "an answer is a map");
	else if (!show(&v))
		snprintf(why, why_len, "a key begins with ~: only {\"" PERSONAL_MARK "\": VALUE}, a map of one pair, does");
	else if (mp_peek(&(struct mp){ out, v.out }) != MP_MAP)
		snprintf(why, why_len, "an answer is a map with marks in it, not one mark");
	else
		return ((size_t)(v.out - out));
	return (0);
}
