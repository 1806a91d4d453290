/* What is ready takes a slot: see sender.h. */
#include "sender.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sitetime.h"

#define CANDIDATES_MAX	64u	/* begun in a turn */
#define LOOKS_MAX	1024u	/* rows of a channel looked at in a turn: more than are on their way */

struct looking {
	struct sender *s;
	struct candidate list[CANDIDATES_MAX];
	unsigned count;
	const struct estate_event *v;	/* the lane: this event */
};

/* ---- Settings in force ---- */

static void
take_settings(struct sender *s, struct settings *in_force)
{
	char why[600], quoted[700];

	if (s->settings == in_force)
		return;
	settings_free(s->settings);
	s->settings = settings_hold(in_force);
	for (unsigned i = 0; i < in_force->channel_count; i++)
		if (!secrets_read(&s->secrets[i], in_force->channels[i].credentials, why, sizeof(why)))
			log_error("the credentials of a channel cannot be read: it will be refused", "channel=%s reason=%s", in_force->channels[i].name,
			    log_quote(quoted, sizeof(quoted), why));
	receipts_close(s->receipts);
	s->receipts = NULL;
	if (in_force->listen[0] != '\0' && (s->receipts = receipts_open(s, in_force->listen, why, sizeof(why))) == NULL)
		log_error("receipts cannot be taken", "listen=%s reason=%s", in_force->listen, log_quote(quoted, sizeof(quoted), why));
}

/* ---- Slots ---- */

/* How many of this channel and lane are on their way; what only waits to be read again takes none. */
static bool
has_slot(const struct looking *k, unsigned channel, bool urgent)
{
	const struct channel *c = &k->s->settings->channels[channel];
	unsigned taken = 0;

	for (const struct flight *f = k->s->flights; f != NULL; f = f->next)
		taken += f->stage != SETTLING && !f->rides && f->channel == channel && (f->row.f.urgency != ROUTINE) == urgent;
	for (unsigned i = 0; i < k->count; i++)
		taken += !k->list[i].rides && k->list[i].channel == channel && (k->list[i].row.f.urgency != ROUTINE) == urgent;
	return (taken < (urgent ? c->urgent_connections : c->connections));
}

static void
on_later(evutil_socket_t fd, short what, void *user)
{
	/* That the loop woke is all. */
	(void)fd;
	(void)what;
	(void)user;
}

/* So many a second; the urgent ones are counted and not held up. */
static bool
paced(struct sender *s, unsigned channel, bool urgent)
{
	int64_t second = effects_now_ms() / 1000;

	if (s->pace[channel].second != second) {
		s->pace[channel].second = second;
		s->pace[channel].sent = 0;
	}
	if (!urgent && s->pace[channel].sent >= s->settings->channels[channel].per_second) {
		event_add(s->later, &(struct timeval){ 0, 100000 });
		return (false);
	}
	s->pace[channel].sent++;
	return (true);
}

static bool
owner_rests(struct sender *s, const struct row *r)
{
	for (unsigned i = 0; r->f.urgency == ROUTINE && i < s->settings->owner_count; i++)
		if (strcmp(s->settings->owners[i], r->owner) == 0 && s->owner_rest[i] > effects_now_ms()) {
			event_add(s->later, &(struct timeval){ 1, 0 });
			return (true);
		}
	return (false);
}

/* What was ready when the breaker opened rests like what comes then. */
static bool
breaker_rests(struct sender *s, const struct turn *t, const struct row *r)
{
	if (r->f.urgency != ROUTINE || breaker_load(t->w, r->via).until <= t->now)
		return (false);
	event_add(s->later, &(struct timeval){ 1, 0 });
	return (true);
}

static int
channel_of(const struct settings *s, const char *name)
{
	for (unsigned i = 0; i < s->channel_count; i++)
		if (strcmp(s->channels[i].name, name) == 0)
			return ((int)i);
	return (-1);
}

/* Whom it is for, and until when it may leave. */
static void
candidate_known(struct candidate *c, const struct turn *t)
{
	struct house h;

	if (house_load(t->w, c->row.to, &h)) {
		c->contact = h.f.contact;
		c->english = h.f.english;
	}
	c->latest = plan_latest(t, &c->row);
}

/* ---- What is ready ---- */

/* May it leave at this instant?  The log's time may lag behind: hours and expiry are looked at once more. */
static bool
timely(const struct turn *t, const struct row *r)
{
	int64_t until;

	return (r->f.expires > t->now && (r->f.urgency != ROUTINE || !plan_quiet(t, r->to, t->now, &until)));
}

