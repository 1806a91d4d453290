/*
 * Fan-out: after ack, durable events go to who wants them.  Each round every subscription gets at most one message, so a reader of
 * ten million old events and a reader of the newest one take turns.  Whoever is slow is only an older number.  A round is cut into
 * turns by the clock: thousands of readers of old events must not hold up puts and pings.
 */
#include <string.h>

#include "bytes.h"
#include "daemon.h"
#include "errcode.h"
#include "event.h"
#include "bounds.h"
#include "log.h"
#include "progress.h"
#include "session.h"
#include "subscription.h"

/* What a subscription may look at in one turn: so many blocks, or filters of blocks. */
#define BLOCKS_MAX	8u
#define FILTERS_MAX	4096u

/* After so long others have the loop; the next turn begins where this one ended.  One subscription takes a millisecond at most. */
#define TURN_NS		2000000ull

/* A peer that does not read is tried again after this long, then after twice that, and so on: libzmq doesn't tell when a ROUTER's
 * peer reads again, and what is rebuilt for nothing costs. */
#define RETRY_MS_MIN	25u
#define RETRY_MS_MAX	800u

/* One message of events in the making. */
struct delivery {
	struct answer a;
	size_t count_at;		/* offset of the array's count, patched at the end */
	uint32_t count;
	size_t bytes;
	uint64_t last;			/* number of the last event in it */
};

static void
delivery_begin(struct delivery *v, const struct subscription *sub)
{
	static const char array32[5] = { (char)0xdd, 0, 0, 0, 0 };

	answer_begin(&v->a, "events", sub->number, 4);
	v->count_at = v->a.buffer.size + 1;
	msgpack_sbuffer_write(&v->a.buffer, array32, sizeof(array32));
	v->count = 0;
	v->bytes = 0;
}

static void
delivery_add(struct delivery *v, const struct record *r, uint64_t seq)
{
	msgpack_packer *p = &v->a.packer;

	msgpack_pack_array(p, 5);
	msgpack_pack_uint64(p, seq);
	msgpack_pack_uint64(p, r->log_time);
	answer_text_n(&v->a, r->sender, r->sender_len);
	msgpack_pack_uint32(p, r->flags);
	msgpack_pack_bin(p, r->len);
	msgpack_pack_bin_body(p, r->bytes, r->len);
	v->count++;
	v->bytes += r->len;
	v->last = seq;
}

static bool
wants(const struct subscription *sub, const struct record *r)
{
	struct event e;

	/* What its client may not read is as if its filter had not wanted it. */
	return ((filter_is_open(&sub->filter) && sub->session->who->rights.reads_all) || (event_peek(&e, r->bytes, r->len) &&
	    client_may_read(sub->session->who, &e) && filter_matches(&sub->filter, &e)));
}

/* Room for one more in the message and in the credit. */
static bool
may_take(const struct delivery *v, const struct subscription *sub, uint32_t len)
{
	return (v->count < DELIVERY_EVENTS_MAX && (v->count == 0 || v->bytes + len <= DELIVERY_BYTES_MAX) &&
	    sub->credit_events > (int64_t)v->count && sub->credit_bytes > (int64_t)v->bytes);
}

/* Take from an opened block what is wanted; false when the message or the credit is full. */
static bool
take_from(struct daemon *d, struct delivery *v, struct subscription *sub, struct block *b)
{
	struct record r;
	uint64_t seq;

	while (block_next(b, &r, &seq)) {
		if (seq < sub->next)
			continue;
		if (wants(sub, &r)) {
			if ((r.flags & EVENT_SEALED) != 0 && !sub->sealed)
				seal_show(d->store->vault, client_sees_personal(sub->session->who), &d->shown, &r, seq);
			if (!may_take(v, sub, r.len))
				return (false);
			delivery_add(v, &r, seq);
		}
		sub->next = seq + 1;
		/* Those behind it are no older, but may be of the same batch. */
		if (r.log_time > sub->past)
			sub->past = r.log_time - 1;
	}
	return (true);
}

/* The block that holds sub->next, from memory or from LMDB.  0 or a code. */
static int
open_next(struct daemon *d, struct subscription *sub, struct block *b, char *why, size_t why_len)
{
	const struct batch *batch = recent_find(&d->recent, sub->next);

	if (batch == NULL)
		return (store_read_block(d->reader, sub->next, b, why, why_len));
	block_open_trusted(b, batch->block, batch->block_len);
	return (0);
}

/* Pass over old blocks that cannot hold what is wanted. */
static void
skip_blocks(struct daemon *d, struct subscription *sub)
{
	struct month_query queries[3];
	unsigned n = filter_queries(&sub->filter, queries);

	if (n > 0 && sub->next <= d->store->applied && recent_find(&d->recent, sub->next) == NULL)
		sub->next = store_search(d->reader, sub->next, queries, n, FILTERS_MAX);
}

