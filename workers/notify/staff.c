/*
 * Who is away, and who stands in.  Whoever asks for a message knows the roster of that moment; by the time it leaves, after a night or a
 * failure, that person may be away.
 */
#include <stdio.h>
#include <string.h>

#include "notification.h"
#include "rfc3339.h"

#define DEPUTIES_MAX	4u	/* who stand in for one another */

/* The last that was said of somebody. */
struct away {
	int64_t from, until;
	char deputy[ID_TEXT_SIZE];
};

/* A date counts from its beginning, or to its end, on the site's clock. */
static int64_t
instant(const struct turn *t, const struct worker_event *v, const char *field, int64_t otherwise, bool end)
{
	struct text x;
	int64_t at;

	if (event_instant(v->e, field, &at))
		return (at);
	if (!event_text(v->e, field, &x) || !rfc3339_date(x.s, x.len, &at))
		return (otherwise);
	at = (at + end) * 86400;
	return ((t->s != NULL ? zone_instant(&t->s->zone, at) : at) * SECOND_NS);
}

void
staff_absent(struct turn *t, const struct worker_event *v)
{
	struct away a = { 0, 0, "" };
	struct text x;

	if (v->e->subject.len == 0)
		return;
	a.from = instant(t, v, "from", v->when, false);
	a.until = instant(t, v, "until", INT64_MAX, true);
	if (event_text(v->e, "deputy", &x) && x.len < sizeof(a.deputy))
		snprintf(a.deputy, sizeof(a.deputy), "%.*s", (int)x.len, x.s);
	worker_put(t->w, AWAY, v->e->subject.s, v->e->subject.len, &a, sizeof(a));
}

void
staff_deputy(const struct turn *t, char to[ID_TEXT_SIZE])
{
	struct away a;
	const void *v;
	size_t len;

	for (unsigned i = 0; i < DEPUTIES_MAX && worker_get(t->w, AWAY, to, strlen(to), &v, &len) && len == sizeof(a); i++) {
		memcpy(&a, v, sizeof(a));
		/* Nobody is named: better told than unseen. */
		if (a.from > t->now || a.until <= t->now || a.deputy[0] == '\0')
			return;
		snprintf(to, ID_TEXT_SIZE, "%s", a.deputy);
	}
}
