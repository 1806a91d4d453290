/*
 * What the parts of `estate simulate` share: the same events through a worker's rehearsal twice, under A and under B, and how the two
 * lists of conclusions differ.  Only what every worker does is relied on: --rehearse, --config, --until, JSON Lines of CloudEvents.
 */
#ifndef SIMULATE_H
#define SIMULATE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arguments.h"
#include "buffer.h"

#define SIMULATE_WORKERS_MAX	8u

enum simulate_side { SIDE_A, SIDE_B, SIDES };

enum simulate_difference {
	DIFFERENCE_NONE,
	DIFFERENCE_ONLY,	/* the other side has nothing like it */
	DIFFERENCE_MOVED,	/* the other side has it at another instant, or with another due */
	DIFFERENCE_OTHER	/* the same instants, something else in it: another role … */
};

/* One derived event. */
struct conclusion {
	const char *id, *type, *rule, *object, *subject;	/* rule: "-" if it names none; object: the obligation, else the subject */
	int64_t time, due;					/* due: INT64_MIN if it names none */
	uint64_t hash;						/* of its whole line */
	struct conclusion *other;				/* its counterpart */
	enum simulate_difference difference;
};

struct conclusions {
	struct conclusion *items;
	size_t count, room;
};

/* Where the time of a pair, or of one that has no counterpart, is looked for: both ends belong to it. */
struct period {
	int64_t from, until;
};

/* A worker, rehearsed twice. */
struct simulation {
	const char *worker;
	char program[PATH_MAX];
	struct conclusions side[SIDES];
	bool complained;		/* it refused lines of the input, and said so */
};

struct simulate {
	struct common common;
	const char *config[SIDES];	/* NULL: what the log activates */
	const char *path;		/* NULL: the log */
	const char *respond;		/* a script of answers, or NULL */
	struct period period;
	bool has_until;
	uint64_t cases;			/* how many are shown to people */
	int input;			/* read anew through /proc/self/fd */
	uint64_t events;
	struct simulation workers[SIMULATE_WORKERS_MAX];
	unsigned count;
};

/* Find the program of a worker beside this one.  False after a sentence that says which there are. */
bool	simulate_find(struct simulation *);

/* Have the events to rehearse in s->input; for the log, `until` becomes what it has come to unless it was given.  0, or an exit status. */
int	simulate_input(struct simulate *);

/* Rehearse one worker under both configurations at once.  0, or an exit status after a sentence. */
int	simulate_run(struct simulate *, struct simulation *);

/* Read derived events, a line each.  False after a sentence if one is none. */
bool	conclusions_read(struct conclusions *, int fd);
void	conclusions_free(struct conclusions *);

/* Find each one's counterpart: by its id, and what is left by type, rule and object in the order of time. */
void	simulate_compare(struct simulation *);

/* Does it count: is it, or its counterpart, of the period? */
bool	simulate_within(const struct period *, const struct conclusion *);

/* How far it moved from A to B: its due if that differs, else its time.  The conclusion is A's. */
int64_t	simulate_move(const struct conclusion *);

/* For people, and for programs.  False: nothing was concluded in the period. */
bool	simulate_show(struct buffer *, struct simulate *, unsigned columns);
bool	simulate_show_json(struct buffer *, struct simulate *);

#endif
