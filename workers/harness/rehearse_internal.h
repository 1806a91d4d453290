/* A rehearsal's parts: rehearse.c reads the input, rehearse_loop.c lets time pass between its events, rehearse_ask.c asks. */
#ifndef REHEARSE_INTERNAL_H
#define REHEARSE_INTERNAL_H

#include <stdio.h>

#include "buffer.h"
#include "engine.h"
#include "jsonl.h"
#include "lines.h"
#include "rehearse.h"
#include "respond.h"
#include "seen.h"

/* A line without number, kept until all are read. */
struct waiting {
	int64_t when;
	size_t at;
	uint32_t len;
};

struct run {
	const struct worker_kind *kind;
	const struct rehearsal *o;
	const char *name;		/* of the input, for messages */
	struct worker worker;
	struct state *state;
	struct lines in;
	struct jsonl line;
	struct buffer out, kept;
	struct seen ids, inputs;	/* derived events; events without number */
	struct buffer arena;		/* packed events without number … */
	struct waiting *waiting;	/* … and where each is */
	size_t count, room;
	uint64_t input_seq, last_seq, in_batch, refused, twice;
	int64_t last_time, now;		/* of the line read last; of the event handed over last, or later */
	bool numbered, failed;
	struct respond *respond;	/* --respond: who answers, or NULL */
	FILE *log;			/* --log: all of it as a log would have it, or NULL */
	struct buffer log_out;
	bool began;			/* the first event has come */
};

/* ---- rehearse.c ---- */

/* One event into the engine.  False: stop. */
bool	rehearse_feed(struct run *, const struct stored *);
void	rehearse_flush(struct run *);

/* ---- rehearse_loop.c: with --respond or --log ---- */

/* Read the script, open the log.  0, or the exit status after a sentence. */
int	rehearse_open_loop(struct run *);
void	rehearse_log_flush(struct run *);

/* Do numbers belong to all events there are, and not only to those of the input? */
bool	rehearse_is_whole(const struct run *);

/* Let everything come that comes before an event with this log time: timers, and answers.  False: stop. */
bool	rehearse_until(struct run *, int64_t log_time);

/* An event of the input; what the worker concluded.  False: stop. */
bool	rehearse_arrived(struct run *, const struct stored *);
void	rehearse_derived(struct run *, const struct derived *);

/* ---- rehearse_ask.c ---- */

/* All pages of the answer to each --ask.  False: one was refused. */
bool	rehearse_ask(struct run *);

/* The rows of the answer to a question without arguments, to whoever asks for them in the script.  False after a sentence. */
bool	rehearse_rows(struct run *, const char *question, const void *asked);

#endif
