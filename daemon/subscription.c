/* subscribe, credit, unsubscribe. */
#include "subscription.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer.h"
#include "daemon.h"
#include "errcode.h"
#include "event.h"
#include "ingest.h"
#include "bounds.h"
#include "log.h"
#include "place.h"
#include "progress.h"
#include "refusals.h"
#include "session.h"

struct wish {
	struct place from;
	struct filter filter;
	uint64_t events, bytes, epoch, cursor, member;
	bool progress, sealed, has_epoch, has_cursor, has_member;
	const char *log, *consumer;
	uint32_t log_len, consumer_len;
};

static int
bad(struct data_fault *f, int code, const char *path, const char *detail)
{
	f->code = code;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	return (code);
}

static int
read_key(struct wish *w, const char *key, uint32_t len, struct mp *m, struct data_fault *f)
{
	if (mp_equal(key, len, "from"))
		return (place_read(&w->from, m) ? 0 : bad(f, E_ARGUMENT, "from", PLACE_FORMS));
	if (mp_equal(key, len, "type"))
		return (filter_read(&w->filter, 't', m, f));
	if (mp_equal(key, len, "subject"))
		return (filter_read(&w->filter, 's', m, f));
	if (mp_equal(key, len, "source"))
		return (filter_read(&w->filter, 'o', m, f));
	if (mp_equal(key, len, "urgency"))
		return (filter_read(&w->filter, 'u', m, f));
	if (mp_equal(key, len, "events"))
		return (mp_uint(m, &w->events) ? 0 : bad(f, E_ARGUMENT, "events", "an unsigned integer"));
	if (mp_equal(key, len, "bytes"))
		return (mp_uint(m, &w->bytes) ? 0 : bad(f, E_ARGUMENT, "bytes", "an unsigned integer"));
	if (mp_equal(key, len, "progress"))
		return (mp_bool(m, &w->progress) ? 0 : bad(f, E_ARGUMENT, "progress", "true or false"));
	if (mp_equal(key, len, "sealed"))
		return (mp_bool(m, &w->sealed) ? 0 : bad(f, E_ARGUMENT, "sealed", "true or false"));
	if (mp_equal(key, len, "log"))
		return (mp_str(m, &w->log, &w->log_len) ? 0 : bad(f, E_ARGUMENT, "log", "a string"));
	if (mp_equal(key, len, "epoch")) {
		w->has_epoch = true;
		return (mp_uint(m, &w->epoch) ? 0 : bad(f, E_ARGUMENT, "epoch", "an unsigned integer"));
	}
	if (mp_equal(key, len, "consumer"))
		return (mp_str(m, &w->consumer, &w->consumer_len) && id_valid(w->consumer, w->consumer_len) ? 0 :
		    bad(f, E_ARGUMENT, "consumer", "a name: 1 to 64 characters of A-Z a-z 0-9 . _ : / -"));
	if (mp_equal(key, len, "cursor"))
		return ((w->has_cursor = mp_uint(m, &w->cursor)) ? 0 : bad(f, E_ARGUMENT, "cursor", "an unsigned integer"));
	if (mp_equal(key, len, "member"))
		return ((w->has_member = mp_uint(m, &w->member)) ? 0 : bad(f, E_ARGUMENT, "member", "an unsigned integer"));
	return (bad(f, E_ARGUMENT, "subscribe",
	    "known keys: from type subject source urgency events bytes progress sealed log epoch consumer cursor member"));
}

static int
read_wish(struct wish *w, struct mp *m, struct data_fault *f)
{
	uint32_t pairs, len;
	const char *key;
	int code;

	memset(w, 0, sizeof(*w));
	w->progress = true;
	if (!mp_map(m, &pairs))
		return (bad(f, E_ARGUMENT, "[3]", "a map of arguments"));
	for (; pairs > 0; pairs--) {
		mp_str(m, &key, &len);
		if ((code = read_key(w, key, len, m, f)) != 0)
			return (code);
	}
	if ((w->has_cursor || w->has_member) && w->consumer == NULL)
		return (bad(f, E_ARGUMENT, w->has_cursor ? "cursor" : "member", "belongs to the key consumer"));
	return (0);
}

/* The wish belongs to this log. */
static int
check_log(const struct daemon *d, const struct wish *w, struct data_fault *f)
{
	char detail[96];

	if ((w->log != NULL && !mp_equal(w->log, w->log_len, d->store->identity.uuid_text)) ||
	    (w->has_epoch && w->epoch != d->store->identity.epoch)) {
		snprintf(detail, sizeof(detail), "this log is %s, epoch %llu", d->store->identity.uuid_text,
		    (unsigned long long)d->store->identity.epoch);
		return (bad(f, E_OTHER_LOG, "log", detail));
	}
	return (0);
}

/* Members' numbers are log times: none that was given lies beyond this, the year 2116.  One that is made up must not use them all up. */
#define MEMBER_MAX	(1ull << 62)

