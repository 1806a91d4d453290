/*
 * yamltext: what readers of configuration share (conf.c for plain lists of rules; calendar_read.c, roster_read.c, which have shapes of
 * their own): a document from text, its maps, and the first mistake with its line and the nearest right word.
 */
#ifndef YAMLTEXT_H
#define YAMLTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

struct yamltext {
	yaml_document_t doc;
	char mistake[256];	/* the first; empty: none */
};

/* Read it.  The root, or NULL with a sentence that begins with the line; `what` is "the calendar". */
yaml_node_t	*yamltext_load(struct yamltext *, const char *text, const char *what, char *why, size_t why_size);
void		 yamltext_free(struct yamltext *);

/* Remember the first mistake. */
void	yamltext_mistake(struct yamltext *, const yaml_node_t *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

yaml_node_t	*yamltext_node(struct yamltext *, int index);

/* The text of a node, lent; NULL and a mistake if it is none, is empty, or above 4096 bytes. */
const char	*yamltext_text(struct yamltext *, const yaml_node_t *, const char *what);

/* Walk a map: pair 0, 1 …; false behind the last, after a mistake, and if it is no map, which is one. */
bool	yamltext_pair(struct yamltext *, yaml_node_t *map, const char *what, unsigned i, yaml_node_t **key, const char **name, yaml_node_t **value);

/* Which of these names is it?  `count`, and a mistake with the nearest, if none. */
unsigned	yamltext_one_of(struct yamltext *, const yaml_node_t *, const char *name, const char *const *names, unsigned count, const char *what);

/* "mon-fri", "sat": marks those days of a week from Monday.  False after a mistake. */
bool	yamltext_weekdays(struct yamltext *, const yaml_node_t *, const char *name, bool days[7]);
extern const char *const yamltext_weekday_names[7];

/* "09:30": minutes, up to 24:00 = 1440.  Looks at five bytes at most. */
bool	yamltext_clock(const char *s, unsigned *minute);

/* "2026-02-15", or "02-15" of `year` if that is not 0.  Returns what stands behind, or NULL. */
const char	*yamltext_date(const char *s, unsigned year, int64_t *day);

#endif
