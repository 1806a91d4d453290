/*
 * The outbox of libestate: a folder that keeps events until the daemon has them.  What was handed over survives a dead daemon, a dead
 * network and a dead program, is sent in its order, and is stored exactly once.
 *
 *	struct estate_outbox_options b = { .on_set_aside = refused };
 *	struct estate_options o = { .endpoint = "ipc:///run/estated/estated.sock", .client = "kiosk-3" };
 *	struct estate_outbox *box;
 *	char why[ESTATE_OUTBOX_WHY];
 *
 *	if (estate_outbox_open("/var/lib/kiosk/outbox", &b, &box, why) != 0) …		// why is a sentence
 *	if (estate_outbox_connect(box, &o) != 0) …
 *	if (estate_outbox_put(box, bytes, len, NULL) != 0) …	// on 0 it survives a power cut of this machine
 *	for (;;)
 *		estate_outbox_pump(box, 1000);			// sends what there is, for as long as it takes
 *
 * Three boxes
 *	pending		to be sent, in the order of hand-over
 *	rejected	refused by the daemon for good, with its reason; what came behind went on.  After the cause was mended (a right given, a
 *			newer daemon) estate_outbox_replay() puts it to the end of the queue, the same bytes; or estate_outbox_drop() it
 *	review		too old to be sent: the daemon knows duplicates for 400 days, and whether an older one is in the log already it
 *			could not tell.  Somebody looks, then replays or drops it
 *	Nothing leaves a box but by an ack, a replay or a drop.  Numbers of entries rise and are never used again.
 *
 * Exactly once
 *	That an entry was acked is noted without a flush: after a crash some are sent again, unchanged, and the daemon tells them from new ones
 *	by (source, id).  So an event needs an id that is its own for good.
 *
 * One process at a time; a second one is refused, but may look (`readonly`).  Threads, callbacks and errors are as in estate.h.
 */
#ifndef ESTATE_OUTBOX_H
#define ESTATE_OUTBOX_H

#include "estate.h"

