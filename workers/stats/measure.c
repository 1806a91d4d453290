#include "measure.h"

#include <stdlib.h>

const char *const per_names[PERS] = { "month", "stock" };

void
measures_free(struct measures *m)
{
	if (m == NULL)
		return;
	free(m->text);
	free(m);
}

const struct measure *
measures_find(const struct measures *m, struct text name)
{
	for (unsigned i = 0; i < m->count; i++)
		if (mp_equal(name.s, name.len, m->list[i].name))
			return (&m->list[i]);
	return (NULL);
}

/* ---- Conditions ---- */

static bool
is_one_of(const struct condition *c, struct text t)
{
	for (unsigned i = 0; i < c->count; i++)
		if (mp_equal(t.s, t.len, c->words[i]))
			return (true);
	return (false);
}

static bool
holds(const struct condition *c, const struct aspect *a)
{
	bool has = aspect_has(a, c->attr);

	switch (c->op) {
	case OP_HAS:
		return (has);
	case OP_LACKS:
		return (!has);
	case OP_IS:
		return (has && is_one_of(c, a->word[c->attr]));
	case OP_IS_NOT:
		return (!has || !is_one_of(c, a->word[c->attr]));
	case OP_AT_MOST:
		return (has && a->number[c->attr] <= c->n);
	case OP_AT_LEAST:
		return (has && a->number[c->attr] >= c->n);
	default:
		return (has && aspect_has(a, c->other) && a->number[c->attr] <= a->number[c->other]);
	}
}

bool
conditions_hold(const struct condition *c, unsigned count, const struct aspect *a)
{
	for (unsigned i = 0; i < count; i++)
		if (!holds(&c[i], a))
			return (false);
	return (true);
}
