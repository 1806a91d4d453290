/*
 * What the files of the outbox share.
 *
 *	outbox.c	what the file told; hand-over, replay, drop
 *	outbox_look.c	what is in which box, and why
 *	outbox_send.c	the way to the daemon
 *	outbox_tidy.c	the file is written anew
 *	outbox_index.c	the entries in memory, by number
 *	outbox_file.c	frames on the disk: append, read, write anew
 *	outbox_scan.c	what a file tells when it is opened
 *	outbox_salvage.c what is whole of a damaged one
 *
 * The folder has `lock`, held by the process that has it open, and `box`, one file that is only appended to.  Why not LMDB: one
 * flush a hand-over instead of two, checksums over every byte, and damage that is told instead of followed.
 *
 * The file.  Little-endian.  A head of 48 bytes, then frames: 56 bytes and `len` of payload each.  A frame's checksum is seeded with the
 * file's generation and the frame's place, so that no event can look like one.  When more than half of it is dead it is written anew beside
 * and renamed.
 *
 * Each frame says how far the file was flushed when it was made.  So a bad frame is told apart: if a later one says that this place
 * was flushed, it was promised and is damage, and the box is refused; if not, it was being written when the power failed, was
 * promised to nobody, and is cut off (into a file `torn.N`, if it was there in full).
 *
 * Behind the last frame there may be zeros, written ahead so that a flush has no new length to note, which takes it longer; they are
 * cut off when the box is closed or opened, and are no frame.
 *
 * Changing it: a new kind of frame or another meaning makes BOX_FORMAT one more.  Keep reading the old one: estate_outbox_open() scans it as
 * it was, then rewrites it, which makes it new.  A newer format than ours is refused.
 */
#ifndef LIBESTATE_BOX_H
#define LIBESTATE_BOX_H

#include "estate_outbox.h"
#include "internal.h"

#define BOX_FORMAT	1u

enum frame_kind {
	FRAME_PUT = 1,		/* payload: the event; ms: handed over; other: since when its age counts */
	FRAME_SENT,		/* acked durable; not flushed */
	FRAME_REJECTED,		/* payload: the fault, as on the wire; not flushed */
	FRAME_REVIEW,		/* too old; not flushed */
	FRAME_REPLAYED,		/* other: its new number, pending */
	FRAME_DROPPED
};

struct frame_told {
	enum frame_kind kind;
	uint32_t len;
	uint64_t entry;
	int64_t ms;
	uint64_t other;
};

struct box_file {
	int folder, lock, fd;
	bool readonly;
	bool broken;		/* a flush failed: what is on the disk is not known */
	uint64_t generation;
	uint64_t base;		/* so far it was flushed when it was made */
	uint64_t end;		/* of what is written */
	uint64_t flushed;	/* of what is durable */
	uint64_t zeroed;	/* so far there are zeros ahead; 0: none */
	uint8_t *owed;		/* frames to be written at `end` */
	size_t owed_len, owed_size;
};

#define BOX_FRAME_BYTES		56u
#define BOX_HEAD_BYTES		48u
/* Frames of a rewrite that gather before they are written. */
#define BOX_REWRITE_CHUNK	(1u << 20)

/* Open or make the folder and its file; `next` is the number its head knows.  0 or an error with a sentence. */
int	es_box_file_open(struct box_file *, const char *path, bool readonly, uint64_t *next, char *why);
void	es_box_file_close(struct box_file *);

/* Tell every frame, and cut off a torn end.  told() returns false for what cannot be. */
int	es_box_file_scan(struct box_file *, bool (*told)(void *, const struct frame_told *, uint64_t at), void *user, char *why);

/* The same two for a file that is damaged: a head that is not whole is believed as far as frames prove it, and its number is 0 then; every
 * whole frame is told, and each stretch between that holds none.  told() returns false to stop: no memory. */
int	es_box_file_open_damaged(struct box_file *, const char *path, uint64_t *next, char *why);
int	es_box_file_scan_damaged(struct box_file *, bool (*told)(void *, const struct frame_told *, uint64_t at),
	    void (*damaged)(void *, uint64_t from, uint64_t to), void *user, char *why);

/* Add a frame to what is owed; *at: its place.  0 or ESTATE_SYSTEM. */
int	es_box_file_add(struct box_file *, const struct frame_told *, const void *payload, uint64_t *at);
/* Write what is owed, and flush; an error of the first leaves the file as it was, and all still owed. */
int	es_box_file_save(struct box_file *);
int	es_box_file_flush(struct box_file *);

/* The frame at that place, its payload (up to 64 KiB) into bytes[] unless NULL.  0, ESTATE_DAMAGED, ESTATE_SYSTEM. */
int	es_box_file_read(const struct box_file *, uint64_t at, struct frame_told *, void *bytes);

/* A new file beside this one, to be filled by add and save, then put in its place, durably.  After an error of finish the old one counts. */
int	es_box_file_rewrite_begin(const struct box_file *, struct box_file *fresh, uint64_t next);
int	es_box_file_rewrite_finish(struct box_file *, struct box_file *fresh);
void	es_box_file_rewrite_abandon(struct box_file *fresh);

/* ---- Entries ---- */

struct box_entry {
	uint64_t number;
	uint64_t at, why_at;	/* frames of its event and of its refusal; why_at 0: none */
	int64_t put_ms, since_ms, moved_ms;
	uint32_t len;
	uint8_t box;
	bool gone, under_way;
};

struct box_index {
	struct box_entry *all;	/* by number */
	size_t count, room, gone;
	uint64_t entries[3], bytes[3];
};

/* Room for `more`.  0 or ESTATE_SYSTEM. */
int	es_box_index_reserve(struct box_index *, size_t more);
/* Append one, whose number is the highest; room was reserved. */
void	es_box_index_add(struct box_index *, const struct box_entry *);
/* NULL if there is none, or it is gone.  Valid until something is added or tidied. */
struct box_entry *es_box_index_find(const struct box_index *, uint64_t number);
/* Where numbers from this one on begin. */
size_t	es_box_index_from(const struct box_index *, uint64_t number);
void	es_box_index_move(struct box_index *, struct box_entry *, enum estate_box);
void	es_box_index_remove(struct box_index *, struct box_entry *);
/* Forget the gone, once they are many. */
void	es_box_index_tidy(struct box_index *);

struct estate_outbox {
	struct estate_outbox_options o;
	struct box_file f;
	struct box_index x;
	uint64_t next;		/* number of the next entry */
	uint64_t send_from;	/* entries below were handed to the handle */
	uint64_t tidy_from;	/* writing the file anew failed: not again before it is so long */
	struct estate *e;
	uint8_t scratch[EVENT_BYTES_MAX];
};

/* outbox.c: an entry leaves pending.  The note of it is owed. */
void	es_outbox_sent(struct estate_outbox *, struct box_entry *);
void	es_outbox_set_aside(struct estate_outbox *, struct box_entry *, enum estate_box, const struct estate_fault *);
int64_t	es_outbox_now_ms(const struct estate_outbox *);
/* outbox.c: what a frame says, into the index.  False: it cannot be. */
bool	es_outbox_told(struct estate_outbox *, const struct frame_told *, uint64_t at);
/* outbox_tidy.c: write the file anew if more than half of it is dead. */
void	es_outbox_tidy(struct estate_outbox *);
/* Frames of one living entry into the fresh file; its new places into at[2]. */
int	es_outbox_carry_over(struct estate_outbox *, struct box_file *fresh, const struct box_entry *, uint64_t at[2]);

#endif
