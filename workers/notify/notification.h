/*
 * estate-notify: the only process that reaches the outside.  Whoever wants to tell somebody something emits notification.requested.
 *
 * Two halves.  The planner is a worker like any other: what it concludes is a function of the log.  The sender lives beside it (effects.h),
 * knows addresses, texts and providers, and tells the log what it is about to do and what came of it.
 *
 *	requested ──► plan.c: a row; when, by which channel ──► READY ──► sender.c: fetch, ask the owner, render
 *	                 ▲                                                      │ notification.attempted, durable …
 *	                 │ attempted, sent, failed, withdrawn                   ▼
 *	                 └──────────────────────────────── outcome ◄──── carry.c: … then it leaves
 *
 *	notify.c	the worker: events and timers to plan.c; --check-config, --dry-run
 *	settings.c	notify.yaml: channels, routes, limits, what an unknown outcome means
 *	row.c		a notification as the state has it, and what is ready, in order
 *	plan.c		what becomes of one: the next channel, when, or that it is not to be sent
 *	fate.c		what events tell: attempted, sent, failed, delivered, withdrawn; breakers
 *	digest.c	several to one receiver that leave as one
 *	house.c		how a household wants to be told, and when it has changed hands
 *	staff.c		who is away, and who stands in
 *	ask.c		what it can be asked
 *
 * Nothing of the planner knows sender.h, a clock or a template.  No personal value is in the state: of an address only the number of the
 * event that bears it.
 */
#ifndef NOTIFICATION_H
#define NOTIFICATION_H

#include "worker.h"
#include "zone.h"

#define CHANNELS_MAX	16u
#define ROUTES_MAX	32u
#define ROUTE_STEPS_MAX	4u
#define OWNERS_MAX	8u
#define NAME_SIZE	33u
#define ID_TEXT_SIZE	(ID_CHARS_MAX + 1)

/* The tables, in the order of their names in notify.c. */
enum { NOTES, READY, HOUSES, COUNTS, BREAKERS, PROVIDERS, RECENT, COMPANY, WINDOWS, DIGESTS, AWAY };

enum urgency { EMERGENCY, URGENT, ROUTINE, URGENCIES };
extern const char *const urgency_names[URGENCIES];

/* What an unknown outcome leads to. */
enum unknown { UNKNOWN_FAIL, UNKNOWN_NEXT, UNKNOWN_REPEAT, UNKNOWN_COUNT };

enum medium { MEDIUM_SMS, MEDIUM_EMAIL, MEDIUM_WEBHOOK, MEDIUM_CALL_LIST, MEDIUM_LETTER, MEDIA };
extern const char *const medium_names[MEDIA];
enum kind { KIND_JSON, KIND_KANNEL, KIND_GAMMU, KIND_SMTP, KIND_GENERIC, KIND_WECOM, KIND_DINGTALK, KIND_FEISHU, KIND_FOLDER, KINDS };
extern const char *const kind_names[KINDS];

/* A way out.  Texts are the file's. */
struct channel {
	char name[NAME_SIZE];
	enum medium medium;
	enum kind kind;
	const char *url, *credentials, *from, *folder, *ca;
	bool group;			/* more than one reads it: no household, none of its data */
	bool tls;			/* STARTTLS, or smtps, or it does not leave */
	bool digest;			/* several to one receiver may be one */
	unsigned connections, urgent_connections, per_second;
	int64_t within_ns, breaker_ns;
	unsigned breaker, per_day;
};

struct route {
	char wanted[NAME_SIZE];		/* the channel asked for */
	unsigned count;
	uint8_t steps[ROUTE_STEPS_MAX];	/* of channels, in this order */
};

