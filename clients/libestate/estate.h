/*
 * libestate: put events into an estated log and read them back, durably, in order, across restarts of either side.
 *
 *	static void stored(void *user, const struct estate_ack *a) { printf("%" PRIu64 "\n", a->seq); }
 *
 *	struct estate_options o = { .endpoint = "ipc:///run/estated/estated.sock", .client = "kiosk-3", .on_ack = stored };
 *	struct estate *e;
 *
 *	if (estate_open(&o, &e) != 0) …
 *	while (estate_put(e, bytes, len, 1) == ESTATE_AGAIN)	// the window is full: let answers in
 *		estate_pump(e, 1000);
 *	while (estate_unacked(e) > 0)
 *		estate_pump(e, 1000);
 *	estate_close(e);
 *
 * What it does for you
 *	It says hello, and again after every reconnect; keeps each event until the daemon said that it survives a power cut; sends
 *	unanswered events again, unchanged and in their order, after any doubt; respects credit; backs off when the daemon says
 *	"later" and goes on by itself; takes subscriptions up again behind the last event you saw; pings when idle, and replaces a
 *	connection that no longer answers.  The wire is described in PROTOCOL.md.
 *
 * What it leaves to you
 *	An event put by estate_put() lives in memory until it is acked.  What must survive a crash of your own program goes into an outbox
 *	instead (estate_outbox.h), which keeps it on the disk and sends it for you; or into a file of yours: after a restart simply put it
 *	again, the same bytes, since the daemon knows duplicates for 400 days.
 *
 * Threads
 *	No thread is started but libzmq's own.  A handle belongs to one thread at a time.  All callbacks run inside estate_pump() or
 *	estate_call(), on the caller's thread.  Within a callback everything may be called except estate_pump(), estate_call() and
 *	estate_close().  A handle must not be used in a forked child.
 *
 * Errors
 *	Functions that return int return 0 or more for success.  A positive error is a code of the daemon's table (errcode.h), a
 *	negative one is of the enum below; estate_error_text() knows both.  A call that failed has changed nothing.
 */
#ifndef ESTATE_H
#define ESTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum estate_error {
	ESTATE_OK	= 0,
	ESTATE_AGAIN	= -1,	/* the window or the credit is full: pump, then try again */
	ESTATE_TIMEOUT	= -2,	/* no answer in the time given */
	ESTATE_LOST	= -3,	/* the connection was lost before the answer: it may or may not have been carried out */
	ESTATE_INVALID	= -4,	/* an argument is outside its bound */
	ESTATE_SYSTEM	= -5,	/* the system refused; errno says why */
	ESTATE_REFUSED	= -6,	/* the daemon refused the hello for good; estate_refusal() says why */
	ESTATE_INSIDE	= -7,	/* not allowed within a callback */
	ESTATE_FULL	= -8,	/* the outbox has as many entries or bytes as it may; nothing was thrown away to make room */
	ESTATE_LOCKED	= -9,	/* another process has the outbox */
	ESTATE_DAMAGED	= -10	/* the outbox is not what was written, or of a newer release */
};

/* The name and the sentence of an error, positive or negative; never NULL, static. */
const char	*estate_error_name(int);
const char	*estate_error_text(int);

/* What may be done with the same request after a fault. */
enum estate_retry { ESTATE_NEVER, ESTATE_LATER, ESTATE_SESSION };

/* A refusal by the daemon, copied out of its answer and cut to fit; all strings are terminated and may be empty. */
struct estate_fault {
	int code;		/* of errcode.h; a newer daemon may send one this release does not know */
	enum estate_retry retry;
	int64_t index;		/* of the event within its put, from 0; -1 if not told */
	char name[32];		/* "missing-field" */
	char text[128];		/* "a required field is missing" */
	char path[128];		/* "data.amount" */
	char detail[256];
};

/* ---- Puts ---------------------------------------------------------------------------------------------------------------- */

/* `count` events have the sequence numbers seq, seq + 1 …; duplicate: they were stored before, these are the original numbers. */
struct estate_run {
	uint64_t seq;
	uint32_t count;
	bool duplicate;
};

/* The event was stored although something about it is odd. */
struct estate_warning {
	uint64_t number;	/* the library's own */
	uint32_t index;		/* of the event within its put */
	char name[32];		/* "time-implausible", "unknown-field" */
	char path[96];
};

