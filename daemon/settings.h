/*
 * settings: from YAML and the command line, every row declared once in settings.def.
 *
 * Unknown, repeated and ill-typed keys are refused with file, line and the nearest right word; nothing is overridden silently: what
 * the command line names replaces what the file says, and --check-config prints the outcome with where each value comes from.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"

#define SETTING_LIST_MAX	16u

struct settings {
#define TEXT_FIELD	char *
#define BYTES_FIELD	uint64_t
#define COUNT_FIELD	uint64_t
#define SPAN_FIELD	uint64_t		/* seconds */
#define LIST_FIELD	struct { char *items[SETTING_LIST_MAX]; unsigned count; }
#define SETTING(kind, name, change, def, min, max, unit, text)	kind##_FIELD name;
#include "settings.def"
#undef SETTING
};

struct settings	*settings_new(void);		/* all defaults */
void		 settings_free(struct settings *);

/* Read a YAML file.  0, or -1 with one sentence in `why`: FILE:LINE: what, and what would be right. */
int		 settings_read(struct settings *, const char *file, char *why, size_t why_len);

/* Set one from the command line; a list is emptied by its first call and added to by later ones. */
int		 settings_set(struct settings *, const char *name, const char *value, char *why, size_t why_len);

/* Begin `why`, a reason against the value of a setting, with FILE:LINE if a file gave it. */
void		 settings_blame(const struct settings *, const char *name, char *why, size_t why_len);

/* Has this text its default value? */
bool		 settings_is_default(const struct settings *, const char *name);

/*
 * Compare with what was read now: `tell` hears of each setting that differs, with both values as --check-config prints them and where
 * the new one stands.  Those that may change while the daemon runs are exchanged between the two, so that `now` has the old ones then;
 * pointers to the others stay good.  `tell` is called before that.
 */
typedef void settings_tell(void *arg, const char *name, bool applied, const char *before, const char *after, const char *origin);
void		 settings_exchange(struct settings *, struct settings *now, settings_tell *, void *arg);

enum log_level	 settings_log_level(const struct settings *);

/* What is in force and why, for --check-config. */
void		 settings_print(const struct settings *, FILE *);

/* The table as a Markdown document. */
void		 settings_document(FILE *);

#endif