struct settings {
	struct zone zone;
	unsigned quiet_from, quiet_to;	/* minutes of the day; equal: none */
	unsigned per_receiver;		/* routine ones a day to one receiver */
	unsigned tries;			/* on one channel */
	int64_t backoff_ns, backoff_max_ns, useful_ns, keep_ns, duplicate_ns, digest_ns;
	enum unknown unknown[URGENCIES];
	char owners[OWNERS_MAX][NAME_SIZE];	/* asked whether it still holds */
	unsigned owner_count;
	struct channel channels[CHANNELS_MAX];
	unsigned channel_count;
	struct route routes[ROUTES_MAX];
	unsigned route_count;
	char sign[64], listen[64];
	struct conf *conf;		/* what the texts point into */
	unsigned holders;		/* the worker, and each message on its way */
};

/* settings.c.  NULL, with a sentence that begins with the line. */
struct settings	*settings_read(const char *text, char *why, size_t why_size);
struct settings	*settings_hold(struct settings *);
void		 settings_free(struct settings *);	/* by its last holder */
const struct route *settings_route(const struct settings *, struct text wanted);
bool		 settings_owner(const struct settings *, const char *name);

/* ---- row.c ---- */

enum fate { WAITING, IS_READY, ATTEMPTING, SENT, DELIVERED, FAILED, SUPPRESSED, WITHDRAWN, FATES };
extern const char *const fate_names[FATES];

struct row {
	struct row_fixed {
		uint8_t fate, urgency, step, tries;	/* step: of the route; tries: on that channel */
		uint32_t attempts, laps;		/* of all; laps: ended by an answer, so that a repeat is another message to the provider */
		uint64_t requested, attempted, outcome;	/* numbers of events */
		int64_t asked_at, earliest, not_before, expires, attempted_at;	/* earliest: as it was asked for */
		int64_t counted;	/* the day against whose limits it was counted; 0: none */
		uint64_t placed;	/* of which channel's it stands in READY: a hash of the name */
		int64_t gathered;	/* until then it waited for others to the same receiver; 0: it did not */
	} f;
	char to[ID_TEXT_SIZE], wanted[NAME_SIZE], template[ID_TEXT_SIZE], subject[ID_TEXT_SIZE], owner[NAME_SIZE], via[NAME_SIZE], reason[120], provider[100];
	char lead[ID_TEXT_SIZE];	/* it left with that one; empty: by itself, or others with it */
};

bool	row_load(struct worker *, struct text id, struct row *);
void	row_store(struct worker *, struct text id, const struct row *);
void	row_remove(struct worker *, struct text id, const struct row *);
/* Change its fate: what is ready stands in READY, of each urgency and channel in the order in which it was asked for. */
void	row_become(struct worker *, struct text id, struct row *, enum fate);
/* Those to that receiver that waited for company and are ready, in order. */
bool	row_company(struct worker *, const char *to, struct worker_walk *, struct text *id);
#define READY_KEY	17u	/* urgency, channel, and the number of its request, big-endian; the value is the id */
#define READY_LANE	9u	/* of it: urgency and channel */
bool	row_ended(const struct row *);

/* ---- plan.c ---- */

struct turn {
	struct worker *w;
	const struct settings *s;	/* in force, or NULL */
	int64_t now;
};

/* A request as a row; false if it names no notification. */
bool	plan_row(const struct turn *, const struct event *, uint64_t seq, int64_t log_time, struct text *id, struct row *);
/* The channel to take now: an index of settings; -1 with the reason, for none.  Its steps are advanced. */
int	plan_channel(const struct turn *, struct row *, const char **why);
/* A request came. */
void	plan_requested(struct turn *, const struct worker_event *);
/* Think again about one that waits or is ready. */
void	plan_again(struct turn *, struct text id, struct row *);
/* This channel is of no use: the next, or the end. */
void	plan_next(struct turn *, struct text id, struct row *, const char *reason);
/* Try the same channel again, later each time; the next when it had its tries. */
void	plan_retry(struct turn *, struct text id, struct row *, const char *reason);
/* It left: only receipts are awaited.  It is about to leave: no timer of ours interferes. */
void	plan_sent(struct turn *, struct text id);
void	plan_attempted(struct turn *, struct text id);
void	plan_end(struct turn *, struct text id, struct row *, enum fate, const char *reason);
/* A timer of a notification: 'n' think again, 'x' it expires, 'g' it is forgotten. */
int	plan_due(struct turn *, const struct worker_timer *);
int64_t	plan_day(const struct settings *, int64_t at);
/* The instant from which it must not leave any more, whatever was thought of it before: it expires, or the quiet begins. */
int64_t	plan_latest(const struct turn *, const struct row *);
/* May a routine one disturb this receiver now?  Else when, in *until. */
bool	plan_quiet(const struct turn *, const char *to, int64_t at, int64_t *until);

