/*
 * query: one question to a worker, and what became of it.  The same live and in a rehearsal: a function of the state and of what was
 * asked.  It changes nothing, and looks at no more than QUERY_STEPS_MAX keys, so that reading goes on.
 */
#ifndef QUERY_H
#define QUERY_H

#include <msgpack.h>

#include "bounds.h"
#include "engine.h"

/* Containers of an answer inside each other; a mark is one more. */
#define QUERY_DEPTH_MAX		(ASK_ANSWER_DEPTH_MAX - 1u)

struct query {
	/* What is asked: the caller's. */
	struct mp question;		/* a map with name and arguments, well-formed */
	const char *asker, *page;	/* page "": from the beginning */
	/* Why there is no answer; code 0: there is one … */
	int code;
	char path[128], detail[256];
	/* … this one, a packed map, and how its next page is asked for, if there is one. */
	msgpack_sbuffer answer;
	char next[ASK_PAGE_BYTES_MAX + 1];
	/* Meanwhile. */
	msgpack_packer packer;
	struct {
		size_t at;		/* of its count */
		uint32_t count;
		bool map, row;
	} open[QUERY_DEPTH_MAX];
	unsigned depth;
	bool walking;			/* its rows are pages */
	int64_t limit;
	unsigned rows, steps;
};

/* Answer or refuse it, within a transaction that is given up afterwards; free it with query_free(). */
void	query_answer(struct worker *, struct query *);
void	query_free(struct query *);

/* query.c: the argument of that name. */
bool	query_argument(const struct query *, const char *name, struct mp *value);
/* reply.c: the answer's own map is opened, and everything closed. */
void	reply_begin(struct query *);
void	reply_close(struct query *);

#endif
