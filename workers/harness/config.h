/*
 * config: rules, calendars and the like.  Their text travels in the log (config.activated with digest and content), so that every
 * event is judged by what was in force at its number, in a rebuild and in a rehearsal too.  The files of --config only say what
 * should be in force; if that differs from what is, the harness emits the event, and the event, at its own number, changes it.
 *
 * DB_CONFIG  kind  ->  sequence number of the activation u64, digest (64 hex digits of SHA-256), content
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "engine.h"

#define CONFIG_KINDS_MAX	4u
#define CONFIG_BYTES_MAX	61440u		/* config.activated's content in the catalogue */
#define CONFIG_DIGEST_SIZE	65u

/* What --config DIR holds, in the order of worker_kind.configs. */
struct config_files {
	unsigned count;
	struct config_file {
		const char *kind;
		char *text;
		size_t len;
		char digest[CONFIG_DIGEST_SIZE];
	} files[CONFIG_KINDS_MAX];
};

/* Read the files and let the worker try them, so that a mistake is told before anything starts.  -1 with a sentence in `why`. */
int	config_read(struct config_files *, const struct worker_kind *, const char *folder, char *why, size_t why_size);
void	config_free(struct config_files *);

/* Put in force what the state remembers.  -1 with a sentence. */
int	config_load(struct worker *, char *why, size_t why_size);
/* Put these in force now and for good: a rehearsal under other rules. */
int	config_fix(struct worker *, const struct config_files *, char *why, size_t why_size);

/* What the state remembers, one after the other: begin with a kind of "". */
struct config_in_force {
	char kind[64];
	char digest[CONFIG_DIGEST_SIZE];
	uint64_t since;			/* the number of its activation */
	unsigned count;			/* so far, this one too */
};
bool	config_next(struct worker *, struct config_in_force *);

/* A config.activated of this worker, at its number.  False: refused, or the worker could not follow it; w->reason says why. */
bool	config_activated(struct worker *, const struct stored *, const struct event *, const struct cause *);
/* What config_fix() put in force begins with this event. */
void	config_begin(struct worker *, const struct cause *);

/* The events that would put these files in force, through the engine's end; none if they are.  Returns how many. */
unsigned	config_propose(struct worker *, const struct config_files *);

#endif
