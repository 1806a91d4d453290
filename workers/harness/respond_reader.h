/* Reading the script: what respond_read.c (the file, its answers) and respond_parts.c (what stands in one value) share. */
#ifndef RESPOND_READER_H
#define RESPOND_READER_H

#include "nearest.h"
#include "respond_internal.h"

#define ANSWERS_MAX	128u
#define SHARES_MAX	64u
#define REST		UINT16_MAX	/* a share that is what the others leave */
#define MEANT		96

struct reader {
	struct respond *r;
	struct yamltext y;
	struct share {
		const char *name;
		uint16_t permille;
	} share[SHARES_MAX];
	unsigned shares;
	const struct trigger *on;	/* of the answer being read: what {field} may name */
};

/* A key and how its value is read; a table of them is what a map may hold. */
struct key {
	const char *name;
	void (*read)(struct reader *, yaml_node_t *, void *);
};
#define KEYS(t)	(unsigned)(sizeof(t) / sizeof(*(t)))

extern const struct key script_timing[];	/* from, after, within: into a struct timing */
#define TIMING_KEYS	3u

bool		 script_fine(const struct reader *);
const char	*script_copy(struct reader *, const char *, size_t len);
const char	*script_text(struct reader *, yaml_node_t *, const char *what);
/* Each value of a list, or the one value itself: the i-th, or NULL. */
yaml_node_t	*script_item(struct reader *, yaml_node_t *, unsigned i);
void		 script_map(struct reader *, yaml_node_t *map, const struct key *, unsigned count, const char *what, void *into);
/* "; did you mean …?", or nothing. */
const char	*script_meant(const struct nearest *, char room[MEANT]);

/* "25", "12.5": thousandths; and a share of the script, which may be a name, or REST. */
bool		 script_percent(const char *text, uint16_t *permille);
uint16_t	 script_share(struct reader *, yaml_node_t *);
/* Together at most a hundred; who says rest gets what is left. */
void		 script_settle(struct reader *, const yaml_node_t *, uint16_t *permille, unsigned stride, unsigned count);

/* TYPE [condition…] [@field]; of a question its name in the place of the type. */
void		 script_trigger(struct reader *, yaml_node_t *, struct trigger *, bool question, bool keyed);
const struct type	*script_type(struct reader *, yaml_node_t *, const char *name);
void		 script_references(struct reader *, yaml_node_t *, const char *text);
void		 script_data(struct reader *, yaml_node_t *, void *choice);
/* Does it have every field that its type needs? */
void		 script_complete(struct reader *, const yaml_node_t *, const struct choice *);

#endif
