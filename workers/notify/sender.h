/*
 * The half of notify that touches the outside: live only (effects.h).
 *
 *	sender.c	what is ready takes a slot; what a former process left; the lane of the urgent ones
 *	flight.c	the steps of one: fetched, asked about, rendered, attempted, sent, told
 *	letter.c	from a request and an address to what leaves
 *	template.c	the texts; template_named.c: those that rules name; segment.c: how many text messages; contacts.c: where staff are reached
 *	carry.c		libcurl's multi handle on the libevent base
 *	carry_http.c	what a gateway or a robot is told, and what its answer means
 *	carry_mail.c	the same of a mail server
 *	carry_spool.c	Gammu SMSD's folders
 *	paper.c		call lists and letters, numbered pages in a folder
 *	receipts.c	what providers tell later
 *	dryrun.c	--check-config and --dry-run
 */
#ifndef SENDER_H
#define SENDER_H

#include <curl/curl.h>
#include <msgpack.h>

#include "contacts.h"
#include "buffer.h"
#include "effects.h"
#include "notification.h"
#include "segment.h"
#include "template.h"

/* What a channel's file of credentials holds; all of it may be empty. */
struct secrets {
	char user[128], password[256], token[512], secret[256], url[512];
};
/* False, with a sentence. */
bool	secrets_read(struct secrets *, const char *path, char *why, size_t why_size);

/* What leaves. */
struct letter {
	const struct channel *channel;
	const struct secrets *secrets;
	char notification[ID_TEXT_SIZE], to[ID_TEXT_SIZE], subject[ID_TEXT_SIZE], template[ID_TEXT_SIZE];
	char key[ID_TEXT_SIZE + 12];	/* the provider's idempotency key: the same when an unknown outcome is repeated */
	char receipts[96];		/* where it may tell what came of it; empty: nowhere */
	enum urgency urgency;
	bool english;
	char phone[24], email[255];
	struct buffer headline, text;	/* of a page or a mail: both; of a text message: text */
	struct segments segments;
};
void	letter_free(struct letter *);

/* letter.c: is there an address for this channel?  False, with the reason. */
bool	letter_addressed(const struct letter *, char *why, size_t why_size);
/* Several, all rendered, as one text: the first is the one that leaves.  Returns how many of them there was room for. */
unsigned letter_join(struct letter **, unsigned count, const struct settings *);
/* Render it.  False, with the reason why it can never be sent this way. */
bool	letter_render(struct letter *, const struct templates *, const struct settings *, struct mp params, char *why, size_t why_size);

#define PAGE_HASH_SIZE	65u

enum how { HOW_LEFT, HOW_TEMPORARY, HOW_PERMANENT, HOW_UNKNOWN };
struct result {
	enum how how;
	char provider[100], reason[200];	/* nothing personal in either */
	char page_hash[PAGE_HASH_SIZE];		/* of a page: what was written; else empty */
};

/* ---- carry.c ---- */

struct carry;
struct carry	*carry_open(struct event_base *);
void		 carry_close(struct carry *);
/* The letter must live until `done` was called, from the loop. */
void		 carry_send(struct carry *, const struct letter *, void (*done)(void *user, const struct result *), void *user);

/* One on its way. */
struct parcel {
	const struct letter *letter;
	CURL *easy;
	struct curl_slist *headers;
	struct buffer url, body, answer;
	struct mailer *mailer;		/* the process of a letter by mail, or NULL */
	struct spool *spool;		/* the file of a text message, or NULL */
	bool too_long;			/* the answer */
	char error[CURL_ERROR_SIZE];
	void (*done)(void *, const struct result *);
	void *user;
	struct carry *carry;
	struct parcel *next;
};
void	carry_http_prepare(struct parcel *);
void	carry_http_result(const struct parcel *, CURLcode, struct result *);
void	carry_mail_send(struct parcel *, struct event_base *);
void	mailer_free(struct mailer *);
void	carry_spool_send(struct parcel *, struct event_base *);
void	spool_free(struct spool *);
/* The process of one letter: `estate-notify --carry-mail`, which nobody types. */
int	carry_mail_main(void);
/* It is over: told, and freed. */
void	parcel_done(struct parcel *, const struct result *);
/* Was anything said that the other side could act on? */
bool	carry_nothing_written(const struct parcel *, CURLcode);

