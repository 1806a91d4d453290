/*
 * Subscriptions: asked for, taken up again behind the last event seen, and kept in credit.
 *
 * In each session a subscription has a new number, so what an old one still delivers is told apart and ignored.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define WINDOW_EVENTS		1024u
#define WINDOW_BYTES		(1u << 20)

static struct estate_subscription *
subscription_find(struct estate *e, uint64_t number)
{
	for (struct estate_subscription *s = e->subscriptions; s != NULL; s = s->next)
		if (s->number == number && s->asked)
			return (s);
	return (NULL);
}

static void
subscription_free(struct estate_subscription *s)
{
	struct estate_subscription **at = &s->e->subscriptions;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	msgpack_sbuffer_destroy(&s->filter);
	free(s);
}

/* One list of the filter, packed as a pair; -1 if it is too long. */
static int
filter_pack(struct estate_subscription *s, const char *key, const char *const *items)
{
	msgpack_packer p;
	size_t n = 0;

	if (items == NULL || items[0] == NULL)
		return (0);
	while (items[n] != NULL)
		n++;
	if (n > FILTER_ITEMS_MAX)
		return (-1);
	msgpack_packer_init(&p, &s->filter, msgpack_sbuffer_write);
	pack_text(&p, key);
	msgpack_pack_array(&p, n);
	for (size_t i = 0; i < n; i++)
		pack_text(&p, items[i]);
	s->filter_pairs++;
	return (0);
}

int
estate_subscribe(struct estate *e, const struct estate_subscribe_options *o, struct estate_subscription **out)
{
	struct estate_subscription *s, **at = &e->subscriptions;
	unsigned n = 0;

	if (out != NULL)
		*out = NULL;
	if (o->on_event == NULL || o->from > ESTATE_FROM_STORED || (o->consumer != NULL && !es_name_valid(o->consumer)) ||
	    (o->from == ESTATE_FROM_STORED && o->consumer == NULL) || o->window_events > CREDIT_EVENTS_MAX ||
	    o->window_bytes > CREDIT_BYTES_MAX || (o->log != NULL && strlen(o->log) >= sizeof(s->log)))
		return (ESTATE_INVALID);
	if (e->s.state == ESTATE_STOPPED)
		return (ESTATE_REFUSED);
	for (; *at != NULL; at = &(*at)->next)
		n++;
	if (n >= SUBSCRIPTIONS_MAX)
		return (E_TOO_MANY);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (ESTATE_SYSTEM);
	s->e = e;
	s->o = *o;
	if (s->o.window_events == 0)
		s->o.window_events = WINDOW_EVENTS;
	if (s->o.window_bytes == 0)
		s->o.window_bytes = WINDOW_BYTES;
	s->wake = INT64_MAX;
	if (o->log != NULL)
		es_copy_text(s->log, sizeof(s->log), o->log, strlen(o->log));
	if (o->consumer != NULL)
		es_copy_text(s->consumer, sizeof(s->consumer), o->consumer, strlen(o->consumer));
	msgpack_sbuffer_init(&s->filter);
	*at = s;
	if (filter_pack(s, "type", o->types) != 0 || filter_pack(s, "subject", o->subjects) != 0 ||
	    filter_pack(s, "source", o->sources) != 0 || filter_pack(s, "urgency", o->urgencies) != 0) {
		subscription_free(s);
		return (ESTATE_INVALID);
	}
	/* Those lists were the caller's; the packed filter is ours. */
	s->o.types = s->o.subjects = s->o.sources = s->o.urgencies = NULL;
	s->o.log = s->o.consumer = NULL;
	if (out != NULL)
		*out = s;
	return (0);
}

void
estate_unsubscribe(struct estate_subscription *s)
{
	if (s == NULL)
		return;
	/* If this is not taken now, the daemon stops when the credit is used up, and forgets with the session. */
	if (s->asked)
		es_transport_say(s->e, "unsubscribe", s->number);
	subscription_free(s);
}

int
estate_subscription_ack(struct estate_subscription *s, uint64_t seq)
{
	if (s->consumer[0] == '\0' || !s->placed || seq > s->cursor)
		return (ESTATE_INVALID);
	if (seq > s->acked) {
		s->acked = seq;
		s->ack_due = true;
	}
	return (0);
}

int
estate_subscription_wake(struct estate_subscription *s, int64_t log_time_ns)
{
	if (log_time_ns < 0)
		return (ESTATE_INVALID);
	s->wake_due |= log_time_ns != s->wake;
	s->wake = log_time_ns;
	return (0);
}

void
estate_subscription_pause(struct estate_subscription *s, bool paused)
{
	s->paused = paused;
}