/* ---- digest.c ---- */

#define DIGEST_MAX	8u	/* that leave as one */

/* The instant until which it waits for others to the same receiver; now, or before, if it does not. */
int64_t	digest_gather(struct turn *, struct row *, const struct channel *);
/* Has one of those that it waited with been counted against the day's limits?  From now on one has. */
bool	digest_counted(struct turn *, const struct row *, const struct channel *, int64_t day);
void	digest_count(struct turn *, const struct row *, const struct channel *, int64_t day);
/* May it leave with others?  Not if the provider could take it for what it had before. */
bool	digest_may(const struct settings *, const struct channel *, const struct row *);
/* The lead left, or is about to: those that the event names follow it. */
void	digest_attempted(struct turn *, const struct worker_event *, struct text lead, const char *via);
/* Each that left with it, as it stands: what becomes of the lead becomes of it. */
void	digest_each(struct turn *, const struct worker_event *, struct text lead, void (*of)(struct turn *, const struct worker_event *, struct text id, struct row *));
void	digest_forget(struct turn *, struct text lead);

/* ---- fate.c ---- */

void	fate_attempted(struct turn *, const struct worker_event *);
/* It is about to leave with the one that the event is of. */
void	fate_followed(struct turn *, const struct worker_event *, struct text id, struct row *);
void	fate_sent(struct turn *, const struct worker_event *);
void	fate_delivered(struct turn *, const struct worker_event *);
void	fate_failed(struct turn *, const struct worker_event *);
void	fate_withdrawn(struct turn *, const struct worker_event *);
/* Its row goes: so does what its provider called it. */
void	fate_forget(struct turn *, const struct row *);

struct breaker {
	uint64_t failures;		/* in a row */
	int64_t until;			/* open until then; 0: closed */
};
struct breaker	breaker_load(struct worker *, const char *channel);
#define REASON_UNKNOWN	"outcome-unknown"
#define REASON_OURS	": the process that sent it ended before it knew"
#define REASON_NOT_SENT	"not-sent"	/* it never left: try again */

/* ---- house.c ---- */

struct house {
	struct house_fixed {
		uint64_t contact;	/* the event that bears its address; 0: none is known */
		uint64_t changed;	/* the event by which it has others: what was asked for before is not for them; 0: none */
		uint64_t party;		/* a hash of who they are; 0: not said */
		uint8_t has_phone, has_email, english, quiet_set;
		uint16_t quiet_from, quiet_to;
	} f;
	char opt_out[400];		/* words, blanks around each */
};
void	house_registered(struct turn *, const struct worker_event *);
void	house_contact_rule(struct turn *, const struct worker_event *);
void	house_transferred(struct turn *, const struct worker_event *);
bool	house_load(struct worker *, const char *id, struct house *);
bool	house_refuses(const struct house *, const char *word);

/* ---- staff.c ---- */

void	staff_absent(struct turn *, const struct worker_event *);
/* Whoever is away is stood in for: `to` becomes the deputy that the absence names. */
void	staff_deputy(const struct turn *, char to[ID_TEXT_SIZE]);

extern const struct worker_query ask_queries[];
extern const struct worker_effects notify_effects;

#endif