static bool
taken(const struct looking *k, struct text id)
{
	for (unsigned i = 0; i < k->count; i++)
		if (mp_equal(id.s, id.len, k->list[i].id))
			return (true);
	return (false);
}

/* Others to the same receiver that are ready take no slot of their own: they leave with it. */
static void
look_for_company(struct looking *k, struct worker *w, struct candidate *first)
{
	const struct channel *channel = &k->s->settings->channels[first->channel];
	struct turn t = { w, k->s->settings, sitetime_now() };
	struct worker_walk walk = { .key_len = 0 };
	unsigned together = 1;
	struct text id;

	if (!digest_may(k->s->settings, channel, &first->row))
		return;
	while (together < DIGEST_MAX && k->count < CANDIDATES_MAX && row_company(w, first->row.to, &walk, &id)) {
		struct candidate *c = &k->list[k->count];

		memset(c, 0, sizeof(*c));
		snprintf(c->id, sizeof(c->id), "%.*s", (int)id.len, id.s);
		if (taken(k, id) || !row_load(w, id, &c->row) || strcmp(c->row.via, first->row.via) != 0 || !digest_may(k->s->settings, channel, &c->row) ||
		    !timely(&t, &c->row) || owner_rests(k->s, &c->row) || flight_find(k->s, c->id) != NULL)
			continue;
		if (first->group == 0)
			first->group = ++k->s->groups;
		c->group = first->group;
		c->channel = first->channel;
		c->rides = true;
		candidate_known(c, &t);
		k->count++;
		together++;
	}
}

/* Whoever says what came of it: the one that it left with, unless nobody knows that one any more. */
static bool
is_orphan(struct looking *k, struct worker *w, const struct row *r)
{
	struct row lead;

	if (r->lead[0] == '\0')
		return (true);
	return (flight_find(k->s, r->lead) == NULL && (!row_load(w, text_of(r->lead), &lead) || lead.f.fate != ATTEMPTING));
}

static void
look_at(struct looking *k, struct worker *w, struct text id)
{
	struct candidate *c = &k->list[k->count];
	struct turn t = { w, k->s->settings, sitetime_now() };
	int channel;

	memset(c, 0, sizeof(*c));
	snprintf(c->id, sizeof(c->id), "%.*s", (int)id.len, id.s);
	if (!row_load(w, id, &c->row) || taken(k, id) || flight_find(k->s, c->id) != NULL)
		return;
	if (c->row.f.fate == ATTEMPTING) {
		k->count += is_orphan(k, w, &c->row);
		return;
	}
	if (k->s->leaving || (channel = channel_of(k->s->settings, c->row.via)) < 0 || !timely(&t, &c->row) || owner_rests(k->s, &c->row) ||
	    breaker_rests(k->s, &t, &c->row))
		return;
	c->channel = (unsigned)channel;
	if (!has_slot(k, c->channel, c->row.f.urgency != ROUTINE) || !paced(k->s, c->channel, c->row.f.urgency != ROUTINE))
		return;
	candidate_known(c, &t);
	k->count++;
	look_for_company(k, w, c);
}

static void
look_at_ready(struct worker *w, void *user)
{
	struct looking *k = user;
	struct worker_walk walk = { .key_len = 0 };
	struct settings *in_force = *(struct settings **)worker_user(w);
	uint8_t lane[READY_LANE] = { 0 };
	unsigned looks = 0;

	if (in_force == NULL)
		return;
	take_settings(k->s, in_force);
	while (k->count < CANDIDATES_MAX && worker_each(w, READY, NULL, 0, &walk)) {
		if (memcmp(walk.key, lane, READY_LANE) != 0)
			looks = 0;
		memcpy(lane, walk.key, READY_LANE);
		if (looks++ < LOOKS_MAX)
			look_at(k, w, (struct text){ walk.value, (uint32_t)walk.value_len });
		else
			/* Enough of that channel: on to the next. */
			memset(walk.key + READY_LANE, 0xff, READY_KEY - READY_LANE);
	}
}

static void
on_turn(void *user)
{
	struct sender *s = user;
	static struct looking k;	/* its rows are too many for a stack */

	flights_turn(s);
	if (!effects_settled(s->effects))
		return;
	k.s = s;
	k.count = 0;
	effects_look(s->effects, look_at_ready, &k);
	for (unsigned i = 0; i < k.count; i++)
		if (k.list[i].row.f.fate == ATTEMPTING)
			flight_orphan(s, k.list[i].id, &k.list[i].row);
		else
			flight_begin(s, &k.list[i], NULL, 0);
}

