/* What events tell of a notification: the sender's, its receipts', and whatever a provider's door puts. */
#include <stdio.h>
#include <string.h>

#include "notification.h"

/* The notification an event is about; false if it is none that we know. */
static bool
about(struct turn *t, const struct worker_event *v, struct text *id, struct row *r)
{
	return (event_text(v->e, "notification", id) && row_load(t->w, *id, r));
}

static void
copy(const struct event *e, const char *field, char *out, size_t size)
{
	struct text x;

	if (event_text(e, field, &x))
		snprintf(out, size, "%.*s", (int)(x.len < size ? x.len : size - 1), x.s);
}

/* ---- Breakers ---- */

struct breaker
breaker_load(struct worker *w, const char *channel)
{
	struct breaker b = { 0, 0 };
	const void *v;
	size_t len;

	if (channel[0] != '\0' && worker_get(w, BREAKERS, channel, strlen(channel), &v, &len) && len == sizeof(b))
		memcpy(&b, v, sizeof(b));
	return (b);
}

static const struct channel *
channel_of(const struct turn *t, const char *name)
{
	for (unsigned i = 0; t->s != NULL && i < t->s->channel_count; i++)
		if (strcmp(t->s->channels[i].name, name) == 0)
			return (&t->s->channels[i]);
	return (NULL);
}

/* So many failures in a row: routine ones rest.  After the rest one failure opens it again. */
static void
breaker_failed(struct turn *t, const char *via)
{
	const struct channel *c = channel_of(t, via);
	struct breaker b = breaker_load(t->w, via);

	if (c == NULL)
		return;
	if (++b.failures >= c->breaker)
		b.until = t->now + c->breaker_ns;
	worker_put(t->w, BREAKERS, via, strlen(via), &b, sizeof(b));
}

static void
breaker_worked(struct turn *t, const char *via)
{
	if (via[0] != '\0')
		worker_delete(t->w, BREAKERS, via, strlen(via));
}

/* ---- What happened ---- */

void
fate_attempted(struct turn *t, const struct worker_event *v)
{
	char via[NAME_SIZE] = "";
	struct text id;
	struct row r;

	if (!about(t, v, &id, &r))
		return;
	copy(v->e, "reason", via, sizeof(via));
	/* Those that leave with it do so even if it ended at the last moment. */
	digest_attempted(t, v, id, via);
	if (row_ended(&r))
		return;
	memcpy(r.via, via, sizeof(via));
	r.f.attempted = v->seq;
	r.f.attempted_at = v->log_time;
	r.f.attempts++;
	if (r.f.tries < UINT8_MAX)
		r.f.tries++;
	r.lead[0] = '\0';
	plan_attempted(t, id);
	row_become(t->w, id, &r, ATTEMPTING);
}

/* By what its provider calls it a receipt finds it. */
static size_t
provider_key(const struct row *r, char key[STATE_KEY_MAX])
{
	return ((size_t)snprintf(key, STATE_KEY_MAX, "%s %s", r->via, r->provider));
}

/* What was told of a lead, of one that left with it. */
static void
derive(struct turn *t, const struct worker_event *v, struct text id, const struct row *r)
{
	struct text x;
	bool permanent;
	int64_t seq;

	worker_derive(t->w, v->e->kind->name, text_of(r->subject), &(struct worker_identity){ "notify", id, v->e->kind->name, (uint64_t)t->now });
	worker_urgency(t->w, urgency_names[r->f.urgency]);
	worker_field(t->w, "notification", id);
	if (event_text(v->e, "provider_id", &x))
		worker_field(t->w, "provider_id", x);
	if (event_bool(v->e, "permanent", &permanent))
		worker_field_bool(t->w, "permanent", permanent);
	if (event_text(v->e, "reason", &x))
		worker_field(t->w, "reason", x);
	if (event_int(v->e, "as_of_seq", &seq))
		worker_field_int(t->w, "as_of_seq", seq);
	worker_emit(t->w);
}

void
fate_followed(struct turn *t, const struct worker_event *v, struct text id, struct row *r)
{
	derive(t, v, id, r);
	plan_attempted(t, id);
	row_become(t->w, id, r, ATTEMPTING);
}

static void
sent_with(struct turn *t, const struct worker_event *v, struct text id, struct row *r)
{
	if (r->f.fate == SENT)
		return;
	derive(t, v, id, r);
	r->f.outcome = v->seq;
	r->reason[0] = '\0';
	plan_sent(t, id);
	row_become(t->w, id, r, SENT);
}

