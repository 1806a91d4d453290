/* What is known about one case or household: see dossier.h. */
#include "dossier.h"

#include <stdlib.h>
#include <string.h>

#include "view.h"

struct reading {
	struct dossier *dossier;
	struct estate_fault fault;
	bool refused, done;
};

static void
on_event(void *user, const struct estate_event *v)
{
	struct dossier *d = ((struct reading *)user)->dossier;
	struct estate_event own = *v;
	struct fact *f;
	char *copy;

	if (d->count == d->room) {
		d->room = d->room == 0 ? 64 : d->room * 2;
		d->facts = alloc_or_exit(d->facts, d->room * sizeof(*d->facts));
	}
	copy = alloc_or_exit(NULL, v->len);
	memcpy(copy, v->bytes, v->len);
	own.bytes = copy;
	f = &d->facts[d->count];
	f->seq = v->seq;
	if (!view_read(&f->e, &own)) {
		free(copy);
		return;
	}
	f->when = view_when(&f->e, v);
	d->count++;
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct reading *r = user;

	(void)log_time;
	if (seq > r->dossier->seq)
		r->dossier->seq = seq;
	r->done |= end;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct reading *r = user;

	r->fault = *f;
	r->refused = r->done = true;
}

int
dossier_read(struct dossier *d, const char *verb, const struct common *c, struct estate *e, const char *const *subjects, const char *const *types)
{
	struct reading r = { .dossier = d };
	struct estate_subscribe_options so = { .from = ESTATE_FROM_FIRST, .subjects = subjects, .types = types, .user = &r, .on_event = on_event,
	    .on_progress = on_progress, .on_ended = on_ended };
	struct estate_subscription *s;
	int n;

	if ((n = estate_subscribe(e, &so, &s)) != 0)
		return (reach_refused(verb, c, n, NULL));
	while (!r.done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	if (r.refused)
		return (reach_refused(verb, c, r.fault.code, &r.fault));
	estate_unsubscribe(s);
	if (!r.done && !reach_stop) {
		reach_failed(verb, c);
		return (EXIT_UNREACHED);
	}
	return (reach_stop ? EXIT_PART : 0);
}

static int
by_time(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (x->when != y->when)
		return (x->when < y->when ? -1 : 1);
	return (x->seq < y->seq ? -1 : x->seq > y->seq);
}

/* The record, an earlier one, that an amendment or a retraction means; 0: it is none. */
static uint64_t
meant(const struct fact *f, const char *type)
{
	struct mp m = f->e.data;
	const char *key;
	uint32_t pairs, len;
	uint64_t seq = 0;

	if (!fact_is(f, type) || !mp_map(&m, &pairs))
		return (0);
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--)
		if (mp_equal(key, len, "event"))
			return (mp_uint(&m, &seq) && seq < f->seq ? seq : 0);
		else if (!mp_skip(&m))
			break;
	return (0);
}

static bool
is_retracted(const struct dossier *d, uint64_t seq)
{
	for (size_t i = 0; i < d->correction_count; i++)
		if (d->corrections[i].retracts && d->corrections[i].target == seq)
			return (true);
	return (false);
}

static bool
is_amended(const struct dossier *d, uint64_t seq)
{
	for (size_t i = 0; i < d->correction_count; i++)
		if (!d->corrections[i].retracts && d->corrections[i].target == seq)
			return (true);
	return (false);
}

static int
newest_first(const void *a, const void *b)
{
	const struct correction *x = a, *y = b;

	return (x->seq > y->seq ? -1 : x->seq < y->seq);
}