#ifdef __cplusplus
extern "C" {
#endif

enum estate_box { ESTATE_PENDING, ESTATE_REJECTED, ESTATE_REVIEW };
/* "pending", "rejected", "review" */
const char	*estate_box_name(enum estate_box);

struct estate_entry {
	uint64_t number;
	enum estate_box box;
	size_t len;			/* of the event */
	int64_t put_ms;			/* when it was handed over, milliseconds since 1970 */
	int64_t moved_ms;		/* when it came into this box: by hand-over, refusal or replay */
	bool under_way;			/* sent and not yet answered */
	struct estate_fault fault;	/* why it is in this box; in review its code is 0 and its name "too-old"; name "" if pending */
};

struct estate_outbox_options {
	uint64_t entries_max;	/* of all boxes together; 0 means 1,000,000.  Each takes 80 bytes of memory */
	uint64_t bytes_max;	/* of events, of all boxes together; 0 means 1 GiB */
	unsigned horizon_days;	/* what is older when it is to be sent goes to review, 1..400; 0 means 370: 400 less a month in which
				 * what was sent may wait for its answer.  What a clock that was not set (before 2020) dated is
				 * never too old: its age is unknown, and it was urgent */
	bool group_flush;	/* put returns before the flush: it survives a crash of this program at once, a power cut after
				 * estate_outbox_flush(), which estate_outbox_pump() calls before it sends */
	bool readonly;		/* look only, also while another process has it: a view of this moment */

	/* Any may be NULL.  `user` is handed to each. */
	void *user;
	int64_t (*now_ms)(void *user);	/* milliseconds since 1970; NULL means the system's clock */
	/* Within estate_outbox_pump(): the entry is in the log and gone from the box; duplicate: it was there before. */
	void (*on_sent)(void *user, uint64_t entry, uint64_t seq, bool duplicate);
	/* Within estate_outbox_pump(): the entry was moved to rejected or review. */
	void (*on_set_aside)(void *user, const struct estate_entry *);
	void (*on_notice)(void *user, const struct estate_notice *);
};

#define ESTATE_OUTBOX_WHY	512

struct estate_outbox;

/*
 * Open the folder `path`, which is made unless it is there (its parent must be; not with readonly).  The options are copied.  On success
 * *box is yours until estate_outbox_close().  On failure *box is NULL and why[] a sentence: ESTATE_LOCKED (another process has it),
 * ESTATE_DAMAGED (a checksum fails: see estate_outbox_salvage(); or it is of a newer release), ESTATE_INVALID, ESTATE_SYSTEM.
 */
int	estate_outbox_open(const char *path, const struct estate_outbox_options *, struct estate_outbox **box, char why[ESTATE_OUTBOX_WHY]);

/* Close it, and the handle of estate_outbox_connect().  What is pending stays.  NULL is allowed. */
void	estate_outbox_close(struct estate_outbox *);

/*
 * Hand over one event, or `count` of them with one flush, all or none; copied.  On 0 they are durable, with numbers from *entry on (which
 * may be NULL).  Nothing is sent before the next pump.  Errors, nothing kept: ESTATE_FULL (a bound above: nothing is thrown away to
 * make room), E_TOO_LARGE, ESTATE_INVALID (no bytes, or readonly), ESTATE_SYSTEM with errno (ENOSPC: the disk is full; after a failed
 * flush the box takes no more until it is opened anew, and what was to be put may or may not be in it).
 */
int	estate_outbox_put(struct estate_outbox *, const void *bytes, size_t len, uint64_t *entry);
int	estate_outbox_put_all(struct estate_outbox *, const struct estate_bytes *events, size_t count, uint64_t *entry);

/* With group_flush: make durable what was put.  Errors: ESTATE_SYSTEM. */
int	estate_outbox_flush(struct estate_outbox *);

/* ---- Sending --------------------------------------------------------------------------------------------------------------- */

/*
 * Make the handle through which the box sends.  on_ack, on_nak and on_notice of the options are the box's own and must be NULL; what a
 * box has open already stays.  Errors: as of estate_open(), and ESTATE_INVALID if there is a handle already, or readonly.
 */
int	estate_outbox_connect(struct estate_outbox *, const struct estate_options *);

/* That handle, the box's; NULL before.  Its estate_fd() is for your loop, subscriptions and requests are yours to make; puts go through
 * the box only. */
struct estate	*estate_outbox_handle(const struct estate_outbox *);

/*
 * estate_pump() for box and handle: hand over what is due, read answers, note them.  Call it instead of estate_pump(), and once after
 * estate_outbox_put() before you sleep.  Returns what estate_pump() does; ESTATE_DAMAGED if an entry fails its checksum: nothing is sent
 * any more; ESTATE_SYSTEM if a flush failed.
 */
int	estate_outbox_pump(struct estate_outbox *, int timeout_ms);

/* ---- Looking, mending ------------------------------------------------------------------------------------------------------ */

struct estate_outbox_counts {
	uint64_t entries[3], bytes[3];	/* by enum estate_box */
	int64_t oldest_ms[3];		/* when the oldest of each was handed over; 0 if there is none */
};
void	estate_outbox_counts(const struct estate_outbox *, struct estate_outbox_counts *);

/* The first entry of a box whose number is above `after`.  1 and *entry, 0 if there is none, or ESTATE_DAMAGED, ESTATE_SYSTEM. */
int	estate_outbox_next(struct estate_outbox *, enum estate_box, uint64_t after, struct estate_entry *entry);

/* One entry: 0, *entry, and its event in bytes[], which has room for 64 KiB (or NULL).  Errors: E_NOT_FOUND, and as above. */
int	estate_outbox_get(struct estate_outbox *, uint64_t number, struct estate_entry *entry, void *bytes);

/* Put a rejected or reviewed entry to the end of the queue, durably, under a new number (*entry, or NULL); its age counts from now.
 * Errors: E_NOT_FOUND, ESTATE_INVALID (it is pending, or readonly), ESTATE_SYSTEM. */
int	estate_outbox_replay(struct estate_outbox *, uint64_t number, uint64_t *entry);

/* Throw an entry away, durably.  Errors: E_NOT_FOUND, ESTATE_AGAIN (it is under way), ESTATE_INVALID (readonly), ESTATE_SYSTEM. */
int	estate_outbox_drop(struct estate_outbox *, uint64_t number);

/* ---- A damaged one ---------------------------------------------------------------------------------------------------------- */

struct estate_salvage_ends {
	void *user;
	void (*on_damage)(void *user, uint64_t from, uint64_t to);	/* bytes of the file `box` that hold nothing whole; may be NULL */
	void (*on_lost)(void *user, uint64_t entry);			/* was handed over, and neither sent nor dropped as far as is known; may be NULL */
};

struct estate_salvaged {
	uint64_t entries[3];		/* by enum estate_box */
	uint64_t stretches, bytes;	/* that hold nothing whole */
	uint64_t lost;			/* entries */
	bool uncounted;			/* others may be lost too, whose numbers nothing tells */
};

/*
 * Save what is whole of the outbox in the folder `path` into `to`, a folder that is not there yet.  Entries keep their numbers, boxes and times.
 * The old one is only read, and locked meanwhile.  A note that is lost leaves an entry where it was before: what was acked is sent
 * again, and the daemon tells it from new ones; what was dropped is there again.  0, or as of estate_outbox_open() with a sentence.
 */
int	estate_outbox_salvage(const char *path, const char *to, const struct estate_salvage_ends *, struct estate_salvaged *,
	    char why[ESTATE_OUTBOX_WHY]);

#ifdef __cplusplus
}
#endif

#endif
