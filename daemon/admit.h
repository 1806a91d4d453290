/* admit: who is at the other end of a connection, by what libzmq proved, and which client of the list that is. */
#ifndef ADMIT_H
#define ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "clients.h"

struct daemon;
struct clients;

enum peer_kind {
	BY_UID,		/* a process of this machine, over ipc */
	BY_KEY,		/* somebody who has this secret key, over TCP */
	BY_ADDRESS,	/* whoever: a loopback connection without keys */
	BY_NOTHING	/* the system did not tell */
};

struct peer {
	enum peer_kind kind;
	uid_t uid;
	char key[CURVEKEY_CHARS + 1];
	const char *address;	/* lent: of TCP */
};

/* What zsock told of a peer, taken apart. */
void		 peer_read(struct peer *, const char *text);

/* The name for people of a peer that has no name of its own: "uid:N" or "tcp:ADDRESS". */
void		 peer_name(const struct peer *, char out[CLIENT_NAME_SIZE]);

/*
 * The client that this peer is, a reference of the caller's, with its usage; or NULL with what must be done about it in `why`.
 * Root and the daemon's own user are admins unless they are listed; other strangers have the role of the setting `unlisted`.
 */
struct client	*admit(struct daemon *, const char *peer, char *why, size_t why_len);

/* Does the setting `unlisted` name something there is, given this list?  0, or -1 with a sentence. */
int		 admit_check_setting(const char *unlisted, const struct clients *, char *why, size_t why_len);

#endif