/* Fill the message from as many blocks as a turn allows.  False: an event cannot be read, and the subscription ended. */
static bool
fill(struct daemon *d, struct subscription *sub, struct delivery *v)
{
	struct block b;
	char why[512], quoted[512];
	int code;

	for (unsigned i = 0; i < BLOCKS_MAX && sub->next <= d->durable; i++) {
		skip_blocks(d, sub);
		if (sub->next > d->durable)
			break;
		if ((code = open_next(d, sub, &b, why, sizeof(why))) != 0) {
			if (code != E_TRIMMED)
				log_error("an event cannot be read", "seq=%llu reason=%s", (unsigned long long)sub->next,
				    log_quote(quoted, sizeof(quoted), why));
			subscription_abort(d, sub, code, why);
			return (false);
		}
		if (!take_from(d, v, sub, &b))
			break;
	}
	return (true);
}

enum turn { TURN_GONE, TURN_IDLE, TURN_MORE };

/* What one subscription gets this turn. */
static enum turn
deliver(struct daemon *d, struct subscription *sub)
{
	uint64_t next = sub->next, past = sub->past;
	struct delivery v;

	if (subscription_waits(sub) || sub->next > d->durable || sub->credit_events <= 0 || sub->credit_bytes <= 0)
		return (TURN_IDLE);
	delivery_begin(&v, sub);
	if (!fill(d, sub, &v)) {
		msgpack_sbuffer_destroy(&v.a.buffer);
		return (TURN_GONE);
	}
	if (v.count == 0) {
		msgpack_sbuffer_destroy(&v.a.buffer);
		return (sub->next <= d->durable ? TURN_MORE : TURN_IDLE);
	}
	put_be32((uint8_t *)v.a.buffer.data + v.count_at, v.count);
	if (!subscription_send(d, sub, &v.a))
		return (TURN_GONE);
	if (sub->blocked) {
		/* libzmq didn't take it: from the same place again, when the peer reads. */
		sub->next = next;
		sub->past = past;
		return (TURN_IDLE);
	}
	sub->credit_events -= v.count;
	sub->credit_bytes -= (int64_t)v.bytes;
	/* What was filtered out behind it the peer doesn't know yet: that is progress owed. */
	sub->told = v.last;
	d->counters.delivered_events += v.count;
	d->counters.delivered_bytes += v.bytes;
	return (sub->next <= d->durable ? TURN_MORE : TURN_IDLE);
}

/* Its delivery, then word of progress if that is due.  *later: it is due, but not yet. */
static enum turn
serve(struct daemon *d, struct subscription *sub, bool *later)
{
	enum turn turn = deliver(d, sub);

	if (turn == TURN_GONE || !progress_is_due(d, sub, later))
		return (turn);
	return (progress_send(d, sub) ? turn : TURN_GONE);
}

/* One after another, each to the tail before its turn: whoever is served or not then stands in the order of the next turn. */
static struct subscription *
next_in_turn(struct daemon *d)
{
	struct subscription *sub = STAILQ_FIRST(&d->subscriptions);

	STAILQ_REMOVE_HEAD(&d->subscriptions, link);
	STAILQ_INSERT_TAIL(&d->subscriptions, sub, link);
	return (sub);
}

static void
on_fanout(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval next_turn = { 0, 0 };
	struct daemon *d = arg;
	struct timeval retry;
	uint64_t end = monotonic_now() + TURN_NS;
	unsigned left = d->subscription_count;
	bool more = false, later = false, blocked = false;

	(void)fd;
	(void)what;
	for (; left > 0; left--) {
		struct subscription *sub = next_in_turn(d);
		enum turn turn = serve(d, sub, &later);

		more |= turn != TURN_IDLE;
		blocked |= turn == TURN_IDLE && sub->blocked;
		/* A peer found gone takes all its subscriptions along: how many are left is not known. */
		if (turn == TURN_GONE || (left > 1 && monotonic_now() > end)) {
			more = true;
			break;
		}
	}
	store_read_end(d->reader);
	progress_arm(d);
	/* By the timer, not event_active(): sockets are looked at in between. */
	if (more)
		event_add(d->fanout, &next_turn);
	if (!blocked && left == 0)
		d->fanout_retry_ms = RETRY_MS_MIN;
	if ((later || blocked) && !event_pending(d->fanout_retry, EV_TIMEOUT, NULL)) {
		retry = (struct timeval){ 0, (blocked ? d->fanout_retry_ms : RETRY_MS_MIN) * 1000 };
		event_add(d->fanout_retry, &retry);
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct subscription *sub;

	STAILQ_FOREACH(sub, &d->subscriptions, link)
		sub->blocked = false;
	d->fanout_retry_ms = d->fanout_retry_ms * 2 < RETRY_MS_MAX ? d->fanout_retry_ms * 2 : RETRY_MS_MAX;
	on_fanout(fd, what, arg);
}

void
fanout_wake(struct daemon *d)
{
	if (d->subscription_count > 0)
		event_active(d->fanout, EV_TIMEOUT, 0);
}

void
fanout_start(struct daemon *d)
{
	d->fanout_retry_ms = RETRY_MS_MIN;
	d->fanout = daemon_event(d, -1, 0, on_fanout);
	d->fanout_retry = daemon_event(d, -1, 0, on_retry);
}