static void
pack_from(msgpack_packer *p, const struct estate_subscription *s)
{
	static const char *const key[] = {
		[ESTATE_FROM_SEQ] = "seq", [ESTATE_FROM_TIME] = "time", [ESTATE_FROM_LAST] = "last",
	};
	enum estate_from from = s->placed ? ESTATE_FROM_SEQ : s->o.from;

	if (from == ESTATE_FROM_STORED)
		return;
	pack_text(p, "from");
	if (from == ESTATE_FROM_NEW || from == ESTATE_FROM_FIRST) {
		pack_text(p, from == ESTATE_FROM_NEW ? "new" : "first");
		return;
	}
	msgpack_pack_map(p, 1);
	pack_text(p, key[from]);
	msgpack_pack_uint64(p, s->placed ? s->cursor + 1 : s->o.value);
}

static bool
send_subscribe(struct estate *e, struct estate_subscription *s)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	bool sent;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	s->number = es_next_number(e);
	pack_head(&p, "subscribe", s->number, 1);
	msgpack_pack_map(&p, 2 + (s->placed || s->o.from != ESTATE_FROM_STORED) + s->filter_pairs + (s->log[0] != '\0' ? 2 : 0) +
	    (s->consumer[0] != '\0') + (s->consumer[0] != '\0' && s->placed ? 2 : 0) + s->o.sealed);
	pack_from(&p, s);
	if (s->consumer[0] != '\0') {
		pack_text(&p, "consumer");
		pack_text(&p, s->consumer);
	}
	/* What was seen is not to be sent again, but only what was acked is processed; and whoever took over meanwhile is not fought. */
	if (s->consumer[0] != '\0' && s->placed) {
		pack_text(&p, "cursor");
		msgpack_pack_uint64(&p, s->acked);
		pack_text(&p, "member");
		msgpack_pack_uint64(&p, s->member);
	}
	if (s->o.sealed) {
		pack_text(&p, "sealed");
		msgpack_pack_true(&p);
	}
	pack_text(&p, "events");
	msgpack_pack_uint32(&p, s->paused ? 0 : s->o.window_events);
	pack_text(&p, "bytes");
	msgpack_pack_uint32(&p, s->paused ? 0 : s->o.window_bytes);
	if (s->log[0] != '\0') {
		pack_text(&p, "log");
		pack_text(&p, s->log);
		pack_text(&p, "epoch");
		msgpack_pack_uint64(&p, s->o.epoch);
	}
	msgpack_sbuffer_write(&b, s->filter.data != NULL ? s->filter.data : "", s->filter.size);
	sent = es_transport_send(e, b.data, b.size);
	msgpack_sbuffer_destroy(&b);
	return (sent);
}

static bool
send_credit(struct estate *e, struct estate_subscription *s)
{
	int64_t events = s->o.window_events - s->events_left, bytes = s->o.window_bytes - s->bytes_left;
	msgpack_sbuffer b;
	msgpack_packer p;
	bool sent;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	pack_head(&p, "credit", s->number, 2);
	msgpack_pack_int64(&p, events);
	msgpack_pack_int64(&p, bytes);
	if ((sent = es_transport_send(e, b.data, b.size))) {
		s->events_left += events;
		s->bytes_left += bytes;
	}
	msgpack_sbuffer_destroy(&b);
	return (sent);
}

/* [1, verb, s, value] */
static bool
send_value(struct estate *e, struct estate_subscription *s, const char *verb, uint64_t value)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	bool sent;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	pack_head(&p, verb, s->number, 1);
	msgpack_pack_uint64(&p, value);
	sent = es_transport_send(e, b.data, b.size);
	msgpack_sbuffer_destroy(&b);
	return (sent);
}

/* What is due of one subscription; false: the socket takes no more now. */
static bool
flush_one(struct estate *e, struct estate_subscription *s)
{
	if (!s->asked) {
		if (!send_subscribe(e, s))
			return (false);
		s->asked = true;
		s->events_left = s->paused ? 0 : s->o.window_events;
		s->bytes_left = s->paused ? 0 : s->o.window_bytes;
		/* The subscribe carries the cursor; what the daemon knew of a wish it knows no more. */
		s->ack_due = false;
		s->wake_due = s->wake != INT64_MAX;
	} else if (!s->paused && (s->events_left <= s->o.window_events / 2 || s->bytes_left <= (int64_t)s->o.window_bytes / 2) && !send_credit(e, s))
		return (false);
	if (s->ack_due)
		s->ack_due = !send_value(e, s, "ack", s->acked);
	if (s->wake_due)
		s->wake_due = !send_value(e, s, "wake", (uint64_t)s->wake);
	return (!s->ack_due && !s->wake_due);
}

void
es_subscribe_flush(struct estate *e)
{
	struct estate_subscription *s;

	if (e->s.state != ESTATE_LIVE && e->s.state != ESTATE_HELD)
		return;
	for (s = e->subscriptions; s != NULL && flush_one(e, s); s = s->next)
		;
}

