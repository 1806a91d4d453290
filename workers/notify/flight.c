/*
 * One message from ready to told.  Each step ends in a callback that begins the next.
 *
 *	FETCHING	the request's event is read by its number, FINDING the event that bears the household's address
 *	ASKING		does its reason still hold?  Routine ones only, of owners that are asked
 *	BOARDED		it waits until all of its group are here; then one of them leads, and the others are
 *	RIDING		with it, and settle when it does
 *	INTENDING	notification.attempted is put; nothing leaves before it is durable, nor if that took too long
 *	FLYING		it is with the provider, or nobody knows
 *	TELLING		sent, failed or withdrawn is put
 *	SETTLING	the worker has to read that, else what is ready would be begun again
 */
#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errcode.h"
#include "log.h"
#include "sender.h"
#include "sitetime.h"

#define ASK_MS		2000	/* an answer is awaited so long, and is no older when the message leaves */
#define OWNER_REST_MS	5000

static void intend(struct flight *);
static void on_told(void *, uint64_t, bool, const char *);
static void on_intended(void *, uint64_t, bool, const char *);

/* ---- Events of ours ---- */

static void
text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

static void
pair(msgpack_packer *p, const char *key, const char *value)
{
	text(p, key);
	text(p, value);
}

static unsigned
riders(const struct flight *lead)
{
	unsigned n = 0;

	for (const struct flight *f = lead != NULL ? lead->sender->flights : NULL; f != NULL; f = f->next)
		n += f->lead == lead;
	return (n);
}

static void
pack_with(msgpack_packer *p, const struct flight *lead)
{
	text(p, "with");
	msgpack_pack_array(p, riders(lead));
	for (const struct flight *f = lead->sender->flights; f != NULL; f = f->next)
		if (f->lead == lead)
			text(p, f->letter.notification);
}

void
say(msgpack_sbuffer *b, const struct said *d)
{
	unsigned with = riders(d->with);
	msgpack_packer p;

	msgpack_sbuffer_clear(b);
	msgpack_packer_init(&p, b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 7);
	pair(&p, "specversion", "1.0");
	pair(&p, "id", d->id);
	pair(&p, "source", "/estated/worker/notify/sender");
	pair(&p, "type", d->type);
	pair(&p, "subject", d->subject);
	pair(&p, "urgency", d->urgency);
	text(&p, "data");
	msgpack_pack_map(&p, 1 + (*d->provider != '\0') + (*d->reason != '\0') + (d->permanent >= 0) + (d->segments > 0) + (d->as_of > 0) + (with > 0) +
	    (d->page_hash != NULL));
	pair(&p, "notification", d->notification);
	if (*d->provider != '\0')
		pair(&p, "provider_id", d->provider);
	if (*d->reason != '\0')
		pair(&p, "reason", d->reason);
	if (d->permanent >= 0) {
		text(&p, "permanent");
		if (d->permanent)
			msgpack_pack_true(&p);
		else
			msgpack_pack_false(&p);
	}
	if (d->segments > 0) {
		text(&p, "segments");
		msgpack_pack_unsigned_int(&p, d->segments);
	}
	if (d->as_of > 0) {
		text(&p, "as_of_seq");
		msgpack_pack_uint64(&p, d->as_of);
	}
	if (with > 0)
		pack_with(&p, d->with);
	if (d->page_hash != NULL)
		pair(&p, "page_hash", d->page_hash);
}

/* Beginning with the number of the request ids of one message stand together.  The number of the outcome before is part of it: a way that fails
 * before any attempt (no address, no room for the text) is followed by another that may fail so, too, and both are told.  The nonce is this
 * process's, so that what a former one put late is another event. */
static void
say_of(struct flight *f, char step, const struct said *d)
{
	struct said s = *d;
	char id[ID_TEXT_SIZE];

	snprintf(id, sizeof(id), "%016" PRIx64 "-%c%u-%" PRIx64 "-%s", f->row.f.requested, step, f->row.f.attempts, f->row.f.outcome,
	    f->sender->nonce);
	s.id = id;
	s.notification = f->letter.notification;
	s.subject = f->row.subject;
	s.urgency = urgency_names[f->row.f.urgency];
	say(&f->out, &s);
}