/* Where it begins; a consumer that doesn't say so, behind its cursor, or with the first event if it is new. */
static int
find_place(struct daemon *d, const struct wish *w, uint64_t *next, struct data_fault *f)
{
	const struct consumer *c = w->consumer != NULL ? consumer_find(d, w->consumer, w->consumer_len) : NULL;
	struct place from = w->from;
	char detail[64];

	if (w->has_member && w->member > MEMBER_MAX && (c == NULL || w->member > c->epoch))
		return (bad(f, E_ARGUMENT, "member", "the number that `subscribed` told"));
	if (c != NULL && w->has_member && c->epoch > w->member) {
		snprintf(detail, sizeof(detail), "by member %llu", (unsigned long long)c->epoch);
		return (bad(f, E_TAKEN_OVER, "member", detail));
	}
	if (c != NULL && w->has_member && c->moved) {
		snprintf(detail, sizeof(detail), "an operator moved it behind %llu: subscribe anew", (unsigned long long)c->cursor);
		return (bad(f, E_RESET, "member", detail));
	}
	if (from.kind == PLACE_UNSAID && w->consumer != NULL)
		from = c != NULL ? (struct place){ PLACE_SEQ, c->cursor + 1 } : (struct place){ PLACE_FIRST, 0 };
	return (place_find(d, &from, next, "from", f));
}

struct subscription *
subscription_find(struct session *s, uint64_t number)
{
	struct subscription *sub;

	STAILQ_FOREACH(sub, &s->subscriptions, session_link)
		if (sub->number == number)
			return (sub);
	return (NULL);
}

static int64_t
cap(uint64_t have, uint64_t more, uint64_t max)
{
	return ((int64_t)(more > max || have + more > max ? max : have + more));
}

static void
answer_subscribed(struct daemon *d, struct subscription *sub)
{
	struct answer a;

	answer_begin(&a, "subscribed", sub->number, 4);
	msgpack_pack_map(&a.packer, sub->consumer != NULL ? 6 : 3);
	answer_key_uint(&a, "next", sub->next);
	answer_key_uint(&a, "first", store_first_seq(d->store));
	answer_key_uint(&a, "last", d->durable);
	if (sub->consumer != NULL) {
		answer_key_uint(&a, "member", sub->consumer->epoch);
		answer_key_uint(&a, "cursor", sub->consumer->cursor);
		answer_key_bool(&a, "paused", sub->consumer->paused);
	}
	/* A peer that is gone takes its subscriptions along. */
	if (session_send(d, sub->session, &a) == 0)
		fanout_wake(d);
}

/* `c`: the consumer whose member it becomes, or NULL. */
static void
begin(struct daemon *d, struct request *r, struct wish *w, uint64_t next, struct consumer *c)
{
	struct subscription *sub = must_alloc(sizeof(*sub));

	memset(sub, 0, sizeof(*sub));
	sub->session = r->session;
	sub->number = r->number;
	sub->next = next;
	sub->told = next - 1;
	sub->filter = w->filter;
	sub->progress = w->progress;
	sub->sealed = w->sealed;
	sub->wake = WAKE_NONE;
	sub->credit_events = cap(0, w->events, CREDIT_EVENTS_MAX);
	sub->credit_bytes = cap(0, w->bytes, CREDIT_BYTES_MAX);
	STAILQ_INSERT_TAIL(&d->subscriptions, sub, link);
	STAILQ_INSERT_TAIL(&r->session->subscriptions, sub, session_link);
	r->session->subscription_count++;
	r->session->who->usage->subscriptions++;
	d->subscription_count++;
	session_ref(r->session);
	if (c != NULL)
		consumer_take_over(d, c, sub, w->has_member ? w->member : 0);
	/* The former member's peer may have been this one, and be found gone. */
	if (!r->session->gone)
		answer_subscribed(d, sub);
	session_unref(r->session);
}

/* The consumer of the wish, with its cursor where the wish puts it: an explicit place is the truth. */
static struct consumer *
registered(struct daemon *d, const struct wish *w, uint64_t next)
{
	struct consumer *c = consumer_find(d, w->consumer, w->consumer_len);

	if (c == NULL)
		return (consumer_new(d, w->consumer, w->consumer_len, w->has_cursor ? w->cursor : next - 1));
	if (w->has_cursor || w->from.kind != PLACE_UNSAID)
		c->cursor = w->has_cursor ? w->cursor : next - 1;
	/* It reads on: from now on something is kept for it again. */
	if (c->released)
		log_info("a released consumer is back", "name=%s cursor=%llu", c->name, (unsigned long long)c->cursor);
	c->released = c->moved = false;
	return (c);
}

/* Who may read nothing is told so rather than left to wait. */
static int
check_client(struct daemon *d, const struct wish *w, const struct client *who, struct data_fault *f)
{
	/* What is sealed today may be opened by whoever gets hold of its key tomorrow. */
	if (w->sealed && !client_may_operate(who)) {
		refusals_note(d, who->name, REFUSED_OPERATE);
		return (bad(f, E_FORBIDDEN, "sealed", "this is for clients with the right to operate; root has it"));
	}
	if (who->rights.read.count == 0) {
		refusals_note(d, who->name, REFUSED_READ);
		return (bad(f, E_FORBIDDEN, "", "this client may read nothing"));
	}
	return (client_may_subscribe(who) ? 0 : bad(f, E_TOO_MANY, "[2]", "this client has all the subscriptions it may have"));
}

