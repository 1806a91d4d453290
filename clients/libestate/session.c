/*
 * The session: connect, hello, hold, silence.
 *
 *	CONNECTING --up--> GREETING --welcome--> LIVE --"later"--> HELD --pause, resume, resumed--> LIVE
 *	any --gone--> CONNECTING (libzmq connects again)		any --silent--> CONNECTING (a new socket after a pause)
 *	any --no-session--> GREETING					GREETING --refused for good--> STOPPED
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

const char *
estate_state_name(enum estate_state s)
{
	static const char *const name[] = {
		[ESTATE_CONNECTING] = "connecting", [ESTATE_GREETING] = "greeting", [ESTATE_LIVE] = "live",
		[ESTATE_HELD] = "held", [ESTATE_STOPPED] = "stopped",
	};

	return (name[s]);
}

void
es_notify(struct estate *e, enum estate_notice_kind kind, const char *reason, const struct estate_fault *fault)
{
	struct estate_notice n = { kind, reason, fault };

	if (e->o.on_notice != NULL)
		e->o.on_notice(e->o.user, &n);
}

uint64_t
es_next_number(struct estate *e)
{
	return (++e->number);
}

/* Between half and all of it, so that a hundred kiosks don't come back in one millisecond. */
unsigned
es_jitter(struct estate *e, unsigned ms)
{
	e->random ^= e->random << 13;
	e->random ^= e->random >> 7;
	e->random ^= e->random << 17;
	return (ms / 2 + (unsigned)(e->random % (ms / 2 + 1)));
}

static unsigned
grow(struct estate *e, unsigned *ms)
{
	unsigned now = *ms < e->o.backoff_ms_max ? *ms : e->o.backoff_ms_max;

	*ms = now * 2;
	return (es_jitter(e, now));
}

void
es_session_init(struct estate *e)
{
	struct session *s = &e->s;

	s->state = ESTATE_CONNECTING;
	s->until_ms = s->ping_at_ms = s->pong_until_ms = NEVER_MS;
	s->backoff_ms = s->hold_ms = BACKOFF_MS_FIRST;
	s->idle_ms = SESSION_IDLE_S * 1000 / 3;
}

/* Whatever the daemon knew of this session, it knows no more. */
static void
forget(struct estate *e)
{
	struct session *s = &e->s;

	s->hello = s->resume = s->ping = 0;
	s->hello_due = s->resume_due = s->ping_due = false;
	s->ping_at_ms = s->pong_until_ms = s->until_ms = NEVER_MS;
	es_put_session_lost(e);
	es_subscribe_session_lost(e);
	es_serve_session_lost(e);
}

/* The entries of the states: each sets what is due and until when. */

static void
enter_connecting(struct estate *e, enum es_session_event why)
{
	struct session *s = &e->s;

	if (why == S_GONE)
		return;	/* libzmq is at it again */
	es_transport_disconnect(&e->t, 0);
	s->reopen = true;
	s->until_ms = e->now_ms + grow(e, &s->backoff_ms);
}

static void
enter_greeting(struct estate *e, enum es_session_event why)
{
	(void)why;
	e->s.hello_due = true;
	e->s.until_ms = e->now_ms + e->o.patience_ms;
}

static void
enter_live(struct estate *e, enum es_session_event why)
{
	struct session *s = &e->s;

	s->until_ms = NEVER_MS;
	s->ping_at_ms = e->now_ms + s->idle_ms;
	if (why == S_WELCOMED) {
		s->backoff_ms = s->hold_ms = BACKOFF_MS_FIRST;
		es_notify(e, ESTATE_CONNECTED, "welcomed by the daemon", NULL);
	} else {
		es_put_resumed(e);
		es_notify(e, ESTATE_RESUMED, "the daemon takes puts again", NULL);
	}
}

static void
enter_held(struct estate *e, enum es_session_event why)
{
	(void)why;
	e->s.until_ms = e->now_ms + grow(e, &e->s.hold_ms);
}

static void
enter_stopped(struct estate *e, enum es_session_event why)
{
	(void)why;
	es_transport_disconnect(&e->t, 0);
	es_request_session_lost(e, true);
}