/* ---- Told ---- */

static void
put_due(struct flight *f)
{
	f->put_due = !effects_put(f->sender->effects, f->out.data, f->out.size, f->stage == INTENDING ? on_intended : on_told, f);
	f->pending = true;
}

/* An event of ours was refused for good: our bug or our rights.  What it was about rests until a restart. */
static void
refused(struct flight *f, const char *why)
{
	char quoted[400];

	log_error("an event of the sender was refused: that message rests until a restart", "notification=%s reason=%s", f->letter.notification,
	    log_quote(quoted, sizeof(quoted), why));
	f->stage = SETTLING;
	f->settle = UINT64_MAX;
}

static void
on_told(void *user, uint64_t seq, bool duplicate, const char *refusal)
{
	struct flight *f = user;

	(void)duplicate;
	f->pending = false;
	if (refusal != NULL) {
		refused(f, refusal);
		return;
	}
	f->stage = SETTLING;
	f->settle = seq;
}

static void
tell(struct flight *f, const struct said *d)
{
	f->stage = TELLING;
	say_of(f, 'o', d);
	put_due(f);
}

static void
tell_failed(struct flight *f, bool permanent, const char *reason)
{
	tell(f, &(struct said){ .type = "notification.failed", .provider = "", .reason = reason, .permanent = permanent, .as_of = f->as_of });
}

static void
on_flown(void *user, const struct result *r)
{
	struct flight *f = user;

	f->pending = false;
	if (r->how == HOW_LEFT)
		tell(f, &(struct said){ .type = "notification.sent", .provider = r->provider, .reason = f->letter.channel->name, .permanent = -1,
		    .segments = f->letter.segments.count, .as_of = f->as_of, .page_hash = r->page_hash[0] != '\0' ? r->page_hash : NULL });
	else
		tell_failed(f, r->how == HOW_PERMANENT, r->reason);
}

/* ---- Intent, then effect ---- */

/* Time has passed since it was looked at: why must it not leave any more?  NULL: it may. */
static const char *
too_late(const struct flight *f)
{
	if (f->latest <= sitetime_now())
		return (REASON_NOT_SENT ": it would have left too late");
	if (f->held_ms != 0 && effects_now_ms() - f->held_ms > ASK_MS)
		return (REASON_NOT_SENT ": what its owner said of it was too old");
	return (NULL);
}

static void
on_intended(void *user, uint64_t seq, bool duplicate, const char *refusal)
{
	struct flight *f = user;
	const char *late = too_late(f);

	(void)seq;
	(void)duplicate;
	f->pending = false;
	if (refusal != NULL) {
		refused(f, refusal);
		return;
	}
	for (struct flight *r = f->sender->flights; r != NULL && late == NULL; r = r->next)
		if (r->lead == f)
			late = too_late(r);
	if (late != NULL) {
		tell_failed(f, false, late);
		return;
	}
	f->stage = FLYING;
	f->pending = true;
	carry_send(f->sender->carry, &f->letter, on_flown, f);
}

static void
intend(struct flight *f)
{
	f->stage = INTENDING;
	f->row.f.attempts++;
	say_of(f, 'a', &(struct said){ .type = "notification.attempted", .provider = "", .reason = f->letter.channel->name, .permanent = -1, .as_of = f->as_of,
	    .with = f });
	put_due(f);
}

static void
render(struct flight *f)
{
	struct event e;
	struct mp params;
	char why[200];

	if (!event_peek(&e, f->request.data, f->request.len) || !event_field(&e, "params", &params)) {
		tell_failed(f, true, "its request cannot be read");
		return;
	}
	if (mp_peek(&params) != MP_MAP)
		tell_failed(f, true, "its parameters are masked or erased");
	else if (!letter_addressed(&f->letter, why, sizeof(why)) || !letter_render(&f->letter, f->sender->templates, f->settings, params, why, sizeof(why)))
		tell_failed(f, true, why);
	else if (f->group != 0)
		f->stage = BOARDED;
	else
		intend(f);
}