/* A correction means an earlier event: so, from the newest on, it is known of each whether it was taken back itself. */
static void
correct(struct dossier *d)
{
	size_t all = 0;

	for (size_t i = 0; i < d->count; i++) {
		uint64_t retracts = meant(&d->facts[i], "record.retracted"), amends = meant(&d->facts[i], "record.amended");

		if (retracts == 0 && amends == 0)
			continue;
		if ((all & (all - 1)) == 0)
			d->corrections = alloc_or_exit(d->corrections, (all == 0 ? 1 : 2 * all) * sizeof(*d->corrections));
		d->corrections[all++] = (struct correction){ retracts != 0 ? retracts : amends, d->facts[i].seq, retracts != 0, d->facts[i].e.data };
	}
	if (all > 0)
		qsort(d->corrections, all, sizeof(*d->corrections), newest_first);
	for (size_t i = 0; i < all; i++)
		if (!is_retracted(d, d->corrections[i].seq))
			d->corrections[d->correction_count++] = d->corrections[i];
}

void
dossier_settle(struct dossier *d)
{
	size_t kept = 0;

	correct(d);
	for (size_t i = 0; i < d->count; i++)
		if (is_retracted(d, d->facts[i].seq)) {
			d->retracted++;
			d->facts[i].when = INT64_MAX;	/* behind all that counts */
		} else
			d->amended += is_amended(d, d->facts[i].seq);
	if (d->count > 1)
		qsort(d->facts, d->count, sizeof(*d->facts), by_time);
	while (kept < d->count && d->facts[kept].when != INT64_MAX)
		kept++;
	/* No correction lends from these: they are taken back. */
	for (size_t i = kept; i < d->count; i++)
		free((void *)(uintptr_t)d->facts[i].e.bytes);
	d->count = kept;
}

void
dossier_free(struct dossier *d)
{
	for (size_t i = 0; i < d->count; i++)
		free((void *)(uintptr_t)d->facts[i].e.bytes);
	free(d->facts);
	free(d->corrections);
	memset(d, 0, sizeof(*d));
}

bool
fact_is(const struct fact *f, const char *type)
{
	return (mp_equal(f->e.type.s, f->e.type.len, type));
}

const struct fact *
dossier_next(const struct dossier *d, const char *type, const struct fact *behind)
{
	for (size_t i = behind != NULL ? (size_t)(behind - d->facts) + 1 : 0; i < d->count; i++)
		if (fact_is(&d->facts[i], type))
			return (&d->facts[i]);
	return (NULL);
}

const struct fact *
dossier_first(const struct dossier *d, const char *type)
{
	return (dossier_next(d, type, NULL));
}

const struct fact *
dossier_last(const struct dossier *d, const char *type)
{
	for (size_t i = d->count; i > 0; i--)
		if (fact_is(&d->facts[i - 1], type))
			return (&d->facts[i - 1]);
	return (NULL);
}

static bool
member(struct mp m, const char *name, struct mp *value)
{
	const char *key;
	uint32_t pairs, len;

	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--)
		if (mp_equal(key, len, name)) {
			*value = m;
			return (true);
		} else if (!mp_skip(&m))
			break;
	return (false);
}

bool
fact_field(const struct dossier *d, const struct fact *f, const char *name, struct mp *value)
{
	struct mp fields;

	if (f == NULL)
		return (false);
	/* The newest first. */
	for (size_t i = 0; i < d->correction_count; i++)
		if (!d->corrections[i].retracts && d->corrections[i].target == f->seq && member(d->corrections[i].data, "fields", &fields) && member(fields, name, value))
			return (true);
	return (member(f->e.data, name, value));
}

bool
fact_text(const struct dossier *d, const struct fact *f, const char *name, struct text *t)
{
	struct mp m;

	return (fact_field(d, f, name, &m) && mp_str(&m, &t->s, &t->len));
}

bool
fact_says(const struct dossier *d, const struct fact *f, const char *name, const char *value)
{
	struct text t;

	return (fact_text(d, f, name, &t) && mp_equal(t.s, t.len, value));
}

bool
fact_true(const struct dossier *d, const struct fact *f, const char *name)
{
	struct mp m;
	bool yes;

	return (fact_field(d, f, name, &m) && mp_bool(&m, &yes) && yes);
}
