/* Does an event meet a trigger? */
#include "rule.h"

#include "worker.h"

static bool
field_of(const struct mp *map, const char *name, struct mp *value)
{
	struct event e = { .data = *map };

	return (map->p != NULL && event_field(&e, name, value));
}

static bool
is_listed(const struct condition *c, struct mp value)
{
	struct text t;
	int64_t n;
	bool b;

	if (mp_bool(&value, &b))
		t = text_of(b ? "true" : "false");
	else if (mp_int(&value, &n))
		return (c->count == 1 && n == c->number);
	else if (!mp_str(&value, &t.s, &t.len))
		return (false);
	for (unsigned i = 0; i < c->count; i++)
		if (mp_equal(t.s, t.len, c->values[i]))
			return (true);
	return (false);
}

static bool
is_met(const struct condition *c, const struct mp *over, const struct mp *data, bool partial)
{
	struct mp value;
	int64_t n;
	bool given = field_of(over, c->field->name, &value) || field_of(data, c->field->name, &value);

	if (!given && partial)
		return (true);
	switch (c->how) {
	case IS_ONE_OF:
		return (given && is_listed(c, value));
	case IS_NONE_OF:
		return (!given || !is_listed(c, value));
	case IS_AT_LEAST:
		return (given && mp_int(&value, &n) && n >= c->number);
	case IS_AT_MOST:
		return (given && mp_int(&value, &n) && n <= c->number);
	case IS_GIVEN:
		return (given);
	case IS_MISSING:
		return (!given);
	}
	return (false);
}

bool
trigger_matches(const struct trigger *t, const struct mp *over, const struct mp *data, bool partial)
{
	for (unsigned i = 0; i < t->conditions; i++)
		if (!is_met(&t->condition[i], over, data, partial))
			return (false);
	return (true);
}

struct text
trigger_key(const struct trigger *t, const struct event *e)
{
	struct text key;

	for (unsigned i = 0; i < t->keys; i++)
		if (event_text(e, t->key[i], &key) && id_valid(key.s, key.len))
			return (key);
	return (t->keys == 0 || t->or_subject ? e->subject : (struct text){ NULL, 0 });
}