static void	(*const entry[])(struct estate *, enum es_session_event) = {
	[ESTATE_CONNECTING] = enter_connecting, [ESTATE_GREETING] = enter_greeting, [ESTATE_LIVE] = enter_live,
	[ESTATE_HELD] = enter_held, [ESTATE_STOPPED] = enter_stopped,
};

/* What follows what.  A pair that is not here is an echo of a session that is over: nothing follows. */
static const struct {
	enum estate_state from;
	enum es_session_event event;
	enum estate_state to;
} table[] = {
	{ ESTATE_CONNECTING,	S_UP,			ESTATE_GREETING },
	{ ESTATE_GREETING,	S_WELCOMED,		ESTATE_LIVE },
	{ ESTATE_GREETING,	S_HELLO_LATER,		ESTATE_CONNECTING },
	{ ESTATE_GREETING,	S_HELLO_REFUSED,	ESTATE_STOPPED },
	{ ESTATE_GREETING,	S_GONE,			ESTATE_CONNECTING },
	{ ESTATE_GREETING,	S_SILENT,		ESTATE_CONNECTING },
	{ ESTATE_GREETING,	S_GARBLED,		ESTATE_CONNECTING },
	{ ESTATE_LIVE,		S_PUT_LATER,		ESTATE_HELD },
	{ ESTATE_LIVE,		S_NO_SESSION,		ESTATE_GREETING },
	{ ESTATE_LIVE,		S_UP,			ESTATE_GREETING },
	{ ESTATE_LIVE,		S_GONE,			ESTATE_CONNECTING },
	{ ESTATE_LIVE,		S_SILENT,		ESTATE_CONNECTING },
	{ ESTATE_LIVE,		S_GARBLED,		ESTATE_CONNECTING },
	{ ESTATE_HELD,		S_RESUMED,		ESTATE_LIVE },
	{ ESTATE_HELD,		S_NO_SESSION,		ESTATE_GREETING },
	{ ESTATE_HELD,		S_UP,			ESTATE_GREETING },
	{ ESTATE_HELD,		S_GONE,			ESTATE_CONNECTING },
	{ ESTATE_HELD,		S_SILENT,		ESTATE_CONNECTING },
	{ ESTATE_HELD,		S_GARBLED,		ESTATE_CONNECTING },
};

static const char *
reason_of(enum es_session_event event, const struct estate_fault *fault)
{
	switch (event) {
	case S_GONE:
		return ("the connection fell");
	case S_SILENT:
		return ("the daemon does not answer");
	case S_GARBLED:
		return ("the daemon sent something unreadable");
	case S_NO_SESSION:
		return ("the daemon forgot this session");
	default:
		return (fault != NULL ? fault->text : "a new connection");
	}
}

/* Tell the user before the entry acts; losing a session also loses the requests on their way. */
static void
leave(struct estate *e, enum estate_state from, enum es_session_event event, const struct estate_fault *fault)
{
	bool was_live = from == ESTATE_LIVE || from == ESTATE_HELD;
	enum estate_state to = e->s.state;

	if (to == ESTATE_HELD)
		es_notify(e, ESTATE_PUT_OFF, fault->text, fault);
	if (to == ESTATE_STOPPED) {
		e->s.refusal = *fault;
		es_notify(e, ESTATE_HELLO_REFUSED, fault->text, fault);
	}
	if (to != ESTATE_CONNECTING && to != ESTATE_GREETING)
		return;
	forget(e);
	/* A request that was answered no-session was not carried out and simply stays due. */
	if (event != S_NO_SESSION)
		es_request_session_lost(e, false);
	if (was_live || fault != NULL)
		es_notify(e, ESTATE_DISCONNECTED, reason_of(event, fault), fault);
}

void
es_session_event(struct estate *e, enum es_session_event event, const struct estate_fault *fault)
{
	enum estate_state from = e->s.state;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].from == from && table[i].event == event) {
			e->s.state = table[i].to;
			leave(e, from, event, fault);
			entry[table[i].to](e, event);
			return;
		}
}

