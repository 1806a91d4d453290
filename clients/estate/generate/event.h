/*
 * Writing one event as a line of JSON: event_begin, the fields of data in any order (data_text …), event_end.  Only the
 * envelope is known here; which fields a type has is the catalogue's business.
 */
#ifndef GENERATE_EVENT_H
#define GENERATE_EVENT_H

#include "world.h"

extern const char *const via_names[];		/* phone, visit, kiosk … by enum via */

/* Where an event comes from. */
#define FROM_PHONE	"/estate/phone"
#define FROM_DESK	"/estate/desk"
#define FROM_STAFF	"/estate/staff"		/* the pocket board of those who are out in the estate */
#define FROM_FINANCE	"/estate/finance"
#define FROM_REGISTRY	"/estate/registry"
#define FROM_ROSTER	"/estate/roster"

/*
 * Begin an event that happens now.  `subject` may be NULL.  The story, if any, gives causation (its cause), correlation (the call it
 * came by) and urgency.
 */
void	 event_begin(struct world *, const char *type, const char *source, const char *subject, const struct story *);

/* The same about the story's case: its id is the subject. */
void	 event_case(struct world *, const char *type, const char *source, const struct story *);

/* Fields of data.  A NULL text writes nothing, so optional fields need no condition. */
void	 data_text(struct world *, const char *key, const char *value);
void	 data_int(struct world *, const char *key, int64_t value);
void	 data_bool(struct world *, const char *key, bool value);
void	 data_instant(struct world *, const char *key, int64_t site_ms);
void	 data_date(struct world *, const char *key, int64_t day);
void	 data_staff(struct world *, const char *key, struct staff);
void	 data_household(struct world *, uint32_t household);	/* NOBODY writes nothing */

/* Hand it over.  _late: it reaches the daemon at `arrives`. */
struct ref	event_end(struct world *);
struct ref	event_end_late(struct world *, int64_t arrives);

void	 event_id(char out[ID_SIZE], const struct world *, struct ref);
void	 subject_id(char out[ID_SIZE], struct subject);
void	 call_id(char out[ID_SIZE], struct call);

#endif
