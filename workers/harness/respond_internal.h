/* The script of answers: what respond_read.c reads, respond.c follows and respond_event.c writes. */
#ifndef RESPOND_INTERNAL_H
#define RESPOND_INTERNAL_H

#include "generate/heap.h"
#include "generate/rng.h"
#include "respond.h"
#include "worker.h"
#include "yamltext.h"

#define RESPOND_BYTES_MAX	(256u << 10)	/* of a script */
#define CONDITIONS_MAX		8u
#define VALUES_MAX		16u
#define UNLESS_MAX		12u
#define CHOICES_MAX		16u
#define MEMBERS_MAX		16u

/* What a field must say. */
enum condition_how { IS_GIVEN, IS_MISSING, IS_ONE_OF, IS_NONE_OF };
struct condition {
	const char *field;		/* "subject" is the event's */
	enum condition_how how;
	const char *values[VALUES_MAX];	/* a star at the end: whatever follows */
	unsigned count;
};

struct trigger {
	const char *type;		/* of the catalogue, or of a question: then `known` is NULL */
	const struct type *known;
	struct condition condition[CONDITIONS_MAX];
	unsigned conditions;
	const char *same;		/* of `unless`: in which field both must agree, or "subject" */
};

/* When: so long after the event, or after an instant that a field tells; at an hour of the day. */
struct timing {
	const char *from;		/* NULL: the event */
	int64_t lo, hi;			/* nanoseconds; from + both included */
	bool has_window, today;		/* today: or not at all */
	unsigned opens, closes;		/* minutes of the day; opens < closes */
};

/* One of several texts, or the only one. */
struct pick {
	const char *text[VALUES_MAX];
	uint16_t permille[VALUES_MAX];
	unsigned count;
};

/* A field of the event that answers. */
struct member {
	const struct field *field;
	bool is_time;
	struct timing time;
	struct pick pick;
};

struct choice {
	uint16_t permille;
	const struct type *type;	/* NULL: nothing happens */
	const char *subject;		/* a text with {field}; NULL: that of what is answered */
	struct timing time;
	struct member member[MEMBERS_MAX];
	unsigned members;
};

struct answer {
	const char *name;
	struct trigger on;
	bool asks;			/* `on` is a question, asked … */
	unsigned minute;		/* … each day at this minute */
	struct trigger unless[UNLESS_MAX];
	unsigned unlesses;
	unsigned times;			/* so often for one subject; 0: always */
	struct timing time;
	struct choice choice[CHOICES_MAX];
	unsigned choices;
};

struct block {
	struct block *next;
	max_align_t data[];
};

/* Numbers by what they are about, in memory. */
struct marks {
	struct mark {
		uint64_t key[2], value;
	} *list;
	size_t count, room;
};

/* What is to come. */
struct planned {
	struct heap_key key;
	const struct answer *answer;
	uint8_t *bytes;			/* NULL: the question */
	size_t len;
	uint64_t about[UNLESS_MAX][2];	/* what would make it pointless … */
	uint64_t since;			/* … if it happened after this many events */
	unsigned chain;
};

struct respond {
	const char *path;
	uint64_t seed;
	struct answer **list;
	unsigned count;
	struct block *blocks;
	struct heap heap;
	struct marks times, past;	/* how often answered; when last happened what makes an answer pointless */
	uint64_t events, answers;
	unsigned chain;			/* of the answer taken last, while its own answers are planned */
	struct planned taken;
};

/* respond_read.c */
void	*respond_alloc(struct respond *, size_t);

/* respond.c: the number at a key, 0 at first; lent until the next call. */
uint64_t	*respond_mark(struct marks *, const uint64_t key[2]);

/* respond_event.c: the instant a timing comes to (INT64_MAX: none any more that day), and the event it answers with, whose memory becomes the caller's.  False after a sentence. */
int64_t	respond_when(const struct timing *, const struct event *, int64_t now, struct rng *);
bool	respond_pack(struct respond *, const struct answer *, const struct choice *, const struct event *, int64_t at, const uint64_t id[2], struct rng *,
	    uint8_t **bytes, size_t *len);

/* A field; of a map within the data as "appointment.state". */
bool	respond_field(const struct event *, const char *name, struct mp *value);

/* The text of a field, numbers and truth too; NULL if it is not there, is empty, or has none. */
const char	*respond_text(const struct event *, const char *name, char *room, size_t size);

#endif