/* ---- Several as one ---- */

/* Those of a group that are ready to leave, in the order in which they were asked for; none, if others of it are still looked at. */
static unsigned
all_aboard(struct flight *of, struct flight **all)
{
	unsigned n = 0, at;

	for (struct flight *f = of->sender->flights; f != NULL; f = f->next) {
		if (f->group != of->group || f->over)
			continue;
		if (f->stage < BOARDED)
			return (0);
		if (f->stage != BOARDED || n == DIGEST_MAX)
			continue;
		for (at = n++; at > 0 && all[at - 1]->row.f.requested > f->row.f.requested; at--)
			all[at] = all[at - 1];
		all[at] = f;
	}
	return (n);
}

/* What is known of all of them is what was known of each. */
static void
depart(struct flight *of)
{
	struct flight *all[DIGEST_MAX] = { NULL };
	struct letter *letters[DIGEST_MAX];
	unsigned n = all_aboard(of, all), together;

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		letters[i] = &all[i]->letter;
	together = letter_join(letters, n, of->settings);
	assert(together > 0 && together <= n);
	for (unsigned i = 1; i < together; i++) {
		all[i]->stage = RIDING;
		all[i]->lead = all[0];
		if (all[i]->as_of < all[0]->as_of)
			all[0]->as_of = all[i]->as_of;
	}
	/* For the others there was no room: they are the next to leave together. */
	all[0]->group = 0;
	intend(all[0]);
}

/* As the one that it leaves with. */
static void
ride(struct flight *f)
{
	if (f->lead->stage != SETTLING)
		return;
	f->stage = SETTLING;
	f->settle = f->lead->settle;
	/* Its event was refused: without it this one may leave. */
	f->over = f->settle == UINT64_MAX;
	f->lead = NULL;
}

/* ---- Does it still hold? ---- */

static void
pack_ask(struct flight *f, msgpack_sbuffer *b, uint64_t at_least)
{
	msgpack_packer p;

	msgpack_packer_init(&p, b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 4);
	pair(&p, "service", f->row.owner);
	text(&p, "question");
	msgpack_pack_map(&p, 2);
	pair(&p, "name", "holds");
	pair(&p, "notification", f->letter.notification);
	text(&p, "at_least");
	msgpack_pack_uint64(&p, at_least);
	text(&p, "timeout_ms");
	msgpack_pack_int(&p, ASK_MS);
}

static bool
member(struct mp m, const char *name, struct mp *value)
{
	const char *k;
	uint32_t pairs, len;

	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &k, &len); pairs--) {
		*value = m;
		if (mp_equal(k, len, name))
			return (true);
		if (!mp_skip(&m))
			return (false);
	}
	return (false);
}

/* No answer is no leave: later, and not at once. */
static void
owner_silent(struct flight *f, const char *why)
{
	int64_t now = effects_now_ms();
	char quoted[300];

	for (unsigned i = 0; i < f->settings->owner_count; i++)
		if (strcmp(f->settings->owners[i], f->row.owner) == 0 && f->sender->owner_rest[i] <= now) {
			f->sender->owner_rest[i] = now + OWNER_REST_MS;
			log_warn("the owner of a message does not say whether it still holds: routine ones of it wait", "owner=%s reason=%s", f->row.owner,
			    log_quote(quoted, sizeof(quoted), why));
		}
	f->over = true;
}

static void
tell_withdrawn(struct flight *f, const char *reason)
{
	tell(f, &(struct said){ .type = "notification.withdrawn", .provider = "", .reason = reason, .permanent = -1, .as_of = f->as_of });
}

/* It has read the request, and says that it never asked for that: an answer, which must not hold up what it did ask for. */
static bool
disowned(const struct estate_answer *a)
{
	return (a->error == E_NOT_FOUND && a->fault != NULL && strcmp(a->fault->path, "question.notification") == 0);
}