/* ---- The lane of the urgent ones: they do not wait until the worker has read what stands before them ---- */

static void
look_at_lane(struct worker *w, void *user)
{
	struct looking *k = user;
	struct candidate *c = k->list;
	struct settings *in_force = *(struct settings **)worker_user(w);
	struct turn t = { w, in_force, sitetime_now() };
	const char *why;
	struct event e;
	struct text id;
	struct row known;
	int channel;

	memset(c, 0, sizeof(*c));
	if (in_force == NULL || !event_peek(&e, k->v->bytes, k->v->len) || !plan_row(&t, &e, k->v->seq, k->v->log_time, &id, &c->row) ||
	    row_load(w, id, &known) || c->row.f.not_before > t.now || !timely(&t, &c->row))
		return;
	take_settings(k->s, in_force);
	staff_deputy(&t, c->row.to);
	snprintf(c->id, sizeof(c->id), "%.*s", (int)id.len, id.s);
	if (flight_find(k->s, c->id) != NULL || (channel = plan_channel(&t, &c->row, &why)) < 0 || !has_slot(k, (unsigned)channel, true))
		return;
	c->channel = (unsigned)channel;
	paced(k->s, c->channel, true);
	candidate_known(c, &t);
	k->count = 1;
}

static void
on_urgent(void *user, const struct estate_event *v)
{
	struct sender *s = user;
	static struct looking k;

	/* What the worker has read is looked at by it. */
	if (s->leaving || !effects_settled(s->effects) || v->seq <= effects_read(s->effects))
		return;
	k = (struct looking){ .s = s, .v = v };
	effects_look(s->effects, look_at_lane, &k);
	if (k.count == 1)
		flight_begin(s, k.list, v->bytes, v->len);
}

static void
on_lane_ended(void *user, const struct estate_fault *f)
{
	struct sender *s = user;

	log_warn("the lane of urgent messages ended: they go with the others", "reason=%s", f->name);
	s->lane = NULL;
}

/* ---- Life ---- */

bool
sender_read(const char *folder, struct templates **t, struct contacts **c, char *why, size_t size)
{
	char path[4300];

	*t = NULL;
	*c = NULL;
	snprintf(path, sizeof(path), "%s/templates", folder);
	if ((*t = templates_read(path, why, size)) == NULL)
		return (false);
	snprintf(path, sizeof(path), "%s/contacts.yaml", folder);
	if ((*c = contacts_read(path, why, size)) != NULL)
		return (true);
	templates_free(*t);
	*t = NULL;
	return (false);
}

static void *
on_open(struct effects *x, const char *folder, char *why, size_t size)
{
	static const char *const types[] = { "notification.requested", NULL }, *const urgencies[] = { "urgent", "emergency", NULL };
	struct sender *s = memset(alloc_or_exit(NULL, sizeof(*s)), 0, sizeof(*s));
	unsigned char nonce[4];
	int error;

	s->effects = x;
	randombytes_buf(nonce, sizeof(nonce));
	sodium_bin2hex(s->nonce, sizeof(s->nonce), nonce, sizeof(nonce));
	if (!sender_read(folder, &s->templates, &s->contacts, why, size)) {
		free(s);
		return (NULL);
	}
	s->carry = carry_open(effects_base(x));
	s->later = evtimer_new(effects_base(x), on_later, s);
	if ((error = estate_subscribe(effects_estate(x), &(struct estate_subscribe_options){ .from = ESTATE_FROM_NEW, .types = types, .urgencies = urgencies,
	    .user = s, .on_event = on_urgent, .on_ended = on_lane_ended }, &s->lane)) != 0 || s->later == NULL)
		log_warn("no lane for urgent messages: they go with the others", "reason=\"%s\"", estate_error_text(error));
	return (s);
}

/* What was only looked at is left; what is on its way is awaited. */
static bool
on_leaving(void *user)
{
	struct sender *s = user;

	s->leaving = true;
	for (const struct flight *f = s->flights; f != NULL; f = f->next)
		if (f->stage >= INTENDING && f->stage < SETTLING)
			return (true);
	return (false);
}

static void
on_close(void *user)
{
	struct sender *s = user;

	estate_unsubscribe(s->lane);
	receipts_close(s->receipts);
	carry_close(s->carry);
	flights_free(s);
	receipts_forget(s);
	settings_free(s->settings);
	templates_free(s->templates);
	contacts_free(s->contacts);
	event_free(s->later);
	free(s);
}

const struct worker_effects notify_effects = { .open = on_open, .turn = on_turn, .leaving = on_leaving, .close = on_close };
