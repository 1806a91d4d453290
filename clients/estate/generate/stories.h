/*
 * Where the stories touch: what one module asks of another.  Each step of a story is a function named for what has happened; those
 * that only their own module plans are static in it.
 */
#ifndef GENERATE_STORIES_H
#define GENERATE_STORIES_H

#include "world.h"

/* contacts.c: how somebody turns to the service centre, and with what. */
step_fn	 contact_at_kiosk, contact_at_desk, contact_online, contact_in_mailbox;
step_fn	 repair_at_home, complaint_somehow;	/* so many a month, whatever the contacts bring */

/* What the contact is about shows: opens a case or none, and returns the outcome, case, info or wrong_number. */
const char	*contact_served(struct world *, struct story *);

/* The source of a story's first event; `buffer` holds a kiosk's name. */
#define SOURCE_SIZE	32
const char	*contact_source(char buffer[SOURCE_SIZE], const struct story *);

/* kiosk.c.  A kiosk that is offline keeps what was entered; online_at is when the daemon learns of it, `t` if at once. */
unsigned	 kiosk_count(const struct estate *);
uint8_t		 kiosk_near(const struct estate *, uint32_t household);
int64_t		 kiosk_online_at(const struct world *, unsigned kiosk, int64_t t);
/* When the daemon learns of what the story's resident does now. */
int64_t		 contact_known_at(const struct world *, const struct story *);

/* calls.c */
step_fn	 call_rings;

/* help.c */
step_fn	 help_alarm;			/* something happened to somebody: comes in by phone or at a kiosk's button */
step_fn	 help_requested;		/* opens the case; story.matter is the incident, NULL for a question beyond the desk */

/* repairs.c, complaints.c, violations.c: each opens a case now and sets story.subject; _again reopens one that was not settled. */
step_fn	 repair_requested, repair_again;
step_fn	 complaint_opened, complaint_at_company, complaint_again;
step_fn	 violation_observed;

/*
 * callbacks.c: calls back about the story's case, its unanswered call, or (neither) its household as a routine, on the phone or by
 * a visit.  Then case_settled: satisfied, or not, in which case whoever owns the case goes on.
 */
step_fn	 callback_begins;
step_fn	 callback_routine;

/* cases.c: the steps all cases share, each an event now.  Assigned: to and by whoever of those groups is on duty. */
void	 case_assigned(struct world *, struct story *, enum duty to, enum duty by, const char *dept);
void	 case_replied(struct world *, struct story *, const char *text);
void	 case_reopened(struct world *, struct story *);
step_fn	 case_closed;			/* outcome done */
void	 case_settled(struct world *, struct story *, bool satisfied);
void	 issue_opened(struct world *, const struct story *, const char *dept);

/* registry.c */
#define PARTY_SIZE	32
void	 party_id(char out[PARTY_SIZE], const struct estate *, uint32_t household);	/* owner-3-2-1201: who pays */
step_fn	 household_moves;

/* One of the five grades as residents give them; what counts as unhappy. */
const char	*grade_drawn(struct world *);
bool		 grade_unhappy(const char *grade);

#endif