void
fate_sent(struct turn *t, const struct worker_event *v)
{
	char key[STATE_KEY_MAX];
	struct text id;
	struct row r;
	size_t len;

	if (!about(t, v, &id, &r))
		return;
	digest_each(t, v, id, sent_with);
	breaker_worked(t, r.via);
	copy(v->e, "provider_id", r.provider, sizeof(r.provider));
	if (r.provider[0] != '\0') {
		len = provider_key(&r, key);
		worker_put(t->w, PROVIDERS, key, len, id.s, id.len);
	}
	r.f.outcome = v->seq;
	if (row_ended(&r)) {
		/* Its receipt was faster. */
		row_store(t->w, id, &r);
		return;
	}
	plan_sent(t, id);
	r.reason[0] = '\0';
	row_become(t->w, id, &r, SENT);
}

static void
delivered_with(struct turn *t, const struct worker_event *v, struct text id, struct row *r)
{
	derive(t, v, id, r);
	plan_end(t, id, r, DELIVERED, "");
}

void
fate_delivered(struct turn *t, const struct worker_event *v)
{
	struct text id;
	struct row r;

	if (!about(t, v, &id, &r))
		return;
	digest_each(t, v, id, delivered_with);
	if (row_ended(&r))
		return;
	breaker_worked(t, r.via);
	plan_end(t, id, &r, DELIVERED, "");
}

static bool
begins(const char *s, const char *with)
{
	return (strncmp(s, with, strlen(with)) == 0);
}

/* Did it arrive or not?  Nobody knows; what follows is written in the settings. */
static void
unknown(struct turn *t, struct text id, struct row *r, const char *reason)
{
	enum unknown policy = t->s != NULL ? t->s->unknown[r->f.urgency] : r->f.urgency == ROUTINE ? UNKNOWN_FAIL : UNKNOWN_REPEAT;

	/* Our own end uses up no try. */
	if (begins(reason, REASON_UNKNOWN REASON_OURS))
		r->f.tries -= r->f.tries > 0;
	if (policy == UNKNOWN_REPEAT)
		plan_retry(t, id, r, REASON_UNKNOWN);
	else if (policy == UNKNOWN_NEXT)
		plan_next(t, id, r, REASON_UNKNOWN);
	else
		plan_end(t, id, r, FAILED, REASON_UNKNOWN);
}

/* The provider's fault?  Not if it refused this one for good, and not if the process that sent it ended. */
static bool
provider_failed(const char *reason, bool permanent)
{
	return (!begins(reason, REASON_NOT_SENT) && (begins(reason, REASON_UNKNOWN) ? !begins(reason, REASON_UNKNOWN REASON_OURS) : !permanent));
}

static void
failed(struct turn *t, const struct worker_event *v, struct text id, struct row *r, const char *reason, bool permanent)
{
	r->f.outcome = v->seq;
	if (!begins(reason, REASON_UNKNOWN))
		r->f.laps++;
	if (begins(reason, REASON_NOT_SENT)) {
		r->f.tries -= r->f.tries > 0;
		r->f.not_before = t->now;
		plan_again(t, id, r);
	} else if (begins(reason, REASON_UNKNOWN))
		unknown(t, id, r, reason);
	else if (permanent)
		plan_next(t, id, r, reason);
	else
		plan_retry(t, id, r, reason);
}

/* A receipt of failure, or of a provider that gave up: this way is closed. */
static bool
told_permanent(const struct worker_event *v, const struct row *r, char reason[120])
{
	bool permanent = false;

	copy(v->e, "reason", reason, 120);
	event_bool(v->e, "permanent", &permanent);
	return (permanent || r->f.fate == SENT || r->f.fate == IS_READY);
}

static void
failed_with(struct turn *t, const struct worker_event *v, struct text id, struct row *r)
{
	char reason[120] = "";
	bool permanent = told_permanent(v, r, reason);

	derive(t, v, id, r);
	r->lead[0] = '\0';
	failed(t, v, id, r, reason, permanent);
}

void
fate_failed(struct turn *t, const struct worker_event *v)
{
	char reason[120] = "";
	bool permanent;
	struct text id;
	struct row r;

	if (!about(t, v, &id, &r))
		return;
	if (!row_ended(&r) && (r.f.fate == ATTEMPTING || r.f.fate == SENT || r.f.fate == IS_READY)) {
		permanent = told_permanent(v, &r, reason);
		if (provider_failed(reason, permanent))
			breaker_failed(t, r.via);
		failed(t, v, id, &r, reason, permanent);
	}
	digest_each(t, v, id, failed_with);
}

void
fate_withdrawn(struct turn *t, const struct worker_event *v)
{
	char reason[120] = "";
	struct text id;
	struct row r;

	if (!about(t, v, &id, &r) || row_ended(&r) || r.f.fate == SENT)
		return;
	copy(v->e, "reason", reason, sizeof(reason));
	plan_end(t, id, &r, WITHDRAWN, reason);
}

void
fate_forget(struct turn *t, const struct row *r)
{
	char key[STATE_KEY_MAX];

	if (r->provider[0] != '\0')
		worker_delete(t->w, PROVIDERS, key, provider_key(r, key));
}
