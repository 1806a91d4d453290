/*
 * clients: who may come in, by name.  The list has two parts in one form: the file an operator writes (setting `clients`) and the
 * one that the daemon writes for `estate client add` and `revoke` (DATA/clients).  Neither may name what the other names.
 *
 *	clients:
 *	  - name: kiosk-3
 *	    key: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'
 *	    role: kiosk
 *	    sources: [/estate/kiosk/3]
 *
 * What a client says itself replaces what its role says of the same key.  A struct clients is read whole or not at all, and is not
 * changed while it is in force: a reload makes another one.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "bounds.h"
#include "curvekey.h"
#include "rights.h"

#define CLIENT_NAME_SIZE	(ID_CHARS_MAX + 8)	/* a name, or "uid:N", "tcp:ADDRESS" of who has none */

/* More names than an estate has programs: a bound on what a hello looks through. */
#define CLIENTS_MAX	1024u

enum client_origin { CLIENT_WRITTEN, CLIENT_ADDED, CLIENT_UNLISTED };

struct usage;

struct client {
	unsigned refs;
	char name[CLIENT_NAME_SIZE];
	char role[CLIENT_NAME_SIZE];	/* "" for none */
	bool has_uid;
	uid_t uid;
	char key[CURVEKEY_CHARS + 1];	/* "" for none */
	struct rights rights;
	enum client_origin origin;
	unsigned given;			/* which rows of its rights it says itself, as bits; the others are its role's */
	bool revoked;			/* may not come in, though it is on the list */
	struct usage *usage;		/* from its first session on (usage.h) */
};

/* A role that an operator wrote. */
struct named_role {
	char name[CLIENT_NAME_SIZE];
	struct rights rights;
};

struct clients {
	bool listed;			/* there is a list: who is not on it is a stranger */
	struct client **items;
	unsigned count;
	struct named_role *roles;
	unsigned role_count;
	char **revoked;			/* names of the written file that may not come in any more */
	unsigned revoked_count;
};

/* An empty list. */
struct clients	*clients_new(void);
void		 clients_free(struct clients *);

/* Add what a file says.  A file that is not there adds nothing, if that is `allowed`.  0, or -1 with FILE:LINE and a sentence in
 * `why`; the list is then good for clients_free() only. */
int		 clients_read(struct clients *, const char *file, enum client_origin, bool allowed, char *why, size_t why_len);

/* Both parts: `written` may be "" (none) and must exist if `must`; folder is the daemon's, or NULL for the written part alone.  NULL
 * with a sentence in `why`. */
struct clients	*clients_load(const char *written, bool must, const char *folder, char *why, size_t why_len);

/* A list with the same clients, to be changed. */
struct clients	*clients_copy(const struct clients *);

/* Revoke that client of the list, or take it back: one that was added is gone for good, one of the written file is remembered. */
void		 clients_revoke(struct clients *, const char *name, bool back);

/* The file of the daemon's own part, in its folder. */
#define CLIENTS_FILE	"clients"

/* Write the daemon's own part: atomic and flushed.  0 or errno. */
int		 clients_save(const struct clients *, const char *folder);

/* Who is on the list, revoked ones too, or NULL.  Lent. */
struct client	*clients_by_uid(const struct clients *, uid_t);
struct client	*clients_by_key(const struct clients *, const char *key);
struct client	*clients_by_name(const struct clients *, const char *name);
bool		 clients_is_revoked(const struct clients *, const char *name);

/*
 * One entry in the making, of a client or a role: entry_begin, entry_set for each key, entry_finish_…; entry_clear in every case.
 * Values are text as written ("true", "1000", names); `list` says whether they came as a list.  0, or -1 with a sentence in `why`
 * that names what would be right.
 */
struct client_entry {
	bool is_role;
	unsigned keys;			/* which of name, uid, key, role were given, as bits */
	unsigned given;			/* and which rows of rights */
	char name[CLIENT_NAME_SIZE], role[CLIENT_NAME_SIZE], key[CURVEKEY_CHARS + 1];
	uid_t uid;
	struct rights rights;
};
void		 entry_begin(struct client_entry *, bool is_role);
int		 entry_set(struct client_entry *, const char *key, const char *const *values, unsigned count, bool list, char *why, size_t why_len);
/* Into the list.  The names of its other part, and of other entries, may not be taken. */
int		 entry_finish_client(struct client_entry *, struct clients *, enum client_origin, char *why, size_t why_len);
int		 entry_finish_role(struct client_entry *, struct clients *, char *why, size_t why_len);
void		 entry_clear(struct client_entry *);

/* The rights of a role of the list or a shipped one, the caller's to clear; false: there is none, and *nearest is the likely one. */
bool		 clients_role(const struct clients *, const char *name, struct rights *, const char **nearest);

struct client	*client_new(const char *name, enum client_origin);
struct client	*client_ref(struct client *);
void		 client_unref(struct client *);

/* Who it is and what it may do are the same? */
bool		 client_equal(const struct client *, const struct client *);

/* May it …?  (usage.h has how much.)  *path: "type" or "source", whichever is not its own. */
bool		 client_may_put(const struct client *, const struct event *, const char **path);
bool		 client_may_read(const struct client *, const struct event *);
bool		 client_may_operate(const struct client *);
bool		 client_may_answer(const struct client *, const char *service, uint32_t len);
/* Do its rights name that service itself, not by "*"? */
bool		 client_answers_as(const struct client *, const char *service);
bool		 client_may_ask(const struct client *, const char *service, uint32_t len);
bool		 client_sees_personal(const struct client *);

#endif