/* One put is durable.  Everything it points to is valid during the callback only. */
struct estate_ack {
	uint64_t cookie;	/* as handed over */
	uint64_t seq;		/* of its first event */
	bool duplicate;		/* its first event was stored before */
	uint32_t count;		/* events of the put */
	uint32_t run_count;	/* 1 or more; the counts of its runs add up to `count` */
	uint32_t warning_count;
	const struct estate_run *runs;
	const struct estate_warning *warnings;
};

struct estate_bytes {
	const void *bytes;
	size_t len;
};

/* One put was refused for good and nothing of it is stored.  Valid during the callback only. */
struct estate_nak {
	uint64_t cookie;
	const struct estate_fault *fault;	/* retry is never */
	const struct estate_bytes *events;	/* the bytes as they were handed over: set them aside, or mend them */
	uint32_t count;
};

/* ---- State ---------------------------------------------------------------------------------------------------------------- */

enum estate_state {
	ESTATE_CONNECTING,	/* no connection; trying, with growing pauses */
	ESTATE_GREETING,	/* connected, hello sent */
	ESTATE_LIVE,
	ESTATE_HELD,		/* the daemon said "later"; waiting to resume */
	ESTATE_STOPPED		/* the hello was refused for good; nothing more happens */
};
const char	*estate_state_name(enum estate_state);

enum estate_notice_kind {
	ESTATE_CONNECTED,	/* welcomed; unanswered puts are on their way again, subscriptions too */
	ESTATE_DISCONNECTED,	/* `reason` says why; it goes on trying */
	ESTATE_PUT_OFF,		/* the daemon said "later": `fault` says why; it will resume by itself */
	ESTATE_RESUMED,		/* and did */
	ESTATE_RESENT,		/* puts unanswered for `patience_ms` although the daemon lives were sent again */
	ESTATE_LOG_CHANGED,	/* this is another log, or a restored backup: numbers you stored mean nothing here */
	ESTATE_HELLO_REFUSED,	/* `fault` says why; the state is ESTATE_STOPPED */
	ESTATE_ANSWER_REFUSED	/* the daemon did not relay an answer of estate_answer(): `fault` says why.  Its asker was told */
};

struct estate_notice {
	enum estate_notice_kind kind;
	const char *reason;			/* a clause for people, never NULL */
	const struct estate_fault *fault;	/* or NULL */
};

/* What the daemon said in its welcome; valid until the next one.  `last` and `log_time` follow pongs and progress. */
struct estate_log {
	char log[64];		/* the log's UUID */
	uint64_t epoch;		/* store both beside your cursor */
	uint64_t first, last;	/* stored sequence numbers; last = first - 1 while empty */
	int64_t log_time;	/* nanoseconds since 1970; 0 while empty */
	uint64_t credit;	/* bytes of puts that may be unanswered */
	char sender[64];	/* how the daemon names you */
	char server[64];	/* "estated 0.1.0" */
};

/* ---- The handle ------------------------------------------------------------------------------------------------------------ */

struct estate;

struct estate_options {
	const char *endpoint;	/* ipc://PATH or tcp://HOST:PORT; required */
	const char *client;	/* your program's name, 1..64 of [A-Za-z0-9._:/-]; required */
	const char *software;	/* name and version, up to 64 bytes, or NULL */

	unsigned window;	/* puts that may be unanswered, 1..1048576; 0 means 1024 */
	unsigned patience_ms;	/* how long an answer may take before doubt, 100..600000; 0 means 5000 */
	unsigned backoff_ms_max;	/* longest pause before another try, 100..600000; 0 means 10000.  The first is 100 ms */

	const char *log;	/* NULL, or the log your stored cursor belongs to: any other is refused with other-log */
	uint64_t epoch;		/* with log */
	uint64_t cursor;	/* with log: the last number you have; beyond the log's end is refused with beyond-end */

	/* CURVE, for tcp:// endpoints of a daemon with keys; each 40 characters of Z85.  Both of the first, or none.  Over ipc they are not
	 * used: the daemon knows you by your uid there. */
	const char *secret_key;	/* yours */
	const char *server_key;	/* the daemon's public one */
	const char *public_key;	/* yours; NULL: worked out of the secret one */

	void *zmq_context;	/* to share one among handles: it must outlive them; NULL makes one of its own */