/* The name may be somebody else's, or one too many. */
static int
check_name(struct daemon *d, const struct wish *w, const struct client *who, struct data_fault *f)
{
	const struct consumer *c = w->consumer != NULL ? consumer_find(d, w->consumer, w->consumer_len) : NULL;
	char detail[sizeof(f->detail)];

	if (w->consumer == NULL || (c != NULL && consumer_is_open(c, who)))
		return (0);
	if (c == NULL)
		return (consumer_has_room(d, who) ? 0 :
		    bad(f, E_TOO_MANY, "consumer", "at most 1024 consumers, 256 of them one client's; an operator may delete some"));
	refusals_note(d, who->name, REFUSED_CONSUMER);
	snprintf(detail, sizeof(detail), "it is %s's: take another name, or have an operator delete it or let you answer for it", c->owner);
	return (bad(f, E_FORBIDDEN, "consumer", detail));
}

void
subscription_on_subscribe(struct daemon *d, struct request *r)
{
	struct data_fault f;
	struct wish w;
	uint64_t next = 0;
	int code;

	if ((code = read_wish(&w, &r->m, &f)) == 0 && (code = check_log(d, &w, &f)) == 0 && (code = check_name(d, &w, r->session->who, &f)) == 0)
		code = find_place(d, &w, &next, &f);
	if (code == 0 && w.has_cursor && w.cursor >= next)
		code = bad(&f, E_ARGUMENT, "cursor", "below what is asked for next");
	if (code == 0 && subscription_find(r->session, r->number) != NULL)
		code = bad(&f, E_EXISTS, "[2]", "this session has a subscription of that number");
	if (code == 0 && r->session->subscription_count >= SUBSCRIPTIONS_MAX)
		code = bad(&f, E_TOO_MANY, "[2]", "at most 32 subscriptions a session");
	if (code == 0)
		code = check_client(d, &w, r->session->who, &f);
	if (code != 0) {
		filter_clear(&w.filter);
		request_nak(d, r, code, f.path, f.detail);
		return;
	}
	begin(d, r, &w, next, w.consumer != NULL ? registered(d, &w, next) : NULL);
}

void
subscription_on_credit(struct daemon *d, struct request *r)
{
	struct subscription *sub = subscription_find(r->session, r->number);
	uint64_t events, bytes;

	if (sub == NULL) {
		request_nak(d, r, E_SUBSCRIPTION, "[2]", NULL);
		return;
	}
	if (!mp_uint(&r->m, &events) || !mp_uint(&r->m, &bytes)) {
		request_nak(d, r, E_ARGUMENT, "[3]", "[1, \"credit\", s, events, bytes]: unsigned integers");
		return;
	}
	sub->credit_events = cap((uint64_t)sub->credit_events, events, CREDIT_EVENTS_MAX);
	sub->credit_bytes = sub->credit_bytes < 0 && bytes < (uint64_t)-sub->credit_bytes ? sub->credit_bytes + (int64_t)bytes :
	    sub->credit_bytes < 0 ? cap(0, bytes - (uint64_t)-sub->credit_bytes, CREDIT_BYTES_MAX) :
	    cap((uint64_t)sub->credit_bytes, bytes, CREDIT_BYTES_MAX);
	fanout_wake(d);
}

void
subscription_on_unsubscribe(struct daemon *d, struct request *r)
{
	struct subscription *sub = subscription_find(r->session, r->number);
	struct answer a;

	if (sub == NULL) {
		request_nak(d, r, E_SUBSCRIPTION, "[2]", NULL);
		return;
	}
	subscription_end(d, sub);
	answer_begin(&a, "unsubscribed", r->number, 3);
	session_send(d, r->session, &a);
}

bool
subscription_waits(const struct subscription *sub)
{
	return (sub->blocked || (sub->consumer != NULL && sub->consumer->paused));
}

bool
subscription_send(struct daemon *d, struct subscription *sub, struct answer *a)
{
	int e = session_send(d, sub->session, a);

	if (e != 0 && e != EAGAIN)
		return (false);
	sub->blocked = e == EAGAIN;
	return (true);
}

void
subscription_end(struct daemon *d, struct subscription *sub)
{
	consumer_leave(sub);
	STAILQ_REMOVE(&d->subscriptions, sub, subscription, link);
	STAILQ_REMOVE(&sub->session->subscriptions, sub, subscription, session_link);
	sub->session->subscription_count--;
	sub->session->who->usage->subscriptions--;
	d->subscription_count--;
	filter_clear(&sub->filter);
	free(sub);
}

void
subscription_abort(struct daemon *d, struct subscription *sub, int code, const char *detail)
{
	struct session *s = sub->session;
	struct answer a;

	answer_begin(&a, "ended", sub->number, 4);
	answer_fault(&a, code, -1, NULL, detail);
	d->counters.refused[code]++;
	subscription_end(d, sub);
	session_send(d, s, &a);
}