void
es_session_timers(struct estate *e)
{
	struct session *s = &e->s;

	if (e->now_ms >= s->pong_until_ms || (s->state == ESTATE_GREETING && e->now_ms >= s->until_ms) ||
	    (s->state == ESTATE_HELD && s->resume != 0 && e->now_ms >= s->until_ms)) {
		es_session_event(e, S_SILENT, NULL);
		return;
	}
	if (s->state == ESTATE_CONNECTING && s->reopen && e->now_ms >= s->until_ms) {
		/* Only memory or descriptors can lack here: the endpoint was proven by estate_open(). */
		if (es_transport_connect(&e->t, e->endpoint, &e->keys) == 0) {
			s->reopen = false;
			s->until_ms = NEVER_MS;
		} else
			s->until_ms = e->now_ms + grow(e, &s->backoff_ms);
	}
	if (s->state == ESTATE_HELD && s->resume == 0 && !s->resume_due && e->now_ms >= s->until_ms) {
		s->resume_due = true;
		s->until_ms = NEVER_MS;
	}
	if ((s->state == ESTATE_LIVE || s->state == ESTATE_HELD) && s->ping == 0 && e->now_ms >= s->ping_at_ms) {
		s->ping_due = true;
		s->ping_at_ms = NEVER_MS;
	}
}

int64_t
es_session_deadline(const struct estate *e)
{
	const struct session *s = &e->s;
	int64_t at = s->until_ms < s->pong_until_ms ? s->until_ms : s->pong_until_ms;

	return (s->ping == 0 && s->ping_at_ms < at ? s->ping_at_ms : at);
}

static bool
send_hello(struct estate *e, uint64_t number)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	bool sent;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	pack_head(&p, "hello", number, 1);
	msgpack_pack_map(&p, 1 + (e->software != NULL) + (e->log_wanted != NULL ? 3 : 0));
	pack_text(&p, "client");
	pack_text(&p, e->client);
	if (e->software != NULL) {
		pack_text(&p, "software");
		pack_text(&p, e->software);
	}
	if (e->log_wanted != NULL) {
		pack_text(&p, "log");
		pack_text(&p, e->log_wanted);
		pack_text(&p, "epoch");
		msgpack_pack_uint64(&p, e->o.epoch);
		pack_text(&p, "cursor");
		msgpack_pack_uint64(&p, e->o.cursor);
	}
	sent = es_transport_send(e, b.data, b.size);
	msgpack_sbuffer_destroy(&b);
	return (sent);
}

void
es_session_flush(struct estate *e)
{
	struct session *s = &e->s;

	if (s->hello_due && send_hello(e, e->number + 1)) {
		s->hello = es_next_number(e);
		s->hello_due = false;
	}
	if (s->resume_due && es_transport_say(e, "resume", e->number + 1)) {
		s->resume = es_next_number(e);
		s->resume_due = false;
		s->until_ms = e->now_ms + e->o.patience_ms;
	}
	if (s->ping_due && es_transport_say(e, "ping", e->number + 1)) {
		s->ping = es_next_number(e);
		s->ping_due = false;
		s->pong_until_ms = e->now_ms + e->o.patience_ms;
	}
}