	/* Any of these may be NULL.  `user` is handed to each. */
	void *user;
	void (*on_ack)(void *user, const struct estate_ack *);
	void (*on_nak)(void *user, const struct estate_nak *);
	void (*on_notice)(void *user, const struct estate_notice *);
};

/*
 * Make a handle and begin to connect; returns at once, also when nobody listens.  The options and their strings are copied.
 * On success *e is yours until estate_close().  Errors: ESTATE_INVALID (a bound above, or an endpoint libzmq cannot parse),
 * ESTATE_SYSTEM; *e is NULL then.
 */
int	estate_open(const struct estate_options *, struct estate **e);

/*
 * Leave at once: tells the daemon goodbye, drops what is unanswered (whether that was stored is then unknown: pump until
 * estate_unacked() is 0 first, if you care), ends subscriptions and requests without a callback, frees everything.  Takes up to
 * 200 ms.  NULL is allowed.
 */
void	estate_close(struct estate *);

/*
 * Do what there is to do: read answers, call back, send.  Waits up to `timeout_ms` (0 not at all, -1 without end) until at least
 * one message was handled.  Returns how many were, 0 on timeout or when a signal arrived.  Errors: ESTATE_INSIDE, ESTATE_SYSTEM.
 */
int	estate_pump(struct estate *, int timeout_ms);

/*
 * A file descriptor for your own loop: readable (level-triggered) when estate_pump(e, 0) has something to do, timers included.
 * Call estate_pump(e, 0) when it is readable, and once after handing anything over before you sleep.  It stays the same until
 * estate_close(), which closes it.
 */
int	estate_fd(const struct estate *);

/*
 * Hand over one event: `len` bytes of one msgpack map, copied.  Nothing is sent before the next pump unless 64 KiB have
 * gathered, so that events handed over together travel together; each is still a put of its own.  `cookie` comes back in
 * on_ack or on_nak, exactly once, unless the handle is closed before.  Errors: ESTATE_AGAIN; E_TOO_LARGE (above 64 KiB);
 * ESTATE_INVALID (no bytes); ESTATE_REFUSED; ESTATE_SYSTEM (no memory).
 */
int	estate_put(struct estate *, const void *bytes, size_t len, uint64_t cookie);

/*
 * Hand over `count` events that are stored together or not at all.  Copied.  Errors: as above, and E_TOO_MANY above 4096 events,
 * E_TOO_LARGE above 1 MiB together.
 */
int	estate_put_batch(struct estate *, const struct estate_bytes *events, size_t count, uint64_t cookie);

/* Puts handed over and not yet answered, and how many more would be taken now as far as their number is concerned. */
size_t	estate_unacked(const struct estate *);
size_t	estate_room(const struct estate *);

enum estate_state		 estate_state(const struct estate *);
/* NULL before the first welcome. */
const struct estate_log		*estate_log(const struct estate *);
/*
 * Why no connection comes about, as far as is known, one clause: the daemon does not let this key in, or does it ask for keys?  It
 * goes on trying, since an operator may change that.  NULL if nothing is known, and as soon as a connection stands.
 */
const char			*estate_trouble(const struct estate *);
/* Why the hello was refused for good; NULL unless the state is ESTATE_STOPPED. */
const struct estate_fault	*estate_refusal(const struct estate *);

/* ---- Subscriptions --------------------------------------------------------------------------------------------------------- */

struct estate_subscription;

enum estate_from {
	ESTATE_FROM_NEW,	/* what is stored from now on */
	ESTATE_FROM_FIRST,	/* the first stored event */
	ESTATE_FROM_SEQ,	/* `value` is a sequence number: one past your cursor */
	ESTATE_FROM_TIME,	/* `value` is log time in nanoseconds since 1970 */
	ESTATE_FROM_LAST,	/* the last `value` events, counted before filtering */
	ESTATE_FROM_STORED	/* behind the cursor the daemon keeps for `consumer`; the first stored event if the name is new */
};

/* One delivered event.  Valid during the callback only.  The bytes are as somebody put them: proven by nobody on this side. */
struct estate_event {
	uint64_t seq;
	int64_t log_time;	/* nanoseconds since 1970 */
	uint64_t flags;		/* PROTOCOL.md section 5 */
	const char *sender;	/* not terminated */
	size_t sender_len;
	const void *bytes;
	size_t len;
};