/* ---- paper.c: written whole and flushed, or not at all. */
void	paper_write(const struct letter *, struct result *);
bool	paper_store(int folder, const char *name, const struct buffer *);

/* ---- sender.c ---- */

struct flight;
struct sender {
	struct effects *effects;
	struct carry *carry;
	struct templates *templates;
	struct contacts *contacts;
	struct receipts *receipts;
	struct secrets secrets[CHANNELS_MAX];
	struct settings *settings;		/* whose channels the secrets are of: held */
	struct flight *flights;
	unsigned count;
	uint64_t groups;			/* so many were begun */
	bool leaving;
	struct { int64_t second; unsigned sent; } pace[CHANNELS_MAX];
	int64_t owner_rest[OWNERS_MAX];		/* one that did not answer is asked again then, in ms of the loop's clock */
	struct event *later;			/* the pace leaves room again */
	struct estate_subscription *lane;
	char nonce[9];
	struct receipt *receipts_pending;	/* answered when what they tell is durable */
};

/* Where a flight stands. */
enum stage { FETCHING, FINDING, ASKING, BOARDED, RIDING, INTENDING, FLYING, TELLING, SETTLING };

struct flight {
	struct flight *next;
	struct sender *sender;
	enum stage stage;
	bool pending;				/* an answer is awaited */
	bool put_due;				/* an event of ours waits for room */
	bool over;
	uint64_t group;				/* it may leave with others of that number; 0: by itself */
	bool rides;				/* the slot is another's */
	struct flight *lead;			/* RIDING: the one it leaves with */
	unsigned channel;			/* of its settings, which are held */
	struct settings *settings;
	uint64_t contact;			/* the event that bears a household's address; 0: it is none */
	struct row row;
	struct letter letter;
	struct buffer request;			/* the event */
	uint64_t as_of, settle;
	int64_t latest;				/* from then on it must not leave */
	int64_t asked_ms, held_ms;		/* when its owner was asked, and said that it holds; 0: it did not */
	struct secrets secrets;			/* of its channel, as they were when it began: settings change */
	msgpack_sbuffer out;
};

/* One to begin: its row and its household as the tables have them. */
struct candidate {
	char id[ID_TEXT_SIZE];
	struct row row;
	unsigned channel;
	uint64_t contact, group;
	int64_t latest;				/* from then on it must not leave any more */
	bool english, rides;
};

/* flight.c.  Begin it; `request` is its event where it is known already. */
void		 flight_begin(struct sender *, const struct candidate *, const void *request, size_t len);
/* One that a former process attempted: say that nobody knows, or that it never left. */
void		 flight_orphan(struct sender *, const char *id, const struct row *);
struct flight	*flight_find(const struct sender *, const char *id);
/* What waits for room or for the worker goes on; what is over is freed. */
void		 flights_turn(struct sender *);
void		 flights_free(struct sender *);

/* An event of the sender; data is packed by `fields`. */
struct said {
	const char *type, *subject, *id, *notification, *urgency, *provider, *reason;
	const char *page_hash;			/* or NULL */
	int permanent;				/* -1: not said */
	unsigned segments;
	uint64_t as_of;
	const struct flight *with;		/* the lead of a group: those that leave with it are named */
};
void		 say(msgpack_sbuffer *, const struct said *);

/* ---- receipts.c: NULL, with a sentence, if it cannot listen. */
struct receipts	*receipts_open(struct sender *, const char *listen, char *why, size_t why_size);
void		 receipts_close(struct receipts *);
void		 receipts_forget(struct sender *);

int	dryrun_check(const char *folder);
int	dryrun(const char *path, const char *folder);

/* Settings, templates and contacts of a folder, each a sentence if not fine. */
bool	sender_read(const char *folder, struct templates **, struct contacts **, char *why, size_t why_size);

#endif