/* The keys of a welcome into *log; unknown ones are passed by. */
static bool
welcome_read(struct mp *m, struct estate_log *log, uint64_t *idle_s)
{
	const char *key, *s;
	uint32_t pairs, len, n, inner;

	if (!mp_map(m, &pairs))
		return (false);
	while (pairs-- > 0) {
		if (!mp_str(m, &key, &len))
			return (false);
		if (mp_equal(key, len, "log") && mp_str(m, &s, &n))
			es_copy_text(log->log, sizeof(log->log), s, n);
		else if (mp_equal(key, len, "sender") && mp_str(m, &s, &n))
			es_copy_text(log->sender, sizeof(log->sender), s, n);
		else if (mp_equal(key, len, "server") && mp_str(m, &s, &n))
			es_copy_text(log->server, sizeof(log->server), s, n);
		else if ((mp_equal(key, len, "epoch") && mp_uint(m, &log->epoch)) ||
		    (mp_equal(key, len, "first") && mp_uint(m, &log->first)) ||
		    (mp_equal(key, len, "last") && mp_uint(m, &log->last)) ||
		    (mp_equal(key, len, "credit") && mp_uint(m, &log->credit)) ||
		    (mp_equal(key, len, "log_time") && mp_int(m, &log->log_time)))
			continue;
		else if (mp_equal(key, len, "bounds") && mp_map(m, &inner)) {
			while (inner-- > 0)
				if (!mp_str(m, &key, &len) ||
				    !((mp_equal(key, len, "session_idle_s") && mp_uint(m, idle_s)) || mp_skip(m)))
					return (false);
		} else if (!mp_skip(m))
			return (false);
	}
	return (log->log[0] != '\0');
}

void
es_session_on_welcome(struct estate *e, uint64_t number, struct mp body, uint32_t elements)
{
	struct session *s = &e->s;
	struct estate_log log = { .credit = SESSION_CREDIT_BYTES };
	uint64_t idle_s = SESSION_IDLE_S;
	bool changed;

	if (s->state != ESTATE_GREETING || number != s->hello)
		return;
	if (elements < 1 || !welcome_read(&body, &log, &idle_s)) {
		es_session_event(e, S_GARBLED, NULL);
		return;
	}
	changed = s->welcomed && (strcmp(log.log, s->log.log) != 0 || log.epoch != s->log.epoch);
	s->log = log;
	s->welcomed = true;
	s->hello = 0;
	s->idle_ms = (unsigned)(idle_s >= 3 && idle_s <= 3600 ? idle_s * 1000 / 3 : SESSION_IDLE_S * 1000 / 3);
	if (changed)
		es_notify(e, ESTATE_LOG_CHANGED, "this is another log or a restored backup", NULL);
	es_session_event(e, S_WELCOMED, NULL);
}

void
es_session_on_resumed(struct estate *e, uint64_t number, struct mp body, uint32_t elements)
{
	const char *key;
	uint32_t pairs, len;

	if (number != e->s.resume || number == 0)
		return;
	e->s.resume = 0;
	if (elements >= 1 && mp_map(&body, &pairs))
		while (pairs-- > 0 && mp_str(&body, &key, &len))
			if (!((mp_equal(key, len, "credit") && mp_uint(&body, &e->s.log.credit)) || mp_skip(&body)))
				break;
	es_session_event(e, S_RESUMED, NULL);
}

void
es_session_on_pong(struct estate *e, uint64_t number, struct mp body, uint32_t elements)
{
	struct estate_log *log = &e->s.log;
	const char *key;
	uint32_t pairs, len;

	if (number != e->s.ping || number == 0)
		return;
	e->s.ping = 0;
	e->s.pong_until_ms = NEVER_MS;
	if (elements >= 1 && mp_map(&body, &pairs))
		while (pairs-- > 0 && mp_str(&body, &key, &len))
			if (!((mp_equal(key, len, "last") && mp_uint(&body, &log->last)) ||
			    (mp_equal(key, len, "log_time") && mp_int(&body, &log->log_time)) || mp_skip(&body)))
				break;
	es_put_on_pong(e);
}

bool
es_session_on_nak(struct estate *e, uint64_t number, const struct estate_fault *f)
{
	struct session *s = &e->s;

	if (number == 0)
		return (false);
	if (number == s->hello) {
		es_session_event(e, f->retry == ESTATE_NEVER ? S_HELLO_REFUSED : S_HELLO_LATER, f);
		return (true);
	}
	if (number != s->resume && number != s->ping)
		return (false);
	if (f->retry == ESTATE_SESSION)
		es_session_event(e, S_NO_SESSION, f);
	else if (number == s->resume && f->retry == ESTATE_LATER) {
		s->resume = 0;
		enter_held(e, S_PUT_LATER);
	} else
		es_session_event(e, S_GARBLED, f);	/* No honest daemon refuses a ping: begin anew. */
	return (true);
}