struct estate_subscribe_options {
	enum estate_from from;
	uint64_t value;
	/* All given filters must match; within one, any.  Types are patterns: dotted words, * for one word, a final ** for the rest. */
	const char *const *types, *const *subjects, *const *sources, *const *urgencies;
	unsigned window_events;	/* how many events may be on their way, up to 8192; 0 means 1024 */
	unsigned window_bytes;	/* and bytes, up to 1 MiB; 0 means that */
	const char *log;	/* NULL, or the log the number in `value` belongs to … */
	uint64_t epoch;		/* … and its epoch: another one ends the subscription with other-log */
	/* NULL, or a name, 1..64 of [A-Za-z0-9._:/-], under which the daemon keeps a cursor: see estate_subscription_ack().  One subscription
	 * at a time reads under it; a later one takes over and this one ends with taken-over.  A start other than ESTATE_FROM_STORED moves the
	 * daemon's cursor to just before it. */
	const char *consumer;
	/* Personal fields as they are stored, ciphertext (PROTOCOL.md section 5), for an archive.  Needs the right to operate. */
	bool sealed;

	void *user;
	void (*on_event)(void *user, const struct estate_event *);	/* required; in order, each once */
	/*
	 * Everything up to seq was delivered or filtered out, and every event numbered above seq has a log time above log_time: so a timer
	 * due at or before log_time may fire.  end: that is the end of the log as it is now.  May be NULL.
	 */
	void (*on_progress)(void *user, uint64_t seq, int64_t log_time, bool end);
	/* The daemon ended or refused it; the handle is gone when this returns.  May be NULL. */
	void (*on_ended)(void *user, const struct estate_fault *);
};

/*
 * Subscribe now or as soon as there is a session, and again behind the last event seen after every reconnect.  Credit is renewed
 * when half of it is used up, so a callback that takes long slows the daemon's sending to you and nothing else.  The options are
 * copied.  *s is yours until estate_unsubscribe(), on_ended or estate_close(); pass NULL if you will not need it.
 * Errors: ESTATE_INVALID, E_TOO_MANY (more than 32), ESTATE_REFUSED, ESTATE_SYSTEM.
 */
int	estate_subscribe(struct estate *, const struct estate_subscribe_options *, struct estate_subscription **s);

/*
 * Everything up to seq is processed: the daemon may count it out of the consumer's lag, and begins behind it when asked for
 * ESTATE_FROM_STORED.  Cumulative; sent with the next pump, the highest only.  Not answered: what is lost is delivered again.
 * Errors: ESTATE_INVALID: no consumer, or seq was neither delivered nor told as progress.
 */
int	estate_subscription_ack(struct estate_subscription *, uint64_t seq);

/*
 * Ask for on_progress as soon as log time has reached this instant, in nanoseconds since 1970; replaces the wish before, INT64_MAX
 * withdraws it.  Remembered over reconnects until on_progress told such a time.  Errors: ESTATE_INVALID: below 0.
 */
int	estate_subscription_wake(struct estate_subscription *, int64_t log_time_ns);

/*
 * Grant no credit while paused, over reconnects too: what is on its way still comes, at most a window, then nothing until it is paused
 * no more.  For a reader whose own place to put things is full.
 */
void	estate_subscription_pause(struct estate_subscription *, bool paused);

/* End it: no callback of it fires after this, on_ended neither.  NULL is allowed. */
void	estate_unsubscribe(struct estate_subscription *);

/* ---- Other requests -------------------------------------------------------------------------------------------------------- */

/* An answer.  Valid during the callback only. */
struct estate_answer {
	const char *verb;			/* "event", "status", "pong", "accepted", "done"; "" for an error */
	int error;				/* 0, the code in `fault`, or ESTATE_LOST */
	const struct estate_fault *fault;	/* NULL unless the daemon refused */
	const void *body;			/* the elements after the number: `elements` msgpack values, well-formed */
	size_t len;
	uint32_t elements;
	bool final;				/* false for "accepted": another answer follows */
};