void
es_subscribe_session_lost(struct estate *e)
{
	for (struct estate_subscription *s = e->subscriptions; s != NULL; s = s->next)
		s->asked = false;
}

/* {"next": …}: where it begins, whatever `from` said. */
bool
es_subscribe_on_subscribed(struct estate *e, uint64_t number, struct mp body, uint32_t elements)
{
	struct estate_subscription *s = subscription_find(e, number);
	const char *key;
	uint32_t pairs, len;
	uint64_t next = 0, acked = 0, member = 0;

	if (s == NULL)
		return (true);
	if (elements < 1 || !mp_map(&body, &pairs))
		return (false);
	while (pairs-- > 0)
		if (!mp_str(&body, &key, &len) || !((mp_equal(key, len, "next") && mp_uint(&body, &next)) ||
		    (mp_equal(key, len, "cursor") && mp_uint(&body, &acked)) ||
		    (mp_equal(key, len, "member") && mp_uint(&body, &member)) || mp_skip(&body)))
			return (false);
	if (next > 0 && !s->placed) {
		s->cursor = next - 1;
		s->acked = acked;
		s->placed = true;
	}
	s->member = member;
	/* From now on the number is a place in this very log, and in no other. */
	if (s->placed && s->log[0] == '\0') {
		es_copy_text(s->log, sizeof(s->log), e->s.log.log, strlen(e->s.log.log));
		s->o.epoch = e->s.log.epoch;
	}
	return (s->placed);
}

static bool
event_read(struct mp *m, struct estate_event *v)
{
	uint32_t parts, len;
	const uint8_t *bytes;

	if (!mp_array(m, &parts) || parts < 5 || !mp_uint(m, &v->seq) || !mp_int(m, &v->log_time) ||
	    !mp_str(m, &v->sender, &len))
		return (false);
	v->sender_len = len;
	if (!mp_uint(m, &v->flags) || !mp_bin(m, &bytes, &len))
		return (false);
	v->bytes = bytes;
	v->len = len;
	for (; parts > 5; parts--)
		if (!mp_skip(m))
			return (false);
	return (true);
}

bool
es_subscribe_on_events(struct estate *e, uint64_t number, struct mp body, uint32_t elements)
{
	struct estate_subscription *s;
	struct estate_event v;
	uint32_t count;

	if (elements < 1 || !mp_array(&body, &count))
		return (false);
	for (; count > 0; count--) {
		if (!event_read(&body, &v))
			return (false);
		/* Looked up each time: the callback may have ended it. */
		if ((s = subscription_find(e, number)) == NULL)
			return (true);
		s->events_left--;
		s->bytes_left -= (int64_t)v.len;
		if (s->placed && v.seq <= s->cursor)
			continue;
		s->cursor = v.seq;
		s->placed = true;
		s->o.on_event(s->o.user, &v);
	}
	return (true);
}

bool
es_subscribe_on_progress(struct estate *e, uint64_t number, struct mp body, uint32_t elements)
{
	struct estate_subscription *s = subscription_find(e, number);
	uint64_t seq = 0;
	int64_t log_time = 0;
	bool end = false;
	const char *key;
	uint32_t pairs, len;

	if (s == NULL)
		return (true);
	if (elements < 1 || !mp_map(&body, &pairs))
		return (false);
	while (pairs-- > 0)
		if (!mp_str(&body, &key, &len) ||
		    !((mp_equal(key, len, "seq") && mp_uint(&body, &seq)) ||
		    (mp_equal(key, len, "log_time") && mp_int(&body, &log_time)) ||
		    (mp_equal(key, len, "end") && mp_bool(&body, &end)) || mp_skip(&body)))
			return (false);
	if (seq > s->cursor)
		s->cursor = seq;
	if (seq > e->s.log.last) {
		e->s.log.last = seq;
		e->s.log.log_time = log_time;
	}
	if (log_time >= s->wake) {
		s->wake = INT64_MAX;
		s->wake_due = false;
	}
	if (s->o.on_progress != NULL)
		s->o.on_progress(s->o.user, seq, log_time, end);
	return (true);
}

bool
es_subscribe_on_fault(struct estate *e, uint64_t number, const struct estate_fault *f)
{
	struct estate_subscription *s = subscription_find(e, number);
	void (*on_ended)(void *, const struct estate_fault *);
	void *user;

	if (s == NULL)
		return (false);
	if (f->retry == ESTATE_SESSION) {
		es_session_event(e, S_NO_SESSION, f);
		return (true);
	}
	on_ended = s->o.on_ended;
	user = s->o.user;
	subscription_free(s);
	if (on_ended != NULL)
		on_ended(user, f);
	return (true);
}

void
es_subscribe_free_all(struct estate *e)
{
	while (e->subscriptions != NULL)
		subscription_free(e->subscriptions);
}
