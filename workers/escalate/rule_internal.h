/* Reading rules: what rule_read.c, rule_trigger.c and rule_parts.c share. */
#ifndef RULE_INTERNAL_H
#define RULE_INTERNAL_H

#include "rule.h"
#include "yamltext.h"

struct block {
	struct block *next;
	max_align_t data[];
};

struct reader {
	struct yamltext y;
	struct rules *rules;
};

/* Memory of the rules, zeroed; and a copy of a text in it. */
void		*rules_alloc(struct rules *, size_t);
const char	*rules_copy(struct rules *, const char *, size_t);

/* What stands in one value.  After a mistake the result is of no use. */
void	read_triggers(struct reader *, yaml_node_t *, struct triggers *);
void	read_due(struct reader *, yaml_node_t *, struct rule *);
void	read_warn(struct reader *, yaml_node_t *, struct rule *);
unsigned	read_steps(struct reader *, yaml_node_t *, struct step *, unsigned max);
const char	*read_role(struct reader *, yaml_node_t *, bool handler);
int64_t	read_span(struct reader *, yaml_node_t *, const char *what);

/* May the field have that value?  Else a mistake is noted. */
void	read_value(struct reader *, yaml_node_t *, const struct field *, const char *value);
/* The next word, up to a blank; false at the end, or if it is too long. */
bool	read_word(const char **at, char *out, size_t size);

/* Each value of a list, or the one value itself: the i-th, or NULL. */
yaml_node_t	*read_item(struct reader *, yaml_node_t *, unsigned i);

#endif
