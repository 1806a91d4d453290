/* Reading fields of an event's data, and of whatever else is a map with names: see worker.h. */
#include "rfc3339.h"
#include "worker.h"

bool
event_field(const struct event *e, const char *name, struct mp *value)
{
	struct mp m = e->data;
	const char *key;
	uint32_t pairs, len;

	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--) {
		if (mp_equal(key, len, name)) {
			*value = m;
			return (true);
		}
		if (!mp_skip(&m))
			return (false);
	}
	return (false);
}

bool
event_text(const struct event *e, const char *name, struct text *t)
{
	struct mp m;

	return (event_field(e, name, &m) && mp_str(&m, &t->s, &t->len));
}

bool
event_int(const struct event *e, const char *name, int64_t *n)
{
	struct mp m;

	return (event_field(e, name, &m) && mp_int(&m, n));
}

bool
event_bool(const struct event *e, const char *name, bool *v)
{
	struct mp m;

	return (event_field(e, name, &m) && mp_bool(&m, v));
}

bool
event_instant(const struct event *e, const char *name, int64_t *ns)
{
	struct mp m;
	struct text t;
	int64_t seconds;
	uint32_t nanos;

	if (!event_field(e, name, &m))
		return (false);
	if (mp_str(&m, &t.s, &t.len) ? !rfc3339_parse(t.s, t.len, &seconds, &nanos) : !mp_timestamp(&m, &seconds, &nanos))
		return (false);
	if (seconds < INT64_MIN / SECOND_NS + 1 || seconds > INT64_MAX / SECOND_NS - 1)
		return (false);
	*ns = seconds * SECOND_NS + nanos;
	return (true);
}