static void
on_held(void *user, const struct estate_answer *a)
{
	struct flight *f = user;
	struct mp body = mp_over(a->body, a->len), answer, v;
	const char *reason = "no longer owed";
	uint32_t len = 14;
	char copy[200];
	bool holds;

	if (!a->final)
		return;
	f->pending = false;
	if (f->sender->leaving) {
		f->over = true;
		return;
	}
	if (disowned(a)) {
		tell_withdrawn(f, "its owner knows of no such message");
		return;
	}
	if (a->error != 0 || !member(body, "answer", &answer) || !member(answer, "holds", &v) || !mp_bool(&v, &holds)) {
		owner_silent(f, a->fault != NULL ? a->fault->text : a->error != 0 ? "the connection was lost" : "its answer is not what it should be");
		return;
	}
	if (member(body, "seq", &v))
		mp_uint(&v, &f->as_of);
	if (holds) {
		f->held_ms = f->asked_ms;
		render(f);
		return;
	}
	if (member(answer, "reason", &v))
		mp_str(&v, &reason, &len);
	snprintf(copy, sizeof(copy), "%.*s", (int)(len < sizeof(copy) ? len : sizeof(copy) - 1), reason);
	tell_withdrawn(f, copy);
}

static void
ask_owner(struct flight *f)
{
	msgpack_sbuffer b;

	f->as_of = effects_read(f->sender->effects);
	if (f->row.f.urgency != ROUTINE || !settings_owner(f->settings, f->row.owner)) {
		render(f);
		return;
	}
	f->stage = ASKING;
	f->asked_ms = effects_now_ms();
	msgpack_sbuffer_init(&b);
	pack_ask(f, &b, effects_end(f->sender->effects));
	f->pending = estate_request(effects_estate(f->sender->effects), "ask", b.data, b.size, on_held, f) == 0;
	msgpack_sbuffer_destroy(&b);
	f->over = !f->pending;
}

/* ---- The address, and the request ---- */

static bool
ask_event(struct flight *f, uint64_t seq, void (*on_answer)(void *, const struct estate_answer *))
{
	msgpack_sbuffer b;
	msgpack_packer p;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 1);
	text(&p, "seq");
	msgpack_pack_uint64(&p, seq);
	f->pending = estate_request(effects_estate(f->sender->effects), "get", b.data, b.size, on_answer, f) == 0;
	msgpack_sbuffer_destroy(&b);
	f->over = !f->pending;
	return (f->pending);
}

/* [seq, log_time, sender, flags, event] */
static bool
answered_event(const struct estate_answer *a, const uint8_t **bytes, uint32_t *len)
{
	struct mp m = mp_over(a->body, a->len);
	uint32_t parts;

	return (a->error == 0 && mp_array(&m, &parts) && parts >= 5 && mp_skip(&m) && mp_skip(&m) && mp_skip(&m) && mp_skip(&m) && mp_bin(&m, bytes, len));
}

static void
on_found(void *user, const struct estate_answer *a)
{
	struct flight *f = user;
	const uint8_t *bytes;
	struct event e;
	struct text x;
	uint32_t len;

	f->pending = false;
	if (!answered_event(a, &bytes, &len) || !event_peek(&e, bytes, len)) {
		if (a->error < 0)
			f->over = true;		/* the connection: again */
		else
			tell_failed(f, true, "the event that bears its address is gone");
		return;
	}
	if (event_text(&e, "phone", &x) && !contact_phone(x.s, x.len, f->letter.phone))
		f->letter.phone[0] = '\0';
	if (event_text(&e, "email", &x) && !contact_email(x.s, x.len, f->letter.email))
		f->letter.email[0] = '\0';
	ask_owner(f);
}

static void
find(struct flight *f)
{
	const struct contact *k = contacts_find(f->sender->contacts, f->row.to);

	f->stage = FINDING;
	if (f->contact != 0 && k == NULL) {
		ask_event(f, f->contact, on_found);
		return;
	}
	if (k != NULL) {
		snprintf(f->letter.phone, sizeof(f->letter.phone), "%s", k->phone);
		snprintf(f->letter.email, sizeof(f->letter.email), "%s", k->email);
		f->letter.english = k->english;
	}
	ask_owner(f);
}