/*
 * Send [1, verb, number, argument], as in section 6 of PROTOCOL.md: "get", "status", "backup", "ping", "clock-accept".
 * `argument` is one packed msgpack value of `len` bytes, copied, or NULL for none.  It is sent once there is a session, and once
 * only: when the connection is lost in between the answer is ESTATE_LOST.  on_answer fires until `final`, unless the handle is
 * closed before.  Errors: ESTATE_INVALID, ESTATE_REFUSED, ESTATE_SYSTEM.
 *
 * So is a service asked (PROTOCOL.md section 9): "ask" with {"service", "question", "at_least", "timeout_ms", "page"} is answered
 * "answered", or refused: no-service, service-lost, deadline and busy may be asked again later, by you; nothing is asked twice by itself.
 */
int	estate_request(struct estate *, const char *verb, const void *argument, size_t len,
	    void (*on_answer)(void *user, const struct estate_answer *), void *user);

/*
 * The same, and pump until the final answer was called back, for up to `timeout_ms` (-1: without end); everything else goes on
 * meanwhile.  Returns 0, the code of the refusal, ESTATE_TIMEOUT (on_answer will not fire any more), ESTATE_LOST or an error of
 * estate_request() or estate_pump().
 */
int	estate_call(struct estate *, const char *verb, const void *argument, size_t len, int timeout_ms,
	    void (*on_answer)(void *user, const struct estate_answer *), void *user);

/* ---- Services: being asked -------------------------------------------------------------------------------------------------- */

struct estate_service;

/* A question.  Valid during the callback only; keep what you need, and `id` for the answer. */
struct estate_question {
	uint64_t id;
	const char *service;
	const void *bytes;	/* one packed map: "name", and arguments as the service wants them; well-formed, otherwise proven by nobody */
	size_t len;
	char asker[65];		/* the client's name, verified by the daemon */
	bool sees_personal;	/* it gets marked values in the clear; everybody else a mask: mark them in any case */
	uint64_t at_least;	/* answer when you have read up to this number; 0: as you stand */
	unsigned deadline_ms;	/* from now: later nobody waits any more */
	char page[257];		/* the `next` of an answer of yours; "": from the beginning */
};

struct estate_serve_options {
	const char *service;	/* 1..64 of [A-Za-z0-9._:/-]; copied */
	void *user;
	/* Required.  Answer within the callback or later, in any order; up to 32 questions come before the first is answered. */
	void (*on_ask)(void *user, const struct estate_question *);
	/* Somebody else serves under this name now (taken-over), or you may not (forbidden); the handle is gone when this returns.  Don't
	 * fight back.  May be NULL. */
	void (*on_ended)(void *user, const struct estate_fault *);
};

/*
 * Be a service: registered now or as soon as there is a session, and again after every reconnect.  *s is yours until
 * estate_unserve(), on_ended or estate_close(); pass NULL if you will not need it.
 * Errors: ESTATE_INVALID, E_EXISTS (this handle serves it already), ESTATE_REFUSED, ESTATE_SYSTEM.
 */
int	estate_serve(struct estate *, const struct estate_serve_options *, struct estate_service **s);

/* End it: whoever waits for an answer is told that the service went away; on_ended does not fire.  NULL is allowed. */
void	estate_unserve(struct estate_service *);

struct estate_reply {
	const void *bytes;	/* one packed map, with {"~personal": VALUE} around each personal value in it; copied */
	size_t len;		/* up to 1 MiB less 4 KiB */
	const char *next;	/* NULL, or what the asker is to give as `page` for the rest: up to 256 bytes, nothing personal in it */
	uint64_t seq;		/* 0, or up to which number the answer knows the log */
};

/*
 * Answer a question, once; sent with the next pump.  An answer that is not well-formed is refused by the daemon: the asker is told
 * bad-answer, you get the notice ESTATE_ANSWER_REFUSED; the same notice, with no-ask, when nobody waits any more.
 * Errors: ESTATE_INVALID; E_ANSWER_TOO_LARGE: give a part of it, and `next`; ESTATE_LOST: the session in which it was asked is gone,
 * and so is the question; ESTATE_SYSTEM.
 */
int	estate_answer(struct estate *, uint64_t id, const struct estate_reply *);

/* Or refuse it, with a code of errcode.h such as E_ARGUMENT or E_NOT_FOUND; path and detail may be NULL, nothing personal in them. */
int	estate_refuse(struct estate *, uint64_t id, int code, const char *path, const char *detail);

#ifdef __cplusplus
}
#endif

#endif
