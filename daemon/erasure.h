/*
 * erasure: a household's personal data is made unreadable, for good.  In a thread of its own, since the index must first know all that
 * is durable: drain the applier, erase the keys (vault.h).  Then person.erased goes into the log, and when that is durable the
 * operator is answered.  A stop in between leaves keys that are gone and nobody who was told so: the operator asks again.
 */
#ifndef ERASURE_H
#define ERASURE_H

struct daemon;
struct request;

/* [1, "person", n, {"household": H, "do": "erase", "reason": TEXT}] */
void	erasure_on_person(struct daemon *, struct request *);

/* The daemon stops: whoever asked is answered. */
void	erasure_end(struct daemon *);

#endif