static void
on_fetched(void *user, const struct estate_answer *a)
{
	struct flight *f = user;
	const uint8_t *bytes;
	uint32_t len;

	f->pending = false;
	if (answered_event(a, &bytes, &len)) {
		buffer_add(&f->request, bytes, len);
		find(f);
	} else if (a->error < 0)
		f->over = true;
	else
		tell_failed(f, true, "its request is gone from the log");
}

/* ---- Begin and end ---- */

static struct flight *
new_flight(struct sender *s, const char *id, const struct row *r, unsigned channel)
{
	struct flight *f = memset(alloc_or_exit(NULL, sizeof(*f)), 0, sizeof(*f));
	struct letter *l = &f->letter;

	f->sender = s;
	f->row = *r;
	f->channel = channel;
	f->settings = settings_hold(s->settings);
	f->next = s->flights;
	s->flights = f;
	s->count++;
	msgpack_sbuffer_init(&f->out);
	l->channel = &f->settings->channels[channel];
	f->secrets = s->secrets[channel];
	l->secrets = &f->secrets;
	l->urgency = (enum urgency)r->f.urgency;
	snprintf(l->notification, sizeof(l->notification), "%s", id);
	snprintf(l->to, sizeof(l->to), "%s", r->to);
	snprintf(l->subject, sizeof(l->subject), "%s", r->subject);
	snprintf(l->template, sizeof(l->template), "%s", r->template);
	snprintf(l->key, sizeof(l->key), "%s.%u", id, r->f.laps);
	if (s->settings->listen[0] != '\0')
		snprintf(l->receipts, sizeof(l->receipts), "http://%s", s->settings->listen);
	return (f);
}

void
flight_begin(struct sender *s, const struct candidate *c, const void *request, size_t len)
{
	struct flight *f = new_flight(s, c->id, &c->row, c->channel);

	f->contact = c->contact;
	f->latest = c->latest;
	f->group = c->group;
	f->rides = c->rides;
	f->letter.english = c->english;
	f->stage = FETCHING;
	if (request == NULL) {
		ask_event(f, c->row.f.requested, on_fetched);
		return;
	}
	buffer_add(&f->request, request, len);
	find(f);
}

void
flight_orphan(struct sender *s, const char *id, const struct row *r)
{
	struct flight *f = new_flight(s, id, r, 0);

	if (r->f.attempted <= effects_began(s->effects))
		tell_failed(f, false, REASON_UNKNOWN REASON_OURS);
	else
		tell_failed(f, false, REASON_NOT_SENT ": the process that meant to send it ended before");
}

struct flight *
flight_find(const struct sender *s, const char *id)
{
	for (struct flight *f = s->flights; f != NULL; f = f->next)
		if (strcmp(f->letter.notification, id) == 0)
			return (f);
	return (NULL);
}

static void
flight_free(struct flight *f)
{
	f->sender->count--;
	sodium_memzero(&f->secrets, sizeof(f->secrets));
	settings_free(f->settings);
	letter_free(&f->letter);
	buffer_free(&f->request);
	msgpack_sbuffer_destroy(&f->out);
	free(f);
}

void
flights_turn(struct sender *s)
{
	struct flight **at = &s->flights, *f;
	uint64_t read = effects_read(s->effects);

	for (f = s->flights; f != NULL; f = f->next)
		if (f->stage == RIDING)
			ride(f);
		else if (f->stage == BOARDED && s->leaving)
			f->over = true;
		else if (f->stage == BOARDED)
			depart(f);
	while ((f = *at) != NULL) {
		if (f->put_due)
			put_due(f);
		if (!f->over && !(f->stage == SETTLING && f->settle <= read)) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		flight_free(f);
	}
}

void
flights_free(struct sender *s)
{
	while (s->flights != NULL) {
		struct flight *f = s->flights;

		s->flights = f->next;
		flight_free(f);
	}
}
