#include "aspect.h"

#include <string.h>

#include "bytes.h"

const char *const class_names[CLASSES] = {
#define CLASS(code, name)	[CLASS_##code] = name,
#define ATTR(code, name, kind)
#include "aspect.def"
#undef CLASS
#undef ATTR
};

const char *const attr_names[ATTRS] = {
#define CLASS(code, name)
#define ATTR(code, name, kind)	[ATTR_##code] = name,
#include "aspect.def"
#undef CLASS
#undef ATTR
};

const uint8_t attr_kinds[ATTRS] = {
#define CLASS(code, name)
#define ATTR(code, name, kind)	[ATTR_##code] = ATTR_IS_##kind,
#include "aspect.def"
#undef CLASS
#undef ATTR
};

void
aspect_at(struct aspect *a, enum attr k, int64_t v)
{
	a->has |= UINT64_C(1) << k;
	a->number[k] = v;
}

void
aspect_flag(struct aspect *a, enum attr k, bool is)
{
	if (is)
		aspect_at(a, k, 1);
	else
		aspect_drop(a, k);
}

void
aspect_drop(struct aspect *a, enum attr k)
{
	a->has &= ~(UINT64_C(1) << k);
}

void
aspect_word(struct aspect *a, enum attr k, struct text t)
{
	if (t.len == 0) {
		aspect_drop(a, k);
		return;
	}
	a->has |= UINT64_C(1) << k;
	a->word[k] = t;
}

void
aspect_field(struct aspect *a, enum attr k, const struct fact *f, enum keep code)
{
	struct text t;
	int64_t n;

	if (attr_kinds[k] == ATTR_IS_WORD) {
		fact_text(f, code, &t);
		aspect_word(a, k, t);
	} else if (fact_number(f, code, &n) && (attr_kinds[k] != ATTR_IS_FLAG || n != 0))
		aspect_at(a, k, n);
	else
		aspect_drop(a, k);
}

void
aspect_home(struct aspect *a, struct text household)
{
	const char *dash = household.len > 0 ? memchr(household.s, '-', household.len) : NULL;

	aspect_word(a, ATTR_HOUSEHOLD, household);
	aspect_word(a, ATTR_BUILDING, dash != NULL ? (struct text){ household.s, (uint32_t)(dash - household.s) } : household);
}

void
aspect_sub(struct aspect *a, const void *bytes, size_t len)
{
	a->sub_len = len < SUB_BYTES_MAX ? len : SUB_BYTES_MAX;
	memcpy(a->sub, bytes, a->sub_len);
}

/* An instant that sorts as it does. */
void
aspect_sub_at(struct aspect *a, int64_t at)
{
	put_be64(a->sub, (uint64_t)at ^ UINT64_C(1) << 63);
	a->sub_len = 8;
}

void
aspect_spell(struct aspect *a, int64_t since, int64_t until)
{
	aspect_at(a, ATTR_SINCE, since);
	if (until == INT64_MAX) {
		aspect_drop(a, ATTR_UNTIL);
		a->sub_len = 0;
		return;
	}
	aspect_at(a, ATTR_UNTIL, until);
	aspect_sub_at(a, since);
}

bool
history_counts_done(const struct history *h, const struct fact *done)
{
	int64_t event;

	for (unsigned i = 0; h->violated && i < h->count; i++)
		if (h->f[i]->type == TAKE_VIOLATED && fact_number(h->f[i], KEEP_EVENT, &event) && (uint64_t)event == done->seq &&
		    (fact_says(h->f[i], KEEP_RULE, "C4") || fact_says(h->f[i], KEEP_RULE, "C6.early")))
			return (false);
	return (true);
}
